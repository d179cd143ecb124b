import type { Irreps } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'
import { type Channels, channelwise, distinctIrreps, makeSide, stack, usedBlocks } from './fiber.js'
import type { Path } from './path.js'
import type { DenseForm, Group, Plan, Side, SparseForm, Triple } from './plan.js'

/** One (l1, l2, l3) coupling between stretches of three fibers. */
interface Coupling {
  row: Triple<number>
  l: Triple<number>
  coefficient: number
}

function sparseForm(couplings: readonly Coupling[]): SparseForm {
  const form: SparseForm = { kind: 'sparse', index: [[], [], []], coefficient: [] }
  for (const { row, l, coefficient } of couplings) {
    const [d2, d3] = [2 * l[1] + 1, 2 * l[2] + 1]
    for (const [at, value] of sharedWigner3j(...l).entries()) {
      if (value === 0) continue
      form.index[0].push(row[0] + Math.floor(at / (d2 * d3)))
      form.index[1].push(row[1] + (Math.floor(at / d3) % d2))
      form.index[2].push(row[2] + (at % d3))
      form.coefficient.push(coefficient * value)
    }
  }
  return form
}

function denseForm(couplings: readonly Coupling[]): DenseForm {
  const form: DenseForm = { kind: 'dense', paths: [], coefficient: [] }
  for (const { row, l, coefficient } of couplings) {
    form.paths.push({ row, size: l.map((degree) => 2 * degree + 1) as Triple<number> })
    for (const value of sharedWigner3j(...l)) form.coefficient.push(coefficient * value)
  }
  return form
}

const makeForm = { sparse: sparseForm, dense: denseForm }

/**
 * Channel u with channel u by tables of coefficients, every irrep of an operand taken as a whole: blocks of the same irrep
 * share fiber rows, so inputs are summed before they are coupled and results are written to every block.
 */
export function sharedPlan(irreps: Triple<Irreps>, paths: readonly Path[]): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const used = usedBlocks(paths)
  const stacks = irreps.map((operand, o) => stack(distinctIrreps(operand, used[o])))
  const start = (o: number, block: number) => stacks[o].start.get(irreps[o].at(block).ir.toString())!
  const lanes = channelwise(irreps[2])
  const fibers = stacks.map(({ fiber }) => fiber)
  return {
    dims: dimensions(irreps),
    groups: [makeGroup(irreps, paths, { start, fibers }, [lanes, lanes, lanes], lanes.modulo, 'sparse')],
  }
}

/** The same with every block on fiber rows of its own, so that every path keeps an output apart. */
export function channelwisePlan(
  irreps: Triple<Irreps>,
  paths: readonly Path[],
  implementation: 'sparse' | 'dense',
): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const lanes = channelwise(irreps[2])
  const rows = rowsByBlock(irreps, paths)
  return {
    dims: dimensions(irreps),
    groups: [makeGroup(irreps, paths, rows, [lanes, lanes, lanes], lanes.modulo, implementation)],
  }
}

/**
 * Every channel u of in1 with every channel v of in2 into channel u * mul2 + v of out, every path into a block of its own;
 * one group for each pair of multiplicities.
 */
export function outerPlan(irreps: Triple<Irreps>, paths: readonly Path[], implementation: 'sparse' | 'dense'): Plan {
  const pairs = new Map<string, Path[]>()
  for (const path of paths) {
    const pair = `${irreps[0].at(path.in1).mul},${irreps[1].at(path.in2).mul}`
    const group = pairs.get(pair)
    if (group) group.push(path)
    else pairs.set(pair, [path])
  }
  const groups = [...pairs.values()].map((group) => {
    const mul1 = irreps[0].at(group[0].in1).mul
    const mul2 = irreps[1].at(group[0].in2).mul
    const channels: Triple<Channels> = [
      { divide: mul2, modulo: mul1 },
      { divide: 1, modulo: mul2 },
      { divide: 1, modulo: mul1 * mul2 },
    ]
    return makeGroup(irreps, group, rowsByBlock(irreps, group), channels, mul1 * mul2, implementation)
  })
  return { dims: dimensions(irreps), groups }
}

/** Where the blocks of each operand start on its fiber. */
interface Rows {
  start: (operand: number, block: number) => number
  fibers: number[]
}

function rowsByBlock(irreps: Triple<Irreps>, paths: readonly Path[]): Rows {
  const starts = usedBlocks(paths).map((blocks, o) => {
    const start = new Map<number, number>()
    let fiber = 0
    for (const b of blocks) {
      start.set(b, fiber)
      fiber += irreps[o].at(b).ir.dim
    }
    return { start, fiber }
  })
  return { start: (o, block) => starts[o].start.get(block)!, fibers: starts.map(({ fiber }) => fiber) }
}

function makeGroup(
  irreps: Triple<Irreps>,
  paths: readonly Path[],
  { start, fibers }: Rows,
  channels: Triple<Channels>,
  lanes: number,
  implementation: 'sparse' | 'dense',
): Group {
  // Paths between the same rows are one coupling.
  const couplings = new Map<string, Coupling>()
  for (const path of paths) {
    const row: Triple<number> = [start(0, path.in1), start(1, path.in2), start(2, path.out)]
    couplings.set(row.join(), { row, l: [path.l1, path.l2, path.l3], coefficient: path.coefficient })
  }
  const used = usedBlocks(paths)
  const sides = irreps.map((operand, o) => {
    const rowOf = (b: number, m: number) => start(o, b) + operand.at(b).ir.l + m
    return makeSide(operand, used[o], fibers[o], rowOf, channels[o])
  }) as Triple<Side>
  return { channels: lanes, sides, form: makeForm[implementation]([...couplings.values()]) }
}

export function dimensions(irreps: Triple<Irreps>): Triple<number> {
  return [irreps[0].dim, irreps[1].dim, irreps[2].dim]
}
