import { expected } from '../runtime/errors.js'
import type { EncodedPlan } from '../runtime/execute.js'
import { checkInteger, checkPositive } from '../runtime/numbers.js'
import { EdgeFunction, type EdgeFunctionOptions } from './edge-function.js'

/** The most functions of one basis. */
const MAX_COUNT = 320
const MAX_POWER = 64

const BASES = ['gaussian', 'cosine', 'smooth_finite', 'fourier', 'bessel'] as const

/** The families of `SoftOneHot`. */
export type SoftOneHotBasis = (typeof BASES)[number]

/** Families as native/core/edge_table.h numbers them. */
const FAMILIES = [...BASES, 'polynomial'] as const

/** A family of functions of t = (r - start) / width; see native/core/radial_math.h. */
interface Family {
  family: (typeof FAMILIES)[number]
  count: number
  start?: number
  width: number
  scale?: number
  window?: boolean
  power?: number
}

function radialTable({ family, count, start = 0, width, scale = 1, window = false, power = 0 }: Family): EncodedPlan {
  return {
    integers: Int32Array.of(1, FAMILIES.indexOf(family), count, window ? 1 : 0, power),
    reals: Float64Array.of(start, width, scale),
  }
}

/**
 * The radial basis of DimeNet (Gasteiger et al., 2020, eq. 7) and MACE, for n = 1..count,
 *
 *     f_n(r) = sqrt(2 / cutoff) sin(n pi r / cutoff) / r
 *
 * with its limit sqrt(2 / cutoff) n pi / cutoff at r = 0. It does not end at the cutoff by itself: multiply by a
 * `PolynomialCutoff`. Methods, shapes and errors are those of EdgeFunction: `forward` [edges] -> [edges, count].
 *
 * @example
 * using basis = new BesselBasis({ cutoff: 5, count: 8 })
 * basis.forward(lengths) // [edges, 8]
 */
export class BesselBasis extends EdgeFunction<'lengths'> {
  readonly cutoff: number
  readonly count: number

  /**
   * @param options.cutoff positive, in the unit of the lengths
   * @param options.count 1 to 320
   * @throws GauntletError ERR_ARGUMENT, ERR_DEVICE
   */
  constructor(options: EdgeFunctionOptions & { cutoff: number; count: number }) {
    const cutoff = checkPositive(options.cutoff, 'cutoff')
    const count = checkInteger(options.count, 'count', 1, MAX_COUNT)
    const scale = Math.sqrt(2 / cutoff) / cutoff
    const table = radialTable({ family: 'bessel', count, width: cutoff, scale })
    super({ input: 'lengths', inputDim: 1, dim: count, table }, options)
    this.cutoff = cutoff
    this.count = count
  }
}

/**
 * The envelope of DimeNet (Gasteiger et al., 2020, eq. 8) and MACE, of t = r / cutoff,
 *
 *     f(r) = 1 - (p+1)(p+2)/2 t^p + p(p+2) t^(p+1) - p(p+1)/2 t^(p+2)      t < 1, else 0
 *
 * which is 1 at r = 0 and reaches 0 at the cutoff with two derivatives. Methods, shapes and errors are those of EdgeFunction:
 * `forward` [edges] -> [edges].
 *
 * @example
 * using envelope = new PolynomialCutoff({ cutoff: 5 })
 * envelope.forward(new Float32Array([0, 2.5, 5])) // [1, 0.855, 0]
 */
export class PolynomialCutoff extends EdgeFunction<'lengths'> {
  readonly cutoff: number
  readonly p: number

  /**
   * @param options.cutoff positive, in the unit of the lengths
   * @param options.p 2 to 64; default 6
   * @throws GauntletError ERR_ARGUMENT, ERR_DEVICE
   */
  constructor(options: EdgeFunctionOptions & { cutoff: number; p?: number }) {
    const cutoff = checkPositive(options.cutoff, 'cutoff')
    const p = checkInteger(options.p ?? 6, 'p', 2, MAX_POWER)
    const table = radialTable({ family: 'polynomial', count: 1, width: cutoff, power: p })
    super({ input: 'lengths', inputDim: 1, dim: 1, table }, options)
    this.cutoff = cutoff
    this.p = p
  }
}

export interface SoftOneHotOptions extends EdgeFunctionOptions {
  start: number
  end: number
  count: number
  basis: SoftOneHotBasis
  /** Whether the functions vanish outside [start, end] (`gaussian`: nearly). */
  cutoff: boolean
}

/**
 * e3nn's `soft_one_hot_linspace` (Geiger and Smidt, e3nn 0.6): lengths spread over `count` functions, scaled so that their
 * squares add up to about 1 (`bessel` cannot). Centers c_k are `count` equally spaced points from `start` to `end`, or with
 * `cutoff` those between them when both ends are left out; d = (r - c_k) / (c_1 - c_0), t = (r - start) / (end - start).
 *
 *     gaussian        exp(-d^2) / 1.12
 *     cosine          cos(pi/2 d)                                    |d| < 1, else 0
 *     smooth_finite   1.14136 exp(2 - 1/(1+d) - 1/(1-d))             |d| < 1, else 0
 *     fourier         cos(pi k t) / sqrt(1/4 + count/2)              k = 0..count-1, without cutoff
 *                     sin(pi k t) / sqrt(1/4 + count/2)              k = 1..count, 0 < t < 1, else 0, with cutoff
 *     bessel          sqrt(2 / (end-start)) sin(pi k t) / (r-start)  k = 1..count; with cutoff 0 < t < 1, else 0
 *
 * `bessel` without cutoff has its limit at r = start, where e3nn gives NaN. Where a function has a kink its derivatives are those
 * of the outer side. Methods, shapes and errors are those of EdgeFunction: `forward` [edges] -> [edges, count].
 *
 * @example
 * using basis = new SoftOneHot({ start: 0, end: 5, count: 10, basis: 'smooth_finite', cutoff: true })
 * basis.forward(lengths) // [edges, 10]
 */
export class SoftOneHot extends EdgeFunction<'lengths'> {
  readonly start: number
  readonly end: number
  readonly count: number
  readonly basis: SoftOneHotBasis
  readonly cutoff: boolean

  /**
   * @param options.count 1 to 320; without cutoff, from 2 for those with centers
   * @throws GauntletError ERR_ARGUMENT, ERR_DEVICE
   */
  constructor(options: SoftOneHotOptions) {
    const { start, end, basis, cutoff } = options
    if (!Number.isFinite(start)) throw expected('a finite number', 'start', start)
    if (!Number.isFinite(end) || end <= start) throw expected(`a finite number above start (${start})`, 'end', end)
    if (!BASES.includes(basis)) throw expected(BASES.map((name) => `'${name}'`).join(', '), 'basis', basis)
    if (typeof cutoff !== 'boolean') throw expected('true or false', 'cutoff', cutoff)
    const waves = basis === 'fourier' || basis === 'bessel'
    const count = checkInteger(options.count, 'count', waves || cutoff ? 1 : 2, MAX_COUNT)
    super({ input: 'lengths', inputDim: 1, dim: count, table: softOneHotTable(options) }, options)
    this.start = start
    this.end = end
    this.count = count
    this.basis = basis
    this.cutoff = cutoff
  }
}

function softOneHotTable({ start, end, count, basis, cutoff }: SoftOneHotOptions): EncodedPlan {
  const width = end - start
  if (basis === 'fourier') {
    return radialTable({ family: basis, count, start, width, scale: 1 / Math.sqrt(0.25 + count / 2), window: cutoff })
  }
  if (basis === 'bessel') {
    return radialTable({ family: basis, count, start, width, scale: Math.sqrt(2 / width) / width, window: cutoff })
  }
  const step = width / (cutoff ? count + 1 : count - 1)
  const scale = { gaussian: 1 / 1.12, cosine: 1, smooth_finite: 1.14136 }[basis]
  return radialTable({ family: basis, count, start: cutoff ? start + step : start, width: step, scale })
}
