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

/**
 * L = sum over points of weight * g * (f_1 + f_1 f_2 + ...), where g is the function whose coefficients are gradOut times v. So `out` is the
 * slope of L by gradOut: to project is to transpose what evaluates.
 */
function makeForm(from: Irreps, to: Irreps, correlation: number, rule: Rule): ContractionForm {
  const circuit = new Circuit()
  const sphere = new Hemisphere(circuit, rule)
  const x = circuit.inputs(componentsOf(from).length)
  const weight = circuit.inputs(correlation * from.length + to.length)
  const scaled = (values: readonly Value[], irreps: Irreps, part: number): Value[] => {
    return componentsOf(irreps).map(({ block }, i) => circuit.product(weight[part * from.length + block], values[i]))
  }
  let sum: Halves[] | undefined
  for (let n = correlation - 1; n >= 0; n--) {
    const factor = sphere.evaluate(from, scaled(x, from, n))
    sum = sum ? factor.map((f, point) => timesOnePlus(circuit, f, sum![point])) : factor
  }
  const gradOut = circuit.inputs(componentsOf(to).length)
  const g = sphere.evaluate(to, scaled(gradOut, to, correlation), (weight) => weight / (2 * Math.PI))
  const terms = g.flatMap((of, point) => [...both(of.even, sum![point].even), ...both(of.odd, sum![point].odd)])
  // Weights are seen as they are: part n's path b is mixture n * blocks + b.
  const mixing = weight.map((_, mixture) => {
    const part = Math.min(Math.floor(mixture / from.length), correlation)
    return { part, path: mixture - part * from.length, mixture, value: 1 }
  })
  return { circuit, x, gradOut, weight, scalar: circuit.sum(terms), mixing }
}

interface Rule {
  points: Float64Array
  weights: Float64Array
}

/** A function at two opposite points: even + odd at r, even - odd at -r. What is not there is zero. */
interface Halves {
  even: Value | undefined
  odd: Value | undefined
}

/** One of each two opposite points of a rule. Harmonics of even and of odd degree meet there as halves only. */
class Hemisphere {
  readonly #points: number[]

  constructor(
    readonly circuit: Circuit,
    readonly rule: Rule,
  ) {
    this.#points = [...rule.weights.keys()].filter((n) => {
      const [x, y, z] = rule.points.subarray(3 * n)
      return (z || y || x) > 0
    })
  }

  /** The function with these coefficients, at every point, perhaps times a function of the point's weight. */
  evaluate(irreps: Irreps, coefficients: readonly Value[], scale: (weight: number) => number = () => 1): Halves[] {
    const size = (irreps.lmax + 1) ** 2
    const values = harmonics(irreps.lmax, this.rule.points, { normalization: 'component' })
    const components = componentsOf(irreps)
    return this.#points.map((point): Halves => {
      const half = (parity: number): Value | undefined => {
        const multiples = components.flatMap(({ l, m }, i) => {
          const value = values[point * size + l ** 2 + m]
          // Zeros too: sums of the same parts are computed together.
          return l % 2 === parity ? [{ of: coefficients[i], factor: scale(this.rule.weights[point]) * value }] : []
        })
        return multiples.length > 0 ? this.circuit.sum([], multiples) : undefined
      }
      return { even: half(0), odd: half(1) }
    })
  }
}

/** f (1 + g) */
function timesOnePlus(circuit: Circuit, f: Halves, g: Halves): Halves {
  const plus = (half: Value | undefined, products: [Value, Value][]): Value | undefined => {
    const multiples = half === undefined ? [] : [{ of: half, factor: 1 }]
    return products.length + multiples.length > 0 ? circuit.sum(products, multiples) : undefined
  }
  return {
    even: plus(f.even, [...both(f.even, g.even), ...both(f.odd, g.odd)]),
    odd: plus(f.odd, [...both(f.even, g.odd), ...both(f.odd, g.even)]),
  }
}

/** The product of two values, where both are there. */
function both(a: Value | undefined, b: Value | undefined): [Value, Value][] {
  return a === undefined || b === undefined ? [] : [[a, b]]
}

/** m counts from 0. */
function componentsOf(irreps: Irreps): { block: number; l: number; m: number }[] {
  return [...irreps].flatMap(({ ir }, block) => Array.from({ length: ir.dim }, (_, m) => ({ block, l: ir.l, m })))
}
