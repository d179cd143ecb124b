import { checkFloat32Array } from './arrays.js'
import { DeviceArray } from './device-array.js'
import { expected, GauntletError } from './errors.js'
import { allocate } from './memory.js'
import {
  callNative,
  callNativeAsync,
  loadAddon,
  type DeviceId,
  type NativeEvaluation,
  type NativeExecutor,
  type NativeOperand,
} from './native.js'

/** What products read and write. */
export type FloatArray = Float32Array | DeviceArray

/** Operands of a multilinear map F(x1, x2, y, w) by number. The one to leave out is the target of an evaluation. */
export type Target = 0 | 1 | 2 | 3

/** What arrays of type A give where no `out` is given: a DeviceArray where all of them are such, else a Float32Array. */
export type ResultOf<A extends FloatArray> = [A] extends [DeviceArray]
  ? DeviceArray
  : [A] extends [Float32Array]
    ? Float32Array
    : FloatArray

/** A product as native code reads it; see native/core/plan.h. */
export interface EncodedPlan {
  integers: Int32Array
  reals: Float64Array
}

/** An operand as messages speak of it. */
export interface OperandInfo {
  name: string
  /** Floats per sample. */
  dim: number
  irreps?: string
  /** One row of floats for all samples: leaving this operand out sums over samples. */
  shared?: boolean
}

export interface EvaluateOptions<Out extends FloatArray = FloatArray> {
  /** Where the result goes; a new array by default. It may share memory with an input. */
  out?: Out
  /** Adds to what `out` holds instead of overwriting it. */
  accumulate?: boolean
}

export interface AsyncOptions<Out extends FloatArray = FloatArray> extends EvaluateOptions<Out> {
  /** Checked before the call starts; a call that has started runs to its end. */
  signal?: AbortSignal
}

/** One of several evaluations: an operand from all others, given in their order. */
export interface Evaluation<Operand extends number = Target> {
  target: Operand
  inputs: readonly FloatArray[]
  /** Where the result goes. */
  out: FloatArray
  /** Adds to what `out` holds, also by an earlier evaluation, instead of overwriting it. */
  accumulate?: boolean
}

/** An array under the name that messages give it, for an operand or for the result. */
export interface NamedArray {
  name: string
  operand: Target
  array: unknown
}

/**
 * A plan on a device: a multilinear map F(x1, x2, y, w), computed with any operand left out, whatever stands for the others. w is
 * there only where a fourth operand was named. Every array is `batch` rows of its operand's `dim` floats (one row where it is
 * shared); the batch is read off the lengths. Nothing is written before every argument was found good.
 *
 * @throws GauntletError from every evaluation: ERR_DTYPE, ERR_BUFFER, ERR_LENGTH, ERR_DEVICE (a DeviceArray that lives
 * elsewhere), ERR_DISPOSED, ERR_MEMORY, ERR_CUDA
 */
export class Execution implements Disposable {
  readonly device: DeviceId
  readonly operands: readonly OperandInfo[]
  readonly #native: NativeExecutor

  /** @param operands x1, x2, y and, where the plan has weights, w */
  constructor(device: DeviceId, plan: EncodedPlan, operands: readonly OperandInfo[]) {
    this.device = device
    this.operands = operands
    this.#native = callNative(() => new (loadAddon().NativeExecutor)(device, plan.integers, plan.reals))
  }

  /**
   * Computes operand `target` from all others, given in their order, and returns it: in `out` where it is given, else in a new
   * DeviceArray if x1, x2 and y are such as far as they are inputs, else in a new Float32Array.
   *
   * @throws ERR_ARGUMENT where `accumulate` has no `out` to add to
   */
  evaluate<Out extends FloatArray>(
    target: Target,
    inputs: readonly FloatArray[],
    options: EvaluateOptions & { out: Out },
  ): Out
  evaluate<A extends FloatArray>(target: Target, inputs: readonly A[], options?: { out?: undefined }): ResultOf<A>
  evaluate(target: Target, inputs: readonly FloatArray[], options?: EvaluateOptions): FloatArray
  evaluate(target: Target, inputs: readonly FloatArray[], options: EvaluateOptions = {}): FloatArray {
    const { batch, evaluation } = this.#prepare(target, inputs, options)
    callNative(() => {
      this.#native.evaluate(batch, encode(evaluation))
    })
    return evaluation.out
  }

  /**
   * The same off the event loop. Arrays from `allocate` and DeviceArrays are used in place: leave them alone until the
   * promise settles (freeing and disposing is safe). Any other input is copied before this returns, as is what `accumulate` adds
   * to, and any other `out` is written when the result is there; should its buffer be detached by then, the promise rejects
   * with ERR_BUFFER.
   *
   * @throws never; the promise rejects, with the signal's reason where it is aborted already
   */
  evaluateAsync<Out extends FloatArray>(
    target: Target,
    inputs: readonly FloatArray[],
    options: AsyncOptions & { out: Out },
  ): Promise<Out>
  evaluateAsync<A extends FloatArray>(
    target: Target,
    inputs: readonly A[],
    options?: { out?: undefined; signal?: AbortSignal },
  ): Promise<ResultOf<A>>
  evaluateAsync(target: Target, inputs: readonly FloatArray[], options?: AsyncOptions): Promise<FloatArray>
  async evaluateAsync(target: Target, inputs: readonly FloatArray[], options: AsyncOptions = {}): Promise<FloatArray> {
    options.signal?.throwIfAborted()
    const { batch, evaluation } = this.#prepare(target, inputs, options, allocateOnHost)
    await callNativeAsync(() => this.#native.evaluateAsync(batch, encode(evaluation)))
    return evaluation.out
  }

  /**
   * Several evaluations, in their order; what more than one of them reads is read once. Results must lie apart from each other, unless
   * later ones are added to earlier ones, and may share memory with inputs, which all hold what they held before.
   */
  evaluateAll(evaluations: readonly Evaluation[]): void {
    const batch = this.#samplesOf(evaluations)
    callNative(() => {
      this.#native.evaluate(batch, ...evaluations.map(encode))
    })
  }

  /** The same off the event loop; see `evaluateAsync`. */
  async evaluateAllAsync(evaluations: readonly Evaluation[]): Promise<void> {
    const batch = this.#samplesOf(evaluations)
    await callNativeAsync(() => this.#native.evaluateAsync(batch, ...evaluations.map(encode)))
  }

  /**
   * Checks arrays and returns how many samples they hold: undefined where none of them says. What one evaluation needs it checks
   * itself; this is for calls of several, which are to write nothing before all is known to be good.
   */
  samples(arrays: readonly NamedArray[]): number | undefined {
    return countSamples(this.operands, arrays, this.device)
  }

  /** Memory for a result: on the device if all `inputs` are. */
  newResult(
    target: Target,
    batch: number,
    inputs: readonly FloatArray[],
    onHost: (length: number) => Float32Array = newFloat32Array,
  ): FloatArray {
    return newResultOf(this.operands[target], batch, inputs, this.device, onHost)
  }

  /** Releases the native memory, at once or with the last call in flight. Any later evaluation throws ERR_DISPOSED. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #prepare(
    target: Target,
    inputs: readonly FloatArray[],
    { out, accumulate }: EvaluateOptions,
    onHost?: (length: number) => Float32Array,
  ): { batch: number; evaluation: Evaluation } {
    if (accumulate && out === undefined) throw expected('an array to add to', 'out', out)
    const batch = this.samples(this.#named({ target, inputs, out })) ?? 0
    const result = out ?? this.newResult(target, batch, inputs.slice(0, target === 3 ? 3 : 2), onHost)
    return { batch, evaluation: { target, inputs, out: result, accumulate } }
  }

  #samplesOf(evaluations: readonly Evaluation[]): number {
    return this.samples(evaluations.flatMap((evaluation) => this.#named(evaluation))) ?? 0
  }

  #named({ target, inputs, out }: Pick<Evaluation, 'target' | 'inputs'> & { out?: FloatArray }): NamedArray[] {
    const others = ([0, 1, 2, 3] as const).filter((o) => o !== target && o < this.operands.length)
    const arrays: NamedArray[] = others.map((operand, n) => {
      return { name: this.operands[operand].name, operand, array: inputs[n] }
    })
    return out === undefined ? arrays : [...arrays, { name: 'out', operand: target, array: out }]
  }
}

function encode({ target, inputs, out, accumulate = false }: Evaluation): NativeEvaluation {
  const [x1, x2, y, w] = [...inputs.slice(0, target), out, ...inputs.slice(target)].map(nativeOf)
  return [target, x1, x2, y, w, accumulate]
}

/**
 * How many samples arrays hold, each that of one of the operands: undefined where none of them says.
 *
 * @internal
 * @throws GauntletError as evaluations do
 */
export function countSamples(
  operands: readonly OperandInfo[],
  arrays: readonly NamedArray[],
  device: DeviceId,
): number | undefined {
  let known: { samples: number; name: string; irreps?: string } | undefined
  for (const { name, operand, array } of arrays) {
    const { dim, irreps, shared } = operands[operand]
    const samples = samplesOf(array, operands[operand], name, device)
    if (samples === undefined || shared) continue
    known ??= { samples, name, irreps }
    if (samples === known.samples) continue
    if (name.startsWith('out')) {
      const wanted = `${known.samples * dim} (${known.samples} samples${irreps === undefined ? '' : ` of irreps ${irreps}`})`
      throw expected(wanted, `the length of ${name}`, samples * dim, 'ERR_LENGTH')
    }
    throw new GauntletError(
      'ERR_LENGTH',
      `Expected as many samples in ${known.name} as in ${name} but ${known.name} holds ${known.samples} samples and ` +
        `${name} holds ${samples} (irreps ${known.irreps ?? 'none'} and ${irreps ?? 'none'})`,
    )
  }
  return known?.samples
}

/** @internal Memory for an operand as a result: on the device if all `inputs` are. */
export function newResultOf(
  { dim, shared }: OperandInfo,
  samples: number,
  inputs: readonly FloatArray[],
  device: DeviceId,
  onHost = newFloat32Array,
): FloatArray {
  const length = shared ? dim : samples * dim
  return inputs.every((input) => input instanceof DeviceArray)
    ? DeviceArray.uninitialized(device, length)
    : onHost(length)
}

/** How many rows of an operand an array holds; undefined for an operand without components, which holds any number. */
function samplesOf(
  array: unknown,
  { dim, irreps, shared }: OperandInfo,
  name: string,
  device: DeviceId,
): number | undefined {
  checkArray(array, name, device)
  const { length } = array
  const described = irreps === undefined ? '' : ` (irreps ${irreps})`
  if (dim === 0) {
    if (length !== 0) throw expected(`0 (its irreps are empty)`, `the length of ${name}`, length, 'ERR_LENGTH')
    return undefined
  }
  if (shared ? length !== dim : length % dim !== 0) {
    const wanted = shared ? String(dim) : `a multiple of ${dim}`
    throw expected(`${wanted}${described}`, `the length of ${name}`, length, 'ERR_LENGTH')
  }
  return length / dim
}

/**
 * Checks that native code can work on `array`, on a device.
 *
 * @internal
 * @throws GauntletError ERR_DTYPE, ERR_BUFFER, ERR_DISPOSED, ERR_DEVICE
 */
export function checkArray(array: unknown, name: string, device: DeviceId): asserts array is FloatArray {
  if (!(array instanceof DeviceArray)) {
    checkFloat32Array(array, name)
  } else if (array.disposed) {
    throw new GauntletError('ERR_DISPOSED', `Expected an array with memory for ${name} but it was disposed of`)
  } else if (array.device !== device) {
    throw expected(`a DeviceArray on ${device}`, name, array.device, 'ERR_DEVICE')
  }
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

/** @internal For a result of an asynchronous call that nobody gave memory for; page-locking it would cost more than it saves. */
export function allocateOnHost(length: number): Float32Array {
  return allocate(length, { pinned: false })
}
