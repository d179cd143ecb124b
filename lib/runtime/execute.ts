import { checkFloat32Array } from './arrays.js'
import { DeviceArray } from './device-array.js'
import { expected, GauntletError } from './errors.js'
import { allocate } from './memory.js'
import {
  callNative,
  callNativeAsync,
  loadAddon,
  type DeviceId,
  type NativeExecutor,
  type NativeOperand,
} from './native.js'

/** What products read and write. */
export type FloatArray = Float32Array | DeviceArray

/** Which operand of the trilinear map is left out, and so computed. */
export type Target = 0 | 1 | 2

/** A product as native code reads it; see native/core/plan.h. */
export interface EncodedPlan {
  integers: Int32Array
  reals: Float64Array
}

/** An operand as messages speak of it. `name` is what an input is called; the computed operand is always `out`. */
export interface OperandInfo {
  name: string
  /** Floats per sample. */
  dim: number
  irreps: string
}

export interface AsyncOptions {
  /** Where the result goes; a new array by default. */
  out?: FloatArray
  /** Checked before the call starts; a call that has started runs to its end. */
  signal?: AbortSignal
}

type OnlySignal = Pick<AsyncOptions, 'signal'>

/**
 * A plan on a device, which computes F(x1, x2, x3) = sum of coefficient * x1[i] * x2[j] * x3[k] with one operand left out.
 * Every array is `batch` rows of its operand's `dim` floats; the batch is read off the lengths. Nothing is written before
 * every argument was found good. `out` may share memory with an input.
 *
 * @throws GauntletError from every evaluation: ERR_DTYPE, ERR_BUFFER, ERR_LENGTH, ERR_DEVICE (a DeviceArray that lives
 * elsewhere), ERR_DISPOSED, ERR_MEMORY, ERR_CUDA
 */
export class Execution implements Disposable {
  readonly device: DeviceId
  readonly operands: readonly [OperandInfo, OperandInfo, OperandInfo]
  readonly #native: NativeExecutor

  constructor(device: DeviceId, plan: EncodedPlan, operands: readonly [OperandInfo, OperandInfo, OperandInfo]) {
    this.device = device
    this.operands = operands
    this.#native = callNative(() => new (loadAddon().NativeExecutor)(device, plan.integers, plan.reals))
  }

  /**
   * Computes operand `target` from the two others, `x` and `y` in their order, and returns it: in `out` where it is given,
   * else in a new DeviceArray if both inputs are such, else in a new Float32Array.
   */
  evaluate<Out extends FloatArray>(target: Target, x: FloatArray, y: FloatArray, out: Out): Out
  evaluate(target: Target, x: DeviceArray, y: DeviceArray): DeviceArray
  evaluate(target: Target, x: Float32Array, y: FloatArray): Float32Array
  evaluate(target: Target, x: FloatArray, y: Float32Array): Float32Array
  evaluate(target: Target, x: FloatArray, y: FloatArray, out?: FloatArray): FloatArray
  evaluate(target: Target, x: FloatArray, y: FloatArray, out?: FloatArray): FloatArray {
    const batch = this.#batch(target, x, y, out)
    const result = out ?? this.#newOut(target, x, y, batch)
    callNative(() => {
      this.#native.evaluate(target, nativeOf(x), nativeOf(y), nativeOf(result), batch)
    })
    return result
  }

  /**
   * The same off the event loop. Arrays from `allocate` and DeviceArrays are used in place: leave them alone until the
   * promise settles (freeing and disposing is safe). Any other input is copied before this returns, and any other `out` is
   * written when the result is there; should its buffer be detached by then, the promise rejects with ERR_BUFFER.
   *
   * @throws never; the promise rejects, with the signal's reason where it is aborted already
   */
  evaluateAsync<Out extends FloatArray>(
    target: Target,
    x: FloatArray,
    y: FloatArray,
    options: AsyncOptions & { out: Out },
  ): Promise<Out>
  evaluateAsync(target: Target, x: DeviceArray, y: DeviceArray, options?: OnlySignal): Promise<DeviceArray>
  evaluateAsync(target: Target, x: Float32Array, y: FloatArray, options?: OnlySignal): Promise<Float32Array>
  evaluateAsync(target: Target, x: FloatArray, y: Float32Array, options?: OnlySignal): Promise<Float32Array>
  evaluateAsync(target: Target, x: FloatArray, y: FloatArray, options?: AsyncOptions): Promise<FloatArray>
  async evaluateAsync(target: Target, x: FloatArray, y: FloatArray, options: AsyncOptions = {}): Promise<FloatArray> {
    const { out, signal } = options
    signal?.throwIfAborted()
    const batch = this.#batch(target, x, y, out)
    const result = out ?? this.#newOut(target, x, y, batch, allocateOnHost)
    await callNativeAsync(() => this.#native.evaluateAsync(target, nativeOf(x), nativeOf(y), nativeOf(result), batch))
    return result
  }

  /** Releases the native memory, at once or with the last call in flight. Any later evaluation throws ERR_DISPOSED. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Checks every array and returns how many samples they hold. */
  #batch(target: Target, x: unknown, y: unknown, out: unknown): number {
    const first = this.operands[target === 0 ? 1 : 0]
    const second = this.operands[target === 2 ? 1 : 2]
    const result = this.operands[target]
    const samplesX = samplesOf(x, first, first.name)
    const samplesY = samplesOf(y, second, second.name)
    if (samplesX !== undefined && samplesY !== undefined && samplesX !== samplesY) {
      throw new GauntletError(
        'ERR_LENGTH',
        `Expected as many samples in ${first.name} as in ${second.name} but ${first.name} holds ${samplesX} samples and ` +
          `${second.name} holds ${samplesY} (irreps ${first.irreps} and ${second.irreps})`,
      )
    }
    const samplesOut = out === undefined ? undefined : samplesOf(out, result, 'out')
    const batch = samplesX ?? samplesY ?? samplesOut ?? 0
    if (samplesOut !== undefined && samplesOut !== batch) {
      const wanted = `${batch * result.dim} (${batch} samples of irreps ${result.irreps})`
      throw expected(wanted, 'the length of out', samplesOut * result.dim, 'ERR_LENGTH')
    }
    return batch
  }

  #newOut(target: Target, x: FloatArray, y: FloatArray, batch: number, onHost = newFloat32Array): FloatArray {
    const length = batch * this.operands[target].dim
    if (x instanceof DeviceArray && y instanceof DeviceArray) return DeviceArray.uninitialized(this.device, length)
    return onHost(length)
  }
}

/** How many samples of an operand an array holds; undefined for an operand without components, which holds any number. */
function samplesOf(array: unknown, { dim, irreps }: OperandInfo, name: string): number | undefined {
  let length: number
  if (array instanceof DeviceArray) {
    length = array.length
  } else {
    checkFloat32Array(array, name)
    length = array.length
  }
  if (dim === 0) {
    if (length !== 0) throw expected(`0 (its irreps are empty)`, `the length of ${name}`, length, 'ERR_LENGTH')
    return undefined
  }
  if (length % dim !== 0) {
    throw expected(`a multiple of ${dim} (irreps ${irreps})`, `the length of ${name}`, length, 'ERR_LENGTH')
  }
  return length / dim
}

/** @internal */
export function nativeOf(array: FloatArray): NativeOperand {
  return array instanceof DeviceArray ? array.native : array
}

/** @internal Memory for a result. */
export function newFloat32Array(length: number): Float32Array {
  try {
    return new Float32Array(length)
  } catch (cause) {
    throw new GauntletError('ERR_MEMORY', `Could not allocate ${length * 4} bytes for out`, { cause })
  }
}

/** For a result that nobody gave memory for; page-locking it would cost more than it saves. */
function allocateOnHost(length: number): Float32Array {
  return allocate(length, { pinned: false })
}
