import type { ForceField } from '../md/dynamics.js'
import { GauntletError } from '../runtime/errors.js'
import type { Structure } from '../structures/structure.js'
import { makeBatch } from './batch.js'
import { Evaluator } from './evaluator.js'
import { isFinitePrediction, NO_NUMBERS } from './prediction.js'
import type { Mace } from './model.js'
import type { Precision } from './model-program.js'
import type { Weights } from './parameters.js'

/**
 * A model's energies and forces of one structure at a time, with neighbours of its own finding.
 *
 * @example
 * const calculator = new Calculator(model, weights)
 * const { energy, forces } = calculator.compute(structure)
 * const dynamics = new Dynamics(structure, calculator.forceField(structure), { timestep: 0.5, temperature: 300 })
 */
export class Calculator {
  readonly #evaluator: Evaluator

  /** @throws GauntletError as `Evaluator` */
  constructor(
    readonly model: Mace,
    weights: Weights,
    options: { precision?: Precision } = {},
  ) {
    this.#evaluator = new Evaluator(model, weights, options)
  }

  /**
   * Energy (eV) and forces ([atoms, 3], eV/Angstrom) of a structure, whether it repeats or not.
   *
   * @throws GauntletError ERR_ARGUMENT for an element that the model does not know; as `neighbours`; ERR_PRECISION for
   * energy or forces that are no numbers; ERR_MEMORY
   */
  compute(structure: Structure): { energy: number; forces: Float64Array } {
    const found = this.#compute(structure)
    if (!isFinitePrediction(found)) throw new GauntletError('ERR_PRECISION', NO_NUMBERS)
    return found
  }

  /** The same for the atoms and the cell of a structure at any positions: what moves them in `Dynamics`. */
  forceField(structure: Structure): ForceField {
    // What is no number `Dynamics` says with the time.
    return (positions) => this.#compute({ ...structure, positions })
  }

  #compute(structure: Structure): { energy: number; forces: Float64Array } {
    const { energies, forces } = this.#evaluator.evaluate(makeBatch(this.model, [structure]))
    return { energy: energies[0], forces }
  }
}
