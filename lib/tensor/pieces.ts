import type { FloatArray } from '../runtime/execute.js'

/** Floats that arrays begin at multiples of: 64 bytes, which kernels of every device read best from. */
const ALIGNMENT = 16

/** Arrays of given lengths in one, each beginning at a multiple of 16 floats; what lies between them is zero. */
export class Pieces {
  readonly starts: Int32Array
  /** Of the whole. */
  readonly length: number

  constructor(readonly lengths: readonly number[]) {
    this.starts = new Int32Array(lengths.length)
    let at = 0
    lengths.forEach((length, n) => {
      this.starts[n] = at
      at += Math.ceil(length / ALIGNMENT) * ALIGNMENT
    })
    this.length = at
  }

  /** Each array's part of `whole`, which shares its memory. */
  of<A extends FloatArray>(whole: A): A[] {
    return this.lengths.map((length, n) => whole.subarray(this.starts[n], this.starts[n] + length) as A)
  }
}
