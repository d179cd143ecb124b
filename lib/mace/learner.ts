import type { TrainedParameter } from '../nn/optimizer.js'
import type { LabelledStructure } from './dataset.js'
import type { LossWeights } from './loss.js'

/** The loss of some structures and where it falls. */
export interface LossGradients {
  loss: number
  /** Of the lengths of the parameters, in their order; they hold until the next call. */
  gradients: readonly Float32Array[]
}

/** Energies (eV) of structures and forces (eV/Angstrom) on all of their atoms. */
export interface Predictions {
  energies: Float64Array
  forces: Float32Array
}

/** By what sums over structures and atoms are divided: the counts of a batch, in all processes together. */
export interface BatchCounts {
  structures: number
  atoms: number
}

/** A model as training sees it. `Structures` are some made ready for it. */
export interface Learner<Structures = unknown> {
  /** In float32, changed in place. */
  readonly parameters: readonly TrainedParameter[]
  /** Makes structures ready, so that they can be used any number of times. */
  prepare(structures: readonly LabelledStructure[]): Structures
  /**
   * The loss
   *
   *     energy * sum over structures of ((E - known) / atoms)^2 / structures
   *     + forces * sum over components of (F - known)^2 / (3 atoms)
   *
   * and its gradients by all parameters.
   */
  learn(structures: Structures, weights: LossWeights, counts: BatchCounts): LossGradients
  predict(structures: Structures): Predictions
}
