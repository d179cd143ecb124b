import { expected } from '../runtime/errors.js'

/**
 * The exponential moving average of arrays that change, with a decay that grows from 0.1 to the one wanted so that it forgets where
 * they started, as torch_ema's: at update n = 1, 2, ...
 *
 *     d = min(decay, (1 + n) / (10 + n)),    average = d average + (1 - d) value
 */
export class MovingAverage {
  readonly averages: readonly Float32Array[]
  updates = 0
  readonly #values: readonly Float32Array[]

  /** @param values followed from what they are now */
  constructor(
    values: readonly Float32Array[],
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1)) throw expected('a number from 0 up to 1', 'decay', decay)
    this.#values = values
    this.averages = values.map((array) => array.slice())
  }

  update(): void {
    this.updates++
    const decay = Math.min(this.decay, (1 + this.updates) / (10 + this.updates))
    this.averages.forEach((average, n) => {
      const values = this.#values[n]
      for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + (1 - decay) * values[i]
    })
  }

  /** Calls `use` while the values are the averages. */
  during<T>(use: () => T): T {
    const kept = this.#values.map((array) => array.slice())
    this.#values.forEach((array, n) => array.set(this.averages[n]))
    try {
      return use()
    } finally {
      this.#values.forEach((array, n) => array.set(kept[n]))
    }
  }
}
