import { Random } from '../../lib/o3/random.js'

/** ||a - b|| / ||b||; NaN where the lengths differ or anything is NaN, so that no comparison with it passes. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN
  let difference = 0
  let norm = 0
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  // Two zero arrays agree.
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm)
}

/** The largest relativeError of any row. */
export function worstRow(a: ArrayLike<number>, b: ArrayLike<number>, dim: number): number {
  if (a.length !== b.length) return NaN
  const row = (array: ArrayLike<number>, n: number) => Array.from({ length: dim }, (_, k) => array[n * dim + k])
  return Math.max(...Array.from({ length: a.length / dim }, (_, n) => relativeError(row(a, n), row(b, n))))
}

/** What an edge function promises of values and of derivatives, against float64. */
export const TOLERANCE = 2e-6
export const DERIVATIVE_TOLERANCE = 1e-5

export function normals(random: Random, length: number): Float32Array {
  return Float32Array.from(random.normals(length))
}

/** `count` copies of a row. */
export function repeat(row: readonly number[], count: number): Float32Array {
  return Float32Array.from({ length: row.length * count }, (_, i) => row[i % row.length])
}

/** An array for a result, poisoned: whatever is not written shows. */
export function poisoned(length: number): Float32Array {
  return new Float32Array(length).fill(NaN)
}
