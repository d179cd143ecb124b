import { checkFloat32Array } from '../runtime/arrays.js'
import { DeviceArray } from '../runtime/device-array.js'
import { expected } from '../runtime/errors.js'
import type { FloatArray, Target } from '../runtime/execute.js'

// Every derivative of a product is a sum of evaluations of its own multilinear form F(x1, x2, gradOut, weight), with one
// argument left out and some of the others replaced. This file says which; form.ts evaluates them.

/** What a product is differentiated by. */
export type InputName = 'x1' | 'x2' | 'weight'
/** What L = <gradOut, out> is made of. */
export type OperandName = InputName | 'gradOut'

export const INPUTS: readonly InputName[] = ['x1', 'x2', 'weight']
export const OPERANDS: Readonly<Record<OperandName, Target>> = { x1: 0, x2: 1, gradOut: 2, weight: 3 }

/** Gradients by name; that of weights only from a product that has any. */
export interface Gradients<Result extends FloatArray = FloatArray> {
  x1: Result
  x2: Result
  weight?: Result
  gradOut: Result
}

export interface GradientOptions<Name extends OperandName = OperandName, Out extends FloatArray = FloatArray> {
  /** The gradients wanted; all by default. Others are not computed. */
  only?: readonly Name[]
  /** Where results go (overwritten), each a new array by default. They may share memory with inputs, not with each other. */
  out?: Readonly<Partial<Record<Name, Out>>>
}

export interface AsyncGradientOptions<
  Name extends OperandName = OperandName,
  Out extends FloatArray = FloatArray,
> extends GradientOptions<Name, Out> {
  /** Checked before the call starts; a call that has started runs to its end. */
  signal?: AbortSignal
}

/** The directions of a second derivative: gradients of a loss with respect to what `backward` gave. Zero where missing. */
export interface Directions<V extends FloatArray = FloatArray> {
  readonly x1?: V
  readonly x2?: V
  readonly weight?: FloatArray
}

/** The last arguments of a call: weights where the product has any, then options. */
export type Rest<Options> = [options?: Options] | [weight: FloatArray | undefined, options?: Options]

export type Operands = Readonly<Partial<Record<OperandName, FloatArray>>>
export type Results = Partial<Record<OperandName, FloatArray>>

/** F at these values, one for each of its arguments, with argument number `leftOut` left out. */
export interface Term {
  leftOut: number
  values: readonly (FloatArray | undefined)[]
  /** In whose place a direction stands. */
  replaced?: OperandName
}

/**
 * The gradient with respect to `target` of F or, with `v`, of sum over o of <v[o], dF/do>. `args` says which operand each argument
 * of F is: F is linear in every argument, and an operand that is several of them is left out of, and replaced in, each in turn.
 */
export function termsOf(target: OperandName, args: readonly OperandName[], operands: Operands, v?: Directions): Term[] {
  const values = args.map((name) => operands[name])
  const left = [...args.keys()].filter((n) => args[n] === target)
  if (!v) return left.map((leftOut) => ({ leftOut, values }))
  const directions = args.map((name) => (name === 'gradOut' ? undefined : v[name]))
  return left.flatMap((leftOut) =>
    args.flatMap((replaced, n): Term[] => {
      if (n === leftOut || directions[n] === undefined) return []
      return [{ leftOut, values: values.with(n, directions[n]), replaced }]
    }),
  )
}

/** Tells weights from options. */
export function splitRest<Options extends object>(rest: readonly unknown[]): { weight: unknown; options: Options } {
  const first: unknown = rest[0]
  const alone = rest.length < 2 && !(ArrayBuffer.isView(first) || first instanceof DeviceArray)
  const [weight, options] = alone ? [undefined, first ?? {}] : [first, rest[1] ?? {}]
  if (typeof options !== 'object' || ArrayBuffer.isView(options)) throw expected('an object', 'options', options)
  return { weight, options: options as Options }
}

/** The names in `only`, or all of `possible`. */
export function chooseNames<Name extends string>(only: unknown, possible: readonly Name[]): readonly Name[] {
  if (only === undefined) return possible
  const known = (name: unknown): name is Name => possible.some((other) => other === name)
  if (Array.isArray(only) && only.every(known)) return [...new Set(only)]
  const wrong: unknown = Array.isArray(only) ? only.find((name) => !known(name)) : only
  throw expected(`names among ${possible.map((name) => `'${name}'`).join(', ')}`, 'only', wrong)
}

/** A copy of an array where it is. */
export function copyOf(array: FloatArray): FloatArray {
  return array instanceof DeviceArray ? DeviceArray.from(array.toArray(), array.device) : array.slice()
}

/** Zeros for a gradient that no term reaches. */
export function clear(array: FloatArray): void {
  if (array instanceof DeviceArray) {
    array.set(new Float32Array(array.length))
  } else {
    checkFloat32Array(array, 'out')
    array.fill(0)
  }
}
