import type { Irreps } from '../o3/irreps.js'
import type { DeviceArray } from '../runtime/device-array.js'
import { resolveDevice, type DeviceOption } from '../runtime/device.js'
import { Execution, type EncodedPlan, type FloatArray } from '../runtime/execute.js'
import type { DeviceId } from '../runtime/native.js'
import { countFlops, type Cost } from './cost.js'
import type { Path } from './path.js'
import { encodePlan, type Plan } from './plan.js'

export interface ProductOptions {
  /** Where it runs; `auto`, the default, takes the first GPU where there is one. An asked device that is missing is an error. */
  device?: DeviceOption
}

export interface ForwardOptions<Out extends FloatArray = FloatArray> {
  /** Where the result goes (overwritten); a new array by default. It may share memory with an input. */
  out?: Out
}

export interface ForwardAsyncOptions<Out extends FloatArray = FloatArray> extends ForwardOptions<Out> {
  /** Checked before the call starts; a call that has started runs to its end. */
  signal?: AbortSignal
}

/** What a subclass hands over: everything that makes it that product. */
export interface Definition {
  irreps: [in1: Irreps, in2: Irreps, out: Irreps]
  paths: readonly Path[]
  /** `outer`: every channel of in1 with every channel of in2; `each`: channel u with channel u. */
  channels: 'outer' | 'each'
  plan: () => Plan
}

/**
 * An equivariant bilinear map of two sets of irreps on some device.
 *
 * Arrays are row-major [batch, irreps.dim] in layout mul_ir; the batch is read off their lengths. Everything that the product
 * needs lives in native memory, released by `dispose()` or, later, by the garbage collector.
 */
export abstract class Product implements Disposable {
  readonly irrepsIn1: Irreps
  readonly irrepsIn2: Irreps
  readonly irrepsOut: Irreps
  /** Every coupling of two input blocks into an output block. */
  readonly paths: readonly Path[]
  /** Which channels are coupled: `outer`, each of in1 with each of in2; `each`, channel u with channel u. */
  readonly channels: 'outer' | 'each'
  /** Learnable weights. */
  readonly weightNumel: number = 0
  readonly device: DeviceId
  readonly #plan: () => Plan
  readonly #execution: Execution
  #flops: number | undefined

  protected constructor({ irreps, paths, channels, plan }: Definition, options: ProductOptions) {
    ;[this.irrepsIn1, this.irrepsIn2, this.irrepsOut] = irreps
    this.paths = Object.freeze([...paths])
    this.channels = channels
    this.device = resolveDevice(options.device)
    this.#plan = plan
    this.#execution = new Execution(this.device, this.encodedPlan(), [
      { name: 'x1', dim: this.irrepsIn1.dim, irreps: this.irrepsIn1.toString() },
      { name: 'x2', dim: this.irrepsIn2.dim, irreps: this.irrepsIn2.toString() },
      { name: 'out', dim: this.irrepsOut.dim, irreps: this.irrepsOut.toString() },
    ])
  }

  /**
   * The product of x1 and x2,
   *
   *     out[c, k] = sum over paths, i, j of  coefficient * wigner3j[i, j, k] * x1[a, i] * x2[b, j]
   *
   * with channels (a, b) -> c as `channels` says. Two DeviceArrays give a DeviceArray, anything else a Float32Array.
   *
   * @param x1 [batch, irrepsIn1.dim]
   * @param x2 [batch, irrepsIn2.dim]
   * @returns [batch, irrepsOut.dim], `options.out` where it is given
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH, ERR_BUFFER, ERR_DEVICE, ERR_DISPOSED before anything is written, ERR_CUDA
   * @example
   * const product = new FullTensorProduct('1o', '1o', { filterIrOut: ['1e'] })
   * product.forward(new Float32Array([1, 0, 0]), new Float32Array([0, 1, 0])) // [0, 0, 0.707]: the cross product / sqrt(2)
   */
  forward<Out extends FloatArray>(x1: FloatArray, x2: FloatArray, options: { out: Out }): Out
  forward(x1: DeviceArray, x2: DeviceArray, options?: ForwardOptions<DeviceArray>): DeviceArray
  forward(x1: Float32Array, x2: FloatArray, options?: ForwardOptions<Float32Array>): Float32Array
  forward(x1: FloatArray, x2: Float32Array, options?: ForwardOptions<Float32Array>): Float32Array
  forward(x1: FloatArray, x2: FloatArray, options: ForwardOptions = {}): FloatArray {
    return this.#execution.evaluate(2, [x1, x2], options)
  }

  /**
   * `forward` off the event loop. Arrays made by `allocate` and DeviceArrays are used in place; other inputs are copied before
   * this returns and another `out` is written at the end.
   *
   * @throws never; the promise rejects as `forward` throws, and with the signal's reason
   */
  forwardAsync<Out extends FloatArray>(
    x1: FloatArray,
    x2: FloatArray,
    options: { out: Out; signal?: AbortSignal },
  ): Promise<Out>
  forwardAsync(x1: DeviceArray, x2: DeviceArray, options?: ForwardAsyncOptions<DeviceArray>): Promise<DeviceArray>
  forwardAsync(x1: Float32Array, x2: FloatArray, options?: ForwardAsyncOptions<Float32Array>): Promise<Float32Array>
  forwardAsync(x1: FloatArray, x2: Float32Array, options?: ForwardAsyncOptions<Float32Array>): Promise<Float32Array>
  forwardAsync(x1: FloatArray, x2: FloatArray, options: ForwardAsyncOptions = {}): Promise<FloatArray> {
    return this.#execution.evaluateAsync(2, [x1, x2], options)
  }

  /**
   * What a forward call on `batch` samples takes, by exact counts over the factored form (the plan). Table-driven products on the
   * CPU may execute fewer operations: coefficients that are the same but for signs are shared.
   */
  cost(batch: number): Cost {
    this.#flops ??= countFlops(this.#plan())
    const floats = this.irrepsIn1.dim + this.irrepsIn2.dim + this.irrepsOut.dim
    return { flops: batch * this.#flops, bytes: 4 * batch * floats, weights: this.weightNumel }
  }

  /** The product as native code reads it; see native/core/plan.h. @internal */
  encodedPlan(): EncodedPlan {
    return encodePlan(this.#plan())
  }

  /** Releases its native memory, at once or with the last call in flight; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#execution.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
