import { expected, GauntletError } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import type { Graph } from '../product/graph.js'
import { identify } from './identity.js'
import type { Kernels } from './kernels.js'
import type { Segments } from '../product/segments.js'

/** A number of rows that is known only when a program runs: nodes, edges, structures. */
export class Axis {
  constructor(readonly name: string) {}
}

export type Rows = Axis | number

/** For every row of axis `of` the row of `into` that it belongs to: an edge's sender, a node's structure. Bound to Segments. */
export class Index {
  constructor(
    readonly name: string,
    readonly of: Axis,
    readonly into: Rows,
  ) {}
}

/** The edges of a graph between nodes, and pairs of edges that share weights if its graph has such; bound to a Graph. */
export class Edges {
  readonly senders: Index
  readonly receivers: Index
  readonly pairOf: Index

  constructor(
    readonly edges: Axis,
    readonly nodes: Axis,
    readonly pairs = edges,
  ) {
    this.senders = new Index('senders', edges, nodes)
    this.receivers = new Index('receivers', edges, nodes)
    this.pairOf = new Index('pairs', edges, pairs)
  }
}

/** What a run knows beside arrays. */
export interface Bindings {
  /** How many rows there are. */
  count(rows: Rows): number
  segments(index: Index): Segments
  graph(edges: Edges): Graph
}

/**
 * How a tensor comes about from others. Its derivative is made of operations again, so that derivatives have derivatives, as many
 * as wanted.
 */
export interface Operation {
  readonly rows: Rows
  /** Floats of every row. */
  readonly dim: number
  /** Operations with the same key and results of one shape make the same of the same inputs. */
  readonly key: string
  /** What a profile calls it, its kind first; its key unless told. */
  readonly title?: string
  /** Whether the result may take the place of an input that has its shape. */
  readonly inPlace?: boolean
  /** The gradients of <grad, result> with respect to inputs, where `wanted`; undefined where it is zero. */
  vjp(inputs: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[]
  /** Its definition, in float64. */
  reference(inputs: readonly Float64Array[], out: Float64Array, run: Bindings): void
  native(kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray, run: Bindings): void
  /** Operations that say the same here, at the same operands, can be computed together. */
  readonly group?: string
  /** Which operand of the group each input is. */
  readonly operands?: readonly number[]
  /** This operation and others of its group, `members`, in one call. */
  nativeTogether?(
    members: readonly Operation[],
    operands: ReadonlyMap<number, FloatArray>,
    outs: readonly FloatArray[],
    run: Bindings,
  ): void
}

/**
 * A matrix of numbers yet to be computed: `rows` by `dim`, where rows may be counted by an Axis. Tensors are made by operations on
 * others; a `Program` computes them.
 */
export class Tensor {
  readonly rows: Rows
  readonly dim: number

  constructor(
    readonly operation: Operation,
    readonly inputs: readonly Tensor[] = [],
  ) {
    this.rows = operation.rows
    this.dim = operation.dim
  }
}

/** What is given when a program runs. */
export class Input implements Operation {
  readonly key: string
  static #made = 0

  constructor(
    readonly name: string,
    readonly rows: Rows,
    readonly dim: number,
  ) {
    this.key = `input ${Input.#made++}`
  }

  vjp(): [] {
    return []
  }

  reference(): void {
    throw new Error(`${this.name} is an input`)
  }

  native(): void {
    throw new Error(`${this.name} is an input`)
  }
}

/** Numbers that never change, row-major. */
class Constant implements Operation {
  readonly key: string
  readonly #rounded: Float32Array
  static #made = 0

  constructor(
    readonly rows: number,
    readonly dim: number,
    readonly values: ArrayLike<number>,
  ) {
    this.key = `constant ${Constant.#made++}`
    this.#rounded = Float32Array.from(values)
  }

  vjp(): [] {
    return []
  }

  reference(_inputs: readonly Float64Array[], out: Float64Array): void {
    out.set(this.values)
  }

  native(kernels: Kernels, _inputs: readonly FloatArray[], out: FloatArray): void {
    kernels.write(out, this.#rounded)
  }
}

class Fill implements Operation {
  readonly key: string

  constructor(
    readonly rows: Rows,
    readonly dim: number,
    readonly value: number,
  ) {
    this.key = `fill ${value}`
  }

  vjp(): [] {
    return []
  }

  reference(_inputs: readonly Float64Array[], out: Float64Array): void {
    out.fill(this.value)
  }

  native(kernels: Kernels, _inputs: readonly FloatArray[], out: FloatArray): void {
    kernels.fill(out, this.value)
  }
}

/** A tensor that is given when a program runs. */
export function input(name: string, rows: Rows, dim: number): Tensor {
  if (!Number.isInteger(dim) || dim < 0) throw expected('a whole number of floats', `dim of ${name}`, dim)
  return new Tensor(new Input(name, rows, dim))
}

/** [rows, dim] numbers, row-major. */
export function constant(rows: number, dim: number, values: ArrayLike<number>): Tensor {
  if (values.length !== rows * dim) {
    throw expected(String(rows * dim), 'the length of values', values.length, 'ERR_LENGTH')
  }
  return new Tensor(new Constant(rows, dim, values))
}

/** [rows, dim] times the same number. */
export function fill(rows: Rows, dim: number, value: number): Tensor {
  return new Tensor(new Fill(rows, dim, value))
}

/** Refuses tensors of different shapes. */
export function checkShape(tensor: Tensor, rows: Rows, dim: number, name: string): void {
  if (tensor.rows === rows && tensor.dim === dim) return
  throw new GauntletError(
    'ERR_LENGTH',
    `Expected ${describeShape(rows, dim)} for ${name} but received ${describeShape(tensor.rows, tensor.dim)}`,
  )
}

export function describeShape(rows: Rows, dim: number): string {
  return `[${describeRows(rows)}, ${dim}]`
}

function describeRows(rows: Rows): string {
  return typeof rows === 'number' ? String(rows) : rows.name
}

/** What only tensors of one shape have the same of: axes of one name are different ones. */
export function shapeKey({ rows, dim }: Tensor): string {
  return `${typeof rows === 'number' ? String(rows) : `axis ${identify(rows)}`} ${dim}`
}
