import type { FloatArray } from '../runtime/execute.js'
import { expected } from '../runtime/errors.js'
import { identify } from './identity.js'
import type { Kernels } from './kernels.js'
import { type Bindings, checkShape, fill, type Index, type Operation, type Rows, Tensor } from './tensor.js'
import { matmul } from './matmul.js'

// Operations in pairs, each the other's derivative.

/** out[r] = x[of[r]] */
class Gather implements Operation {
  readonly key: string
  readonly rows: Rows

  constructor(
    readonly index: Index,
    readonly dim: number,
  ) {
    this.rows = index.of
    this.key = `gather ${identify(index)}`
  }

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return [scatter(grad, this.index)]
  }

  reference([x]: readonly Float64Array[], out: Float64Array, run: Bindings): void {
    const { dim } = this
    run.segments(this.index).of.forEach((from, row) => {
      out.set(x.subarray(from * dim, (from + 1) * dim), row * dim)
    })
  }

  native(kernels: Kernels, [x]: readonly FloatArray[], out: FloatArray, run: Bindings): void {
    kernels.gather(out, x, this.dim, run.segments(this.index).of)
  }
}

/** out[s] = sum over rows r that belong to s of  x[r] */
class Scatter implements Operation {
  readonly key: string
  readonly rows: Rows

  constructor(
    readonly index: Index,
    readonly dim: number,
  ) {
    this.rows = index.into
    this.key = `scatter ${identify(index)}`
  }

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return [gather(grad, this.index)]
  }

  reference([x]: readonly Float64Array[], out: Float64Array, run: Bindings): void {
    const { dim } = this
    out.fill(0)
    run.segments(this.index).of.forEach((into, row) => {
      for (let k = 0; k < dim; k++) out[into * dim + k] += x[row * dim + k]
    })
  }

  native(kernels: Kernels, [x]: readonly FloatArray[], out: FloatArray, run: Bindings): void {
    const { start, order } = run.segments(this.index)
    kernels.scatter(out, x, this.dim, start, order)
  }
}

/** out[r, k] = x[0, k] */
class BroadcastRows implements Operation {
  readonly key = 'broadcastRows'

  constructor(
    readonly rows: Rows,
    readonly dim: number,
  ) {}

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return [sumRows(grad)]
  }

  reference([x]: readonly Float64Array[], out: Float64Array): void {
    for (let n = 0; n < out.length; n++) out[n] = x[n % this.dim]
  }

  native(kernels: Kernels, [x]: readonly FloatArray[], out: FloatArray): void {
    kernels.broadcastRows(out, x, this.dim)
  }
}

/** out[0, k] = sum over r of  x[r, k] */
class SumRows implements Operation {
  readonly key = 'sumRows'
  readonly rows = 1

  constructor(
    readonly from: Rows,
    readonly dim: number,
  ) {}

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return [broadcastRows(grad, this.from)]
  }

  reference([x]: readonly Float64Array[], out: Float64Array): void {
    out.fill(0)
    x.forEach((value, n) => (out[n % this.dim] += value))
  }

  native(kernels: Kernels, [x]: readonly FloatArray[], out: FloatArray): void {
    kernels.sumRows(out, x, this.dim)
  }
}

/** out[r, k] = x[r, from + k]; or the way back, zero elsewhere. */
class Columns implements Operation {
  readonly key: string

  constructor(
    readonly rows: Rows,
    readonly dim: number,
    /** Of the input. */
    readonly width: number,
    /** In the input, or with `into` in the result. */
    readonly from: number,
    readonly into: boolean,
  ) {
    this.key = `columns ${width} ${from} ${into} ${dim}`
  }

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return [new Tensor(new Columns(this.rows, this.width, this.dim, this.from, !this.into), [grad])]
  }

  reference([x]: readonly Float64Array[], out: Float64Array): void {
    const { dim, width, from } = this
    if (this.into) out.fill(0)
    const rows = out.length / (dim || 1)
    for (let r = 0; r < rows; r++) {
      if (this.into) out.set(x.subarray(r * width, (r + 1) * width), r * dim + from)
      else out.set(x.subarray(r * width + from, r * width + from + dim), r * dim)
    }
  }

  native(kernels: Kernels, [x]: readonly FloatArray[], out: FloatArray): void {
    if (this.into) kernels.pad(out, x, this.dim, this.width, this.from)
    else kernels.columns(out, x, this.dim, this.width, this.from)
  }
}

/** Row of[r] of x for every row r of `index`. [into, dim] -> [of, dim] */
export function gather(x: Tensor, index: Index): Tensor {
  checkShape(x, index.into, x.dim, 'x')
  return new Tensor(new Gather(index, x.dim), [x])
}

/** The sum of the rows that belong to each row of `index.into`. [of, dim] -> [into, dim] */
export function scatter(x: Tensor, index: Index): Tensor {
  checkShape(x, index.of, x.dim, 'x')
  return new Tensor(new Scatter(index, x.dim), [x])
}

/** The same row as often as wanted. [1, dim] -> [rows, dim] */
export function broadcastRows(x: Tensor, rows: Rows): Tensor {
  checkShape(x, 1, x.dim, 'x')
  return rows === 1 ? x : new Tensor(new BroadcastRows(rows, x.dim), [x])
}

/** [rows, dim] -> [1, dim] */
export function sumRows(x: Tensor): Tensor {
  return x.rows === 1 ? x : new Tensor(new SumRows(x.rows, x.dim), [x])
}

/** The same number in every column: a product with a row of ones. [rows, 1] -> [rows, dim] */
export function broadcastColumns(x: Tensor, dim: number): Tensor {
  checkShape(x, x.rows, 1, 'x')
  return dim === 1 ? x : matmul(x, fill(1, dim, 1))
}

/** The sum over columns. [rows, dim] -> [rows, 1] */
export function sumColumns(x: Tensor): Tensor {
  return x.dim === 1 ? x : matmul(x, fill(1, x.dim, 1), 'second')
}

/** The sum of all numbers. [rows, dim] -> [1, 1] */
export function sum(x: Tensor): Tensor {
  return sumColumns(sumRows(x))
}

/** `dim` columns, the first being number `from`. */
export function columns(x: Tensor, from: number, dim: number): Tensor {
  if (!Number.isInteger(from) || !Number.isInteger(dim) || from < 0 || dim < 0 || from + dim > x.dim) {
    throw expected(`columns within ${x.dim}`, 'from, dim', `${from}, ${dim}`)
  }
  return from === 0 && dim === x.dim ? x : new Tensor(new Columns(x.rows, dim, x.dim, from, false), [x])
}

/** The columns of x among zeros, the first being number `from` of `dim`. */
export function pad(x: Tensor, from: number, dim: number): Tensor {
  if (!Number.isInteger(from) || !Number.isInteger(dim) || from < 0 || from + x.dim > dim) {
    throw expected(`room for ${x.dim} columns`, 'from, dim', `${from}, ${dim}`)
  }
  return from === 0 && dim === x.dim ? x : new Tensor(new Columns(x.rows, dim, x.dim, from, true), [x])
}
