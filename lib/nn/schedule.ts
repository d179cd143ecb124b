import { expected } from '../runtime/errors.js'

/** What a schedule has to remember. */
export type ScheduleState = Record<string, number>

/** A learning rate that changes from epoch to epoch. */
export interface Schedule {
  readonly rate: number
  /** After an epoch, with the last loss of the validation. */
  step(loss: number): void
  /** To go on from: `restore` takes it. */
  readonly state: ScheduleState
  restore(state: ScheduleState): void
}

/** Of a rate: PyTorch's `eps`. */
const LEAST_CHANGE = 1e-8

/** PyTorch's `ReduceLROnPlateau`: times `factor` once the loss has not fallen by 1e-4 of itself for over `patience` epochs. */
export class PlateauSchedule implements Schedule {
  rate: number
  #best = Infinity
  #waiting = 0

  constructor(
    rate: number,
    readonly factor: number,
    readonly patience: number,
  ) {
    this.rate = checkRate(rate)
    if (!(factor > 0 && factor < 1)) throw expected('a number between 0 and 1', 'factor', factor)
    if (!Number.isInteger(patience) || patience < 0) throw expected('a whole number of epochs', 'patience', patience)
  }

  step(loss: number): void {
    if (loss < this.#best * (1 - 1e-4)) {
      this.#best = loss
      this.#waiting = 0
    } else if (++this.#waiting > this.patience) {
      const lower = this.rate * this.factor
      if (this.rate - lower > LEAST_CHANGE) this.rate = lower
      this.#waiting = 0
    }
  }

  get state(): ScheduleState {
    // JSON has no infinity.
    return { rate: this.rate, waiting: this.#waiting, ...(this.#best < Infinity && { best: this.#best }) }
  }

  restore({ rate, waiting, best = Infinity }: ScheduleState): void {
    this.rate = rate
    this.#waiting = waiting
    this.#best = best
  }
}

/** Times `gamma` after every epoch. */
export class ExponentialSchedule implements Schedule {
  rate: number

  constructor(
    rate: number,
    readonly gamma: number,
  ) {
    this.rate = checkRate(rate)
    if (!(gamma > 0 && gamma <= 1)) throw expected('a number from 0 to 1', 'gamma', gamma)
  }

  step(): void {
    this.rate *= this.gamma
  }

  get state(): ScheduleState {
    return { rate: this.rate }
  }

  restore({ rate }: ScheduleState): void {
    this.rate = rate
  }
}

/** The same rate always. */
export class ConstantSchedule extends ExponentialSchedule {
  constructor(rate: number) {
    super(rate, 1)
  }
}

function checkRate(rate: number): number {
  if (rate > 0 && rate < Infinity) return rate
  throw expected('a positive number', 'the learning rate', rate)
}
