import { DeviceArray } from '../runtime/device-array.js'
import { resolveDevice, type DeviceOption } from '../runtime/device.js'
import { expected } from '../runtime/errors.js'
import {
  checkArray,
  nativeOf,
  newFloat32Array,
  type EncodedPlan,
  type FloatArray,
  type ResultOf,
} from '../runtime/execute.js'
import { callNative, loadAddon, type DeviceId, type NativeEdgeFunction } from '../runtime/native.js'
import { checkApart } from '../runtime/overlap.js'

export interface EdgeFunctionOptions {
  /** Where it runs; `auto`, the default, takes the first GPU where there is one. An asked device that is missing is an error. */
  device?: DeviceOption
}

/** What a subclass hands over. */
interface Definition<Input extends string> {
  /** What a row of the input is called, and how many floats it has. */
  input: Input
  inputDim: number
  /** Values of every edge. */
  dim: number
  /** See native/core/edge_function.cc. */
  table: EncodedPlan
}

/**
 * A function f of every edge, of its vector or of its length, on some device: `dim` values from 3 floats or from 1, with
 * derivatives as far as training on forces needs them. Arrays are row-major, edge by edge; how many edges there are is read off
 * their lengths. What is no number stays in its own row.
 *
 * Any of the arrays may be a DeviceArray of the same device. Results go to `out` where it is given (overwritten; it may share
 * memory with an input), else to new DeviceArrays if all inputs are such, else to new Float32Arrays.
 *
 * @throws GauntletError from every method, before anything is written: ERR_DTYPE, ERR_BUFFER, ERR_LENGTH, ERR_DEVICE (a
 * DeviceArray that lives elsewhere), ERR_DISPOSED; ERR_MEMORY, ERR_CUDA
 */
export abstract class EdgeFunction<Input extends 'vectors' | 'lengths'> implements Disposable {
  readonly device: DeviceId
  /** Values of every edge. */
  readonly dim: number
  /** As native code reads it; see native/core/edge_function.cc. @internal */
  readonly encodedPlan: EncodedPlan
  readonly #input: Input
  readonly #inputDim: number
  readonly #native: NativeEdgeFunction

  protected constructor({ input, inputDim, dim, table }: Definition<Input>, options: EdgeFunctionOptions) {
    this.device = resolveDevice(options.device)
    this.dim = dim
    this.encodedPlan = table
    this.#input = input
    this.#inputDim = inputDim
    this.#native = callNative(() => new (loadAddon().NativeEdgeFunction)(this.device, table.integers, table.reals))
  }

  /**
   * The values of every edge, out[e, k] = f_k(x[e]).
   *
   * @param x [edges, 3] for vectors, [edges] for lengths
   * @returns [edges, dim]
   */
  forward<Out extends FloatArray>(x: FloatArray, options: { out: Out }): Out
  forward<A extends FloatArray>(x: A, options?: { out?: undefined }): ResultOf<A>
  forward(x: FloatArray, { out }: { out?: FloatArray } = {}): FloatArray {
    const edges = this.#edges(x)
    const values = this.#result(out, 'out', edges, this.dim, [x])
    callNative(() => this.#native.forward(nativeOf(x), nativeOf(values), edges))
    return values
  }

  /**
   * The gradient of L = <gradOut, forward(x)> with respect to x,
   *
   *     out[e, i] = sum over k of  gradOut[e, k] * df_k/dx_i (x[e])
   *
   * @param gradOut [edges, dim]
   * @returns of the shape of x
   */
  backward<Out extends FloatArray>(gradOut: FloatArray, x: FloatArray, options: { out: Out }): Out
  backward<A extends FloatArray, B extends FloatArray>(gradOut: A, x: B, options?: { out?: undefined }): ResultOf<A | B>
  backward(gradOut: FloatArray, x: FloatArray, { out }: { out?: FloatArray } = {}): FloatArray {
    const edges = this.#edges(x)
    this.#check(gradOut, 'gradOut', edges, this.dim)
    const grad = this.#result(out, 'out', edges, this.#inputDim, [gradOut, x])
    callNative(() => this.#native.backward(nativeOf(gradOut), nativeOf(x), nativeOf(grad), edges))
    return grad
  }

  /**
   * The gradients of <v, backward(gradOut, x)> with respect to x and to gradOut,
   *
   *     x[e, j]        sum over i, k of  v[e, i] * gradOut[e, k] * d2f_k/dx_i dx_j (x[e])
   *     gradOut[e, k]  sum over i of  v[e, i] * df_k/dx_i (x[e])
   *
   * the first under the name that the input has: `vectors` or `lengths`.
   *
   * @param v of the shape of x: the gradient of the backward pass's result
   */
  doubleBackward<Out extends FloatArray>(
    v: FloatArray,
    gradOut: FloatArray,
    x: FloatArray,
    options: { out: Record<Input | 'gradOut', Out> },
  ): Record<Input | 'gradOut', Out>
  doubleBackward<A extends FloatArray, B extends FloatArray, C extends FloatArray>(
    v: A,
    gradOut: B,
    x: C,
    options?: { out?: undefined },
  ): Record<Input | 'gradOut', ResultOf<A | B | C>>
  doubleBackward(
    v: FloatArray,
    gradOut: FloatArray,
    x: FloatArray,
    { out }: { out?: Record<Input | 'gradOut', FloatArray> } = {},
  ): Record<Input | 'gradOut', FloatArray> {
    const edges = this.#edges(x)
    this.#check(v, 'v', edges, this.#inputDim)
    this.#check(gradOut, 'gradOut', edges, this.dim)
    if (out !== undefined && (typeof out !== 'object' || out === null)) {
      throw expected(`{ ${this.#input}, gradOut }`, 'out', out)
    }
    const inputs = [v, gradOut, x]
    const gradX = this.#result(out?.[this.#input], `out.${this.#input}`, edges, this.#inputDim, inputs)
    const values = this.#result(out?.gradOut, 'out.gradOut', edges, this.dim, inputs)
    checkApart([
      { name: `out.${this.#input}`, array: gradX },
      { name: 'out.gradOut', array: values },
    ])
    callNative(() =>
      this.#native.doubleBackward(
        nativeOf(v),
        nativeOf(gradOut),
        nativeOf(x),
        nativeOf(gradX),
        nativeOf(values),
        edges,
      ),
    )
    return { [this.#input]: gradX, gradOut: values } as Record<Input | 'gradOut', FloatArray>
  }

  /** Releases its native memory; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** How many edges x holds. */
  #edges(x: unknown): number {
    checkArray(x, this.#input, this.device)
    const { length } = x
    if (length % this.#inputDim !== 0) {
      throw expected(`a multiple of ${this.#inputDim}`, `the length of ${this.#input}`, length, 'ERR_LENGTH')
    }
    return length / this.#inputDim
  }

  #check(array: unknown, name: string, edges: number, dim: number): void {
    checkArray(array, name, this.device)
    if (array.length !== edges * dim) {
      throw expected(`${edges * dim} (${edges} edges of ${dim})`, `the length of ${name}`, array.length, 'ERR_LENGTH')
    }
  }

  #result(out: unknown, name: string, edges: number, dim: number, inputs: FloatArray[]): FloatArray {
    if (out !== undefined) {
      this.#check(out, name, edges, dim)
      return out as FloatArray
    }
    const onDevice = inputs.every((input) => input instanceof DeviceArray)
    return onDevice ? DeviceArray.uninitialized(this.device, edges * dim) : newFloat32Array(edges * dim)
  }
}
