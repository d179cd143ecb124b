import { expected, GauntletError } from '../runtime/errors.js'
import { Bins } from './bins.js'
import { Lattice } from './lattice.js'
import { checkStructure, type Structure } from './structure.js'

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

/** How far (Angstrom) rounding may move atoms that lie outside the cell when they are taken into it. */
const SLACK = 1e-6

/**
 * Every pair of atoms closer than `cutoff` (Angstrom), with all periodic images, however small or skewed the cell:
 *
 *     vector = position[receiver] + shift . cell - position[sender],   0 < |vector| < cutoff
 *
 * An atom is its own neighbour where the cell is smaller than the cutoff. Atoms may lie outside the cell.
 *
 * Time and memory grow with the number of atoms times their neighbours: atoms are sorted into bins of the cutoff's size, and each
 * looks into those around its own.
 *
 * @throws GauntletError `ERR_ARGUMENT` for a cutoff that is not positive, a singular cell, a position that is not finite, or two
 *     atoms in the same place.
 * @example
 * const { receivers, senders, vectors } = neighbours(structure, 5)
 */
export function neighbours(structure: Structure, cutoff: number): Neighbours {
  checkStructure(structure)
  if (typeof cutoff !== 'number' || !(cutoff > 0 && cutoff < Infinity)) {
    throw expected('a positive number of Angstrom', 'cutoff', cutoff)
  }
  const search = new Search(structure, cutoff)
  const atoms = structure.positions.length / 3
  const ends = new Int32Array(atoms)
  for (let receiver = 0; receiver < atoms; receiver++) ends[receiver] = search.findSenders(receiver)
  return search.result(ends)
}

/** Four numbers to an edge: its sender and the three shifts. */
const FIELDS = 4

/** Finds the edges of one receiver after the other. */
class Search {
  /** Of the receiver at hand, in the order of the bins; a pair's images with shifts descending. */
  private readonly near = new Growing(256)
  /** Of the receivers before. */
  private readonly edges = new Growing(4096)
  private order = new Float64Array(0)
  private readonly cell: Float64Array
  private readonly bins: Bins

  constructor(
    private readonly structure: Structure,
    private readonly cutoff: number,
  ) {
    const lattice = new Lattice(structure)
    this.cell = lattice.cell
    this.bins = new Bins(structure, lattice, cutoff + SLACK)
    const images = this.bins.range.reduce((product, range) => product * (2 * range + 1), 1)
    if (images > MAX_EDGES) this.refuse()
  }

  /** Appends a receiver's edges in their order; returns how many there are with those before. */
  findSenders(receiver: number): number {
    this.near.length = 0
    this.searchBins(receiver)
    const { near, edges } = this
    const count = near.length / FIELDS
    if (this.order.length < count) this.order = new Float64Array(2 * count)
    const order = this.order.subarray(0, count)
    for (let i = 0; i < count; i++) order[i] = near.data[FIELDS * i] * MAX_EDGES + (count - 1 - i)
    order.sort()
    for (let i = 0; i < count; i++) {
      const at = FIELDS * (count - 1 - (order[i] % MAX_EDGES))
      edges.push(near.data[at], near.data[at + 1], near.data[at + 2], near.data[at + 3])
    }
    if (edges.length > FIELDS * MAX_EDGES) this.refuse()
    return edges.length / FIELDS
  }

  private searchBins(receiver: number): void {
    const { slabs, counts, range } = this.bins
    const { pbc } = this.structure
    const [a, b] = [slabs[3 * receiver], slabs[3 * receiver + 1]]
    for (let i = a - range[0]; i <= a + range[0]; i++) {
      const imageA = Math.floor(i / counts[0])
      if (imageA !== 0 && !pbc[0]) continue
      for (let j = b - range[1]; j <= b + range[1]; j++) {
        const imageB = Math.floor(j / counts[1])
        if (imageB !== 0 && !pbc[1]) continue
        const row = ((i - imageA * counts[0]) * counts[1] + (j - imageB * counts[1])) * counts[2]
        this.searchRow(receiver, imageA, imageB, row)
      }
    }
  }

  /** Bins along the third vector follow each other, and so do their atoms: those of one image are a single run. */
  private searchRow(receiver: number, imageA: number, imageB: number, row: number): void {
    const { slabs, starts, counts, range } = this.bins
    const count = counts[2]
    const low = slabs[3 * receiver + 2] - range[2]
    const high = slabs[3 * receiver + 2] + range[2]
    const last = Math.floor(high / count)
    for (let imageC = Math.floor(low / count); imageC <= last; imageC++) {
      if (imageC !== 0 && !this.structure.pbc[2]) continue
      const begin = starts[row + Math.max(0, low - imageC * count)]
      const end = starts[row + Math.min(count - 1, high - imageC * count) + 1]
      if (begin < end) this.searchRun(receiver, imageA, imageB, imageC, begin, end)
    }
  }

  private searchRun(
    receiver: number,
    imageA: number,
    imageB: number,
    imageC: number,
    begin: number,
    end: number,
  ): void {
    const { cell, cutoff } = this
    const { atoms, places, positions: placed, wraps } = this.bins
    const { positions } = this.structure
    const at = 3 * places[receiver]
    const x = placed[at] - (imageA * cell[0] + imageB * cell[3] + imageC * cell[6])
    const y = placed[at + 1] - (imageA * cell[1] + imageB * cell[4] + imageC * cell[7])
    const z = placed[at + 2] - (imageA * cell[2] + imageB * cell[5] + imageC * cell[8])
    const reach = (cutoff + SLACK) ** 2
    for (let i = begin; i < end; i++) {
      const dx = placed[3 * i] - x
      const dy = placed[3 * i + 1] - y
      const dz = placed[3 * i + 2] - z
      if (dx * dx + dy * dy + dz * dz >= reach) continue
      // Decided by the numbers that are given out, which are those of the atoms where the structure has them.
      const [r, s] = [3 * receiver, 3 * atoms[i]]
      const a = wraps[r] - wraps[s] - imageA
      const b = wraps[r + 1] - wraps[s + 1] - imageB
      const c = wraps[r + 2] - wraps[s + 2] - imageC
      const vx = positions[r] - positions[s] + a * cell[0] + b * cell[3] + c * cell[6]
      const vy = positions[r + 1] - positions[s + 1] + a * cell[1] + b * cell[4] + c * cell[7]
      const vz = positions[r + 2] - positions[s + 2] + a * cell[2] + b * cell[5] + c * cell[8]
      const distance = Math.sqrt(vx * vx + vy * vy + vz * vz)
      if (distance >= cutoff || (r === s && a === 0 && b === 0 && c === 0)) continue
      if (distance === 0) throw samePlace(receiver, atoms[i])
      this.near.push(atoms[i], a, b, c)
    }
    if (this.near.length > FIELDS * MAX_EDGES) this.refuse()
  }

  /** Everything that was found, of which receiver r has the edges up to `ends[r]`. */
  result(ends: Int32Array): Neighbours {
    const { cell } = this
    const { positions } = this.structure
    const { data } = this.edges
    const edges = this.edges.length / FIELDS
    const receivers = new Int32Array(edges)
    const senders = new Int32Array(edges)
    const shifts = new Int32Array(3 * edges)
    const vectors = new Float64Array(3 * edges)
    const distances = new Float64Array(edges)
    for (let receiver = 0, edge = 0; receiver < ends.length; receiver++) {
      for (; edge < ends[receiver]; edge++) {
        const sender = data[FIELDS * edge]
        receivers[edge] = receiver
        senders[edge] = sender
        let square = 0
        for (let axis = 0; axis < 3; axis++) {
          shifts[3 * edge + axis] = data[FIELDS * edge + 1 + axis]
          let component = positions[3 * receiver + axis] - positions[3 * sender + axis]
          for (let row = 0; row < 3; row++) component += data[FIELDS * edge + 1 + row] * cell[3 * row + axis]
          vectors[3 * edge + axis] = component
          square += component * component
        }
        distances[edge] = Math.sqrt(square)
      }
    }
    return { receivers, senders, shifts, vectors, distances }
  }

  private refuse(): never {
    const what = `A cutoff of ${this.cutoff} Angstrom gives over ${MAX_EDGES} pairs of atoms`
    throw new GauntletError('ERR_ARGUMENT', what)
  }
}

/** A list of edges that grows as it is filled. */
class Growing {
  data: Int32Array
  length = 0

  constructor(edges: number) {
    this.data = new Int32Array(FIELDS * edges)
  }

  push(sender: number, a: number, b: number, c: number): void {
    if (this.length === this.data.length) {
      const more = new Int32Array(2 * this.length)
      more.set(this.data)
      this.data = more
    }
    this.data[this.length] = sender
    this.data[this.length + 1] = a
    this.data[this.length + 2] = b
    this.data[this.length + 3] = c
    this.length += FIELDS
  }
}

function samePlace(first: number, second: number): GauntletError {
  const [low, high] = [Math.min(first, second) + 1, Math.max(first, second) + 1]
  return new GauntletError('ERR_ARGUMENT', `Atoms ${low} and ${high} are in the same place`)
}
