import { GauntletError } from '../runtime/errors.js'
import type { Lattice } from './lattice.js'
import type { Structure } from './structure.js'

/** Positions beyond this (Angstrom) are a mistake; up to here float64 tells apart what is 1e-7 Angstrom apart. */
const MAX_POSITION = 1e8
/** Atoms so many cells away from the first have lost the digits that place them in it. */
const MAX_WRAP = 1e6

/**
 * Atoms sorted into bins: along every lattice vector the cell (or where it does not repeat, the atoms' extent) is cut into slabs at
 * least `reach` (Angstrom) thick, if it is that thick itself. Two atoms within `reach` stand in slabs at most `range` apart.
 */
export class Bins {
  /** Slabs along each vector. */
  readonly counts: [number, number, number] = [1, 1, 1]
  /** How many slabs away something within reach may be. */
  readonly range: [number, number, number] = [0, 0, 0]
  /** [atoms, 3]: the slabs of every atom. */
  readonly slabs: Int32Array
  /** [atoms, 3]: by how many cell vectors an atom was moved into the cell. */
  readonly wraps: Int32Array
  /** Atoms of bin b are `atoms[starts[b]]` up to `atoms[starts[b + 1]]`, in ascending order. */
  readonly starts: Int32Array
  readonly atoms: Int32Array
  /** Where in `atoms` each atom stands. */
  readonly places: Int32Array
  /** [atoms, 3], Angstrom: where they are once moved into the cell, in the order of `atoms`. */
  readonly positions: Float64Array

  /** @throws GauntletError `ERR_ARGUMENT` for a position that is not finite or absurdly far away. */
  constructor({ positions, pbc }: Structure, lattice: Lattice, reach: number) {
    const atoms = positions.length / 3
    this.slabs = new Int32Array(3 * atoms)
    this.wraps = new Int32Array(3 * atoms)
    const fractional = fractionalCoordinates(positions, lattice)
    // Many more bins than atoms would cost more memory than they save time.
    let remaining = 8 * atoms + 64
    for (const axis of [0, 1, 2]) {
      const slabs = pbc[axis]
        ? this.#wrap(axis, fractional, lattice.heights[axis], reach, remaining)
        : this.#span(axis, fractional, reach, remaining)
      this.counts[axis] = slabs
      remaining /= slabs
    }
    ;[this.starts, this.atoms] = this.#sort(atoms)
    this.places = new Int32Array(atoms)
    for (let i = 0; i < atoms; i++) this.places[this.atoms[i]] = i
    this.positions = this.#place(positions, lattice.cell)
  }

  /** Cuts the cell: whatever lies outside is moved in. */
  #wrap(axis: number, fractional: Float64Array, height: number, reach: number, most: number): number {
    const slabs = Math.max(1, Math.min(Math.floor(height / reach), Math.floor(most)))
    this.range[axis] = Math.ceil((reach * slabs) / height)
    for (let i = axis; i < fractional.length; i += 3) {
      const wrap = -Math.floor(fractional[i])
      if (Math.abs(wrap) > MAX_WRAP) {
        throw new GauntletError(
          'ERR_ARGUMENT',
          `Atom ${(i - axis) / 3 + 1} is ${Math.abs(wrap)} cells away from the cell; up to ${MAX_WRAP} are understood`,
        )
      }
      this.wraps[i] = wrap
      this.slabs[i] = Math.min(slabs - 1, Math.floor((fractional[i] + wrap) * slabs))
    }
    return slabs
  }

  /** Cuts the extent of the atoms, leaving out all but one slab of every stretch without any. */
  #span(axis: number, fractional: Float64Array, reach: number, most: number): number {
    let least = Infinity
    let last = -Infinity
    for (let i = axis; i < fractional.length; i += 3) {
      least = Math.min(least, fractional[i])
      last = Math.max(last, fractional[i])
    }
    // Normals have length 1, so these are Angstrom.
    const thickness = Math.max(reach, (last - least) / 2 ** 30)
    const occupied = new Set<number>()
    for (let i = axis; i < fractional.length; i += 3) {
      this.slabs[i] = Math.floor((fractional[i] - least) / thickness)
      occupied.add(this.slabs[i])
    }
    const sorted = [...occupied].sort((a, b) => a - b)
    const squeezed = new Map<number, number>()
    let count = 0
    for (const [i, slab] of sorted.entries()) {
      if (i > 0 && slab > sorted[i - 1] + 1) count++
      squeezed.set(slab, count++)
    }
    const merged = Math.max(1, Math.ceil(count / most))
    for (let i = axis; i < fractional.length; i += 3) {
      this.slabs[i] = Math.floor(squeezed.get(this.slabs[i])! / merged)
    }
    this.range[axis] = 1
    return Math.max(1, Math.ceil(count / merged))
  }

  /** Sorts atoms by bin, counting first. */
  #sort(atoms: number): [Int32Array, Int32Array] {
    const [, b, c] = this.counts
    const bins = new Int32Array(atoms)
    const starts = new Int32Array(this.counts[0] * b * c + 1)
    for (let atom = 0; atom < atoms; atom++) {
      bins[atom] = (this.slabs[3 * atom] * b + this.slabs[3 * atom + 1]) * c + this.slabs[3 * atom + 2]
      starts[bins[atom] + 1]++
    }
    for (let bin = 1; bin < starts.length; bin++) starts[bin] += starts[bin - 1]
    const next = starts.slice()
    const sorted = new Int32Array(atoms)
    for (let atom = 0; atom < atoms; atom++) sorted[next[bins[atom]]++] = atom
    return [starts, sorted]
  }

  #place(positions: Float64Array, cell: Float64Array): Float64Array {
    const placed = new Float64Array(positions.length)
    for (let i = 0; i < this.atoms.length; i++) {
      const at = 3 * this.atoms[i]
      const [a, b, c] = [this.wraps[at], this.wraps[at + 1], this.wraps[at + 2]]
      for (let axis = 0; axis < 3; axis++) {
        placed[3 * i + axis] = positions[at + axis] + a * cell[axis] + b * cell[3 + axis] + c * cell[6 + axis]
      }
    }
    return placed
  }
}

function fractionalCoordinates(positions: Float64Array, lattice: Lattice): Float64Array {
  const fractional = new Float64Array(positions.length)
  for (let at = 0; at < positions.length; at += 3) {
    const [x, y, z] = [positions[at], positions[at + 1], positions[at + 2]]
    if (!(Math.abs(x) <= MAX_POSITION && Math.abs(y) <= MAX_POSITION && Math.abs(z) <= MAX_POSITION)) {
      throw new GauntletError('ERR_ARGUMENT', `Atom ${at / 3 + 1} is at ${x}, ${y}, ${z}: that is no place in Angstrom`)
    }
    for (let axis = 0; axis < 3; axis++) fractional[at + axis] = lattice.fractional(axis, x, y, z)
  }
  return fractional
}
