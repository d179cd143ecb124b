import { DeviceArray } from '../runtime/device-array.js'
import { type FloatArray, nativeOf } from '../runtime/execute.js'
import { allocate, free } from '../runtime/memory.js'
import { callNative, type DeviceId, loadAddon, type NativeKernels } from '../runtime/native.js'
import { FAMILIES, type ScalarFunction } from './functions.js'
import type { Transposed } from './matmul.js'

/** Arrays that one call takes at most; as native/core/scalar_function.h has it. */
export const MOST_INPUTS = 256

const TRANSPOSED: readonly Transposed[] = ['none', 'second', 'first']

/** What a step of Adam reads and changes: arrays of one length. */
export interface AdamArrays {
  values: FloatArray
  gradient: FloatArray
  /** Of each number. */
  decay: FloatArray
  mean: FloatArray
  square: FloatArray
  /** With AMSGrad. */
  largest?: FloatArray
}

/** As native/core/adam.h has it. */
export interface AdamStep {
  beta1: number
  beta2: number
  rate: number
  correction: number
  epsilon: number
  factor: number
}

/** Native operations on matrices on a device, see NativeKernels. */
export class Kernels {
  readonly #native: NativeKernels
  /** Page-locked, which a GPU copies from without a copy by the driver; grows. */
  #staging = new Float32Array(0)

  constructor(readonly device: DeviceId) {
    this.#native = callNative(() => new (loadAddon().NativeKernels)(device))
  }

  /** Memory of so many floats there, holding anything. */
  allocate(length: number): FloatArray {
    return this.device === 'cpu' ? new Float32Array(length) : DeviceArray.uninitialized(this.device, length)
  }

  /** Copies numbers there. */
  write(out: FloatArray, values: Float32Array): void {
    if (!(out instanceof DeviceArray)) out.set(values)
    else if (this.device === 'cpu') out.set(values)
    else out.set(this.#staged(values))
  }

  #staged(values: Float32Array): Float32Array {
    if (this.#staging.length < values.length) {
      if (this.#staging.length > 0) free(this.#staging)
      this.#staging = allocate(values.length, { pinned: true })
    }
    const staged = this.#staging.subarray(0, values.length)
    staged.set(values)
    return staged
  }

  fill(out: FloatArray, value: number): void {
    callNative(() => this.#native.fill(nativeOf(out), value))
  }

  elementwise(out: FloatArray, scale: number, f: ScalarFunction | undefined, inputs: readonly FloatArray[]): void {
    const family = f ? FAMILIES.indexOf(f.family) : -1
    const coefficients = Float64Array.from(f?.coefficients ?? [])
    callNative(() => this.#native.elementwise(nativeOf(out), scale, family, coefficients, inputs.map(nativeOf)))
  }

  combine(out: FloatArray, factors: readonly number[], inputs: readonly FloatArray[]): void {
    callNative(() => this.#native.combine(nativeOf(out), Float64Array.from(factors), inputs.map(nativeOf)))
  }

  concatenate(out: FloatArray, starts: Int32Array, inputs: readonly FloatArray[]): void {
    for (let first = 0; first < inputs.length; first += MOST_INPUTS) {
      const [begin, end] = [starts[first], starts[first + MOST_INPUTS] ?? out.length]
      const part = begin === 0 && end === out.length ? out : out.subarray(begin, end)
      const places = starts.subarray(first, first + MOST_INPUTS).map((start) => start - begin)
      const pieces = inputs.slice(first, first + MOST_INPUTS).map(nativeOf)
      callNative(() => this.#native.concatenate(nativeOf(part), places, pieces))
    }
  }

  /** One step of Adam, see lib/nn/optimizer.ts. */
  adam({ values, gradient, decay, mean, square, largest }: AdamArrays, step: AdamStep): void {
    const { beta1, beta2, rate, correction, epsilon, factor } = step
    const numbers = Float64Array.of(beta1, beta2, rate, correction, epsilon, factor)
    const [a, b, c, d, e] = [values, gradient, decay, mean, square].map(nativeOf)
    callNative(() => this.#native.adam(a, b, c, d, e, largest && nativeOf(largest), numbers))
  }

  matmul(
    out: FloatArray,
    a: FloatArray,
    b: FloatArray,
    transposed: Transposed,
    rows: number,
    columns: number,
    scale: number,
  ): void {
    const how = TRANSPOSED.indexOf(transposed)
    callNative(() => this.#native.matmul(nativeOf(out), nativeOf(a), nativeOf(b), how, rows, columns, scale))
  }

  gather(out: FloatArray, x: FloatArray, dim: number, of: Int32Array): void {
    callNative(() => this.#native.gather(nativeOf(out), nativeOf(x), dim, of))
  }

  scatter(out: FloatArray, x: FloatArray, dim: number, start: Int32Array, order: Int32Array): void {
    callNative(() => this.#native.scatter(nativeOf(out), nativeOf(x), dim, start, order))
  }

  broadcastRows(out: FloatArray, x: FloatArray, dim: number): void {
    callNative(() => this.#native.broadcastRows(nativeOf(out), nativeOf(x), dim))
  }

  sumRows(out: FloatArray, x: FloatArray, dim: number): void {
    callNative(() => this.#native.sumRows(nativeOf(out), nativeOf(x), dim))
  }

  columns(out: FloatArray, x: FloatArray, dim: number, width: number, from: number): void {
    callNative(() => this.#native.columns(nativeOf(out), nativeOf(x), dim, width, from))
  }

  pad(out: FloatArray, x: FloatArray, dim: number, width: number, from: number): void {
    callNative(() => this.#native.pad(nativeOf(out), nativeOf(x), dim, width, from))
  }
}
