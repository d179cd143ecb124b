import { ParameterSet } from '../nn/parameters.js'
import { concatenate } from '../tensor/concatenate.js'
import type { FloatArray } from '../runtime/execute.js'
import { gradient } from '../tensor/gradient.js'
import type { Tensor } from '../tensor/tensor.js'
import { type Batch, joinBatches, makeBatch } from './batch.js'
import type { LabelledStructure } from './dataset.js'
import { isolatedEnergies, sumByStructure } from './evaluator.js'
import type { BatchCounts, Learner, LossGradients, Predictions } from './learner.js'
import { EnergyForcesLoss, type LossWeights, type Targets } from './loss.js'
import type { Mace } from './model.js'
import { ModelProgram, type ProgramArray, toFloat64 } from './model-program.js'
import { weightOf, type Weights } from './parameters.js'

/** Structures ready for a model. */
export interface Prepared {
  batch: Batch
  targets: Targets
}

/**
 * A MACE model that is trained, in float32 on its device. As in MACE, weights decay in the linear layers behind messages and in
 * product bases, and nowhere else.
 *
 * @example
 * const learner = new MaceLearner(model, model.initialWeights(1), { weightDecay: 5e-7 })
 */
export class MaceLearner implements Learner<Prepared> {
  readonly parameters: ParameterSet
  readonly #loss: EnergyForcesLoss
  readonly #training: ModelProgram
  readonly #prediction: ModelProgram
  readonly #singles = new WeakMap<LabelledStructure, Batch>()

  /** @throws GauntletError ERR_ARGUMENT, ERR_LENGTH for weights that are not the model's, ERR_DEVICE */
  constructor(
    readonly model: Mace,
    weights: Weights,
    { weightDecay = 0, profile }: { weightDecay?: number; profile?: boolean } = {},
  ) {
    const parameters = model.parameters.map((parameter) => ({
      name: parameter.name,
      values: Float32Array.from(weightOf(weights, parameter)),
      weightDecay: decays(parameter.name) ? weightDecay : 0,
    }))
    this.parameters = new ParameterSet(parameters, model.device)
    this.#loss = new EnergyForcesLoss(model)
    const by = model.parameters.map(({ tensor }) => tensor)
    const outputs = [this.#loss.tensor, concatenate(gradient(this.#loss.tensor, by))]
    this.#training = new ModelProgram(model, outputs, 'float32', { profile })
    this.#prediction = new ModelProgram(model, [model.nodeEnergies, model.forces])
  }

  /** Where the time of `learn` went, by operation, if that was asked for. */
  get profile(): ModelProgram['profile'] {
    return this.#training.profile
  }

  prepare(structures: readonly LabelledStructure[]): Prepared {
    const batch = joinBatches(structures.map((structure) => this.#single(structure)))
    const forces = new Float64Array(batch.positions.length)
    let at = 0
    for (const structure of structures) {
      forces.set(structure.forces, at)
      at += structure.forces.length
    }
    const of = (value: (structure: LabelledStructure) => number): Float64Array => Float64Array.from(structures, value)
    const energyWeights = of(({ energyWeight }) => energyWeight)
    const forceWeights = of(({ forcesWeight }) => forcesWeight)
    return { batch, targets: { energies: of(({ energy }) => energy), forces, energyWeights, forceWeights } }
  }

  learn({ batch, targets }: Prepared, weights: LossWeights, counts: BatchCounts): LossGradients {
    // The loss divides by the batch's own counts.
    const loss = this.#loss.inputs(batch, targets, {
      energy: (weights.energy * batch.structures) / counts.structures,
      forces: (weights.forces * batch.elements.length) / counts.atoms,
    })
    const inputs = new Map<Tensor, ProgramArray>(this.#values())
    for (const [tensor, values] of loss) inputs.set(tensor, this.#training.array(values))
    const [value, slope] = this.#training.run(batch, inputs)
    return { loss: toFloat64(value)[0], gradient: slope as FloatArray }
  }

  predict({ batch }: Prepared): Predictions {
    const [energies, forces] = this.#prediction.run(batch, this.#values())
    const isolated = isolatedEnergies(this.model, batch)
    const nodeEnergies = toFloat64(energies).map((energy, node) => energy + isolated[node])
    return { energies: sumByStructure(batch, nodeEnergies), forces: toFloat64(forces) }
  }

  #values(): Map<Tensor, ProgramArray> {
    return new Map(this.model.parameters.map(({ tensor }, n) => [tensor, this.parameters.arrays[n]]))
  }

  /** With its neighbours, which are found once. */
  #single(structure: LabelledStructure): Batch {
    let found = this.#singles.get(structure)
    if (found === undefined) {
      found = makeBatch(this.model, [structure])
      this.#singles.set(structure, found)
    }
    return found
  }
}

function decays(name: string): boolean {
  return name.startsWith('products.') || /^interactions\.\d+\.linear\.weight/.test(name)
}
