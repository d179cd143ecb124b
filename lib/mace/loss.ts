import { GauntletError } from '../runtime/errors.js'
import { add, multiply, subtract } from '../tensor/elementwise.js'
import { broadcastColumns, sum } from '../tensor/rows.js'
import { input, type Tensor } from '../tensor/tensor.js'
import type { Batch } from './batch.js'
import { isolatedEnergies, sumByStructure } from './evaluator.js'
import type { Mace } from './model.js'

/** What a batch should give, and how much each structure counts. */
export interface Targets {
  /** [structures], eV. */
  readonly energies: Float64Array
  /** [nodes, 3], eV/Angstrom. */
  readonly forces: Float64Array
  /** [structures], MACE's config_weight times config_energy_weight; 1 each by default. */
  readonly energyWeights?: Float64Array
  /** [structures], MACE's config_weight times config_forces_weight; 1 each by default. */
  readonly forceWeights?: Float64Array
}

/** What errors of energies and of forces count. */
export interface LossWeights {
  readonly energy: number
  readonly forces: number
}

/**
 * MACE's WeightedEnergyForcesLoss, energies by atom,
 *
 *     loss = energy * mean over structures s of  w_s ((E_s - E'_s) / atoms_s)^2
 *          + forces * mean over nodes n, axes of  v_s(n) (F_n - F'_n)^2
 *
 * where E' and F' are targets, as an expression of the model's: what differs between batches, and between stages of a training, are
 * inputs.
 *
 * @example
 * const loss = new EnergyForcesLoss(model)
 * const slopes = gradient(loss.tensor, model.parameters.map(({ tensor }) => tensor))
 * const program = new ModelProgram(model, [loss.tensor, ...slopes])
 * const inputs = loss.inputs(batch, targets, { energy: 1, forces: 100 })
 * const arrays = [...inputs].map(([tensor, values]) => [tensor, program.array(values)])
 * const [value, ...slopesOfWeights] = program.run(batch, new Map([...program.weights(weights), ...arrays]))
 */
export class EnergyForcesLoss {
  /** [1, 1] */
  readonly tensor: Tensor
  readonly #energies: Tensor
  readonly #forces: Tensor
  readonly #energyWeights: Tensor
  readonly #forceWeights: Tensor

  constructor(readonly model: Mace) {
    const { structures, nodes } = model
    this.#energies = input('target energies', structures, 1)
    this.#forces = input('target forces', nodes, 3)
    this.#energyWeights = input('energy weights', structures, 1)
    this.#forceWeights = input('force weights', nodes, 1)
    const energyErrors = subtract(model.energies, this.#energies)
    const forceErrors = subtract(model.forces, this.#forces)
    const forceWeights = broadcastColumns(this.#forceWeights, 3)
    this.tensor = add([
      sum(multiply([this.#energyWeights, energyErrors, energyErrors])),
      sum(multiply([forceWeights, forceErrors, forceErrors])),
    ])
  }

  /**
   * Values of the loss's inputs for a batch.
   *
   * @throws GauntletError ERR_LENGTH for targets that are not the batch's
   */
  inputs(batch: Batch, targets: Targets, { energy, forces }: LossWeights): Map<Tensor, Float64Array> {
    const { structures, structureOf } = batch
    const nodes = structureOf.length
    const ones = new Float64Array(structures).fill(1)
    const { energyWeights = ones, forceWeights = ones } = targets
    check(targets.energies, structures, 'target energies')
    check(targets.forces, 3 * nodes, 'target forces')
    check(energyWeights, structures, 'energyWeights')
    check(forceWeights, structures, 'forceWeights')
    const isolated = sumByStructure(batch, isolatedEnergies(this.model, batch))
    const atoms = sumByStructure(batch, new Float64Array(nodes).fill(1))
    const weightOfNode = new Float64Array(nodes)
    structureOf.forEach((structure, node) => {
      weightOfNode[node] = (forces * forceWeights[structure]) / (3 * nodes)
    })
    return new Map([
      [this.#energies, targets.energies.map((value, n) => value - isolated[n])],
      [this.#forces, targets.forces],
      [
        this.#energyWeights,
        energyWeights.map((weight, n) => (energy * weight) / (structures * Math.max(1, atoms[n]) ** 2)),
      ],
      [this.#forceWeights, weightOfNode],
    ])
  }
}

function check(array: Float64Array, length: number, name: string): void {
  if (array.length === length) return
  throw new GauntletError('ERR_LENGTH', `Expected ${length} numbers for ${name} but received ${array.length}`)
}
