import type { Irreps } from '../o3/irreps.js'
import { CONNECTIONS } from './instruction.js'
import { identityTable, SideBuilder } from './mixed.js'
import type { Group, MixedPath, Plan, Triple } from './plan.js'

/** What weights can scale, in the order of a product's operands. */
export const SCALED = ['x1', 'x2', 'out'] as const
export type ScaledOperand = (typeof SCALED)[number]

/** The weights of one operand within the weight vector: a number for every block, or for every channel of every block. */
export interface OperandWeightPart {
  readonly operand: ScaledOperand
  readonly offset: number
  readonly length: number
}

/** Weights that scale operands of a product before it multiplies, or its result. */
export interface OperandWeights {
  /** What has a weight of its own. */
  each: 'block' | 'channel'
  /** One weight vector for all samples, or one for each. */
  shared: boolean
  numel: number
  parts: readonly OperandWeightPart[]
}

/** The weights of some operands, one after another. */
export function layOutWeights(
  each: OperandWeights['each'],
  operands: readonly ScaledOperand[],
  irreps: Triple<Irreps>,
): OperandWeightPart[] {
  let offset = 0
  return operands.map((operand) => {
    const { length: blocks, count } = irreps[SCALED.indexOf(operand)]
    const length = each === 'block' ? blocks : count
    const part = Object.freeze({ operand, offset, length })
    offset += length
    return part
  })
}

/** y[b, u, k] = w[b, u] * x[b, u, k] for every block b: the weights are [channels of all blocks] from `offset` on. */
export function scalePlan(irreps: Irreps, offset: number, weights: { numel: number; shared: boolean }): Plan {
  const slices = irreps.slices()
  let weight = offset
  const blocks = [...irreps].map(({ mul, ir }, b) => {
    const block = { mul, size: ir.dim, offset: slices[b].start, weight }
    weight += mul
    return block
  })
  const groups = byMultiplicity(blocks).map(([mul, together]): Group => {
    const [x, none, y, w] = [mul, 1, mul, mul].map((modulo) => new SideBuilder(modulo))
    const sizes = [...new Set(together.map(({ size }) => size))]
    const paths = together.map((block): MixedPath => {
      const numbers = [{ offset: block.offset, channels: mul, size: block.size }]
      return {
        row: [x.add(numbers), -1, y.add(numbers)],
        count: [1, 1, 1],
        ...CONNECTIONS.uuu,
        weight: w.add([{ offset: block.weight, channels: mul, size: 1 }]),
        table: sizes.indexOf(block.size),
        coefficient: 1,
      }
    })
    const tables = sizes.map((size) => identityTable(size))
    return {
      channels: mul,
      sides: [x.side, none.side, y.side],
      form: { kind: 'mixed', weights: w.side, tables, paths },
    }
  })
  return { dims: [irreps.dim, 0, irreps.dim], weights, groups }
}

/** y[b, u] = x[b]: a number for every block of some irreps into one for every channel. */
export function spreadPlan(multiplicities: readonly number[]): Plan {
  let offset = 0
  const blocks = multiplicities.map((mul, b) => {
    const block = { mul, from: b, to: offset }
    offset += mul
    return block
  })
  const groups = byMultiplicity(blocks).map(([mul, together]): Group => {
    const [x, none, y] = [1, 1, mul].map((modulo) => new SideBuilder(modulo))
    const paths = together.map((block): MixedPath => {
      return {
        row: [
          x.add([{ offset: block.from, channels: 1, size: 1 }]),
          -1,
          y.add([{ offset: block.to, channels: mul, size: 1 }]),
        ],
        count: [1, 1, 1],
        ...CONNECTIONS.uuu,
        weight: -1,
        table: 0,
        coefficient: 1,
      }
    })
    return {
      channels: mul,
      sides: [x.side, none.side, y.side],
      form: { kind: 'mixed', weights: new SideBuilder(mul).side, tables: [identityTable(1)], paths },
    }
  })
  return { dims: [multiplicities.length, 0, offset], groups }
}

/** Blocks whose channels can be lanes of one group. */
function byMultiplicity<Block extends { mul: number }>(blocks: readonly Block[]): [mul: number, Block[]][] {
  const groups = new Map<number, Block[]>()
  for (const block of blocks) {
    if (block.mul > 0) groups.set(block.mul, [...(groups.get(block.mul) ?? []), block])
  }
  return [...groups]
}
