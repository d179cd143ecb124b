import type { Tensor } from '../tensor/tensor.js'
import type { Batch } from './batch.js'
import type { Mace } from './model.js'
import { ModelProgram, type Precision, type ProgramArray, toFloat64 } from './model-program.js'
import type { Weights } from './parameters.js'

/** What a model says of a batch. */
export interface Evaluation {
  /** [structures], eV. */
  readonly energies: Float64Array
  /** [nodes, 3], eV/Angstrom. */
  readonly forces: Float64Array
  /** [nodes], eV, those of isolated atoms among them. */
  readonly nodeEnergies: Float64Array
}

/**
 * A model with weights, ready to be evaluated on batches of any size.
 *
 * @example
 * const evaluator = new Evaluator(model, weights)
 * const { energies, forces } = evaluator.evaluate(makeBatch(model, structures))
 */
export class Evaluator {
  readonly #program: ModelProgram
  readonly #weights: ReadonlyMap<Tensor, ProgramArray>

  /** @throws GauntletError ERR_ARGUMENT, ERR_LENGTH for weights that are not the model's, ERR_DEVICE */
  constructor(
    readonly model: Mace,
    weights: Weights,
    { precision }: { precision?: Precision } = {},
  ) {
    this.#program = new ModelProgram(model, [model.nodeEnergies, model.forces], precision)
    this.#weights = this.#program.weights(weights)
  }

  /**
   * Energies of structures, summed in float64, and forces on their atoms.
   *
   * @throws GauntletError as `bindBatch`; ERR_MEMORY
   */
  evaluate(batch: Batch): Evaluation {
    const [nodeEnergies, forces] = this.#program.run(batch, this.#weights).map(toFloat64)
    const isolated = isolatedEnergies(this.model, batch)
    batch.elements.forEach((_, node) => (nodeEnergies[node] += isolated[node]))
    return { energies: sumByStructure(batch, nodeEnergies), forces, nodeEnergies }
  }
}

/** What a batch's atoms have alone. [nodes], eV */
export function isolatedEnergies({ configuration }: Mace, { elements }: Batch): Float64Array {
  const energies = new Float64Array(elements.length)
  elements.forEach((element, node) => (energies[node] = configuration.atomicEnergies[element]))
  return energies
}

/** [nodes] -> [structures] */
export function sumByStructure({ structures, structureOf }: Batch, values: Float64Array): Float64Array {
  const sums = new Float64Array(structures)
  structureOf.forEach((structure, node) => (sums[structure] += values[node]))
  return sums
}
