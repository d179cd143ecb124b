/** By their numbers in native code. */
export const FAMILIES = ['powers', 'sine', 'exponential', 'sigmoid'] as const

/**
 * A function of one number with all of its derivatives. Families are those that native/core/scalar_function.h computes.
 */
export interface ScalarFunction {
  readonly family: (typeof FAMILIES)[number]
  readonly coefficients: readonly number[]
  at(x: number): number
  derivative(): ScalarFunction
}

/** sum over terms of factor * x^exponent, 0 from x = end on. */
class Powers implements ScalarFunction {
  readonly family = 'powers'
  readonly coefficients: readonly number[]

  constructor(
    readonly terms: readonly (readonly [factor: number, exponent: number])[],
    readonly end = Infinity,
  ) {
    this.coefficients = [end, ...terms.flat()]
  }

  at(x: number): number {
    if (this.end < Infinity && x >= this.end) return 0
    return this.terms.reduce((sum, [factor, exponent]) => sum + factor * x ** exponent, 0)
  }

  derivative(): ScalarFunction {
    const terms = this.terms.map(([factor, exponent]) => [factor * exponent, exponent - 1] as const)
    return new Powers(
      terms.filter(([factor]) => factor !== 0),
      this.end,
    )
  }
}

/** sin(x + turns * pi / 2) */
class Sine implements ScalarFunction {
  readonly family = 'sine'
  readonly coefficients: readonly number[]

  constructor(readonly turns: number) {
    this.coefficients = [turns]
  }

  at(x: number): number {
    const value = this.turns % 2 === 0 ? Math.sin(x) : Math.cos(x)
    return this.turns < 2 ? value : -value
  }

  derivative(): ScalarFunction {
    return new Sine((this.turns + 1) % 4)
  }
}

class Exponential implements ScalarFunction {
  readonly family = 'exponential'
  readonly coefficients: readonly number[] = []

  at(x: number): number {
    return Math.exp(x)
  }

  derivative(): ScalarFunction {
    return this
  }
}

/** P(s) + x Q(s) with s = 1 / (1 + exp(-rate x)); polynomials by rising powers. */
class Sigmoid implements ScalarFunction {
  readonly family = 'sigmoid'
  readonly coefficients: readonly number[]

  constructor(
    readonly rate: number,
    readonly p: readonly number[],
    readonly q: readonly number[] = [],
  ) {
    this.coefficients = [rate, p.length, ...p, ...q]
  }

  at(x: number): number {
    const s = 1 / (1 + Math.exp(-this.rate * x))
    return evaluate(this.p, s) + (this.q.length > 0 ? x * evaluate(this.q, s) : 0)
  }

  derivative(): ScalarFunction {
    const p = this.#slope(this.p)
    const sum = Array.from({ length: Math.max(p.length, this.q.length) }, (_, n) => (p[n] ?? 0) + (this.q[n] ?? 0))
    return new Sigmoid(this.rate, sum, this.#slope(this.q))
  }

  /** d/dx of a polynomial of s: ds/dx = rate (s - s^2). */
  #slope(polynomial: readonly number[]): number[] {
    if (polynomial.length < 2) return []
    const slope = new Array<number>(polynomial.length + 1).fill(0)
    for (let n = 1; n < polynomial.length; n++) {
      slope[n] += this.rate * n * polynomial[n]
      slope[n + 1] -= this.rate * n * polynomial[n]
    }
    return slope
  }
}

function evaluate(polynomial: readonly number[], s: number): number {
  return polynomial.reduceRight((sum, coefficient) => sum * s + coefficient, 0)
}

/** x^exponent */
export function power(exponent: number): ScalarFunction {
  return new Powers([[1, exponent]])
}

/** The envelope of `PolynomialCutoff`, of the length itself: 1 at 0, and 0 with two derivatives from the cutoff on. */
export function polynomialCutoff(cutoff: number, p: number): ScalarFunction {
  const factors = [1, -((p + 1) * (p + 2)) / 2, p * (p + 2), -(p * (p + 1)) / 2]
  const exponents = [0, p, p + 1, p + 2]
  return new Powers(
    factors.map((factor, n) => [factor / cutoff ** exponents[n], exponents[n]] as const),
    cutoff,
  )
}

/** sin(x) */
export const sine: ScalarFunction = new Sine(0)
/** exp(x) */
export const exponential: ScalarFunction = new Exponential()
/** x / (1 + exp(-x)) */
export const silu: ScalarFunction = new Sigmoid(1, [], [0, 1])
/** 1 / (1 + exp(-x)) */
export const sigmoid: ScalarFunction = new Sigmoid(1, [0, 1])
/** 2 sigmoid(2x) - 1 */
export const tanh: ScalarFunction = new Sigmoid(2, [-1, 2])
