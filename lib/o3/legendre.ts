import { expected } from '../runtime/errors.js'

/** Up to here sin^m underflows only where the function itself is negligible. */
export const MAX_DEGREE_HARMONICS = 1000

/**
 * Normalized associated Legendre functions of degree 0..lmax and order 0..l, without the Condon-Shortley phase.
 *
 *     L_lm(x) = sqrt((2l+1)/(4 pi) (l-m)!/(l+m)!) (1-x^2)^(m/2) d^m P_l(x) / dx^m
 *
 * so that the orthonormal real harmonics are sqrt(2) L_lm cos(m alpha), L_l0, sqrt(2) L_l|m| sin(|m| alpha) for
 * m > 0, m = 0, m < 0. Stable for every l (recursion upwards in l at fixed m).
 *
 * @param lmax 0 to 1000
 * @param x one number or a list of them, from -1 to 1: the cosine of the polar angle
 * @returns row-major [n, (lmax+1)(lmax+2)/2]; (l, m) stands at l(l+1)/2 + m
 * @throws GauntletError ERR_ARGUMENT
 * @example
 * legendre(1, 0)  // [sqrt(1/4pi), 0, sqrt(3/8pi)]
 */
export function legendre(lmax: number, x: number | ArrayLike<number>): Float64Array {
  const table = recursionTable(lmax)
  const points = typeof x === 'number' ? [x] : x
  const size = ((lmax + 1) * (lmax + 2)) / 2
  const out = new Float64Array(points.length * size)
  for (let i = 0; i < points.length; i++) {
    const cos = points[i]
    if (!(cos >= -1 && cos <= 1)) throw expected('numbers from -1 to 1', 'x', cos)
    // (1 - x)(1 + x) keeps the digits near the poles that 1 - x^2 loses.
    evaluate(table, cos, Math.sqrt((1 - cos) * (1 + cos)), 1, out.subarray(i * size, (i + 1) * size))
  }
  // The recursion starts from L_00 = 1.
  return out.map((value) => value / Math.sqrt(4 * Math.PI))
}

/**
 * Derivatives of the functions of `legendre` by the polar angle beta, x = cos beta:
 *
 *     dL_lm / dbeta = (sqrt((l+m)(l-m+1)) L_l,m-1 - sqrt((l-m)(l+m+1)) L_l,m+1) / 2     m > 0
 *     dL_l0 / dbeta = -sqrt(l(l+1)) L_l1
 *
 * Nothing is divided, so they are as exact at the poles as elsewhere.
 *
 * @param lmax 0 to 1000
 * @param x one number or a list of them, from -1 to 1: the cosine of the polar angle
 * @returns row-major [n, (lmax+1)(lmax+2)/2]; (l, m) stands at l(l+1)/2 + m
 * @throws GauntletError ERR_ARGUMENT
 * @example
 * legendreSlopes(1, 0)  // [0, -sqrt(3/4pi), 0]: of L_10 = sqrt(3/4pi) cos beta and L_11 = sqrt(3/8pi) sin beta
 */
export function legendreSlopes(lmax: number, x: number | ArrayLike<number>): Float64Array {
  const values = legendre(lmax, x)
  const size = ((lmax + 1) * (lmax + 2)) / 2
  const slopes = new Float64Array(values.length)
  for (let start = 0; start < values.length; start += size) {
    for (let l = 1; l <= lmax; l++) {
      const row = start + (l * (l + 1)) / 2
      slopes[row] = -Math.sqrt(l * (l + 1)) * values[row + 1]
      for (let m = 1; m <= l; m++) {
        const above = m < l ? Math.sqrt((l - m) * (l + m + 1)) * values[row + m + 1] : 0
        slopes[row + m] = (Math.sqrt((l + m) * (l - m + 1)) * values[row + m - 1] - above) / 2
      }
    }
  }
  return slopes
}

/** The coefficients of the recursion, each at index l(l+1)/2 + m. @internal */
export interface RecursionTable {
  lmax: number
  /** At (m, m): L_mm / sin^m. At (l, m), l > m: the factor of the recursion step. */
  scale: Float64Array
  /** What the step subtracts of L_{l-2,m}. */
  back: Float64Array
}

/** The coefficients do not depend on lmax: the longest table so far serves every shorter one. */
let longest: RecursionTable = { lmax: -1, scale: new Float64Array(), back: new Float64Array() }

/** @internal */
export function recursionTable(lmax: number): RecursionTable {
  if (!Number.isInteger(lmax) || lmax < 0 || lmax > MAX_DEGREE_HARMONICS) {
    throw expected(`an integer from 0 to ${MAX_DEGREE_HARMONICS}`, 'lmax', lmax)
  }
  if (lmax > longest.lmax) longest = computeTable(lmax)
  const size = ((lmax + 1) * (lmax + 2)) / 2
  return { lmax, scale: longest.scale.subarray(0, size), back: longest.back.subarray(0, size) }
}

function computeTable(lmax: number): RecursionTable {
  const size = ((lmax + 1) * (lmax + 2)) / 2
  const scale = new Float64Array(size)
  const back = new Float64Array(size)
  let sectoral = 1
  for (let l = 0; l <= lmax; l++) {
    const row = (l * (l + 1)) / 2
    for (let m = 0; m < l; m++) {
      scale[row + m] = Math.sqrt((4 * l * l - 1) / (l * l - m * m))
      back[row + m] = l < 2 ? 0 : Math.sqrt(((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1))
    }
    if (l > 0) sectoral *= (2 * l + 1) / (2 * l)
    scale[row + l] = Math.sqrt(sectoral)
  }
  return { lmax, scale, back }
}

/**
 * Runs the recursion for one point into `out`:
 *
 *     L_mm = c_m s^m,   L_lm = scale_lm (y L_{l-1,m} - back_lm r2 L_{l-2,m})
 *
 * With y = cos, s = sin, r2 = 1 these are the functions of `legendre` times sqrt(4 pi); with s = 1 and r2 = x^2+y^2+z^2 they are the
 * homogeneous polynomials in (y, r2) that remain when the factor sin^m is taken out. @internal
 */
export function evaluate(table: RecursionTable, y: number, s: number, r2: number, out: Float64Array): void {
  const { lmax, scale, back } = table
  let power = 1
  for (let m = 0; m <= lmax; m++, power *= s) {
    let below = 0
    let current = scale[(m * (m + 1)) / 2 + m] * power
    out[(m * (m + 1)) / 2 + m] = current
    for (let l = m + 1; l <= lmax; l++) {
      const at = (l * (l + 1)) / 2 + m
      const next = scale[at] * (y * current - back[at] * r2 * below)
      below = current
      current = next
      out[at] = next
    }
  }
}
