import { expected, GauntletError } from '../runtime/errors.js'
import type { Structure } from './structure.js'

type Vector = [number, number, number]

/** The vectors by which a structure repeats, completed by normals along which it does not. */
export class Lattice {
  /** Rows are vectors. */
  readonly cell: Float64Array
  /** Columns are reciprocal vectors: fractional = cartesian . inverse. */
  readonly inverse: Float64Array
  /** Angstrom between neighbouring lattice planes, along each vector. */
  readonly heights: Vector

  /** @throws GauntletError `ERR_ARGUMENT` for vectors in one plane, and where a structure repeats but has none. */
  constructor({ cell, pbc }: Pick<Structure, 'cell' | 'pbc'>) {
    this.cell = completed(cell, pbc)
    this.inverse = inverse(this.cell)
    const [a, b, c] = [0, 1, 2].map((axis) => 1 / Math.hypot(...column(this.inverse, axis)))
    this.heights = [a, b, c]
  }

  /** The fractional coordinate along one vector. */
  fractional(axis: number, x: number, y: number, z: number): number {
    return x * this.inverse[axis] + y * this.inverse[3 + axis] + z * this.inverse[6 + axis]
  }
}

/** Files often leave vectors along which nothing repeats at zero. */
function completed(cell: Float64Array | undefined, pbc: readonly boolean[]): Float64Array {
  if (cell && !(cell.length === 9 && cell.every(Number.isFinite))) {
    throw new GauntletError('ERR_ARGUMENT', 'Expected nine finite numbers for cell')
  }
  if (!cell && pbc.includes(true)) throw expected('the vectors along which the structure repeats', 'cell', cell)
  const rows = [0, 1, 2].map((axis) => (pbc[axis] && cell ? row(cell, axis) : undefined))
  for (let axis = 0; axis < 3; axis++) rows[axis] ??= normal(rows.filter((vector) => vector !== undefined))
  return Float64Array.from(rows.flatMap((vector) => vector ?? []))
}

/** A unit vector orthogonal to at most two others. */
function normal(others: Vector[]): Vector {
  const axes: Vector[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  const candidates = others.length === 2 ? [cross(others[0], others[1])] : axes.map((axis) => orthogonal(axis, others))
  const best = candidates.reduce((a, b) => (Math.hypot(...a) >= Math.hypot(...b) ? a : b))
  const length = Math.hypot(...best)
  return [best[0] / length, best[1] / length, best[2] / length]
}

function orthogonal(vector: Vector, others: Vector[]): Vector {
  return others.reduce((rest, other) => {
    const along = dot(rest, other) / dot(other, other)
    return [rest[0] - along * other[0], rest[1] - along * other[1], rest[2] - along * other[2]]
  }, vector)
}

function row(m: Float64Array, at: number): Vector {
  return [m[3 * at], m[3 * at + 1], m[3 * at + 2]]
}

function column(m: Float64Array, at: number): Vector {
  return [m[at], m[3 + at], m[6 + at]]
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

function inverse(m: Float64Array): Float64Array {
  const [a, b, c] = [0, 1, 2].map((at) => row(m, at))
  const determinant = dot(a, cross(b, c))
  const scale = Math.hypot(...a) * Math.hypot(...b) * Math.hypot(...c)
  if (!(Math.abs(determinant) > 1e-9 * scale)) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      'The cell vectors of a periodic structure lie in one plane, so they span no cell',
    )
  }
  const columns = [cross(b, c), cross(c, a), cross(a, b)]
  return Float64Array.from({ length: 9 }, (_, i) => columns[i % 3][Math.floor(i / 3)] / determinant)
}
