import type { FloatArray } from '../runtime/execute.js'
import { expected } from '../runtime/errors.js'
import { identify } from './identity.js'
import type { Kernels } from './kernels.js'
import { type Bindings, checkShape, type Operation, type Rows, Tensor } from './tensor.js'

/**
 * A form F, linear in each of its arguments, that is computed with any of them left out. The last argument is the result of the
 * forward pass, seen as what multiplies it.
 */
export interface Multilinear {
  readonly name: string
  readonly args: readonly { rows: Rows; dim: number }[]
  /** dF/d(argument `leftOut`) at the other arguments, in their order, in float64. */
  reference(leftOut: number, others: readonly Float64Array[], out: Float64Array, run: Bindings): void
  native(leftOut: number, others: readonly FloatArray[], out: FloatArray, run: Bindings): void
}

/** F with an argument left out: again linear in every other one, so that every derivative leaves out another. */
class Evaluation implements Operation {
  readonly key: string
  readonly title: string
  readonly rows: Rows
  readonly dim: number

  constructor(
    readonly form: Multilinear,
    readonly leftOut: number,
  ) {
    ;({ rows: this.rows, dim: this.dim } = form.args[leftOut])
    this.title = `${form.name} without argument ${leftOut}`
    this.key = `evaluate ${identify(form)} ${leftOut}`
  }

  vjp(inputs: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[] {
    const all = inputs.toSpliced(this.leftOut, 0, grad)
    return inputs.map((_, n) => {
      if (!wanted[n]) return undefined
      const argument = n < this.leftOut ? n : n + 1
      return new Tensor(
        new Evaluation(this.form, argument),
        all.filter((_, other) => other !== argument),
      )
    })
  }

  reference(inputs: readonly Float64Array[], out: Float64Array, run: Bindings): void {
    this.form.reference(this.leftOut, inputs, out, run)
  }

  native(_kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray, run: Bindings): void {
    this.form.native(this.leftOut, inputs, out, run)
  }
}

/**
 * dF/d(argument `leftOut`) at the other arguments, given in their order.
 *
 * @throws GauntletError ERR_LENGTH, ERR_ARGUMENT
 */
export function partial(form: Multilinear, leftOut: number, others: readonly Tensor[]): Tensor {
  const args = form.args.filter((_, n) => n !== leftOut)
  if (others.length !== args.length) throw expected(`${args.length} tensors`, `the arguments of ${form.name}`, others)
  others.forEach((tensor, n) => checkShape(tensor, args[n].rows, args[n].dim, `argument ${n} of ${form.name}`))
  return new Tensor(new Evaluation(form, leftOut), others)
}

/** The forward pass of a form: its last argument left out. */
export function evaluate(form: Multilinear, others: readonly Tensor[]): Tensor {
  return partial(form, form.args.length - 1, others)
}
