import { sharedWigner3j } from '../o3/wigner.js'
import { expected } from '../runtime/errors.js'
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
  return referenceWithout(product, 2, [x1, x2])
}

/**
 * The same for any operand of F = <y, forward(x1, x2)>: what multiplies operand `target` (0 = x1, 1 = x2, 2 = y) at the two others,
 * given in their order.
 */
export function referenceWithout(
  product: Product,
  target: 0 | 1 | 2,
  others: readonly [ArrayLike<number>, ArrayLike<number>],
): Float64Array {
  const irreps = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut]
  const [first, second] = [0, 1, 2].filter((o) => o !== target)
  const batch =
    irreps[first].dim > 0 ? others[0].length / irreps[first].dim : others[1].length / (irreps[second].dim || 1)
  const starts = irreps.map((operand) => operand.slices())
  const out = new Float64Array(batch * irreps[target].dim)
  for (const path of product.paths) {
    const blocks = [path.in1, path.in2, path.out]
    const sizes = blocks.map((block, o) => irreps[o].at(block).ir.dim)
    const muls = blocks.map((block, o) => irreps[o].at(block).mul)
    const coefficients = [...sharedWigner3j(path.l1, path.l2, path.l3).entries()].filter(([, value]) => value !== 0)
    const terms = coefficients.map(([at, value]) => ({
      component: [Math.floor(at / (sizes[1] * sizes[2])), Math.floor(at / sizes[2]) % sizes[1], at % sizes[2]],
      value: path.coefficient * value,
    }))
    const channels = listChannels(product.channels, muls)
    for (let sample = 0; sample < batch; sample++) {
      const start = blocks.map((block, o) => sample * irreps[o].dim + starts[o][block].start)
      for (const channel of channels) {
        const at = start.map((offset, o) => offset + channel[o] * sizes[o])
        for (const { component, value } of terms) {
          const a = others[0][at[first] + component[first]]
          const b = others[1][at[second] + component[second]]
          out[at[target] + component[target]] += value * a * b
        }
      }
    }
  }
  return out
}

/** Channels of in1, in2 and out that are coupled. */
export function listChannels(how: Product['channels'], [mul1, mul2, mul3]: readonly number[]): number[][] {
  if (how === 'mixed') throw expected('a product without modes (referenceEvaluate takes those)', 'product', how)
  if (how === 'each') return Array.from({ length: Math.min(mul1, mul2, mul3) }, (_, u) => [u, u, u])
  return Array.from({ length: mul1 * mul2 }, (_, n) => [Math.floor(n / mul2), n % mul2, n])
}
