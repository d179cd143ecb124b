import type { Irreps } from '../o3/irreps.js'
import { resolveDevice, type DeviceOption } from '../runtime/device.js'
import { expected } from '../runtime/errors.js'
import { type EncodedPlan, Execution, type FloatArray, type OperandInfo, type ResultOf } from '../runtime/execute.js'
import type { DeviceId } from '../runtime/native.js'
import { checkInteger } from '../runtime/numbers.js'
import { countFlops, type Cost } from './cost.js'
import {
  type AsyncGradientOptions,
  type Directions,
  type GradientOptions,
  type Gradients,
  type InputName,
  INPUTS,
  type OperandName,
  type Operands,
  OPERANDS,
  type Rest,
  splitRest,
} from './derivative.js'
import { type AsyncEvaluator, MultilinearForm } from './form.js'
import { type OperandWeights, SCALED } from './operand-weights.js'
import type { CouplingRule, Path } from './path.js'
import { encodePlan, type Plan } from './plan.js'
import { ScaledExecution } from './scaled-execution.js'

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
  /** `outer`: every channel of in1 with every channel of in2; `each`: channel u with channel u; `mixed`: as each path says. */
  channels: 'outer' | 'each' | 'mixed'
  /** Which paths it loses, where that is decided by degrees. */
  rule?: CouplingRule
  /** What it computes; with `weights`, linear in them. */
  plan: () => Plan
  /** What is added to that, where some paths take no weights and others do: a form is linear in all of its operands or in none. */
  unweightedPlan?: () => Plan
  weights?: { numel: number; shared: boolean }
  /** Weights that the plan does not know of: it is evaluated at scaled operands. */
  operandWeights?: OperandWeights
}

const ALL = Object.keys(OPERANDS) as OperandName[]

/** Directions have to be said, if only as none: {}. */
function given(v: Directions | undefined): Directions {
  if (v === undefined) throw expected('an object with arrays for x1, x2 or weight', 'v', v)
  return v
}

/**
 * An equivariant bilinear map of two sets of irreps on some device.
 *
 * Arrays are row-major [batch, irreps.dim] in layout mul_ir; the batch is read off their lengths. Weights, in products that have
 * any, are [weightNumel] for all samples or [batch, weightNumel], and follow x2 in every call, unless the product has its own.
 *
 * A product is one multilinear form
 *
 *     F(x1, x2, gradOut, weight) = <gradOut, forward(x1, x2, weight)>
 *
 * and everything it computes is that form with one operand left out: `forward` leaves out gradOut, `backward` the others, and
 * `doubleBackward` sums such evaluations. So derivatives of any order are made of these three.
 *
 * Everything that the product needs lives in native memory, released by `dispose()` or, later, by the garbage collector.
 */
export abstract class Product implements Disposable {
  readonly irrepsIn1: Irreps
  readonly irrepsIn2: Irreps
  readonly irrepsOut: Irreps
  /** Every coupling of two input blocks into an output block. */
  readonly paths: readonly Path[]
  /** Which channels are coupled: `outer`, each of in1 with each of in2; `each`, channel u with channel u; `mixed`, as its paths say. */
  readonly channels: 'outer' | 'each' | 'mixed'
  /** What decides which paths are lost; none in products that lose only those that they are told to. */
  readonly rule: CouplingRule | undefined
  /** Learnable weights: of every sample, or of all. */
  readonly weightNumel: number
  readonly device: DeviceId
  /** Weights that calls use which are given none. */
  protected ownWeight: FloatArray | undefined
  readonly #plans: readonly (() => Plan)[]
  readonly #form: MultilinearForm
  /** Numbers of a sample that are multiplied by weights. */
  readonly #scaledNumbers: number
  #flops: number | undefined

  protected constructor(
    { irreps, paths, channels, rule, plan, unweightedPlan, weights, operandWeights }: Definition,
    options: ProductOptions,
  ) {
    ;[this.irrepsIn1, this.irrepsIn2, this.irrepsOut] = irreps
    this.paths = Object.freeze([...paths])
    this.channels = channels
    this.rule = rule
    this.weightNumel = (weights ?? operandWeights)?.numel ?? 0
    this.device = resolveDevice(options.device)
    const operands: OperandInfo[] = ['x1', 'x2', 'gradOut'].map((name, o) => {
      return { name, dim: irreps[o].dim, irreps: irreps[o].toString() }
    })
    if (weights && weights.numel > 0) operands.push({ name: 'weight', dim: weights.numel, shared: weights.shared })
    this.#plans = unweightedPlan ? [plan, unweightedPlan] : [plan]
    const executions = this.#plans.map((plan, n) => {
      return new Execution(this.device, encodePlan(plan()), n === 0 ? operands : operands.slice(0, 3))
    })
    const scaled = (operandWeights?.parts ?? []).map(({ operand }) => irreps[SCALED.indexOf(operand)].dim)
    this.#scaledNumbers = scaled.reduce((sum, dim) => sum + dim, 0)
    this.#form = new MultilinearForm<AsyncEvaluator>(
      operandWeights ? [new ScaledExecution(executions[0], irreps, operandWeights)] : executions,
    )
  }

  /**
   * The product of x1 and x2,
   *
   *     out[c, k] = sum over paths, i, j of  coefficient * wigner3j[i, j, k] * x1[a, i] * x2[b, j]
   *
   * with channels (a, b) -> c as `channels` says, times weights where it has any.
   *
   * @param x1 [batch, irrepsIn1.dim]
   * @param x2 [batch, irrepsIn2.dim]
   * @param rest weights, where the product has any and not its own; then options
   * @returns [batch, irrepsOut.dim]: `options.out` where it is given, a DeviceArray if x1 and x2 are such, else a Float32Array
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH, ERR_BUFFER, ERR_ARGUMENT (weights missing or too many), ERR_DEVICE (a DeviceArray
   * that lives elsewhere), ERR_DISPOSED before anything is written, ERR_MEMORY, ERR_CUDA
   * @example
   * const product = new FullTensorProduct('1o', '1o', { filterIrOut: ['1e'] })
   * product.forward(new Float32Array([1, 0, 0]), new Float32Array([0, 1, 0])) // [0, 0, 0.707]: the cross product / sqrt(2)
   */
  forward<Out extends FloatArray>(
    x1: FloatArray,
    x2: FloatArray,
    ...rest: [options: { out: Out }] | [weight: FloatArray | undefined, options: { out: Out }]
  ): Out
  forward<A extends FloatArray, B extends FloatArray>(x1: A, x2: B, ...rest: Rest<{ out?: undefined }>): ResultOf<A | B>
  forward(x1: FloatArray, x2: FloatArray, ...rest: Rest<ForwardOptions>): FloatArray
  forward(x1: FloatArray, x2: FloatArray, ...rest: Rest<ForwardOptions>): FloatArray {
    const { weight, options } = splitRest<ForwardOptions>(rest)
    return this.#form.forward(this.#operands({ x1, x2 }, weight), options)
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
    ...rest:
      | [options: { out: Out; signal?: AbortSignal }]
      | [weight: FloatArray | undefined, options: { out: Out; signal?: AbortSignal }]
  ): Promise<Out>
  forwardAsync<A extends FloatArray, B extends FloatArray>(
    x1: A,
    x2: B,
    ...rest: Rest<{ out?: undefined; signal?: AbortSignal }>
  ): Promise<ResultOf<A | B>>
  forwardAsync(x1: FloatArray, x2: FloatArray, ...rest: Rest<ForwardAsyncOptions>): Promise<FloatArray>
  async forwardAsync(x1: FloatArray, x2: FloatArray, ...rest: Rest<ForwardAsyncOptions>): Promise<FloatArray> {
    const { weight, options } = splitRest<ForwardAsyncOptions>(rest)
    return this.#form.forwardAsync(this.#operands({ x1, x2 }, weight), options)
  }
  /**
   * The gradients of L = <gradOut, forward(x1, x2, weight)>,
   *
   *     x1[a, i]  sum over paths, j, k of  coefficient * wigner3j[i, j, k] * x2[b, j] * gradOut[c, k]
   *
   * and so on: the product's form with x1, x2 or the weights left out. The gradient of shared weights is summed over samples.
   *
   * @param gradOut [batch, irrepsOut.dim]
   * @param rest weights, where the product has any and not its own; then options
   * @returns arrays of the shapes of x1, x2 and weight: where `options.out` says, else DeviceArrays if gradOut, x1 and x2 are such,
   * else Float32Arrays
   * @throws GauntletError as `forward` does, and ERR_ARGUMENT for unknown names in `only` and results that share memory
   * @example
   * const { x1: gradX1, x2: gradX2 } = product.backward(gradOut, x1, x2)
   * const { x1: forces } = product.backward(gradOut, x1, x2, { only: ['x1'] })
   */
  backward<
    G extends FloatArray,
    A extends FloatArray,
    B extends FloatArray,
    Name extends InputName = InputName,
    Out extends FloatArray = never,
  >(
    gradOut: G,
    x1: A,
    x2: B,
    ...rest: Rest<GradientOptions<Name, Out>>
  ): Pick<Gradients<ResultOf<G | A | B> | Out>, Name> {
    const { weight, options } = splitRest<GradientOptions>(rest)
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return this.#form.gradients({ operands, possible: INPUTS }, options) as Pick<
      Gradients<ResultOf<G | A | B> | Out>,
      Name
    >
  }

  /**
   * `backward` off the event loop, as `forwardAsync`.
   *
   * @throws never; the promise rejects as `backward` throws, and with the signal's reason
   */
  async backwardAsync<
    G extends FloatArray,
    A extends FloatArray,
    B extends FloatArray,
    Name extends InputName = InputName,
    Out extends FloatArray = never,
  >(
    gradOut: G,
    x1: A,
    x2: B,
    ...rest: Rest<AsyncGradientOptions<Name, Out>>
  ): Promise<Pick<Gradients<ResultOf<G | A | B> | Out>, Name>> {
    const { weight, options } = splitRest<AsyncGradientOptions>(rest)
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return (await this.#form.gradientsAsync({ operands, possible: INPUTS }, options)) as Pick<
      Gradients<ResultOf<G | A | B> | Out>,
      Name
    >
  }

  /**
   * The gradients of <v.x1, dL/dx1> + <v.x2, dL/dx2> + <v.weight, dL/dweight> with L = <gradOut, forward(x1, x2, weight)>: what
   * training on forces needs. With F(x1, x2, gradOut, weight) = L, linear in each,
   *
   *     x1       F(., v.x2, gradOut, weight) + F(., x2, gradOut, v.weight)
   *     x2       F(v.x1, ., gradOut, weight) + F(x1, ., gradOut, v.weight)
   *     weight   F(v.x1, x2, gradOut, .) + F(x1, v.x2, gradOut, .)
   *     gradOut  F(v.x1, x2, ., weight) + F(x1, v.x2, ., weight) + F(x1, x2, ., v.weight)
   *
   * where . stands for the operand that is left out. A direction that is missing is zero and costs nothing. Where F takes the weights
   * several times (`ChannelwiseProduct`), each time is an operand of its own here.
   *
   * @param v gradients of a loss with respect to what `backward` gave, in its shapes
   * @returns arrays of the shapes of x1, x2, weight and gradOut: where `options.out` says, else DeviceArrays if gradOut, x1, x2 and
   * all of v are such, else Float32Arrays
   * @throws GauntletError as `backward` does
   * @example
   * const { x1, gradOut } = product.doubleBackward({ x1: v }, g, a, b, { only: ['x1', 'gradOut'] })
   */
  doubleBackward<
    V extends FloatArray = never,
    G extends FloatArray = FloatArray,
    A extends FloatArray = FloatArray,
    B extends FloatArray = FloatArray,
    Name extends OperandName = OperandName,
    Out extends FloatArray = never,
  >(
    v: Directions<V>,
    gradOut: G,
    x1: A,
    x2: B,
    ...rest: Rest<GradientOptions<Name, Out>>
  ): Pick<Gradients<ResultOf<V | G | A | B> | Out>, Name> {
    const { weight, options } = splitRest<GradientOptions>(rest)
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return this.#form.gradients({ operands, possible: ALL, v: given(v) }, options) as Pick<
      Gradients<ResultOf<V | G | A | B> | Out>,
      Name
    >
  }

  /**
   * `doubleBackward` off the event loop, as `forwardAsync`.
   *
   * @throws never; the promise rejects as `doubleBackward` throws, and with the signal's reason
   */
  async doubleBackwardAsync<
    V extends FloatArray = never,
    G extends FloatArray = FloatArray,
    A extends FloatArray = FloatArray,
    B extends FloatArray = FloatArray,
    Name extends OperandName = OperandName,
    Out extends FloatArray = never,
  >(
    v: Directions<V>,
    gradOut: G,
    x1: A,
    x2: B,
    ...rest: Rest<AsyncGradientOptions<Name, Out>>
  ): Promise<Pick<Gradients<ResultOf<V | G | A | B> | Out>, Name>> {
    const { weight, options } = splitRest<AsyncGradientOptions>(rest)
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return (await this.#form.gradientsAsync({ operands, possible: ALL, v: given(v) }, options)) as Pick<
      Gradients<ResultOf<V | G | A | B> | Out>,
      Name
    >
  }

  /**
   * What a forward call on `batch` samples takes, by exact counts over the factored form (the plan). Table-driven products on the
   * CPU may execute fewer operations: coefficients that are the same but for signs are shared.
   */
  cost(batch: number): Cost {
    checkInteger(batch, 'batch', 0, Number.MAX_SAFE_INTEGER)
    this.#flops ??= this.#plans.reduce((sum, plan) => sum + countFlops(plan()), this.#scaledNumbers)
    const floats = this.irrepsIn1.dim + this.irrepsIn2.dim + this.irrepsOut.dim
    return { flops: batch * this.#flops, bytes: 4 * batch * floats, weights: this.weightNumel }
  }

  /**
   * F(x1, x2, gradOut, weight) with one operand left out, whatever stands for the others: what everything else here is made of.
   *
   * @param operands arrays for all operands but that one
   * @param options.out where the result goes; a new array by default
   * @returns of the shape of the operand left out
   * @throws GauntletError as `backward` does
   * @example
   * const out = product.evaluate('gradOut', { x1, x2 }) // forward(x1, x2)
   */
  evaluate(leftOut: OperandName, operands: Operands, { out }: { out?: FloatArray } = {}): FloatArray {
    return this.#form.evaluate(leftOut, operands, out)
  }

  /** The product as native code reads it; see native/core/plan.h. @internal */
  encodedPlan(): EncodedPlan {
    return encodePlan(this.#plans[0]())
  }

  /** Releases its native memory, at once or with the last call in flight; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#form.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** Adds weights to the operands, given ones or its own. */
  #operands(operands: Operands, given: unknown): Operands {
    if (this.weightNumel === 0) {
      if (given !== undefined) throw expected('nothing (this product has no weights)', 'weight', given)
      return operands
    }
    const weight = given ?? this.ownWeight
    if (weight === undefined) throw expected(`an array of ${this.weightNumel} weights`, 'weight', weight, 'ERR_DTYPE')
    return { ...operands, weight: weight as FloatArray }
  }
}
