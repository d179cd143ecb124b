import type { FloatArray } from '../runtime/execute.js'
import { expected } from '../runtime/errors.js'
import { nonEmpty } from './elementwise.js'
import type { Kernels } from './kernels.js'
import { Pieces } from './pieces.js'
import { describeShape, fill, type Operation, Tensor } from './tensor.js'

/** Tensors as pieces of one row. */
class Concatenate implements Operation {
  readonly key: string
  readonly rows = 1
  readonly dim: number

  constructor(readonly pieces: Pieces) {
    this.key = `concatenate ${pieces.lengths.join()}`
    this.dim = pieces.length
  }

  vjp(inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    return inputs.map(({ rows, dim }, n) => new Tensor(new Piece(rows as number, dim, this.pieces, n), [grad]))
  }

  reference(inputs: readonly Float64Array[], out: Float64Array): void {
    out.fill(0)
    inputs.forEach((input, n) => out.set(input, this.pieces.starts[n]))
  }

  native(kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray): void {
    kernels.concatenate(out, this.pieces.starts, inputs)
  }
}

/** One of the tensors again. */
class Piece implements Operation {
  readonly key: string

  constructor(
    readonly rows: number,
    readonly dim: number,
    readonly pieces: Pieces,
    readonly number: number,
  ) {
    this.key = `piece ${number} of ${pieces.lengths.join()}`
  }

  vjp(_inputs: readonly Tensor[], grad: Tensor): Tensor[] {
    const zeros = this.pieces.lengths.map((length, n) => (n === this.number ? grad : fill(1, length, 0)))
    return [new Tensor(new Concatenate(this.pieces), zeros)]
  }

  reference([whole]: readonly Float64Array[], out: Float64Array): void {
    const start = this.pieces.starts[this.number]
    out.set(whole.subarray(start, start + out.length))
  }

  native(kernels: Kernels, [whole]: readonly FloatArray[], out: FloatArray): void {
    kernels.columns(out, whole, this.rows * this.dim, this.pieces.length, this.pieces.starts[this.number])
  }
}

/**
 * Tensors of sizes that are known, row-major one after another in a single row, each beginning at a multiple of 16 numbers and zeros
 * between them (see `Pieces`), so that what is done to all of them is done at once.
 *
 * @throws GauntletError ERR_ARGUMENT for a tensor whose rows an Axis counts, and for none
 * @example
 * const slope = concatenate(gradient(loss, weights))
 */
export function concatenate(tensors: readonly Tensor[]): Tensor {
  const lengths = nonEmpty(tensors, 'tensors').map(({ rows, dim }, n) => {
    if (typeof rows === 'number') return rows * dim
    throw expected('a tensor of so many rows', `tensors[${n}]`, describeShape(rows, dim))
  })
  return new Tensor(new Concatenate(new Pieces(lengths)), tensors)
}
