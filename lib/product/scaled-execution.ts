import type { Irreps } from '../o3/irreps.js'
import type { DeviceArray } from '../runtime/device-array.js'
import {
  countSamples,
  type EvaluateOptions,
  type Evaluation,
  Execution,
  type FloatArray,
  type NamedArray,
  newResultOf,
  type OperandInfo,
  type Target,
} from '../runtime/execute.js'
import { hold } from '../runtime/memory.js'
import type { DeviceId } from '../runtime/native.js'
import type { AsyncEvaluator } from './form.js'
import { type OperandWeights, SCALED, scalePlan, spreadPlan } from './operand-weights.js'
import { encodePlan, type Triple } from './plan.js'

/** Where a result goes, and whether it is added to what is there. */
type ResultOptions = EvaluateOptions & { out: FloatArray }

/** One evaluation of several. */
type Step = readonly [execution: Execution, leftOut: Target, inputs: readonly FloatArray[], options: ResultOptions]

/** What one call goes through. */
interface Call {
  /** Of all arguments but the one that is left out. */
  values: readonly (FloatArray | undefined)[]
  samples: number
  temporaries: DeviceArray[]
  /** Weight vectors of blocks, spread over channels. */
  spread: Map<FloatArray, FloatArray>
}

/** The operand that a scale has no use for. */
const NONE = new Float32Array(0)

/**
 * The form of a product whose operands are scaled by weights,
 *
 *     F(x1, x2, y, w, w', w'') = B(s(w, x1), s'(w', x2), s''(w'', y)),   s(w, x)[u, i] = w[u] * x[u, i],
 *
 * with B the form of the product itself. The weights of all operands are one vector; F takes it once for every operand that has
 * weights, since it is linear in what each scale makes of it and not in the vector. With weights for blocks, a vector is first spread
 * over channels, which is linear too. What lies between two evaluations stays on the device.
 */
export class ScaledExecution implements AsyncEvaluator {
  readonly operands: readonly OperandInfo[]
  readonly #device: DeviceId
  readonly #bare: Execution
  readonly #scales: readonly { operand: Target; execution: Execution }[]
  readonly #spread: Execution | undefined
  readonly #shared: boolean

  /** @param bare of x1, x2 and gradOut */
  constructor(bare: Execution, irreps: Triple<Irreps>, { each, shared, numel, parts }: OperandWeights) {
    this.#device = bare.device
    this.#bare = bare
    this.#shared = shared
    this.operands = [...bare.operands, ...parts.map(() => ({ name: 'weight', dim: numel, shared }))]
    const numbers = parts.map(({ operand }) => SCALED.indexOf(operand) as 0 | 1 | 2)
    const channels = numbers.reduce<number>((sum, operand) => sum + irreps[operand].count, 0)
    if (each === 'block') {
      const plan = spreadPlan(numbers.flatMap((operand) => [...irreps[operand]].map(({ mul }) => mul)))
      this.#spread = new Execution(this.#device, encodePlan(plan), threeOperands(numel, channels))
    }
    let offset = 0
    this.#scales = numbers.map((operand) => {
      const { count, dim } = irreps[operand]
      const weights = { numel: channels, shared }
      const plan = encodePlan(scalePlan(irreps[operand], offset, weights))
      offset += count
      const operands = [...threeOperands(dim, dim), { name: 'weight', dim: channels, shared }]
      return { operand, execution: new Execution(this.#device, plan, operands) }
    })
  }

  evaluateAll(evaluations: readonly Evaluation<number>[]): void {
    for (const evaluation of evaluations) {
      for (const [execution, target, arrays, where] of this.#steps(evaluation)) {
        execution.evaluate(target, arrays, where)
      }
    }
  }

  /** Inputs are copied before this returns, unless an `Execution` would use them in place. */
  async evaluateAllAsync(evaluations: readonly Evaluation<number>[]): Promise<void> {
    const given = new Set(evaluations.flatMap(({ inputs }) => inputs))
    const held = new Map([...given].map((array) => [array, hold(array)]))
    for (const evaluation of evaluations) {
      const inputs = evaluation.inputs.map((array) => held.get(array)!)
      for (const [execution, target, arrays, where] of this.#steps({ ...evaluation, inputs })) {
        await execution.evaluateAsync(target, arrays, where)
      }
    }
  }

  samples(arrays: readonly NamedArray[]): number | undefined {
    return countSamples(this.operands, arrays, this.#device)
  }

  newResult(
    target: Target,
    samples: number,
    inputs: readonly FloatArray[],
    onHost?: (length: number) => Float32Array,
  ): FloatArray {
    return newResultOf(this.operands[target], samples, inputs, this.#device, onHost)
  }

  dispose(): void {
    this.#bare.dispose()
    this.#spread?.dispose()
    for (const { execution } of this.#scales) execution.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** What to evaluate, in order; only the last writes to `options.out`. */
  *#steps({ target, inputs, out, accumulate }: Evaluation<number>): Generator<Step, void> {
    const values = [...inputs.slice(0, target), undefined, ...inputs.slice(target)]
    const samples = this.#samplesOf(values, target, out)
    const call: Call = { values, samples, temporaries: [], spread: new Map() }
    try {
      yield* this.#evaluate(call, target, { out, accumulate })
    } finally {
      for (const array of call.temporaries) array.dispose()
    }
  }

  *#evaluate(call: Call, leftOut: number, options: ResultOptions): Generator<Step, void> {
    const target = leftOut < 3 ? (leftOut as 0 | 1 | 2) : this.#scales[leftOut - 3].operand
    const scaled: FloatArray[] = []
    for (const operand of [0, 1, 2] as const) {
      if (operand !== target) scaled.push(yield* this.#scale(call, operand))
    }
    const n = this.#scales.findIndex(({ operand }) => operand === target)
    if (n < 0) {
      yield [this.#bare, target, scaled, options]
      return
    }
    const { execution } = this.#scales[n]
    const bare = yield* this.#keep(call, this.#bare, target, scaled)
    if (leftOut < 3) {
      yield [execution, 2, [bare, NONE, yield* this.#weightOf(call, n)], options]
      return
    }
    const gradient = [call.values[target]!, NONE, bare]
    if (this.#spread) {
      yield [this.#spread, 0, [NONE, yield* this.#keep(call, execution, 3, gradient)], options]
    } else {
      yield [execution, 3, gradient, options]
    }
  }

  /** An operand times its weights, where it has any. */
  *#scale(call: Call, operand: 0 | 1 | 2): Generator<Step, FloatArray> {
    const value = call.values[operand]!
    const n = this.#scales.findIndex((scale) => scale.operand === operand)
    if (n < 0) return value
    const weight = yield* this.#weightOf(call, n)
    return yield* this.#keep(call, this.#scales[n].execution, 2, [value, NONE, weight])
  }

  /** The weights that scale number n takes, one for every channel. */
  *#weightOf(call: Call, n: number): Generator<Step, FloatArray> {
    const weight = call.values[3 + n]!
    if (!this.#spread) return weight
    let spread = call.spread.get(weight)
    if (!spread) {
      spread = yield* this.#keep(call, this.#spread, 2, [weight, NONE], this.#shared ? 1 : call.samples)
      call.spread.set(weight, spread)
    }
    return spread
  }

  /** A result that the rest of the call needs. */
  *#keep(
    call: Call,
    execution: Execution,
    target: Target,
    inputs: readonly FloatArray[],
    samples = call.samples,
  ): Generator<Step, DeviceArray> {
    const out = execution.newResult(target, samples, []) as DeviceArray
    call.temporaries.push(out)
    yield [execution, target, inputs, { out }]
    return out
  }

  #samplesOf(values: readonly (FloatArray | undefined)[], leftOut: number, out: FloatArray): number {
    const arrays = values.map((value, n): NamedArray => {
      return { name: this.operands[n].name, operand: Math.min(n, 3) as Target, array: n === leftOut ? out : value }
    })
    return this.samples(arrays) ?? 0
  }
}

function threeOperands(left: number, right: number): OperandInfo[] {
  return [
    { name: 'x1', dim: left },
    { name: 'x2', dim: 0 },
    { name: 'gradOut', dim: right },
  ]
}
