import { expected } from '../runtime/errors.js'
import { evaluate, recursionTable } from './legendre.js'
import { MAX_DIMENSION } from './notation.js'

/**
 * Scale of spherical harmonics: `integral` makes them orthonormal over the sphere; `component` gives each component
 * a mean square of 1 over the sphere; `norm` gives each degree a sum of squares of 1 on the unit sphere.
 */
export type HarmonicsNormalization = 'integral' | 'component' | 'norm'

export interface HarmonicsOptions {
  /** Default `integral`, as in e3nn. */
  normalization?: HarmonicsNormalization
  /** Whether to scale the vectors to length 1 first; otherwise degree l is a homogeneous polynomial. Default true. */
  normalize?: boolean
}

/**
 * Real spherical harmonics of degree 0..lmax of vectors, as homogeneous polynomials in x, y, z.
 *
 *     Y_lm = sqrt(2) Q_lm(y, r^2) Re (z + i x)^m        m > 0
 *            Q_l0(y, r^2)                               m = 0
 *            sqrt(2) Q_l|m|(y, r^2) Im (z + i x)^|m|    m < 0
 *
 * in e3nn's basis: y is the polar axis and degree 1 is proportional to (x, y, z). Being polynomials they are exact at
 * the poles; the zero vector gives 0 in every degree above 0, with `normalize` too. (e3nn also treats vectors shorter
 * than 1e-12 so; here they have a direction.) NaN and infinity stay within their own row.
 *
 * @param lmax 0 to 1000
 * @param vectors row-major [n, 3]
 * @returns row-major [n, (lmax+1)^2]; (l, m) stands at l^2 + l + m
 * @throws GauntletError ERR_ARGUMENT, or ERR_LENGTH where the number of coordinates is no multiple of 3
 * @example
 * harmonics(1, [0, 2, 0], { normalization: 'norm' })  // [1, 0, 1, 0]
 */
export function harmonics(lmax: number, vectors: ArrayLike<number>, options: HarmonicsOptions = {}): Float64Array {
  const { normalization = 'integral', normalize = true } = options
  const table = recursionTable(lmax)
  const factors = normalizationFactors(lmax, normalization)
  if (typeof vectors !== 'object' || vectors === null || !Number.isInteger(vectors.length)) {
    throw expected('an array of coordinates', 'vectors', vectors)
  }
  if (vectors.length % 3 !== 0) {
    throw expected('a length that is a multiple of 3', 'vectors', vectors, 'ERR_LENGTH')
  }
  const size = (lmax + 1) ** 2
  const count = vectors.length / 3
  if (count * size > MAX_DIMENSION) {
    throw expected(`at most ${Math.floor(MAX_DIMENSION / size)} vectors`, `lmax ${lmax}`, count, 'ERR_LENGTH')
  }
  const out = new Float64Array(count * size)
  const polynomials = new Float64Array(table.scale.length)
  const [re, im] = [new Float64Array(lmax + 1), new Float64Array(lmax + 1)]
  for (let i = 0; i < count; i++) {
    let [x, y, z] = [vectors[3 * i], vectors[3 * i + 1], vectors[3 * i + 2]]
    if (normalize) {
      const length = Math.hypot(x, y, z)
      if (length !== 0) [x, y, z] = [x / length, y / length, z / length]
    }
    evaluate(table, y, 1, x * x + y * y + z * z, polynomials)
    re[0] = 1
    im[0] = 0
    for (let m = 1; m <= lmax; m++) {
      re[m] = z * re[m - 1] - x * im[m - 1]
      im[m] = z * im[m - 1] + x * re[m - 1]
    }
    combine(lmax, polynomials, re, im, factors, out, i * size)
  }
  return out
}

/**
 * Real spherical harmonics of degree 0..lmax on the product grid of polar angles beta and azimuths alpha, where a
 * point is (sin beta sin alpha, cos beta, sin beta cos alpha).
 *
 * @param lmax 0 to 1000
 * @param betas polar angles from the y axis, radians
 * @param alphas azimuths from the z axis towards x, radians
 * @returns row-major [betas.length, alphas.length, (lmax+1)^2]
 * @throws GauntletError ERR_ARGUMENT
 * @example
 * harmonicsOnGrid(1, [Math.PI / 2], [0, Math.PI / 2], { normalization: 'norm' })  // [1,0,0,1, 1,1,0,0] to rounding
 */
export function harmonicsOnGrid(
  lmax: number,
  betas: ArrayLike<number>,
  alphas: ArrayLike<number>,
  options: Pick<HarmonicsOptions, 'normalization'> = {},
): Float64Array {
  const table = recursionTable(lmax)
  const factors = normalizationFactors(lmax, options.normalization ?? 'integral')
  const size = (lmax + 1) ** 2
  if (betas.length * alphas.length * size > MAX_DIMENSION) {
    throw expected(`at most ${Math.floor(MAX_DIMENSION / size)} points`, `lmax ${lmax}`, betas.length * alphas.length)
  }
  const [re, im] = [1, 1].map(() => new Float64Array(alphas.length * (lmax + 1)))
  for (let a = 0; a < alphas.length; a++) {
    for (let m = 0; m <= lmax; m++) {
      re[a * (lmax + 1) + m] = Math.cos(m * alphas[a])
      im[a * (lmax + 1) + m] = Math.sin(m * alphas[a])
    }
  }
  const out = new Float64Array(betas.length * alphas.length * size)
  const ring = new Float64Array(table.scale.length)
  for (let b = 0; b < betas.length; b++) {
    evaluate(table, Math.cos(betas[b]), Math.sin(betas[b]), 1, ring)
    for (let a = 0; a < alphas.length; a++) {
      const orders = [a * (lmax + 1), (a + 1) * (lmax + 1)] as const
      combine(lmax, ring, re.subarray(...orders), im.subarray(...orders), factors, out, (b * alphas.length + a) * size)
    }
  }
  return out
}

/** Writes one row of harmonics from its polar part (l(l+1)/2 + m) and its azimuthal parts re[m], im[m]. */
function combine(
  lmax: number,
  polar: Float64Array,
  re: Float64Array,
  im: Float64Array,
  factors: Float64Array,
  out: Float64Array,
  start: number,
): void {
  for (let l = 0; l <= lmax; l++) {
    const center = start + l * l + l
    const row = (l * (l + 1)) / 2
    out[center] = factors[l] * polar[row]
    for (let m = 1; m <= l; m++) {
      const value = Math.SQRT2 * factors[l] * polar[row + m]
      out[center + m] = value * re[m]
      out[center - m] = value * im[m]
    }
  }
}

/** What takes harmonics of each degree from the normalization of the recursion, `component`, to the wanted one. @internal */
export function normalizationFactors(lmax: number, normalization: HarmonicsNormalization): Float64Array {
  switch (normalization) {
    case 'integral':
      return new Float64Array(lmax + 1).fill(1 / Math.sqrt(4 * Math.PI))
    case 'component':
      return new Float64Array(lmax + 1).fill(1)
    case 'norm':
      return Float64Array.from({ length: lmax + 1 }, (_, l) => 1 / Math.sqrt(2 * l + 1))
    default:
      throw expected('"integral", "component" or "norm"', 'normalization', normalization)
  }
}
