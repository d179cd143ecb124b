import { expected } from '../runtime/errors.js'

/** A parameter that is trained in place. */
export interface TrainedParameter {
  readonly name: string
  readonly values: Float32Array
  /** Added to the gradient times the values. */
  readonly weightDecay?: number
}

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
 * in float64, kept in float32. `state` is all of it beside the parameters, as views: what is written there is where training goes on.
 *
 * @example
 * const adam = new Adam(parameters, { amsgrad: true })
 * adam.step(gradients, 0.01)
 */
export class Adam {
  readonly parameters: readonly TrainedParameter[]
  readonly amsgrad: boolean
  /** How many steps were taken. */
  steps = 0
  readonly #means: Float32Array[]
  readonly #squares: Float32Array[]
  readonly #largest: Float32Array[]
  readonly #betas: readonly [number, number]
  readonly #epsilon: number

  /** @throws GauntletError ERR_ARGUMENT */
  constructor(parameters: readonly TrainedParameter[], options: AdamOptions = {}) {
    const { betas = [0.9, 0.999], epsilon = 1e-8, amsgrad = false } = options
    for (const beta of betas) if (!(beta >= 0 && beta < 1)) throw expected('a number from 0 up to 1', 'betas', beta)
    if (!(epsilon > 0)) throw expected('a positive number', 'epsilon', epsilon)
    this.parameters = parameters
    this.amsgrad = amsgrad
    this.#betas = betas
    this.#epsilon = epsilon
    const zeros = (): Float32Array[] => parameters.map(({ values }) => new Float32Array(values.length))
    this.#means = zeros()
    this.#squares = zeros()
    this.#largest = amsgrad ? zeros() : []
  }

  /** Running means by name: `NAME.mean`, `NAME.square` and, with AMSGrad, `NAME.largest`. */
  get state(): Map<string, Float32Array> {
    const kinds = { mean: this.#means, square: this.#squares, largest: this.#largest }
    return new Map(
      Object.entries(kinds).flatMap(([kind, arrays]) => {
        return arrays.map((array, n): [string, Float32Array] => [`${this.parameters[n].name}.${kind}`, array])
      }),
    )
  }

  /**
   * Changes all parameters by their gradients.
   *
   * @param gradients of the lengths of the parameters, in their order
   * @param rate the learning rate
   * @param factor what gradients are multiplied by first, see `clipFactor`
   * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH
   */
  step(gradients: readonly Float32Array[], rate: number, factor = 1): void {
    if (!(rate >= 0)) throw expected('a number that is not negative', 'rate', rate)
    if (gradients.length !== this.parameters.length) {
      throw expected(`${this.parameters.length} arrays`, 'gradients', gradients)
    }
    this.steps++
    gradients.forEach((gradient, n) => this.#update(n, gradient, rate, factor))
  }

  #update(n: number, gradient: Float32Array, rate: number, factor: number): void {
    const { name, values, weightDecay = 0 } = this.parameters[n]
    if (gradient.length !== values.length) {
      throw expected(String(values.length), `the length of the gradient of ${name}`, gradient.length, 'ERR_LENGTH')
    }
    const [beta1, beta2] = this.#betas
    const [mean, square] = [this.#means[n], this.#squares[n]]
    const largest = this.amsgrad ? this.#largest[n] : square
    const step = rate / (1 - beta1 ** this.steps)
    const correction = 1 - beta2 ** this.steps
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] * factor + weightDecay * values[i]
      mean[i] = beta1 * mean[i] + (1 - beta1) * g
      square[i] = beta2 * square[i] + (1 - beta2) * g * g
      if (this.amsgrad && square[i] > largest[i]) largest[i] = square[i]
      values[i] -= (step * mean[i]) / (Math.sqrt(largest[i] / correction) + this.#epsilon)
    }
  }
}

/** The norm of all gradients together. */
export function normOf(gradients: readonly Float32Array[]): number {
  let sum = 0
  for (const gradient of gradients) for (let i = 0; i < gradient.length; i++) sum += gradient[i] * gradient[i]
  return Math.sqrt(sum)
}

/** What brings gradients of norm `norm` to at most `limit`, as PyTorch's `clip_grad_norm_` does. */
export function clipFactor(norm: number, limit: number): number {
  return Math.min(1, limit / (norm + 1e-6))
}
