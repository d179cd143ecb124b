import type { Irrep, Irreps } from '../o3/irreps.js'
import { isTriangle } from '../o3/wigner.js'
import { describe, expected, GauntletError } from '../runtime/errors.js'
import { makePath, type Path } from './path.js'

/**
 * How the channels of a path are connected: u counts those of in1, v those of in2, and what stands third counts those of out.
 *
 * | mode    | out[..] +=                                  | weights | multiplicities             |
 * | ------- | ------------------------------------------- | ------- | -------------------------- |
 * | `uvw`   | out[w] += W[u, v, w] x1[u] x2[v]            | u, v, w | any; needs weights         |
 * | `uvu`   | out[u] += W[u, v] x1[u] x2[v]               | u, v    | out = in1                  |
 * | `uvv`   | out[v] += W[u, v] x1[u] x2[v]               | u, v    | out = in2                  |
 * | `uuw`   | out[w] += W[u, w] x1[u] x2[u]               | u, w    | in1 = in2                  |
 * | `uuu`   | out[u] += W[u] x1[u] x2[u]                  | u       | in1 = in2 = out            |
 * | `uvuv`  | out[u, v] += W[u, v] x1[u] x2[v]            | u, v    | out = in1 * in2            |
 * | `uvu<v` | out[u < v] += W[u < v] x1[u] x2[v]          | u < v   | in1 = in2, out = its pairs |
 * | `u<vw`  | out[w] += W[u < v, w] x1[u] x2[v]           | u < v, w | in1 = in2; needs weights  |
 *
 * Without weights W is 1; `uuw` then adds all channels up, into one.
 */
export type Mode = 'uvw' | 'uvu' | 'uvv' | 'uuw' | 'uuu' | 'uvuv' | 'uvu<v' | 'u<vw'

/** A path that a `TensorProduct` is asked to have: blocks of in1, in2 and out by index, and how their channels are connected. */
export interface Instruction {
  readonly in1: number
  readonly in2: number
  readonly out: number
  readonly mode: Mode
  readonly hasWeight: boolean
  /** The variance that this path contributes, beside the others of its output; 1 by default. */
  readonly pathWeight?: number
}

/** A path with its instruction: `coefficient` holds every normalization, weights come on top. */
export interface WeightedPath extends Path {
  readonly mode: Mode
  readonly hasWeight: boolean
  readonly pathWeight: number
  /** Of its weights, row-major; without weights, the shape that they would have. */
  readonly shape: readonly number[]
  /** Where its weights begin in the weight vector. */
  readonly weightOffset: number
}

export interface Normalization {
  /** What stays constant from input to output for random inputs: the variance of components, or that of norms. */
  irrepNormalization: 'component' | 'norm'
  /** Whether all the products that are added to an output count the same (`element`), or all paths do (`path`). */
  pathNormalization: 'element' | 'path'
  /** Variances of the blocks of in1, in2 and out that normalization is to assume; 1 each by default. */
  variances: readonly [in1: readonly number[], in2: readonly number[], out: readonly number[]]
}

/** The pairs (u, v) that a mode couples, and the output channels that each pair goes to: all, or one. */
export interface Connection {
  pairs: 'all' | 'same' | 'upper'
  out: 'every' | 'first' | 'second' | 'pair'
}

export const CONNECTIONS: Readonly<Record<Mode, Connection>> = {
  uvw: { pairs: 'all', out: 'every' },
  uvu: { pairs: 'all', out: 'first' },
  uvv: { pairs: 'all', out: 'second' },
  uuw: { pairs: 'same', out: 'every' },
  uuu: { pairs: 'same', out: 'first' },
  uvuv: { pairs: 'all', out: 'pair' },
  'uvu<v': { pairs: 'upper', out: 'pair' },
  'u<vw': { pairs: 'upper', out: 'every' },
}

/** How many pairs (u, v) there are among m1 and m2 channels. */
export function countPairs({ pairs }: Connection, m1: number, m2: number): number {
  return pairs === 'all' ? m1 * m2 : pairs === 'same' ? m1 : (m1 * (m1 - 1)) / 2
}

/** The pairs (u, v) in the order of their weights. */
export function* listPairs({ pairs }: Connection, m1: number, m2: number): Generator<[u: number, v: number]> {
  for (let u = 0; u < m1; u++) {
    const [from, to] = pairs === 'all' ? [0, m2] : pairs === 'same' ? [u, u + 1] : [u + 1, m1]
    for (let v = from; v < to; v++) yield [u, v]
  }
}

/**
 * Instructions with their coefficients and places in the weight vector,
 *
 *     coefficient = sqrt(alpha * pathWeight * var(out) / x),   alpha = 2 l3 + 1 (component) or (2 l1 + 1)(2 l2 + 1) (norm),
 *
 * where x is the sum of var(in1) var(in2) n over all paths into the same block (element), or that of this path times the
 * number of such paths (path), and n the products that a path adds up in one output. Digit for digit e3nn's.
 *
 * @throws GauntletError ERR_ARGUMENT, naming the instruction and what does not fit; ERR_UNREACHABLE, naming the rule that forbids
 * the path
 */
export function weightedPaths(
  irreps: readonly [Irreps, Irreps, Irreps],
  instructions: readonly Instruction[],
  normalization: Normalization,
): WeightedPath[] {
  instructions.forEach((instruction, n) => checkInstruction(irreps, instruction, `instructions[${n}]`))
  const fanIn = instructions.map((instruction) => {
    const [{ mul: m1 }, { mul: m2 }] = blocksOf(irreps, instruction)
    const [var1, var2] = normalization.variances
    return var1[instruction.in1] * var2[instruction.in2] * productsPerOutput(instruction.mode, m1, m2)
  })
  let weightOffset = 0
  return instructions.map((instruction, n) => {
    const { in1, in2, out, mode, hasWeight, pathWeight = 1 } = instruction
    const [a, b, c] = blocksOf(irreps, instruction)
    const together = fanIn.filter((_, other) => instructions[other].out === out)
    const x =
      normalization.pathNormalization === 'element'
        ? together.reduce((sum, value) => sum + value, 0)
        : fanIn[n] * together.length
    const alpha = normalization.irrepNormalization === 'component' ? c.ir.dim : a.ir.dim * b.ir.dim
    const variance = (alpha / (x > 0 ? x : 1)) * normalization.variances[2][out] * pathWeight
    const shape = weightShape(mode, a.mul, b.mul, c.mul)
    const path = { ...makePath(in1, in2, out, a.ir, b.ir, c.ir, Math.sqrt(variance)), mode, hasWeight, pathWeight }
    const weighted: WeightedPath = { ...path, shape, weightOffset }
    if (hasWeight) weightOffset += countWeights(shape)
    return Object.freeze(weighted)
  })
}

/** The numbers in an array of this shape. */
export function countWeights(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1)
}

function blocksOf(irreps: readonly [Irreps, Irreps, Irreps], { in1, in2, out }: Instruction) {
  return [irreps[0].at(in1), irreps[1].at(in2), irreps[2].at(out)] as const
}

function weightShape(mode: Mode, m1: number, m2: number, m3: number): number[] {
  const connection = CONNECTIONS[mode]
  const shape = connection.pairs === 'all' ? [m1, m2] : [countPairs(connection, m1, m2)]
  return connection.out === 'every' ? [...shape, m3] : shape
}

/** e3nn's num_elements. */
function productsPerOutput(mode: Mode, m1: number, m2: number): number {
  const connection = CONNECTIONS[mode]
  if (connection.out === 'every') return countPairs(connection, m1, m2)
  if (connection.pairs !== 'all' || connection.out === 'pair') return 1
  return connection.out === 'first' ? m2 : m1
}

function checkInstruction(irreps: readonly [Irreps, Irreps, Irreps], instruction: Instruction, name: string): void {
  if (typeof instruction !== 'object' || instruction === null) {
    throw expected('{ in1, in2, out, mode, hasWeight }', name, instruction)
  }
  const ends = ['in1', 'in2', 'out'] as const
  for (const [o, end] of ends.entries()) {
    const index: unknown = instruction[end]
    if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= irreps[o].length) {
      const what = irreps[o].length > 0 ? `an integer from 0 to ${irreps[o].length - 1}` : 'no instruction'
      throw expected(`${what} (irreps "${irreps[o].toString()}")`, `${name}.${end}`, index)
    }
  }
  const { mode, hasWeight, pathWeight = 1 } = instruction
  if (!Object.hasOwn(CONNECTIONS, mode)) {
    const modes = Object.keys(CONNECTIONS).map((known) => `'${known}'`)
    throw expected(`one of ${modes.join(', ')}`, `${name}.mode`, mode)
  }
  if (typeof hasWeight !== 'boolean') throw expected('true or false', `${name}.hasWeight`, hasWeight)
  if (typeof pathWeight !== 'number' || !Number.isFinite(pathWeight) || pathWeight < 0) {
    throw expected('a number >= 0', `${name}.pathWeight`, pathWeight)
  }
  const [a, b, c] = blocksOf(irreps, instruction)
  checkSelectionRules(a.ir, b.ir, c.ir, name)
  checkMultiplicities(mode, hasWeight, [a.mul, b.mul, c.mul], name)
}

function checkSelectionRules(a: Irrep, b: Irrep, c: Irrep, name: string): void {
  const rule = !isTriangle(a.l, b.l, c.l)
    ? `|l1-l2| <= l3 <= l1+l2 does not hold`
    : a.p * b.p !== c.p
      ? `the parity of out is not the product of those of in1 and in2`
      : undefined
  if (rule === undefined) return
  throw new GauntletError(
    'ERR_UNREACHABLE',
    `Expected irreps that couple for ${name} but received ${a.toString()} and ${b.toString()} into ${c.toString()}: ${rule}`,
  )
}

function checkMultiplicities(
  mode: Mode,
  hasWeight: boolean,
  [m1, m2, m3]: readonly [number, number, number],
  name: string,
): void {
  const connection = CONNECTIONS[mode]
  if (!hasWeight && (mode === 'uvw' || mode === 'u<vw')) {
    throw expected(`true (mode '${mode}' mixes channels by its weights)`, `${name}.hasWeight`, hasWeight)
  }
  const received = (what: string) =>
    new GauntletError(
      'ERR_ARGUMENT',
      `Expected ${what} for ${name}, mode ${describe(mode)}, but received multiplicities ${m1}, ${m2} and ${m3}`,
    )
  if (connection.pairs !== 'all' && m1 !== m2) throw received('as many channels of in1 as of in2')
  const wanted = {
    every: hasWeight ? m3 : 1,
    first: m1,
    second: m2,
    pair: countPairs(connection, m1, m2),
  }[connection.out]
  if (m3 === wanted) return
  const reason = {
    every: '1 channel of out (there are no weights)',
    first: `${wanted} channels of out, as in1 has`,
    second: `${wanted} channels of out, as in2 has`,
    pair: `${wanted} channels of out, one for each pair`,
  }[connection.out]
  throw received(reason)
}
