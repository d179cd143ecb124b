import { gauntCoefficients } from '../o3/gaunt.js'
import type { Irreps } from '../o3/irreps.js'
import type { GridContraction } from './grid-contraction.js'
import type { ContractionArrays } from './symmetric-reference.js'

/** Arrays as GridContraction has them, of any number type. */
export type GridContractionArrays = Omit<ContractionArrays, 'gradOut'> & Partial<Pick<ContractionArrays, 'gradOut'>>

/**
 * A grid contraction in float64 by Gaunt coefficients, every product kept to its full degree, and the gradients of L = <gradOut, out>: it
 * goes through no points. With g the function whose coefficients are v gradOut, those of L by f_k are the coefficients of
 *
 *     sum over n >= k of  g f_1 ... f_(k-1) f_(k+1) ... f_n
 *
 * @returns out [nodes, irrepsOut.dim], x and weight: the gradients in their shapes, zero without gradOut
 */
export function referenceGridContraction(
  contraction: GridContraction,
  { x, elements, weight, gradOut }: GridContractionArrays,
): { out: Float64Array; x: Float64Array; weight: Float64Array } {
  const { irrepsIn, irrepsOut, channels, correlation, weightParts } = contraction
  const nodes = elements.length
  const out = new Float64Array(nodes * irrepsOut.dim)
  const gradX = new Float64Array(x.length)
  const gradWeight = new Float64Array(weight.length)
  const count = Array.from({ length: correlation }, (_, n) => n)
  for (let lane = 0; lane < nodes * channels; lane++) {
    const [node, channel] = [Math.floor(lane / channels), lane % channels]
    const from = componentsOf(irrepsIn, node, channel)
    const to = componentsOf(irrepsOut, node, channel)
    const weightAt = (part: number, block: number): number => {
      const { offset, shape } = weightParts[part]
      return offset + (elements[node] * shape[1] + block) * channels + channel
    }
    const factors = count.map((n) => {
      const f = new Float64Array((irrepsIn.lmax + 1) ** 2)
      for (const { block, at, place } of from) f[at] += weight[weightAt(n, block)] * x[place]
      return f
    })
    const g = new Float64Array((irrepsOut.lmax + 1) ** 2)
    let product = Float64Array.of(1)
    for (const f of factors) {
      product = multiply(product, f)
      for (const { block, at, place } of to) {
        const w = weightAt(correlation, block)
        out[place] += weight[w] * (product[at] ?? 0)
        gradWeight[w] += (gradOut?.[place] ?? 0) * (product[at] ?? 0)
      }
    }
    if (!gradOut) continue
    for (const { block, at, place } of to) g[at] += weight[weightAt(correlation, block)] * gradOut[place]
    for (const left of count) {
      const slope = new Float64Array((irrepsIn.lmax + 1) ** 2)
      let others = g
      for (const n of count) {
        if (n !== left) others = multiply(others, factors[n])
        if (n >= left) for (let at = 0; at < slope.length; at++) slope[at] += others[at] ?? 0
      }
      for (const { block, at, place } of from) {
        const w = weightAt(left, block)
        gradX[place] += weight[w] * slope[at]
        gradWeight[w] += x[place] * slope[at]
      }
    }
  }
  return { out, x: gradX, weight: gradWeight }
}

/** Of every component of one channel of a node: its block, its number l^2 + m among harmonics, and where it stands. */
function componentsOf(irreps: Irreps, node: number, channel: number): { block: number; at: number; place: number }[] {
  const slices = irreps.slices()
  return [...irreps].flatMap(({ ir: { l, dim } }, block) => {
    const start = node * irreps.dim + slices[block].start + channel * dim
    return Array.from({ length: dim }, (_, m) => ({ block, at: l ** 2 + m, place: start + m }))
  })
}

/** Coefficients of a product of two functions in harmonics of normalization `component`, sqrt(4 pi) times orthonormal ones. */
function multiply(f: Float64Array<ArrayBuffer>, g: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const [lf, lg] = [f, g].map(({ length }) => Math.sqrt(length) - 1)
  const product = new Float64Array((lf + lg + 1) ** 2)
  for (let l1 = 0; l1 <= lf; l1++) {
    for (let l2 = 0; l2 <= lg; l2++) {
      for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3++) {
        gauntCoefficients(l1, l2, l3).forEach((value, n) => {
          const i = Math.floor(n / ((2 * l2 + 1) * (2 * l3 + 1)))
          const j = Math.floor(n / (2 * l3 + 1)) % (2 * l2 + 1)
          const k = n % (2 * l3 + 1)
          product[l3 ** 2 + k] += Math.sqrt(4 * Math.PI) * value * f[l1 ** 2 + i] * g[l2 ** 2 + j]
        })
      }
    }
  }
  return product
}
