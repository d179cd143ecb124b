import type { Irreps } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'
import { CONNECTIONS, countWeights, listPairs, type WeightedPath } from './instruction.js'

/** What the definition of a learnable product takes. */
export interface WeightedDefinition {
  irrepsIn1: Irreps
  irrepsIn2: Irreps
  irrepsOut: Irreps
  paths: readonly WeightedPath[]
  weightNumel: number
  /** One row of weights for all samples, or one for each. */
  sharedWeights: boolean
}

/** [batch, dim] each, weights [weightNumel] where they are shared. */
export type ReferenceOperands = readonly [
  x1: ArrayLike<number>,
  x2: ArrayLike<number>,
  y: ArrayLike<number>,
  weight: ArrayLike<number>,
]

/**
 * A learnable product in float64, straight from its definition, with operand `target` left out of
 *
 *     F(x1, x2, y, w) = sum over samples, paths, (u, v, w), i, j, k  of
 *                       W[u, v, w] * coefficient * wigner3j[i, j, k] * x1[u, i] * x2[v, j] * y[w, k]
 *
 * so that `target` 2 is the forward pass and any other a gradient of <y, out>. What `operands[target]` holds is not read. Slow,
 * and independent of every plan and kernel.
 */
export function referenceEvaluate(
  product: WeightedDefinition,
  target: 0 | 1 | 2 | 3,
  operands: ReferenceOperands,
  batch: number,
): Float64Array {
  const { weightNumel, sharedWeights } = product
  const irreps = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut] as const
  const stride = [...irreps.map(({ dim }) => dim), sharedWeights ? 0 : weightNumel]
  const starts = irreps.map((operand) => operand.slices())
  const rows = target === 3 && sharedWeights ? 1 : batch
  const result = new Float64Array(rows * (target === 3 ? weightNumel : stride[target]))
  const values = operands.map((operand, o) => (o === target ? [] : operand))
  for (const path of product.paths) {
    // Without weights a path does not depend on them.
    if (target === 3 && !path.hasWeight) continue
    const blocks = [irreps[0].at(path.in1), irreps[1].at(path.in2), irreps[2].at(path.out)] as const
    const first = [path.in1, path.in2, path.out].map((block, o) => starts[o][block].start)
    const size = blocks.map(({ ir }) => ir.dim)
    const terms = [...sharedWigner3j(path.l1, path.l2, path.l3).entries()].filter(([, value]) => value !== 0)
    const components = terms.map(([at]) => [
      Math.floor(at / (size[1] * size[2])),
      Math.floor(at / size[2]) % size[1],
      at % size[2],
      0,
    ])
    const channels = [...channelsOf(path, blocks[0].mul, blocks[1].mul, blocks[2].mul)]
    const others = [0, 1, 2, 3].filter((o) => o !== target && (o < 3 || path.hasWeight))
    const at = [0, 0, 0, 0]
    for (let sample = 0; sample < batch; sample++) {
      for (const [u, v, w, weight] of channels) {
        at[0] = sample * stride[0] + first[0] + u * size[0]
        at[1] = sample * stride[1] + first[1] + v * size[1]
        at[2] = sample * stride[2] + first[2] + w * size[2]
        at[3] = sample * stride[3] + path.weightOffset + weight
        for (let n = 0; n < terms.length; n++) {
          let product = path.coefficient * terms[n][1]
          for (const o of others) product *= values[o][at[o] + components[n][o]]
          result[at[target] + components[n][target]] += product
        }
      }
    }
  }
  return result
}

/** Every (u, v, w) that a path couples, and the number of its weight within the path. */
export function* channelsOf(
  path: WeightedPath,
  m1: number,
  m2: number,
  m3: number,
): Generator<[u: number, v: number, w: number, weight: number]> {
  const connection = CONNECTIONS[path.mode]
  let pair = 0
  for (const [u, v] of listPairs(connection, m1, m2)) {
    if (connection.out === 'every') {
      for (let w = 0; w < m3; w++) yield [u, v, w, pair * m3 + w]
    } else {
      yield [u, v, { first: u, second: v, pair }[connection.out], pair]
    }
    pair++
  }
}

/** The length of the weight vector of some paths. */
export function countAllWeights(paths: readonly WeightedPath[]): number {
  return paths.reduce((sum, { hasWeight, shape }) => sum + (hasWeight ? countWeights(shape) : 0), 0)
}
