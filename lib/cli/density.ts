import { harmonics } from '../o3/harmonics.js'
import { Irreps } from '../o3/irreps.js'
import { neighbours, type Structure } from '../structures/index.js'

export interface DensityOptions {
  lmax: number
  /** Radial functions, and so channels. */
  channels: number
  /** Angstrom. */
  cutoff: number
}

/** What the density of an atom is made of: `channels` copies of every degree up to lmax, of parity (-1)^l. */
export function densityIrreps({ lmax, channels }: DensityOptions): Irreps {
  return new Irreps([...Irreps.sphericalHarmonics(lmax)].map(({ ir }) => ({ mul: channels, ir })))
}

/**
 * The density of neighbours around every atom i, on radial functions and spherical harmonics:
 *
 *     A_i[c, l, m] = sum over neighbours j of  R_c(r_ij) Y_lm(r_ij)
 *     R_c(r) = sqrt(2 / cutoff) sin((c + 1) pi r / cutoff) / r * f(r / cutoff)
 *
 * with harmonics in `component` normalization and a polynomial cutoff f (Gasteiger, Gross and Guennemann, 2020).
 *
 * @returns [atoms, dim] in the layout of `densityIrreps`, float64, and how many pairs of neighbours there are
 */
export function density(structure: Structure, options: DensityOptions): { values: Float64Array; pairs: number } {
  const { lmax, channels, cutoff } = options
  const { receivers, vectors, distances } = neighbours(structure, cutoff)
  const angular = harmonics(lmax, vectors, { normalization: 'component' })
  const size = (lmax + 1) ** 2
  const dim = channels * size
  const values = new Float64Array((structure.positions.length / 3) * dim)
  const radial = new Float64Array(channels)
  for (let edge = 0; edge < receivers.length; edge++) {
    radialFunctions(distances[edge], cutoff, radial)
    for (let l = 0; l <= lmax; l++) {
      const width = 2 * l + 1
      const harmonic = edge * size + l * l
      for (let c = 0; c < channels; c++) {
        const start = receivers[edge] * dim + channels * l * l + c * width
        for (let m = 0; m < width; m++) values[start + m] += radial[c] * angular[harmonic + m]
      }
    }
  }
  return { values, pairs: receivers.length }
}

function radialFunctions(r: number, cutoff: number, out: Float64Array): void {
  const scale = (Math.sqrt(2 / cutoff) / r) * envelope(r / cutoff)
  for (let c = 0; c < out.length; c++) out[c] = scale * Math.sin(((c + 1) * Math.PI * r) / cutoff)
}

/** 1 at x = 0; falls to 0 at x = 1, where its first two derivatives vanish. */
function envelope(x: number): number {
  const p = 6
  return 1 - x ** p * (((p + 1) * (p + 2)) / 2 - x * (p * (p + 2) - (x * p * (p + 1)) / 2))
}
