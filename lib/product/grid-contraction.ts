import { harmonics } from '../o3/harmonics.js'
import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { lebedev } from '../o3/lebedev.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { checkInteger } from '../runtime/numbers.js'
import { Circuit, type Value } from './circuit.js'
import { Contraction, type ContractionForm, type ContractionOptions, type WeightPart } from './contraction.js'
import { contractionArguments } from './contraction-arguments.js'

/** The highest degree that the points are exact to. */
export const MAX_PRECISION = 41

export interface GridContractionOptions extends ContractionOptions {
  /** To which degree the points are exact: from what the product needs, the default, to 41. More changes rounding alone. */
  precision?: number
}

/** The degree that points must be exact to: that of `correlation` factors and of what they are projected on. */
export function gridPrecision(irrepsIn: Irreps, irrepsOut: Irreps, correlation: number): number {
  return correlation * irrepsIn.lmax + irrepsOut.lmax
}

/**
 * Powers of a function on the sphere, as a symmetric contraction without its cost in paths: features are coefficients of functions,
 * which are multiplied point by point. With the correlation N,
 *
 *     f_n(r)       = sum over blocks b, m of  u_n[element, b, c] * x[c, b, m] * Y_lm(r)      n = 1..N
 *     out[c, b, m] = v[element, b, c] * mean over r of  Y_lm(r) (f_1 + f_1 f_2 + ... + f_1 f_2 ... f_N)(r)
 *
 * where Y has the normalization `component`, so that out is x times both weights where N = 1. Every factor is evaluated
 * on the points once, the sum is f_1 (1 + f_2 (1 + ...)) there, and it is projected once; the points are Lebedev's, exact
 * for degree N lmax(irrepsIn) + lmax(irrepsOut) or, if asked, a higher `precision`, which may not exceed 41. Functions have natural parity, (-1)^l.
 *
 * `weightParts` are the weights u_n, `factors.1` to `factors.N` [elements, blocks of irrepsIn, channels], and v, `out` [elements,
 * blocks of irrepsOut, channels].
 *
 * @example
 * using contraction = new GridContraction('64x0e+64x1o+64x2e', '64x0e+64x1o', { correlation: 3, elements: 4 })
 * const weight = new Float32Array(contraction.weightNumel).fill(1)
 * const out = contraction.forward(x, elements, weight) // [nodes, 64 + 192]
 */
export class GridContraction extends Contraction {
  readonly correlation: number
  /** How many points of the sphere it goes through. */
  readonly points: number

  /**
   * @param irrepsIn every block with the same multiplicity, the channels
   * @param irrepsOut the same
   * @throws GauntletError ERR_IRREPS (also for other than natural parity), ERR_ARGUMENT, ERR_DEVICE, ERR_UNREACHABLE where the degree
   * of an output block is higher than that of any product
   */
  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike, options: GridContractionOptions) {
    const { from, to, channels, correlation, elements } = contractionArguments(irrepsIn, irrepsOut, options)
    for (const irreps of [from, to]) {
      const unnatural = [...irreps].find(({ ir }) => ir.p !== (ir.l % 2 === 0 ? 1 : -1))
      if (unnatural) {
        throw expected(
          'parity (-1)^l, as functions on the sphere have',
          'irreps',
          unnatural.ir.toString(),
          'ERR_IRREPS',
        )
      }
    }
    const reach = degreesOf(from, correlation)
    const unreachable = [...to].find(({ ir }) => !reach.has(ir.l))
    if (unreachable) {
      throw new GauntletError(
        'ERR_UNREACHABLE',
        `No product of at most ${correlation} functions with irreps "${from.toString()}" holds ${unreachable.ir.toString()}`,
      )
    }
    const least = gridPrecision(from, to, correlation)
    if (least > MAX_PRECISION) {
      throw expected(`at most ${MAX_PRECISION}`, 'correlation * lmax(irrepsIn) + lmax(irrepsOut)', least)
    }
    const rule = lebedev(checkInteger(options.precision ?? least, 'precision', least, MAX_PRECISION))
    const weightParts = layOut(from, to, correlation, elements, channels)
    const form = (): ContractionForm => makeForm(from, to, correlation, rule)
    super({ irrepsIn: from, irrepsOut: to, channels, elements, weightParts, form }, options)
    this.correlation = correlation
    this.points = rule.weights.length
  }
}

/** The degrees that products of 1..correlation functions have. */
function degreesOf(irreps: Irreps, correlation: number): Set<number> {
  const all = new Set<number>()
  let last = new Set([0])
  for (let n = 0; n < correlation; n++) {
    const next = new Set<number>()
    for (const l1 of last) {
      // A Gaunt coefficient vanishes unless l1 + l2 + l3 is even.
      for (const { ir } of irreps) for (let l = Math.abs(l1 - ir.l); l <= l1 + ir.l; l += 2) next.add(l)
    }
    for (const l of next) all.add(l)
    last = next
  }
  return all
}

function layOut(from: Irreps, to: Irreps, correlation: number, elements: number, channels: number): WeightPart[] {
  const names = [...Array.from({ length: correlation }, (_, n) => `factors.${n + 1}`), 'out']
  let offset = 0
  return names.map((name) => {
    const shape = [elements, (name === 'out' ? to : from).length, channels] as const
    const part = { name, offset, shape }
    offset += shape[0] * shape[1] * shape[2]
    return part
  })
}

function makeForm(
  from: Irreps,
  to: Irreps,
  correlation: number,
  rule: { points: Float64Array; weights: Float64Array },
): ContractionForm {
  const lmax = Math.max(from.lmax, to.lmax)
  const values = harmonics(lmax, rule.points, { normalization: 'component' })
  const points = [...rule.weights.keys()]
  const at = (point: number, component: { l: number; m: number }): number =>
    values[point * (lmax + 1) ** 2 + component.l ** 2 + component.m]

  const circuit = new Circuit()
  const [components, outComponents] = [componentsOf(from), componentsOf(to)]
  const x = circuit.inputs(components.length)
  const weight = circuit.inputs(correlation * from.length + to.length)
  let sum: Value[] | undefined
  for (let n = correlation - 1; n >= 0; n--) {
    const weighted = components.map(({ block }, i) => circuit.product(weight[n * from.length + block], x[i]))
    const factor = points.map((point) => {
      const multiples = weighted.map((of, i) => ({ of, factor: at(point, components[i]) }))
      return circuit.sum(
        [],
        multiples.filter(({ factor }) => factor !== 0),
      )
    })
    const inner = sum
    sum = inner ? factor.map((of, point) => circuit.sum([[of, inner[point]]], [{ of, factor: 1 }])) : factor
  }
  const gradOut = circuit.inputs(outComponents.length)
  const terms = outComponents.map((component, i): [Value, Value] => {
    const multiples = points.map((point) => {
      return { of: sum![point], factor: (rule.weights[point] / (4 * Math.PI)) * at(point, component) }
    })
    const projected = circuit.sum(
      [],
      multiples.filter(({ factor }) => factor !== 0),
    )
    return [gradOut[i], circuit.product(weight[correlation * from.length + component.block], projected)]
  })
  // Weights are seen as they are: part n's path b is mixture n * blocks + b.
  const mixing = weight.map((_, mixture) => {
    const part = Math.min(Math.floor(mixture / from.length), correlation)
    return { part, path: mixture - part * from.length, mixture, value: 1 }
  })
  return { circuit, x, gradOut, weight, scalar: circuit.sum(terms), mixing }
}

/** m counts from 0. */
function componentsOf(irreps: Irreps): { block: number; l: number; m: number }[] {
  return [...irreps].flatMap(({ ir }, block) => Array.from({ length: ir.dim }, (_, m) => ({ block, l: ir.l, m })))
}
