import { expected, GauntletError } from '../runtime/errors.js'
import type { Structure } from './structure.js'

/** Directed pairs of atoms, ordered by receiver, then sender, then image. */
export interface Neighbours {
  /** Whose neighbourhood the edge belongs to. */
  readonly receivers: Int32Array
  /** Who is seen there. */
  readonly senders: Int32Array
  /** [edges, 3]: how many cell vectors the receiver is shifted by, seen from the sender. */
  readonly shifts: Int32Array
  /** [edges, 3], Angstrom: from the sender to the receiver, as e3nn and MACE have it. */
  readonly vectors: Float64Array
  /** [edges], Angstrom. */
  readonly distances: Float64Array
}

/** Beyond this a cutoff is a mistake (a cell in the wrong unit, say) rather than a wish. */
const MAX_EDGES = 5e7

/**
 * Every pair of atoms closer than `cutoff` (Angstrom), with all periodic images, however small or skewed the cell:
 *
 *     vector = position[receiver] + shift . cell - position[sender],   0 < |vector| < cutoff
 *
 * An atom is its own neighbour where the cell is smaller than the cutoff. Atoms may lie outside the cell.
 *
 * Time grows as the square of the number of atoms (times the images within reach).
 *
 * @throws GauntletError `ERR_ARGUMENT` for a cutoff that is not positive, a singular cell, or two atoms in the same place.
 * @example
 * const { receivers, senders, vectors } = neighbours(structure, 5)
 */
export function neighbours(structure: Structure, cutoff: number): Neighbours {
  if (!(cutoff > 0 && cutoff < Infinity)) throw expected('a positive number of Angstrom', 'cutoff', cutoff)
  const { positions } = structure
  const atoms = positions.length / 3
  const lattice = new Lattice(structure, cutoff)
  const receivers: number[] = []
  const senders: number[] = []
  const shifts: number[] = []
  const vectors: number[] = []
  const distances: number[] = []
  const low = [0, 0, 0]
  const high = [0, 0, 0]
  const base = [0, 0, 0]
  for (let receiver = 0; receiver < atoms; receiver++) {
    for (let sender = 0; sender < atoms; sender++) {
      for (let axis = 0; axis < 3; axis++) base[axis] = positions[3 * receiver + axis] - positions[3 * sender + axis]
      lattice.images(base, low, high)
      for (let a = low[0]; a <= high[0]; a++) {
        for (let b = low[1]; b <= high[1]; b++) {
          for (let c = low[2]; c <= high[2]; c++) {
            const [x, y, z] = lattice.shifted(base, a, b, c)
            const distance = Math.sqrt(x * x + y * y + z * z)
            if (distance >= cutoff || (sender === receiver && a === 0 && b === 0 && c === 0)) continue
            if (distance === 0) {
              throw new GauntletError('ERR_ARGUMENT', `Atoms ${receiver + 1} and ${sender + 1} are in the same place`)
            }
            if (receivers.length >= MAX_EDGES) {
              throw new GauntletError(
                'ERR_ARGUMENT',
                `A cutoff of ${cutoff} Angstrom gives over ${MAX_EDGES} pairs of atoms`,
              )
            }
            receivers.push(receiver)
            senders.push(sender)
            shifts.push(a, b, c)
            vectors.push(x, y, z)
            distances.push(distance)
          }
        }
      }
    }
  }
  return {
    receivers: Int32Array.from(receivers),
    senders: Int32Array.from(senders),
    shifts: Int32Array.from(shifts),
    vectors: Float64Array.from(vectors),
    distances: Float64Array.from(distances),
  }
}

/** The cell, and which of its translations can bring a point within reach. */
class Lattice {
  private readonly cell: Float64Array
  /** Columns are the reciprocal vectors: fractional = cartesian . inverse. */
  private readonly inverse: Float64Array
  private readonly pbc: readonly boolean[]
  /** Cutoff over the distance between neighbouring lattice planes, along each cell vector. */
  private readonly reach: number[]

  constructor({ cell, pbc }: Structure, cutoff: number) {
    this.pbc = pbc
    this.cell = completed(cell, pbc)
    this.inverse = inverse(this.cell)
    this.reach = [0, 1, 2].map(
      (axis) => cutoff * Math.hypot(this.inverse[axis], this.inverse[3 + axis], this.inverse[6 + axis]),
    )
  }

  /**
   * A point at fractional coordinate f lies |f| plane spacings from the plane through the origin, so only shifts that bring
   * it within `reach` of that plane can bring it within the cutoff of the origin itself.
   */
  images([x, y, z]: number[], low: number[], high: number[]): void {
    for (let axis = 0; axis < 3; axis++) {
      if (!this.pbc[axis]) continue
      const fractional = x * this.inverse[axis] + y * this.inverse[3 + axis] + z * this.inverse[6 + axis]
      low[axis] = Math.ceil(-fractional - this.reach[axis] - 1e-9)
      high[axis] = Math.floor(-fractional + this.reach[axis] + 1e-9)
    }
  }

  shifted([x, y, z]: number[], a: number, b: number, c: number): [number, number, number] {
    const { cell } = this
    return [
      x + a * cell[0] + b * cell[3] + c * cell[6],
      y + a * cell[1] + b * cell[4] + c * cell[7],
      z + a * cell[2] + b * cell[5] + c * cell[8],
    ]
  }
}

/** The cell with a unit normal in place of every vector along which nothing repeats: files often leave those at zero. */
function completed(cell: Float64Array | undefined, pbc: readonly boolean[]): Float64Array {
  const rows = [0, 1, 2].map((axis) => (pbc[axis] && cell ? [...cell.subarray(3 * axis, 3 * axis + 3)] : undefined))
  for (let axis = 0; axis < 3; axis++) rows[axis] ??= normal(rows.filter((row) => row !== undefined))
  return Float64Array.from(rows.flatMap((row) => row ?? []))
}

/** A unit vector orthogonal to at most two others. */
function normal(others: number[][]): number[] {
  const axes = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  const length = (v: number[]): number => Math.hypot(v[0], v[1], v[2])
  const candidates = others.length === 2 ? [cross(others[0], others[1])] : axes.map((axis) => orthogonal(axis, others))
  const best = candidates.reduce((a, b) => (length(a) >= length(b) ? a : b))
  return best.map((value) => value / length(best))
}

function orthogonal(vector: number[], others: number[][]): number[] {
  return others.reduce((rest, other) => {
    const along = dot(rest, other) / dot(other, other)
    return rest.map((value, axis) => value - along * other[axis])
  }, vector)
}

function dot(a: number[], b: number[]): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

function cross(a: number[], b: number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

function inverse(m: Float64Array): Float64Array {
  const rows = [0, 3, 6].map((at) => [...m.subarray(at, at + 3)])
  const determinant = dot(rows[0], cross(rows[1], rows[2]))
  const scale = rows.reduce((product, row) => product * Math.hypot(row[0], row[1], row[2]), 1)
  if (!(Math.abs(determinant) > 1e-9 * scale)) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      'The cell vectors of a periodic structure lie in one plane, so they span no cell',
    )
  }
  const columns = [cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])]
  return Float64Array.from({ length: 9 }, (_, i) => columns[i % 3][Math.floor(i / 3)] / determinant)
}
