import type { FloatArray } from '../runtime/execute.js'
import { expected } from '../runtime/errors.js'
import { type Kernels, MOST_INPUTS } from './kernels.js'
import type { ScalarFunction } from './functions.js'
import { checkShape, fill, type Operation, type Rows, Tensor } from './tensor.js'

/** scale * f(x) * factors[0] * factors[1] * ... of every number; without f, the first input is a factor as well. */
class Elementwise implements Operation {
  readonly key: string
  readonly inPlace = true

  constructor(
    readonly rows: Rows,
    readonly dim: number,
    readonly scale: number,
    readonly f?: ScalarFunction,
  ) {
    this.key = `elementwise ${scale} ${f ? `${f.family} ${f.coefficients.join()}` : 'product'}`
  }

  vjp(inputs: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[] {
    return inputs.map((_, n) => {
      if (!wanted[n]) return undefined
      if (this.f && n === 0) return this.#with([...inputs, grad], this.f.derivative())
      return this.#with([...inputs.filter((_, other) => other !== n), grad], this.f)
    })
  }

  #with(inputs: readonly Tensor[], f: ScalarFunction | undefined): Tensor {
    return new Tensor(new Elementwise(this.rows, this.dim, this.scale, f), inputs)
  }

  reference(inputs: readonly Float64Array[], out: Float64Array): void {
    for (let n = 0; n < out.length; n++) {
      let value = this.scale
      inputs.forEach((input, i) => (value *= this.f && i === 0 ? this.f.at(input[n]) : input[n]))
      out[n] = value
    }
  }

  native(kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray): void {
    kernels.elementwise(out, this.scale, this.f, inputs)
  }
}

/** sum over inputs of factor * input */
class Combine implements Operation {
  readonly key: string
  readonly inPlace = true

  constructor(
    readonly rows: Rows,
    readonly dim: number,
    readonly factors: readonly number[],
  ) {
    this.key = `combine ${factors.join()}`
  }

  vjp(_inputs: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[] {
    return this.factors.map((factor, n) => (wanted[n] ? scale(grad, factor) : undefined))
  }

  reference(inputs: readonly Float64Array[], out: Float64Array): void {
    for (let n = 0; n < out.length; n++) {
      out[n] = inputs.reduce((sum, input, i) => sum + this.factors[i] * input[n], 0)
    }
  }

  native(kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray): void {
    kernels.combine(out, this.factors, inputs)
  }
}

/**
 * f of every number,
 *
 *     out[n] = scale * f(x[n])
 *
 * @example
 * const hidden = apply(silu, matmul(x, weight))
 */
export function apply(f: ScalarFunction, x: Tensor, scale = 1): Tensor {
  return new Tensor(new Elementwise(x.rows, x.dim, scale, f), [x])
}

/** The product of tensors of one shape, number by number, times `scale`. */
export function multiply(factors: readonly Tensor[], scale = 1): Tensor {
  const [first] = nonEmpty(factors, 'factors')
  factors.forEach((factor, n) => checkShape(factor, first.rows, first.dim, `factors[${n}]`))
  if (factors.length > MOST_INPUTS)
    return multiply(
      inGroups(factors).map((group) => multiply(group)),
      scale,
    )
  return new Tensor(new Elementwise(first.rows, first.dim, scale), factors)
}

/** The sum of tensors of one shape, each times its factor (1 by default). */
export function add(terms: readonly Tensor[], factors: readonly number[] = terms.map(() => 1)): Tensor {
  const [first] = nonEmpty(terms, 'terms')
  if (factors.length !== terms.length) throw expected(String(terms.length), 'the number of factors', factors.length)
  terms.forEach((term, n) => checkShape(term, first.rows, first.dim, `terms[${n}]`))
  if (terms.length === 1 && factors[0] === 1) return first
  if (terms.length > MOST_INPUTS) {
    const weights = inGroups(factors)
    return add(inGroups(terms).map((group, n) => add(group, weights[n])))
  }
  return new Tensor(new Combine(first.rows, first.dim, factors), terms)
}

/** factor * x */
export function scale(x: Tensor, factor: number): Tensor {
  return factor === 1 ? x : new Tensor(new Combine(x.rows, x.dim, [factor]), [x])
}

/** a - b */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return add([a, b], [1, -1])
}

/** Zeros in the shape of a tensor. */
export function zerosLike({ rows, dim }: Tensor): Tensor {
  return fill(rows, dim, 0)
}

/** No larger than kernels take. */
function inGroups<T>(items: readonly T[]): T[][] {
  const groups = Math.ceil(items.length / MOST_INPUTS)
  return Array.from({ length: groups }, (_, n) => items.slice(n * MOST_INPUTS, (n + 1) * MOST_INPUTS))
}

export function nonEmpty(tensors: readonly Tensor[], name: string): readonly Tensor[] {
  if (tensors.length === 0) throw expected('at least one tensor', name, tensors)
  return tensors
}
