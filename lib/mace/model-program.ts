import { DeviceArray } from '../runtime/device-array.js'
import { resolveDevice } from '../runtime/device.js'
import type { FloatArray } from '../runtime/execute.js'
import type { DeviceId } from '../runtime/native.js'
import { choose } from '../product/path.js'
import { Program } from '../tensor/program.js'
import type { Tensor } from '../tensor/tensor.js'
import { type Batch, bindBatch } from './batch.js'
import type { Mace } from './model.js'
import { weightOf, type Weights } from './parameters.js'

/** `float32`, on the model's device; or `float64`, slowly, straight from the definitions of all operations. */
export type Precision = 'float32' | 'float64'

/** Numbers as a program takes and gives them: Float32Arrays or DeviceArrays in float32, else Float64Arrays. */
export type ProgramArray = FloatArray | Float64Array

/**
 * A program of a model's tensors, run on batches.
 *
 * @example
 * const program = new ModelProgram(model, [model.energies])
 * const [energies] = program.run(makeBatch(model, structures), program.weights(weights)) // without those of isolated atoms
 */
export class ModelProgram {
  readonly precision: Precision
  readonly #device: DeviceId
  readonly #program: Program

  constructor(
    readonly model: Mace,
    outputs: readonly Tensor[],
    precision?: Precision,
    { profile }: { profile?: boolean } = {},
  ) {
    this.precision = choose('precision', ['float32', 'float64'], precision)
    this.#device = resolveDevice(model.device)
    this.#program = new Program(outputs, { device: this.precision === 'float32' ? this.#device : 'none', profile })
  }

  /** Where the time of runs in float32 went, by operation; see Program. */
  get profile(): Program['profile'] {
    return this.#program.profile
  }

  /** The same numbers as the program takes them, in host memory; always a copy. */
  array(values: Float64Array): Float32Array | Float64Array {
    return this.precision === 'float64' ? values.slice() : Float32Array.from(values)
  }

  /**
   * Values of the model's parameters as inputs, on its device once for all runs.
   *
   * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH for weights that are not the model's
   */
  weights(weights: Weights): Map<Tensor, ProgramArray> {
    return new Map(
      this.model.parameters.map((parameter) => {
        const values = this.array(weightOf(weights, parameter))
        const stays = values instanceof Float32Array && this.#device !== 'cpu'
        return [parameter.tensor, stays ? DeviceArray.from(values, this.#device) : values]
      }),
    )
  }

  /**
   * Computes all outputs for a batch.
   *
   * @param inputs what outputs are made of beside the batch: weights, targets
   * @returns an array for each output, which holds until the next run
   * @throws GauntletError as `bindBatch` and `Program.run`
   */
  run(batch: Batch, inputs: ReadonlyMap<Tensor, ProgramArray>): ProgramArray[] {
    const bound = bindBatch(this.model, batch, (values) => this.array(values))
    const given = { ...bound, inputs: new Map([...bound.inputs, ...inputs]) }
    return this.precision === 'float64' ? this.#program.reference(given) : this.#program.run(given)
  }
}

/** A program's numbers as float64, a copy. */
export function toFloat64(array: ProgramArray): Float64Array {
  return Float64Array.from(array instanceof DeviceArray ? array.toArray() : array)
}
