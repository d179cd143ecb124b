import type { Irrep, Irreps } from '../o3/irreps.js'
import type { Product } from '../product/index.js'
import type { WeightedPath } from '../product/instruction.js'
import { listChannels } from '../product/reference.js'
import { channelsOf } from '../product/weighted-reference.js'

/** What of a product says which map it is; every Product has it. */
export type ProductStructure = Pick<
  Product,
  'irrepsIn1' | 'irrepsIn2' | 'irrepsOut' | 'paths' | 'channels' | 'weightNumel'
>

/** One term of a product: coefficient * wigner3j * x1[u] * x2[v] (* weight) into out[w]. */
export interface CoupledChannels {
  /** Channels u, v and w, each counted over all blocks of its irrep. */
  channels: readonly [u: number, v: number, w: number]
  coefficient: number
  /** Place of its weight in the weight vector; none where it takes no weight. */
  weight?: number
}

/** Names a triple of irreps: `1o x 1o -> 1e`. */
export function tripleName(in1: Irrep, in2: Irrep, out: Irrep): string {
  return `${in1.toString()} x ${in2.toString()} -> ${out.toString()}`
}

/** The terms of a product by the triple of irreps that they couple (`tripleName`). */
export function coupledChannels(product: ProductStructure): Map<string, CoupledChannels[]> {
  const { irrepsIn1, irrepsIn2, irrepsOut, channels } = product
  const operands = [irrepsIn1, irrepsIn2, irrepsOut]
  const first = operands.map(firstChannels)
  const found = new Map<string, CoupledChannels[]>()
  for (const path of product.paths) {
    if (path.coefficient === 0) continue
    const at = [path.in1, path.in2, path.out]
    const blocks = operands.map((irreps, o) => irreps.at(at[o]))
    const muls = blocks.map(({ mul }) => mul) as [number, number, number]
    const name = tripleName(blocks[0].ir, blocks[1].ir, blocks[2].ir)
    const terms = found.get(name) ?? []
    found.set(name, terms)
    const weighted = channels === 'mixed' ? (path as WeightedPath) : undefined
    for (const [u, v, w, weight] of weighted ? channelsOf(weighted, ...muls) : listChannels(channels, muls)) {
      terms.push({
        channels: [first[0][path.in1] + u, first[1][path.in2] + v, first[2][path.out] + w],
        coefficient: path.coefficient,
        ...(weighted?.hasWeight && { weight: weighted.weightOffset + weight }),
      })
    }
  }
  return found
}

/** For every block, how many channels of its irrep there are in the blocks before it. */
function firstChannels(irreps: Irreps): number[] {
  const before = new Map<string, number>()
  return [...irreps].map(({ mul, ir }) => {
    const first = before.get(ir.toString()) ?? 0
    before.set(ir.toString(), first + mul)
    return first
  })
}
