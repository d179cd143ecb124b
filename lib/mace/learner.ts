import type { ParameterSet } from '../nn/parameters.js'
import type { FloatArray } from '../runtime/execute.js'
import type { LabelledStructure } from './dataset.js'
import type { LossWeights } from './loss.js'

/** The loss of some structures and where it falls. */
export interface LossGradients {
  loss: number
  /** By all parameters, laid out as they are, on their device; it holds until the next call. */
  gradient: FloatArray
}

/** Energies (eV) of structures and forces (eV/Angstrom) on all of their atoms. */
export interface Predictions {
  energies: Float64Array
  forces: ArrayLike<number>
}

/** By what sums over structures and atoms are divided: the counts of a batch, in all processes together. */
export interface BatchCounts {
  structures: number
  atoms: number
}

/** A model as training sees it. `Structures` are some made ready for it. */
export interface Learner<Structures = unknown> {
  /** In float32, changed in place. */
  readonly parameters: ParameterSet
  /** Makes structures ready, so that they can be used any number of times. */
  prepare(structures: readonly LabelledStructure[]): Structures
  /**
   * The loss
   *
   *     energy * sum over structures of energyWeight ((E - known) / atoms)^2 / structures
   *     + forces * sum over components of forcesWeight (F - known)^2 / (3 atoms)
   *
   * and its gradient by all parameters.
   */
  learn(structures: Structures, weights: LossWeights, counts: BatchCounts): LossGradients
  predict(structures: Structures): Predictions
}
