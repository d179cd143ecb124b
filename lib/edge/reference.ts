import { harmonics } from '../o3/harmonics.js'
import { SphericalHarmonics } from './harmonics.js'
import { BesselBasis, PolynomialCutoff, type SoftOneHot } from './radial.js'

/**
 * An edge function and its derivatives in float64, by formulas that share nothing with the kernels: what native code is checked
 * against, in the tests and on any machine by `gauntlet selftest`. Shapes are those of EdgeFunction.
 */
export interface EdgeReference {
  forward(x: ArrayLike<number>): Float64Array
  backward(gradOut: ArrayLike<number>, x: ArrayLike<number>): Float64Array
  doubleBackward(
    v: ArrayLike<number>,
    gradOut: ArrayLike<number>,
    x: ArrayLike<number>,
  ): { x: Float64Array; gradOut: Float64Array }
}

/** The forms of an edge function that have a reference. */
export type ReferencedFunction = SphericalHarmonics | BesselBasis | PolynomialCutoff | SoftOneHot

/** The reference of spherical harmonics with these options, or of a radial function. */
export function edgeReference(
  edgeFunction: ReferencedFunction,
  options: Parameters<typeof harmonics>[2] = {},
): EdgeReference {
  if (edgeFunction instanceof SphericalHarmonics) {
    const { lmax, dim } = edgeFunction
    return byDifferences((x) => harmonics(lmax, x, options), dim)
  }
  return byJets((r) => radialJets(edgeFunction, r), edgeFunction.dim)
}

/** Weights of f(x + n h) - f(x - n h), n = 1..4, in the central difference of order 8 (B. Fornberg, Math. Comp. 51, 1988). */
const STENCIL = [4 / 5, -1 / 5, 4 / 105, -1 / 280]
/**
 * Steps are this much of a vector's length. For harmonics of degree l the difference errs by (l h)^8 / 630, relatively: 7e-11 at
 * degree 12; and rounding by 1e-16 / h once, 1e-16 / h^2 in the second derivative.
 */
const STEP = 0.01

/**
 * Derivatives of a smooth function of vectors by differences along a direction. The zero vector is stepped from by STEP itself.
 */
function byDifferences(f: (x: Float64Array) => Float64Array, dim: number): EdgeReference {
  /** (v . grad) f of every row, for an f of `size` values. */
  const along = (of: typeof f, size: number, x: Float64Array, v: Float64Array): Float64Array => {
    const edges = x.length / 3
    const out = new Float64Array(edges * size)
    const speed = Float64Array.from({ length: edges }, (_, e) => Math.hypot(...v.subarray(3 * e, 3 * e + 3)))
    const step = Float64Array.from(
      { length: edges },
      (_, e) => STEP * (Math.hypot(...x.subarray(3 * e, 3 * e + 3)) || 1),
    )
    STENCIL.forEach((weight, n) => {
      for (const sign of [1, -1]) {
        const move = (e: number): number => (speed[e] === 0 ? 0 : (sign * (n + 1) * step[e]) / speed[e])
        const values = of(x.map((coordinate, i) => coordinate + move(Math.floor(i / 3)) * v[i]))
        values.forEach((value, i) => {
          const e = Math.floor(i / size)
          out[i] += ((sign * weight * speed[e]) / step[e]) * value
        })
      }
    })
    return out
  }
  const gradient = (of: typeof f, x: Float64Array): Float64Array => {
    const out = new Float64Array(x.length)
    for (let j = 0; j < 3; j++) {
      const axis = x.map((_, i) => (i % 3 === j ? 1 : 0))
      along(of, 1, x, axis).forEach((value, e) => (out[3 * e + j] = value))
    }
    return out
  }
  const dotRows = (a: ArrayLike<number>, b: Float64Array): Float64Array => {
    const out = new Float64Array(b.length / dim)
    b.forEach((value, i) => (out[Math.floor(i / dim)] += a[i] * value))
    return out
  }
  return {
    forward: (x) => f(Float64Array.from(x)),
    backward: (gradOut, x) => gradient((at) => dotRows(gradOut, f(at)), Float64Array.from(x)),
    doubleBackward: (v, gradOut, x) => {
      const [direction, point] = [Float64Array.from(v), Float64Array.from(x)]
      return {
        x: gradient((at) => dotRows(gradOut, along(f, dim, at, direction)), point),
        gradOut: along(f, dim, point, direction),
      }
    },
  }
}

/** A value with its first and second derivative with respect to one variable. */
type Jet = readonly [value: number, first: number, second: number]

const ZERO: Jet = [0, 0, 0]
const constant = (value: number): Jet => [value, 0, 0]
const plus = (a: Jet, b: Jet): Jet => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
const times = (a: Jet, b: Jet): Jet => [
  a[0] * b[0],
  a[0] * b[1] + a[1] * b[0],
  a[0] * b[2] + 2 * a[1] * b[1] + a[2] * b[0],
]
const scaled = (factor: number, a: Jet): Jet => times(constant(factor), a)
/** f(a), given f, f' and f'' at a's value. */
const compose = (a: Jet, [f, f1, f2]: Jet): Jet => [f, f1 * a[1], f2 * a[1] ** 2 + f1 * a[2]]
const sine = (a: Jet): Jet => compose(a, [Math.sin(a[0]), Math.cos(a[0]), -Math.sin(a[0])])
const cosine = (a: Jet): Jet => compose(a, [Math.cos(a[0]), -Math.sin(a[0]), -Math.cos(a[0])])
const exponential = (a: Jet): Jet => compose(a, [Math.exp(a[0]), Math.exp(a[0]), Math.exp(a[0])])
const inverse = (a: Jet): Jet => compose(a, [1 / a[0], -1 / a[0] ** 2, 2 / a[0] ** 3])
const power = (a: Jet, n: number): Jet =>
  compose(a, [a[0] ** n, n * a[0] ** (n - 1), n * (n - 1) * a[0] ** Math.max(0, n - 2)])

/** sin(omega x) / x, whose value and derivatives at 0 are those of its series. */
function sineOver(omega: number, x: Jet): Jet {
  return x[0] === 0 ? [omega, 0, -(omega ** 3) / 3] : times(sine(scaled(omega, x)), inverse(x))
}

/** The formulas in the documentation of each class, as they stand there. */
function radialJets(of: Exclude<ReferencedFunction, SphericalHarmonics>, r: number): Jet[] {
  const range = (first: number): number[] => Array.from({ length: of.dim }, (_, k) => first + k)
  if (of instanceof BesselBasis) {
    const { cutoff } = of
    return range(1).map((n) => scaled(Math.sqrt(2 / cutoff), sineOver((n * Math.PI) / cutoff, [r, 1, 0])))
  }
  if (of instanceof PolynomialCutoff) {
    const { p, cutoff } = of
    if (r >= cutoff) return [ZERO]
    const t: Jet = [r / cutoff, 1 / cutoff, 0]
    const terms = [
      scaled(-((p + 1) * (p + 2)) / 2, power(t, p)),
      scaled(p * (p + 2), power(t, p + 1)),
      scaled((-p * (p + 1)) / 2, power(t, p + 2)),
    ]
    return [terms.reduce(plus, constant(1))]
  }
  const { start, end, count, basis, cutoff } = of
  const t: Jet = [(r - start) / (end - start), 1 / (end - start), 0]
  const outside = cutoff && !(t[0] > 0 && t[0] < 1)
  if (basis === 'fourier') {
    const waves = range(cutoff ? 1 : 0).map((k) => scaled(k * Math.PI, t))
    return waves.map((a) => (outside ? ZERO : scaled(1 / Math.sqrt(0.25 + count / 2), cutoff ? sine(a) : cosine(a))))
  }
  if (basis === 'bessel') {
    const width = end - start
    const over = (k: number): Jet => scaled(Math.sqrt(2 / width), sineOver((k * Math.PI) / width, [r - start, 1, 0]))
    return range(1).map((k) => (outside ? ZERO : over(k)))
  }
  const step = (end - start) / (cutoff ? count + 1 : count - 1)
  return range(cutoff ? 1 : 0).map((k) => {
    const d: Jet = [(r - start) / step - k, 1 / step, 0]
    if (basis === 'gaussian') return scaled(1 / 1.12, exponential(scaled(-1, times(d, d))))
    if (Math.abs(d[0]) >= 1) return ZERO
    if (basis === 'cosine') return cosine(scaled(Math.PI / 2, d))
    const edges = plus(inverse(plus(constant(1), d)), inverse(plus(constant(1), scaled(-1, d))))
    return scaled(1.14136 * Math.exp(2), exponential(scaled(-1, edges)))
  })
}

function byJets(jets: (r: number) => Jet[], dim: number): EdgeReference {
  /** For every length and function. */
  const table = (r: ArrayLike<number>): Jet[] => Array.from(r).flatMap(jets)
  return {
    forward: (r) => Float64Array.from(table(r), ([value]) => value),
    backward: (gradOut, r) => {
      const out = new Float64Array(r.length)
      table(r).forEach(([, first], i) => (out[Math.floor(i / dim)] += gradOut[i] * first))
      return out
    },
    doubleBackward: (v, gradOut, r) => {
      const out = new Float64Array(r.length)
      const rows = table(r)
      rows.forEach(([, , second], i) => {
        const e = Math.floor(i / dim)
        out[e] += v[e] * gradOut[i] * second
      })
      return { x: out, gradOut: Float64Array.from(rows, ([, first], i) => v[Math.floor(i / dim)] * first) }
    },
  }
}
