import {
  allocateOnHost,
  type Evaluation,
  type FloatArray,
  type NamedArray,
  type OperandInfo,
  type Target,
} from '../runtime/execute.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { hold } from '../runtime/memory.js'
import { checkApart, overlap } from '../runtime/overlap.js'
import {
  type AsyncGradientOptions,
  chooseNames,
  clear,
  copyOf,
  type Directions,
  type GradientOptions,
  type OperandName,
  OPERANDS,
  type Operands,
  type Results,
  type Term,
  termsOf,
} from './derivative.js'

/** Which derivatives of F. */
export interface Request {
  operands: Operands
  /** What can be asked for. */
  possible: readonly OperandName[]
  /** For the derivatives of sum over o of <v[o], dF/do> instead of those of F. */
  v?: Directions
}

/** One result: the sum of F's terms. */
interface Job {
  target: OperandName
  terms: readonly Term[]
  out: FloatArray
}

/** What computes a form with any argument left out: an `Execution`, or the like of it. */
export interface Evaluator extends Disposable {
  /** The arguments of F by name: x1, x2, gradOut and, as often as F depends on it, weight. */
  readonly operands: readonly OperandInfo[]
  evaluateAll(evaluations: readonly Evaluation<number>[]): void
  samples(arrays: readonly NamedArray[]): number | undefined
  newResult(
    target: Target,
    samples: number,
    inputs: readonly FloatArray[],
    onHost?: (length: number) => Float32Array,
  ): FloatArray
  dispose(): void
}

export interface AsyncEvaluator extends Evaluator {
  evaluateAllAsync(evaluations: readonly Evaluation<number>[]): Promise<void>
}

/**
 * F(x1, x2, gradOut, weight) on a device, and sums of its values with one argument left out. It consists of a form that is linear in
 * every argument and, where some paths of a product have no weights, of one without weights.
 */
export class MultilinearForm<E extends Evaluator = AsyncEvaluator> implements Disposable {
  readonly #executions: readonly E[]
  readonly #arguments: readonly OperandName[]
  #disposed = false
  #inFlight = 0

  /** @param executions the form, then that without weights */
  constructor(executions: readonly E[]) {
    this.#arguments = executions[0].operands.map(({ name }) => name as OperandName)
    this.#executions = executions
  }

  /** dF/dgradOut */
  forward(operands: Operands, { out }: { out?: FloatArray }): FloatArray {
    return this.evaluate('gradOut', operands, out)
  }

  async forwardAsync(
    this: MultilinearForm,
    operands: Operands,
    options: { out?: FloatArray; signal?: AbortSignal },
  ): Promise<FloatArray> {
    options.signal?.throwIfAborted()
    const out = { gradOut: options.out }
    const [job] = this.#jobs({ operands, possible: ['gradOut'] }, { out }, () => 'out', allocateOnHost)
    await this.#runAsync([job])
    return job.out
  }

  /** F with one operand left out. */
  evaluate(leftOut: OperandName, operands: Operands, out?: FloatArray): FloatArray {
    const [job] = this.#jobs({ operands, possible: [leftOut] }, { out: { [leftOut]: out } }, () => 'out')
    if (job === undefined) throw expected('an operand that there is', 'leftOut', leftOut)
    this.#run([job])
    return job.out
  }

  /** Nothing is written before every argument was found good. */
  gradients(request: Request, options: GradientOptions): Results {
    const jobs = this.#jobs(request, options, nameResult)
    this.#run(jobs)
    return resultsOf(jobs)
  }

  /** What has to be copied is copied before this returns. */
  async gradientsAsync(this: MultilinearForm, request: Request, options: AsyncGradientOptions): Promise<Results> {
    options.signal?.throwIfAborted()
    const jobs = this.#jobs(request, options, nameResult, allocateOnHost)
    await this.#runAsync(jobs)
    return resultsOf(jobs)
  }

  /** Releases memory, at once or with the last call in flight. */
  dispose(): void {
    this.#disposed = true
    this.#release()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #release(): void {
    if (this.#disposed && this.#inFlight === 0) for (const execution of this.#executions) execution.dispose()
  }

  #run(jobs: readonly Job[]): void {
    for (const [execution, evaluations] of this.#evaluations(jobs)) execution.evaluateAll(evaluations)
  }

  async #runAsync(this: MultilinearForm, jobs: readonly Job[]): Promise<void> {
    this.#inFlight++
    try {
      for (const [execution, evaluations] of this.#evaluations(jobs)) await execution.evaluateAllAsync(evaluations)
    } finally {
      this.#inFlight--
      this.#release()
    }
  }

  /** Checks everything. `resultName`: what messages call a result that was given. */
  #jobs(
    { operands, possible, v }: Request,
    { only, out }: GradientOptions,
    resultName: Naming,
    onHost?: (length: number) => Float32Array,
  ): Job[] {
    if (this.#disposed) throw new GauntletError('ERR_DISPOSED', 'This product was disposed of')
    const known = possible.filter((name) => this.#arguments.includes(name))
    const targets = chooseNames(only, known)
    const inputNames = known.filter((name) => name !== 'gradOut')
    const directions = checkNames(v, 'v', inputNames)
    const given = checkNames(out, 'out', known).filter((name) => targets.includes(name))
    const inputs = [
      ...named(operands, checkOperands(operands, this.#arguments), (name) => name),
      ...named(v ?? {}, directions, (name) => `v.${name}`),
    ]
    const results = named(out ?? {}, given, resultName)
    const batch = this.#executions[0].samples([...inputs, ...results]) ?? 0
    checkApart(results)

    const terms = targets.map((target) => termsOf(target, this.#arguments, operands, v))
    // A single evaluation may write to its inputs; of several, the later ones still read them, as late as they run.
    const single = this.#executions.length * terms.flat().length === 1
    const keep = (array: FloatArray): FloatArray => {
      const apart = apartFrom(results, array)
      return onHost ? hold(apart) : apart
    }
    const safe = new Map(inputs.map(({ array }) => [array, single ? array : keep(array)]))
    const data = inputs.filter(({ operand }) => operand !== OPERANDS.weight).map(({ array }) => array)
    return targets.map((target, n) => ({
      target,
      terms: terms[n].map((term) => ({ ...term, values: term.values.map((array) => array && safe.get(array)!) })),
      out: out?.[target] ?? this.#executions[0].newResult(OPERANDS[target], batch, data, onHost),
    }))
  }

  /** What to evaluate, in order, for each execution. What no term reaches is zero. */
  #evaluations(jobs: readonly Job[]): [E, Evaluation<number>[]][] {
    for (const { terms, out } of jobs) if (terms.length === 0) clear(out)
    const begun = new Set<FloatArray>()
    const all = this.#executions.map((execution, n): [E, Evaluation<number>[]] => {
      const evaluations = jobs.flatMap(({ target, terms, out }) =>
        terms.flatMap(({ leftOut, values, replaced }): Evaluation<number>[] => {
          // Without weights F does not depend on them.
          if (n > 0 && (target === 'weight' || replaced === 'weight')) return []
          const inputs = execution.operands.flatMap((_, at) => (at === leftOut ? [] : [values[at]!]))
          const accumulate = begun.has(out)
          begun.add(out)
          return [{ target: leftOut, inputs, out, accumulate }]
        }),
      )
      return [execution, evaluations]
    })
    return all.filter(([, evaluations]) => evaluations.length > 0)
  }
}

interface NamedOperand extends NamedArray {
  target: OperandName
  operand: Target
  array: FloatArray
}

type Naming = (operand: OperandName) => string

const nameResult: Naming = (target) => `out.${target}`

function named(arrays: Operands, names: readonly OperandName[], naming: Naming): NamedOperand[] {
  return names.map((target) => {
    return { name: naming(target), target, operand: OPERANDS[target], array: arrays[target]! }
  })
}

function resultsOf(jobs: readonly Job[]): Results {
  return Object.fromEntries(jobs.map(({ target, out }) => [target, out]))
}

/** The properties that an object has; refuses any that is not among `known`. */
function checkNames(value: unknown, name: string, known: readonly OperandName[]): OperandName[] {
  if (value === undefined) return []
  const wanted = `an object with arrays for ${known.join(', ')}`
  if (typeof value !== 'object' || value === null) throw expected(wanted, name, value)
  const given = Object.entries(value).filter(([, array]) => array !== undefined)
  return given.map(([key]) => {
    const found = known.find((other) => other === key)
    if (found === undefined) throw expected(wanted, name, key)
    return found
  })
}

/** The operands that are given, and those that should be. */
function checkOperands(operands: Operands, known: readonly OperandName[]): OperandName[] {
  checkNames(operands, 'operands', known)
  return known.filter((name) => name in operands)
}

function apartFrom(results: readonly NamedOperand[], array: FloatArray): FloatArray {
  return results.some((result) => overlap(result.array, array)) ? copyOf(array) : array
}
