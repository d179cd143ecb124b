import { normalizationFactors, type HarmonicsNormalization } from '../o3/harmonics.js'
import type { EncodedPlan } from '../runtime/execute.js'

/**
 * The coefficients of native/core/harmonics_math.h, which has the recursions they belong to, in float64. With a_l the factor that
 * takes degree l from `component` to the wanted normalization:
 *
 *     sector_m  sqrt((2m+1) / (2m))                            times sqrt(2) for m = 1, and a_m / a_{m-1}
 *     along     sqrt((4l^2-1) / (l^2-m^2))                     times a_l / a_{l-1}
 *     back      along * sqrt(((l-1)^2-m^2) / (4(l-1)^2-1))     times a_{l-1} / a_{l-2}
 *     polar     k sqrt((l+m) (l-m))                            k = sqrt((2l+1) / (2l-1)) a_l / a_{l-1}
 *     inner     k/2 sqrt((l+m) (l+m-1))                        times sqrt(2) for m = 1
 *     outer     k/2 sqrt((l-m) (l-m-1))                        times sqrt(2) for m = 0
 *
 * The factors sqrt(2) are those of real harmonics: m = 0 has none, +-m > 0 have it. Source of the derivatives: E. W. Hobson, The
 * Theory of Spherical and Ellipsoidal Harmonics, for solid harmonics normalized as here.
 */
export function harmonicsTable(lmax: number, normalization: HarmonicsNormalization, normalize: boolean): EncodedPlan {
  const factors = normalizationFactors(lmax, normalization)
  /** a_l / a_{l-1} */
  const ratio = (l: number): number => (l > 0 ? factors[l] / factors[l - 1] : 1)
  const sectors = [1]
  const pairs: number[] = []
  for (let l = 0; l <= lmax; l++) {
    if (l > 0) sectors.push(Math.sqrt((2 * l + 1) / (l === 1 ? 1 : 2 * l)) * ratio(l))
    const k = l > 0 ? Math.sqrt((2 * l + 1) / (2 * l - 1)) * ratio(l) : 0
    for (let m = 0; m <= l; m++) {
      const along = m < l ? Math.sqrt((4 * l * l - 1) / (l * l - m * m)) * ratio(l) : 0
      const back = m < l - 1 ? along * Math.sqrt(((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1)) * ratio(l - 1) : 0
      const polar = k * Math.sqrt((l + m) * (l - m))
      const inner = m > 0 ? (k / 2) * Math.sqrt((l + m) * (l + m - 1) * (m === 1 ? 2 : 1)) : 0
      const outer = m < l - 1 ? (k / 2) * Math.sqrt((l - m) * (l - m - 1) * (m === 0 ? 2 : 1)) : 0
      pairs.push(along, back, polar, inner, outer)
    }
  }
  return {
    integers: Int32Array.of(0, lmax, normalize ? 1 : 0),
    reals: Float64Array.of(factors[0], ...sectors, ...pairs),
  }
}
