import type { FloatArray } from '../runtime/execute.js'
import { GauntletError } from '../runtime/errors.js'
import type { Kernels } from './kernels.js'
import { type Bindings, describeShape, type Operation, type Rows, Tensor } from './tensor.js'

/**
 * The three products of matrices that derivatives of one another are made of:
 *
 *     plain      out[r, m] = scale * sum over k of  a[r, k] * b[k, m]
 *     second     out[r, m] = scale * sum over k of  a[r, k] * b[m, k]        b transposed
 *     first      out[k, m] = scale * sum over r of  a[r, k] * b[r, m]        a transposed: the sum over rows
 */
export type Transposed = 'none' | 'second' | 'first'

class Matmul implements Operation {
  readonly key: string
  readonly rows: Rows
  readonly dim: number

  constructor(
    readonly transposed: Transposed,
    a: Tensor,
    b: Tensor,
    readonly scale: number,
  ) {
    this.key = `matmul ${transposed} ${scale}`
    const inner = transposed === 'first' ? [a.rows, b.rows] : [a.dim, transposed === 'none' ? b.rows : b.dim]
    const [rows, dim] = [transposed === 'first' ? a.dim : a.rows, transposed === 'second' ? b.rows : b.dim]
    if (inner[0] !== inner[1] || typeof dim !== 'number') {
      throw new GauntletError(
        'ERR_LENGTH',
        `Expected matrices that fit for a product (transposed: ${transposed}) but received ` +
          `${describeShape(a.rows, a.dim)} and ${describeShape(b.rows, b.dim)}`,
      )
    }
    this.rows = rows
    this.dim = dim
  }

  vjp([a, b]: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[] {
    const { scale } = this
    const of: Record<Transposed, () => [() => Tensor, () => Tensor]> = {
      none: () => [() => matmul(grad, b, 'second', scale), () => matmul(a, grad, 'first', scale)],
      second: () => [() => matmul(grad, b, 'none', scale), () => matmul(grad, a, 'first', scale)],
      first: () => [() => matmul(b, grad, 'second', scale), () => matmul(a, grad, 'none', scale)],
    }
    return of[this.transposed]().map((make, n) => (wanted[n] ? make() : undefined))
  }

  reference([a, b]: readonly Float64Array[], out: Float64Array, run: Bindings): void {
    const { sums, strideA, strideB } = this.#layout(a, run)
    const rows = run.count(this.rows)
    for (let r = 0; r < rows; r++) {
      for (let m = 0; m < this.dim; m++) {
        let sum = 0
        for (let k = 0; k < sums; k++) {
          sum += a[r * strideA[0] + k * strideA[1]] * b[m * strideB[0] + k * strideB[1]]
        }
        out[r * this.dim + m] = this.scale * sum
      }
    }
  }

  /** How many numbers are summed, and how far apart those of one row, and of one sum, lie. */
  #layout(a: Float64Array, run: Bindings): { sums: number; strideA: number[]; strideB: number[] } {
    const rows = run.count(this.rows)
    const sums = rows === 0 ? 0 : a.length / rows
    if (this.transposed === 'first') return { sums, strideA: [1, rows], strideB: [1, this.dim] }
    return { sums, strideA: [sums, 1], strideB: this.transposed === 'none' ? [1, this.dim] : [sums, 1] }
  }

  native(kernels: Kernels, [a, b]: readonly FloatArray[], out: FloatArray, run: Bindings): void {
    kernels.matmul(out, a, b, this.transposed, run.count(this.rows), this.dim, this.scale)
  }
}

/**
 * A product of two matrices, see Transposed.
 *
 * @throws GauntletError ERR_LENGTH where shapes do not fit
 * @example
 * const out = matmul(x, weight) // [edges, 8] and [8, 64] -> [edges, 64]
 */
export function matmul(a: Tensor, b: Tensor, transposed: Transposed = 'none', scale = 1): Tensor {
  return new Tensor(new Matmul(transposed, a, b, scale), [a, b])
}
