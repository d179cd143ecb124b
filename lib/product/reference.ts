import { sharedWigner3j } from '../o3/wigner.js'
import type { Product } from './product.js'

/**
 * A product's forward pass in float64, straight from the definition: every path's coefficient times wigner3j, channel by
 * channel. Slow and independent of every plan and kernel; what `gauntlet selftest` compares with.
 *
 * @param x1 [batch, irrepsIn1.dim]
 * @param x2 [batch, irrepsIn2.dim]
 * @returns [batch, irrepsOut.dim]
 */
export function referenceForward(product: Product, x1: ArrayLike<number>, x2: ArrayLike<number>): Float64Array {
  const { irrepsIn1, irrepsIn2, irrepsOut } = product
  const batch = irrepsIn1.dim > 0 ? x1.length / irrepsIn1.dim : x2.length / irrepsIn2.dim
  const starts = [irrepsIn1, irrepsIn2, irrepsOut].map((irreps) => irreps.slices())
  const out = new Float64Array(batch * irrepsOut.dim)
  for (const path of product.paths) {
    const [a, b, c] = [irrepsIn1.at(path.in1), irrepsIn2.at(path.in2), irrepsOut.at(path.out)]
    const coefficients = [...sharedWigner3j(path.l1, path.l2, path.l3).entries()].filter(([, value]) => value !== 0)
    const pairs: [number, number, number][] = []
    if (product.channels === 'outer') {
      for (let u = 0; u < a.mul; u++) for (let v = 0; v < b.mul; v++) pairs.push([u, v, u * b.mul + v])
    } else {
      for (let u = 0; u < Math.min(a.mul, b.mul, c.mul); u++) pairs.push([u, u, u])
    }
    for (let sample = 0; sample < batch; sample++) {
      for (const [u, v, w] of pairs) {
        const at1 = sample * irrepsIn1.dim + starts[0][path.in1].start + u * a.ir.dim
        const at2 = sample * irrepsIn2.dim + starts[1][path.in2].start + v * b.ir.dim
        const at3 = sample * irrepsOut.dim + starts[2][path.out].start + w * c.ir.dim
        for (const [at, value] of coefficients) {
          const i = Math.floor(at / (b.ir.dim * c.ir.dim))
          const j = Math.floor(at / c.ir.dim) % b.ir.dim
          out[at3 + (at % c.ir.dim)] += path.coefficient * value * x1[at1 + i] * x2[at2 + j]
        }
      }
    }
  }
  return out
}
