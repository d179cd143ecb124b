import { DeviceArray } from '../runtime/device-array.js'
import { type DeviceOption, resolveDevice } from '../runtime/device.js'
import { expected } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import { Kernels } from '../tensor/kernels.js'
import { Pieces } from '../tensor/pieces.js'

/** A parameter to be trained. */
export interface TrainedParameter {
  readonly name: string
  /** First values. */
  readonly values: Float32Array
  /** Added to the gradient times the values. */
  readonly weightDecay?: number
}

/** Numbers of parameters in host memory, by name. */
export type NamedArrays = ReadonlyMap<string, Float32Array>

/**
 * Parameters that are trained in place, one after another in one array on a device, as are all arrays that go with them: gradients,
 * moments, averages. What is done to parameters is done to that array, in one go. Between them lie zeros, see `Pieces`.
 *
 * @example
 * const parameters = new ParameterSet([{ name: 'weight', values: Float32Array.of(1, 2) }], 'cuda')
 * parameters.read(parameters.values).get('weight')
 */
export class ParameterSet {
  readonly names: readonly string[]
  readonly pieces: Pieces
  readonly kernels: Kernels
  readonly values: FloatArray
  /** Each parameter's part of `values`, which shares its memory. */
  readonly arrays: readonly FloatArray[]
  /** What is added to the gradient of every number, as a multiple of it. */
  readonly decay: FloatArray

  /** @throws GauntletError ERR_ARGUMENT, ERR_DEVICE, ERR_MEMORY */
  constructor(parameters: readonly TrainedParameter[], device: DeviceOption = 'cpu') {
    this.kernels = new Kernels(resolveDevice(device))
    this.names = parameters.map(({ name }) => name)
    this.pieces = new Pieces(parameters.map(({ values }) => values.length))
    this.values = this.from(parameters.map(({ values }) => values))
    this.arrays = this.pieces.of(this.values)
    this.decay = this.from(
      parameters.map(({ values, weightDecay = 0 }) => new Float32Array(values.length).fill(weightDecay)),
    )
  }

  /** An array of all parameters' length, of these numbers. */
  from(arrays: readonly Float32Array[]): FloatArray {
    const whole = new Float32Array(this.pieces.length)
    this.pieces.of(whole).forEach((piece, n) => piece.set(arrays[n]))
    const out = this.kernels.allocate(whole.length)
    this.kernels.write(out, whole)
    return out
  }

  zeros(): FloatArray {
    const out = this.kernels.allocate(this.pieces.length)
    this.kernels.fill(out, 0)
    return out
  }

  /** A copy of such an array. */
  clone(array: FloatArray): FloatArray {
    const out = this.kernels.allocate(this.pieces.length)
    this.copy(out, array)
    return out
  }

  copy(to: FloatArray, from: FloatArray): void {
    this.kernels.combine(to, [1], [from])
  }

  /** Copies of all parts of such an array. */
  read(array: FloatArray): NamedArrays {
    const whole = array instanceof DeviceArray ? array.toArray() : array.slice()
    return new Map(this.pieces.of(whole).map((piece, n) => [this.names[n], piece.slice()]))
  }

  /**
   * Overwrites such an array.
   *
   * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH where parameters are missing or of other lengths
   */
  write(array: FloatArray, values: NamedArrays): void {
    const whole = new Float32Array(this.pieces.length)
    this.pieces.of(whole).forEach((piece, n) => {
      const given = values.get(this.names[n])
      if (given === undefined) throw expected('an array', this.names[n], given)
      if (given.length !== piece.length) {
        throw expected(String(piece.length), `the length of ${this.names[n]}`, given.length, 'ERR_LENGTH')
      }
      piece.set(given)
    })
    this.kernels.write(array, whole)
  }

  /** Calls `use` while the values are those of another such array. */
  during<T>(values: FloatArray, use: () => T): T {
    const kept = this.clone(this.values)
    this.copy(this.values, values)
    try {
      return use()
    } finally {
      this.copy(this.values, kept)
      if (kept instanceof DeviceArray) kept.dispose()
    }
  }
}
