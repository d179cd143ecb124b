import type { Irreps } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'
import { dimensions } from './coupling.js'
import { CONNECTIONS, type Connection, countPairs, type WeightedPath } from './instruction.js'
import type { Block, Group, MixedForm, MixedPath, Plan, Side, Triple } from './plan.js'

/**
 * Learnable products as a plan. Modes that mix no channels have a lane for every channel u (or v, whichever are more) of every
 * sample; the channels of the other operand are enumerated within the lane. The rest have a lane for every sample, and all of
 * its channels within the lane.
 */
export function mixedPlan(
  irreps: Triple<Irreps>,
  paths: readonly WeightedPath[],
  weights?: { numel: number; shared: boolean },
): Plan {
  const groups = new Map<string, { lanes: Lanes; channels: number; paths: WeightedPath[] }>()
  for (const path of paths) {
    const [m1, m2, m3] = multiplicities(irreps, path)
    if (m1 * m2 * m3 === 0) continue
    const lanes = lanesOf(path, m1, m2)
    const channels = lanes === 'sample' ? 1 : lanes === 'second' ? m2 : m1
    const key = `${lanes},${channels}`
    const group = groups.get(key)
    if (group) group.paths.push(path)
    else groups.set(key, { lanes, channels, paths: [path] })
  }
  return {
    dims: dimensions(irreps),
    weights,
    groups: [...groups.values()].map(({ lanes, channels, paths }) => makeGroup(irreps, lanes, channels, paths)),
  }
}

/** What a lane is: a sample, or channel u of both operands, of the first or of the second. */
type Lanes = 'sample' | 'both' | 'first' | 'second'

function lanesOf({ mode }: WeightedPath, m1: number, m2: number): Lanes {
  const { pairs, out } = CONNECTIONS[mode]
  if (out === 'every' || pairs === 'upper') return 'sample'
  if (pairs === 'same') return m1 === 1 ? 'sample' : 'both'
  const lanes = out === 'pair' ? (m1 >= m2 ? 'first' : 'second') : out
  return (lanes === 'first' ? m1 : m2) === 1 ? 'sample' : lanes
}

function multiplicities(irreps: Triple<Irreps>, path: WeightedPath): Triple<number> {
  return [irreps[0].at(path.in1).mul, irreps[1].at(path.in2).mul, irreps[2].at(path.out).mul]
}

/** Gathers the blocks of one operand, each once, and where they start on the fiber. */
export class SideBuilder {
  readonly side: Side
  readonly #rows = new Map<string, number>()

  constructor(modulo: number) {
    this.side = { fiber: 0, divide: 1, modulo, blocks: [], rows: [] }
  }

  /** The first fiber row of some blocks, which lie there one after another. */
  add(blocks: readonly Block[]): number {
    const key = JSON.stringify(blocks)
    const known = this.#rows.get(key)
    if (known !== undefined) return known
    const first = this.side.fiber
    this.#rows.set(key, first)
    for (const block of blocks) {
      this.side.blocks.push(block)
      for (let n = 0; n < block.size; n++) this.side.rows.push(this.side.fiber++)
    }
    return first
  }
}

/** The tables of coefficients that the paths of a group share. */
class Tables {
  readonly list: MixedForm['tables'] = []
  readonly #numbers = new Map<string, number>()

  add(l: Triple<number>): number {
    const key = l.join()
    const number = this.#numbers.get(key) ?? this.list.length
    if (number === this.list.length) {
      this.#numbers.set(key, number)
      this.list.push({ size: l.map((degree) => 2 * degree + 1) as Triple<number>, values: sharedWigner3j(...l) })
    }
    return number
  }
}

function makeGroup(irreps: Triple<Irreps>, lanes: Lanes, channels: number, paths: readonly WeightedPath[]): Group {
  const builder = (moves: boolean) => new SideBuilder(moves ? channels : 1)
  const [x1, x2, y, weights] = [builder(lanes !== 'second'), builder(lanes !== 'first'), builder(true), builder(true)]
  const tables = new Tables()
  const mixedPaths = paths.map((path): MixedPath => {
    const cut = cutPath(irreps, path, lanes)
    return {
      row: [x1.add(cut.blocks[0]), x2.add(cut.blocks[1]), y.add(cut.blocks[2])],
      count: cut.count,
      ...CONNECTIONS[path.mode],
      weight: path.hasWeight ? weights.add(cut.weights) : -1,
      table: tables.add([path.l1, path.l2, path.l3]),
      coefficient: path.coefficient,
    }
  })
  return {
    channels,
    sides: [x1.side, x2.side, y.side],
    form: { kind: 'mixed', weights: weights.side, tables: tables.list, paths: mixedPaths },
  }
}

/** What a lane sees of a path: its blocks, and how many channels of each operand they hold. */
interface Cut {
  blocks: Triple<Block[]>
  weights: Block[]
  count: Triple<number>
}

function cutPath(irreps: Triple<Irreps>, path: WeightedPath, lanes: Lanes): Cut {
  const [m1, m2, m3] = multiplicities(irreps, path)
  const [d1, d2, d3] = [2 * path.l1 + 1, 2 * path.l2 + 1, 2 * path.l3 + 1]
  const [x1, x2, y] = [path.in1, path.in2, path.out].map((block, o) => irreps[o].slices()[block].start)
  const w = path.weightOffset
  const one = (offset: number, channels: number, size: number): Block[] => [{ offset, channels, size }]
  const connection: Connection = CONNECTIONS[path.mode]
  switch (lanes) {
    case 'sample': {
      const numel = countPairs(connection, m1, m2) * (connection.out === 'every' ? m3 : 1)
      const blocks: Triple<Block[]> = [one(x1, 1, m1 * d1), one(x2, 1, m2 * d2), one(y, 1, m3 * d3)]
      return { blocks, weights: one(w, 1, numel), count: [m1, m2, m3] }
    }
    case 'both':
      return { blocks: [one(x1, m1, d1), one(x2, m1, d2), one(y, m1, d3)], weights: one(w, m1, 1), count: [1, 1, 1] }
    case 'first': {
      const inLane = m3 / m1 // channels v of out
      const blocks: Triple<Block[]> = [one(x1, m1, d1), one(x2, 1, m2 * d2), one(y, m1, inLane * d3)]
      return { blocks, weights: one(w, m1, m2), count: [1, m2, inLane] }
    }
    case 'second': {
      // Channel (u, v) of weights and of out is number u * m2 + v: a block for each u.
      const inLane = m3 / m2
      const rows = (offset: number, count: number, size: number): Block[] =>
        Array.from({ length: count }, (_, u) => ({ offset: offset + u * m2 * size, channels: m2, size }))
      const blocks: Triple<Block[]> = [one(x1, 1, m1 * d1), one(x2, m2, d2), rows(y, inLane, d3)]
      return { blocks, weights: rows(w, m1, 1), count: [m1, 1, inLane] }
    }
  }
}

/** Block `in` of the input into block `out`, every channel into every other by a weight: the same irrep in both. */
export interface LinearPath {
  readonly in: number
  readonly out: number
  readonly coefficient: number
  /** [channels of in, channels of out], row-major from `weightOffset` on in the weight vector. */
  readonly shape: readonly [number, number]
  readonly weightOffset: number
}

/** y[w, k] = sum over paths, u of W[u, w] * coefficient * x[u, k]: a product whose second factor is the constant 1. */
export function linearPlan(
  irrepsIn: Irreps,
  irrepsOut: Irreps,
  paths: readonly LinearPath[],
  weights: { numel: number; shared: boolean },
): Plan {
  const [x, y, w] = [new SideBuilder(1), new SideBuilder(1), new SideBuilder(1)]
  const slices = [irrepsIn.slices(), irrepsOut.slices()]
  const degrees = [...new Set(paths.map((path) => irrepsIn.at(path.in).ir.l))]
  const mixedPaths = paths
    .filter(({ shape }) => shape[0] * shape[1] > 0)
    .map((path): MixedPath => {
      const [m1, m3] = path.shape
      const { l, dim } = irrepsIn.at(path.in).ir
      return {
        row: [
          x.add([{ offset: slices[0][path.in].start, channels: 1, size: m1 * dim }]),
          -1,
          y.add([{ offset: slices[1][path.out].start, channels: 1, size: m3 * dim }]),
        ],
        count: [m1, 1, m3],
        pairs: 'all',
        out: 'every',
        weight: w.add([{ offset: path.weightOffset, channels: 1, size: m1 * m3 }]),
        table: degrees.indexOf(l),
        coefficient: path.coefficient,
      }
    })
  const tables = degrees.map((l) => identityTable(2 * l + 1))
  return oneGroup([irrepsIn.dim, 0, irrepsOut.dim], weights, [x.side, new SideBuilder(1).side, y.side], {
    kind: 'mixed',
    weights: w.side,
    tables,
    paths: mixedPaths,
  })
}

/** y[k] = b[k] for the given blocks of y, whose biases follow one another: both factors are the constant 1. */
export function biasPlan(irreps: Irreps, blocks: readonly number[], weights: { numel: number; shared: boolean }): Plan {
  const [y, b] = [new SideBuilder(1), new SideBuilder(1)]
  let offset = 0
  const paths = blocks.map((block): MixedPath => {
    const { dim } = irreps.at(block)
    const path: MixedPath = {
      row: [-1, -1, y.add([{ offset: irreps.slices()[block].start, channels: 1, size: dim }])],
      count: [1, 1, dim],
      pairs: 'all',
      out: 'every',
      weight: b.add([{ offset, channels: 1, size: dim }]),
      table: 0,
      coefficient: 1,
    }
    offset += dim
    return path
  })
  const none = new SideBuilder(1).side
  const form: MixedForm = { kind: 'mixed', weights: b.side, tables: [identityTable(1)], paths }
  return oneGroup([0, 0, irreps.dim], weights, [none, none, y.side], form)
}

export function identityTable(dim: number): MixedForm['tables'][number] {
  const values = new Float64Array(dim * dim)
  for (let i = 0; i < dim; i++) values[i * (dim + 1)] = 1
  return { size: [dim, 1, dim], values }
}

function oneGroup(dims: Triple<number>, weights: Plan['weights'], sides: Triple<Side>, form: MixedForm): Plan {
  return { dims, weights, groups: form.paths.length > 0 ? [{ channels: 1, sides, form }] : [] }
}
