import { MovingAverage } from '../nn/average.js'
import { Adam, clipFactor, GradientNorm } from '../nn/optimizer.js'
import type { NamedArrays } from '../nn/parameters.js'
import { ConstantSchedule, ExponentialSchedule, PlateauSchedule, type Schedule } from '../nn/schedule.js'
import type { Communicator } from '../runtime/communicator.js'
import { GauntletError } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import type { TrainingConfig } from './config.js'
import { batches, type LabelledStructure, shuffled } from './dataset.js'
import { ErrorSums, lossOf, type PredictionErrors } from './errors.js'
import type { Learner, Predictions } from './learner.js'
import type { LossWeights } from './loss.js'
import type { Arrays, Progress, TrainingState } from './training-state.js'

/** What an epoch came to. */
export interface EpochReport {
  /** From 0; as many as were done before. */
  epoch: number
  stage: 1 | 2
  /** Mean over batches. */
  trainLoss: number
  rate: number
  /** Of training alone. */
  seconds: number
  /** In epochs that are validated. */
  valid?: PredictionErrors & { loss: number }
  /** Whether these weights are the best so far. */
  best: boolean
}

export interface TrainerEvents {
  /** After every batch. */
  batch?(done: number, of: number): void
}

/**
 * Trains a model as MACE does: Adam on a weighted loss of energies and forces, its rate lowered on plateaus of the validation loss,
 * gradients clipped by their norm; optionally a moving average of the weights, which is then what is validated and kept; optionally a
 * second stage with other weights and rate. Best weights are those of the lowest validation loss of the last stage.
 *
 * Parameters and all arrays that go with them stay where the learner has them, on a GPU or not.
 *
 * Everything that changes is in `arrays` and `progress`, so that a training goes on from them with the same floats as if it had never
 * stopped: the order of structures in an epoch depends on the seed and its number alone.
 */
export class Trainer<Structures> {
  readonly progress: Progress = {
    epoch: 0,
    steps: 0,
    averageUpdates: 0,
    schedule: {},
    stage: 1,
    waiting: 0,
    seconds: 0,
  }
  readonly #adam: Adam
  readonly #average: MovingAverage | undefined
  readonly #norm: GradientNorm
  readonly #best: FloatArray
  readonly #stageOne: FloatArray
  readonly #schedule: Schedule
  readonly #parts = new Map<string, Structures>()

  constructor(
    readonly learner: Learner<Structures>,
    readonly config: TrainingConfig,
    readonly train: readonly LabelledStructure[],
    readonly valid: readonly LabelledStructure[],
    readonly processes: Communicator,
  ) {
    const { parameters } = learner
    this.#adam = new Adam(parameters, { amsgrad: config.amsgrad })
    if (config.averageDecay !== null) this.#average = new MovingAverage(parameters, config.averageDecay)
    this.#norm = new GradientNorm(parameters)
    this.#best = parameters.clone(parameters.values)
    this.#stageOne = parameters.clone(parameters.values)
    this.#schedule = makeSchedule(config)
  }

  /** All that a training is, beside `progress`: copies in host memory. */
  get arrays(): Arrays {
    const { parameters } = this.learner
    const kinds: [string, NamedArrays][] = this.#kinds().map(([kind, array]) => [kind, parameters.read(array)])
    return new Map(
      [...kinds, ['adam', this.#adam.state] as const].flatMap(([kind, arrays]) => {
        return [...arrays].map(([name, array]): [string, Float32Array] => [`${kind}/${name}`, array])
      }),
    )
  }

  /** Arrays that are laid out as the parameters, by what they are called in a state. */
  #kinds(): [kind: string, array: FloatArray][] {
    return [
      ['parameters', this.learner.parameters.values],
      ...(this.#average ? [['average', this.#average.average] satisfies [string, FloatArray]] : []),
      ['best', this.#best],
      ['stageOne', this.#stageOne],
    ]
  }

  /** The best weights of the last stage, or of the first; laid out as the parameters. */
  bestWeights(stage: 1 | 2 = this.progress.stage): FloatArray {
    return stage < this.progress.stage ? this.#stageOne : this.#best
  }

  /** Takes up a state. */
  restore({ progress, arrays }: TrainingState): void {
    const of = (kind: string): NamedArrays => {
      const found = [...arrays].filter(([name]) => name.startsWith(`${kind}/`))
      return new Map(found.map(([name, array]) => [name.slice(kind.length + 1), array]))
    }
    for (const [kind, array] of this.#kinds()) this.learner.parameters.write(array, of(kind))
    this.#adam.restore(of('adam'))
    Object.assign(this.progress, progress)
    this.#adam.steps = progress.steps
    if (this.#average) this.#average.updates = progress.averageUpdates
    this.#schedule.restore(progress.schedule)
  }

  /** Whether there is nothing left to do. */
  get done(): boolean {
    const { epoch, waiting, stage } = this.progress
    const last = this.config.stageTwo === null || stage === 2
    return epoch >= this.config.epochs || (last && waiting >= this.config.patience)
  }

  /** Losses that count now. */
  get weights(): LossWeights {
    return this.progress.stage === 2 ? this.config.stageTwo!.loss : this.config.loss
  }

  /**
   * One epoch, and where it is due its validation.
   *
   * @throws GauntletError ERR_PRECISION, with a diagnosis, where the loss is no number
   */
  epoch(events: TrainerEvents = {}): EpochReport {
    this.#beginEpoch()
    const { progress, config } = this
    const { epoch, stage } = progress
    const start = performance.now()
    const trainLoss = this.#learn(epoch, events)
    const seconds = (performance.now() - start) / 1000
    const report: EpochReport = { epoch, stage, trainLoss, rate: this.#rate, seconds, best: false }
    if (epoch % config.validateEvery === 0 || epoch === config.epochs - 1) {
      const errors = this.validate()
      const loss = lossOf(errors, this.weights)
      if (!Number.isFinite(loss)) throw this.#diagnosis(epoch, `the loss of the validation is ${loss}`)
      report.valid = { ...errors, loss }
      report.best = this.#judge(loss)
    }
    progress.epoch++
    progress.seconds += seconds
    progress.steps = this.#adam.steps
    progress.averageUpdates = this.#average?.updates ?? 0
    progress.schedule = this.#schedule.state
    return report
  }

  /** Errors on the validation set, with the moving average where there is one. */
  validate(): PredictionErrors {
    return this.#withAverage(() => this.errorsOn('valid', this.valid))
  }

  /** Errors of present weights. `name` is that of the set, whose batches are kept. */
  errorsOn(name: string, structures: readonly LabelledStructure[]): PredictionErrors {
    const sums = new ErrorSums()
    const order = structures.map((_, n) => n)
    for (const batch of this.#limited(order, structures)) {
      const mine = this.#share(batch)
      if (mine.length === 0) continue
      const part = mine.map((n) => structures[n])
      const { energies, forces } = this.learner.predict(this.#prepared(`${name} ${mine.join()}`, part))
      sums.add(
        energies,
        part.map(({ energy }) => energy),
        part.map(({ numbers }) => numbers.length),
        forces,
        concatenated(part.map((structure) => structure.forces)),
      )
    }
    return sums.total(this.processes)
  }

  /** What present weights predict of structures, batch by batch, by this process alone. */
  predict(structures: readonly LabelledStructure[]): Predictions {
    const order = structures.map((_, n) => n)
    const parts = this.#limited(order, structures).map((batch) => {
      return this.learner.predict(this.learner.prepare(batch.map((n) => structures[n])))
    })
    return {
      energies: concatenated(parts.map(({ energies }) => energies)),
      forces: concatenated(parts.map(({ forces }) => forces)),
    }
  }

  /** Calls `use` while the parameters are these weights. */
  with<T>(weights: FloatArray, use: () => T): T {
    return this.learner.parameters.during(weights, use)
  }

  get #rate(): number {
    return this.progress.stage === 2 ? this.config.stageTwo!.learningRate : this.#schedule.rate
  }

  #beginEpoch(): void {
    const { progress, config } = this
    const { stageTwo } = config
    const tired = progress.waiting >= config.patience
    if (stageTwo && progress.stage === 1 && (progress.epoch >= stageTwo.start! || tired)) {
      this.learner.parameters.copy(this.#stageOne, this.#best)
      progress.stage = 2
      progress.epoch = Math.max(progress.epoch, stageTwo.start!)
      progress.waiting = 0
      delete progress.best
    } else if (progress.stage === 1 && progress.epoch > 0 && progress.loss !== undefined) {
      this.#schedule.step(progress.loss)
    }
  }

  /** All batches once; their mean loss. */
  #learn(epoch: number, events: TrainerEvents): number {
    const order = shuffled(this.train.length, (this.config.seed + Math.imul(epoch + 1, 0x9e3779b9)) >>> 0)
    const all = this.#limited(order, this.train)
    let sum = 0
    all.forEach((batch, n) => {
      sum += this.#step(epoch, batch)
      events.batch?.(n + 1, all.length)
    })
    return sum / all.length
  }

  #step(epoch: number, batch: readonly number[]): number {
    const whole = batch.map((n) => this.train[n])
    const counts = {
      structures: whole.length,
      atoms: whole.reduce((total, { numbers }) => total + numbers.length, 0),
    }
    const mine = this.#share(batch).map((n) => this.train[n])
    const { parameters } = this.learner
    // Without a share of a small batch there is nothing to add to the sums of the others.
    const found =
      mine.length > 0
        ? this.learner.learn(this.learner.prepare(mine), this.weights, counts)
        : { loss: 0, gradient: parameters.zeros() }
    const loss = Float64Array.of(found.loss)
    this.processes.sum(loss)
    this.processes.sum(found.gradient)
    const norm = this.#norm.of(found.gradient)
    if (!Number.isFinite(loss[0]) || !Number.isFinite(norm)) {
      throw this.#diagnosis(epoch, `the loss is ${loss[0]} and the norm of its gradient ${norm}`, whole)
    }
    const { clip } = this.config
    this.#adam.step(found.gradient, this.#rate, clip === null ? 1 : clipFactor(norm, clip))
    this.#average?.update()
    return loss[0]
  }

  /** Whether these weights are the best of this stage, which they are kept as. */
  #judge(loss: number): boolean {
    const { progress } = this
    progress.loss = loss
    if (loss >= (progress.best ?? Infinity)) {
      progress.waiting++
      return false
    }
    progress.best = loss
    progress.waiting = 0
    const { parameters } = this.learner
    parameters.copy(this.#best, this.#average?.average ?? parameters.values)
    return true
  }

  #withAverage<T>(use: () => T): T {
    return this.#average ? this.#average.during(use) : use()
  }

  #limited(order: ArrayLike<number>, structures: readonly LabelledStructure[]): number[][] {
    const { batchSize, batchEdges = Infinity } = this.config
    const edges = structures.map((structure) => structure.edges)
    return batches(order, edges, { structures: batchSize, edges: batchEdges })
  }

  /** This process's part of a batch. */
  #share(batch: readonly number[]): number[] {
    const { rank, size } = this.processes
    return batch.filter((_, n) => n % size === rank)
  }

  #prepared(key: string, structures: readonly LabelledStructure[]): Structures {
    let found = this.#parts.get(key)
    if (found === undefined) {
      found = this.learner.prepare(structures)
      this.#parts.set(key, found)
    }
    return found
  }

  /** @param batch in which it happened; none: after the last */
  #diagnosis(epoch: number, what: string, batch: readonly LabelledStructure[] = []): GauntletError {
    const { parameters } = this.learner
    const all = [...parameters.read(parameters.values)]
    const broken = all.filter(([, values]) => !values.every(Number.isFinite)).map(([name]) => name)
    const largest = all.reduce((most, [, values]) => values.reduce((m, value) => Math.max(m, Math.abs(value)), most), 0)
    const state =
      broken.length > 0
        ? `Parameters ${broken.slice(0, 3).join(', ')} are no numbers any more: an earlier step was too long. `
        : `The largest parameter is ${largest.toPrecision(3)}. `
    return new GauntletError(
      'ERR_PRECISION',
      `Training diverged in epoch ${epoch}: ${what}, at a learning rate of ${this.#rate}. ${state}${describeBatch(batch)}` +
        'A lower learningRate or clip may help; so may leaving out structures with extreme forces.',
    )
  }
}

function describeBatch(batch: readonly LabelledStructure[]): string {
  if (batch.length === 0) return ''
  const force = Math.max(...batch.map(({ forces }) => forces.reduce((most, f) => Math.max(most, Math.abs(f)), 0)))
  const closest = Math.min(...batch.map(closestPair))
  return `In this batch the largest force is ${force.toPrecision(3)} eV/Angstrom and the closest atoms are ${closest.toPrecision(3)} Angstrom apart. `
}

function makeSchedule({ schedule, learningRate }: TrainingConfig): Schedule {
  switch (schedule.kind) {
    case 'plateau':
      return new PlateauSchedule(learningRate, schedule.factor, schedule.patience)
    case 'exponential':
      return new ExponentialSchedule(learningRate, schedule.gamma)
    case 'constant':
      return new ConstantSchedule(learningRate)
  }
}

function concatenated(arrays: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const array of arrays) {
    all.set(array, at)
    at += array.length
  }
  return all
}

/** Angstrom; of images in a periodic cell no account is taken. */
function closestPair({ positions }: LabelledStructure): number {
  let closest = Infinity
  for (let a = 0; a < positions.length; a += 3) {
    for (let b = 0; b < a; b += 3) {
      const distance = Math.hypot(
        positions[a] - positions[b],
        positions[a + 1] - positions[b + 1],
        positions[a + 2] - positions[b + 2],
      )
      closest = Math.min(closest, distance)
    }
  }
  return closest
}
