import { DeviceArray } from '../runtime/device-array.js'
import { type FloatArray, nativeOf } from '../runtime/execute.js'
import { callNative, type DeviceId, loadAddon, type NativeKernels } from '../runtime/native.js'
import { FAMILIES, type ScalarFunction } from './functions.js'
import type { Transposed } from './matmul.js'

const TRANSPOSED: readonly Transposed[] = ['none', 'second', 'first']

/** Native operations on matrices on a device, see NativeKernels. */
export class Kernels {
  readonly #native: NativeKernels

  constructor(readonly device: DeviceId) {
    this.#native = callNative(() => new (loadAddon().NativeKernels)(device))
  }

  /** Memory of so many floats there, holding anything. */
  allocate(length: number): FloatArray {
    return this.device === 'cpu' ? new Float32Array(length) : DeviceArray.uninitialized(this.device, length)
  }

  write(out: FloatArray, values: Float32Array): void {
    if (out instanceof DeviceArray) out.set(values)
    else out.set(values)
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
