import { expected } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import type { ParameterSet } from './parameters.js'

/**
 * The exponential moving average of parameters, with a decay that grows from 0.1 to the one wanted so that it forgets where they
 * started, as torch_ema's: at update n = 1, 2, ...
 *
 *     d = min(decay, (1 + n) / (10 + n)),    average = average + (1 - d) (value - average)
 *
 * Where the parameters are on a GPU, so is it.
 */
export class MovingAverage {
  readonly average: FloatArray
  updates = 0

  /** @param parameters followed from what they are now */
  constructor(
    readonly parameters: ParameterSet,
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1)) throw expected('a number from 0 up to 1', 'decay', decay)
    this.average = parameters.clone(parameters.values)
  }

  update(): void {
    this.updates++
    const share = 1 - Math.min(this.decay, (1 + this.updates) / (10 + this.updates))
    const { average, parameters } = this
    // Twice the same rounded factor, so that what stays the same is its own average.
    parameters.kernels.combine(average, [1, share, -share], [average, parameters.values, average])
  }

  /** Calls `use` while the values are the averages. */
  during<T>(use: () => T): T {
    return this.parameters.during(this.average, use)
  }
}
