import type { Irrep, Irreps } from '../o3/irreps.js'
import type { Path } from './path.js'
import type { Side, Triple } from './plan.js'

/** The irreps of one operand that take part in a product, each once, and where each starts on the fiber. */
export interface FiberBlock {
  ir: Irrep
  row: number
}

/** How lanes map to the channels of a side's blocks; see Side. */
export interface Channels {
  divide: number
  modulo: number
}

const ENDS = ['in1', 'in2', 'out'] as const

/** Indices of the blocks of each operand that some path uses. */
export function usedBlocks(paths: readonly Path[]): Triple<number[]> {
  const used = ENDS.map((end) => [...new Set(paths.map((path) => path[end]))].sort((a, b) => a - b))
  return used as Triple<number[]>
}

/** The distinct irreps among some blocks, in order of degree, then even before odd. */
export function distinctIrreps(irreps: Irreps, blocks: readonly number[]): Irrep[] {
  const distinct = new Map(blocks.map((b) => [irreps.at(b).ir.toString(), irreps.at(b).ir]))
  return [...distinct.values()].sort((a, b) => a.l - b.l || b.p - a.p)
}

/** A side whose component m of block b lies on fiber row rowOf(b, m). */
export function makeSide(
  irreps: Irreps,
  blocks: readonly number[],
  fiber: number,
  rowOf: (block: number, m: number) => number,
  channels: Channels,
): Side {
  const slices = irreps.slices()
  const side: Side = { fiber, ...channels, blocks: [], rows: [] }
  for (const b of blocks) {
    const { mul, ir } = irreps.at(b)
    side.blocks.push({ offset: slices[b].start, channels: mul, size: ir.dim })
    for (let m = -ir.l; m <= ir.l; m++) side.rows.push(rowOf(b, m))
  }
  return side
}

/** Each irrep's components on consecutive rows, m = -l..l, one irrep after another. */
export function stack(irreps: readonly Irrep[]): { fiber: number; start: Map<string, number> } {
  const start = new Map<string, number>()
  let fiber = 0
  for (const ir of irreps) {
    start.set(ir.toString(), fiber)
    fiber += ir.dim
  }
  return { fiber, start }
}

/** Channel u of in1 with channel u of in2 into channel u of out: the widest output block says how many there are. */
export function channelwise(out: Irreps): Channels {
  return { divide: 1, modulo: Math.max(1, ...[...out].map(({ mul }) => mul)) }
}
