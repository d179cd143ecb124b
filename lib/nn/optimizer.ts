import { DeviceArray } from '../runtime/device-array.js'
import { expected } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import type { NamedArrays, ParameterSet } from './parameters.js'

export interface AdamOptions {
  /** Of the running mean of gradients, and of their squares. Default 0.9 and 0.999. */
  betas?: readonly [number, number]
  /** Default 1e-8. */
  epsilon?: number
  /** Divides by the largest mean square so far instead of the present one. Default false. */
  amsgrad?: boolean
}

/**
 * Adam (Kingma and Ba, 2015), with AMSGrad (Reddi et al., 2018) where asked, as PyTorch's `Adam` has it. For every number, at step t,
 *
 *     g = gradient + weightDecay * p
 *     m = beta1 m + (1 - beta1) g
 *     v = beta2 v + (1 - beta2) g^2        with AMSGrad its largest value so far stands for v below
 *     p = p - rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 *
 * in float64, kept in float32, on the device of the parameters.
 *
 * @example
 * const adam = new Adam(parameters, { amsgrad: true })
 * adam.step(gradient, 0.01)
 */
export class Adam {
  readonly amsgrad: boolean
  /** How many steps were taken. */
  steps = 0
  /** Running means by what they are of: `mean`, `square` and, with AMSGrad, `largest`. */
  readonly #moments: { mean: FloatArray; square: FloatArray; largest?: FloatArray }
  readonly #betas: readonly [number, number]
  readonly #epsilon: number

  /** @throws GauntletError ERR_ARGUMENT */
  constructor(
    readonly parameters: ParameterSet,
    options: AdamOptions = {},
  ) {
    const { betas = [0.9, 0.999], epsilon = 1e-8, amsgrad = false } = options
    for (const beta of betas) if (!(beta >= 0 && beta < 1)) throw expected('a number from 0 up to 1', 'betas', beta)
    if (!(epsilon > 0)) throw expected('a positive number', 'epsilon', epsilon)
    this.amsgrad = amsgrad
    this.#betas = betas
    this.#epsilon = epsilon
    const zeros = (): FloatArray => parameters.zeros()
    this.#moments = { mean: zeros(), square: zeros(), ...(amsgrad && { largest: zeros() }) }
  }

  /** All of it beside the parameters, a copy, by name: `NAME.mean`, `NAME.square` and, with AMSGrad, `NAME.largest`. */
  get state(): NamedArrays {
    return new Map(
      this.#kinds().flatMap(([kind, array]) => {
        return [...this.parameters.read(array)].map(([name, values]) => [`${name}.${kind}`, values] as const)
      }),
    )
  }

  /**
   * Goes on from a state.
   *
   * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH where it is another's
   */
  restore(state: NamedArrays): void {
    for (const [kind, array] of this.#kinds()) {
      const values = this.parameters.names.flatMap((name) => {
        const found = state.get(`${name}.${kind}`)
        return found ? [[name, found] as const] : []
      })
      this.parameters.write(array, new Map(values))
    }
  }

  /**
   * Changes all parameters by their gradient.
   *
   * @param gradient laid out as the parameters are
   * @param rate the learning rate
   * @param factor what the gradient is multiplied by first, see `clipFactor`
   * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH
   */
  step(gradient: FloatArray, rate: number, factor = 1): void {
    const { parameters } = this
    if (!(rate >= 0)) throw expected('a number that is not negative', 'rate', rate)
    if (gradient.length !== parameters.pieces.length) {
      throw expected(String(parameters.pieces.length), 'the length of the gradient', gradient.length, 'ERR_LENGTH')
    }
    this.steps++
    const [beta1, beta2] = this.#betas
    const { values, decay } = parameters
    parameters.kernels.adam(
      { values, gradient, decay, ...this.#moments },
      {
        beta1,
        beta2,
        rate: rate / (1 - beta1 ** this.steps),
        correction: 1 - beta2 ** this.steps,
        epsilon: this.#epsilon,
        factor,
      },
    )
  }

  #kinds(): [kind: string, array: FloatArray][] {
    return Object.entries(this.#moments)
  }
}

/** The norm of a gradient of parameters, one number of which comes back from a GPU. */
export class GradientNorm {
  readonly #squares: FloatArray
  readonly #sum: FloatArray

  constructor(readonly parameters: ParameterSet) {
    this.#squares = parameters.zeros()
    this.#sum = parameters.kernels.allocate(1)
  }

  of(gradient: FloatArray): number {
    const { kernels } = this.parameters
    kernels.elementwise(this.#squares, 1, undefined, [gradient, gradient])
    kernels.sumRows(this.#sum, this.#squares, 1)
    const [sum] = this.#sum instanceof DeviceArray ? this.#sum.toArray() : this.#sum
    return Math.sqrt(sum)
  }
}

/** What brings gradients of norm `norm` to at most `limit`, as PyTorch's `clip_grad_norm_` does. */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6))
}
