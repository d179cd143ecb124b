import type { Communicator } from '../runtime/communicator.js'
import type { LossWeights } from './loss.js'

/** How far predictions are from what is known, as MACE reports it. */
export interface PredictionErrors {
  structures: number
  /** eV/atom */
  energyMae: number
  energyRmse: number
  /** eV/Angstrom */
  forcesMae: number
  forcesRmse: number
  /** The root mean square error of forces over that of the forces themselves. */
  forcesRelative: number
}

/** What is added up over structures, and over processes. */
const SUMS = ['structures', 'energyAbsolute', 'energySquares', 'components', 'absolute', 'squares', 'known'] as const

/** Errors of predictions, structure by structure. */
export class ErrorSums {
  readonly #sums = new Float64Array(SUMS.length)

  /**
   * @param energies of structures, eV; `known` those they should be
   * @param atoms of each structure
   * @param forces of all their atoms, eV/Angstrom; `knownForces` those they should be
   */
  add(
    energies: ArrayLike<number>,
    known: ArrayLike<number>,
    atoms: ArrayLike<number>,
    forces: ArrayLike<number>,
    knownForces: ArrayLike<number>,
  ): void {
    const sums = this.#sums
    for (let n = 0; n < energies.length; n++) {
      // Nothing by atom where there is none.
      if (atoms[n] === 0) continue
      const error = Math.abs(energies[n] - known[n]) / atoms[n]
      sums[0]++
      sums[1] += error
      sums[2] += error * error
    }
    for (let n = 0; n < forces.length; n++) {
      const error = Math.abs(forces[n] - knownForces[n])
      sums[3]++
      sums[4] += error
      sums[5] += error * error
      sums[6] += knownForces[n] * knownForces[n]
    }
  }

  /** Of this process, or of all, which have to call it together. What nothing was known of is NaN. */
  total(processes?: Communicator): PredictionErrors {
    const sums = this.#sums.slice()
    processes?.sum(sums)
    const [structures, energyAbsolute, energySquares, components, absolute, squares, known] = sums
    return {
      structures,
      energyMae: energyAbsolute / structures,
      energyRmse: Math.sqrt(energySquares / structures),
      forcesMae: absolute / components,
      forcesRmse: Math.sqrt(squares / components),
      forcesRelative: Math.sqrt(squares / known),
    }
  }
}

/** The mean loss that errors stand for. */
export function lossOf({ energyRmse, forcesRmse }: PredictionErrors, { energy, forces }: LossWeights): number {
  return energy * energyRmse ** 2 + forces * forcesRmse ** 2
}
