import { Graph } from '../product/graph.js'
import { Segments } from '../product/segments.js'
import { expected } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import { neighbours } from '../structures/neighbours.js'
import type { Structure } from '../structures/structure.js'
import type { RunArguments } from '../tensor/program.js'
import type { Axis, Index, Tensor } from '../tensor/tensor.js'
import type { Mace } from './model.js'

/** Structures one after another, as a model reads them. */
export interface Batch {
  readonly structures: number
  /** [nodes], which structure each is of. */
  readonly structureOf: Int32Array
  /** [nodes], which of the model's elements each is. */
  readonly elements: Int32Array
  /** [nodes, 3], Angstrom. */
  readonly positions: Float64Array
  /** [edges], nodes of the whole batch. */
  readonly senders: Int32Array
  readonly receivers: Int32Array
  /** [edges, 3], Angstrom: an edge's vector is position[receiver] - position[sender] + shift. */
  readonly shifts: Float64Array
}

/**
 * Structures with their neighbours within the model's cutoff.
 *
 * @throws GauntletError ERR_ARGUMENT for an element that the model does not know; as `neighbours` otherwise
 * @example
 * const batch = makeBatch(model, await readStructures('molecules.xyz'))
 */
export function makeBatch(model: Mace, structures: readonly Structure[]): Batch {
  return joinBatches(structures.map((structure) => single(model, structure)))
}

function single(model: Mace, structure: Structure): Batch {
  const { cell } = structure
  const { senders, receivers, shifts } = neighbours(structure, model.configuration.cutoff)
  return {
    structures: 1,
    structureOf: new Int32Array(structure.numbers.length),
    elements: model.elementsOf(structure.numbers),
    positions: structure.positions,
    senders,
    receivers,
    shifts: cell ? translations(shifts, cell) : new Float64Array(shifts.length),
  }
}

/** [edges, 3]: cell vectors times how often each is taken. */
function translations(shifts: Int32Array, cell: Float64Array): Float64Array {
  const vectors = new Float64Array(shifts.length)
  for (let edge = 0; edge < shifts.length; edge += 3) {
    const [a, b, c] = [shifts[edge], shifts[edge + 1], shifts[edge + 2]]
    if (a === 0 && b === 0 && c === 0) continue
    for (let axis = 0; axis < 3; axis++) vectors[edge + axis] = a * cell[axis] + b * cell[3 + axis] + c * cell[6 + axis]
  }
  return vectors
}

/** Batches one after another. */
export function joinBatches(batches: readonly Batch[]): Batch {
  const firstNode = starts(batches.map(({ elements }) => elements.length))
  const firstStructure = starts(batches.map(({ structures }) => structures))
  const shifted = (part: (batch: Batch) => Int32Array, first: readonly number[]): Int32Array =>
    joined(
      Int32Array,
      batches.map((batch, n) => part(batch).map((value) => value + first[n])),
    )
  return {
    structures: firstStructure.at(-1)!,
    structureOf: shifted((batch) => batch.structureOf, firstStructure),
    elements: joined(
      Int32Array,
      batches.map(({ elements }) => elements),
    ),
    positions: joined(
      Float64Array,
      batches.map(({ positions }) => positions),
    ),
    senders: shifted((batch) => batch.senders, firstNode),
    receivers: shifted((batch) => batch.receivers, firstNode),
    shifts: joined(
      Float64Array,
      batches.map(({ shifts }) => shifts),
    ),
  }
}

/** Where each part begins, and where the last one ends. */
function starts(lengths: readonly number[]): number[] {
  const all = [0]
  for (const length of lengths) all.push(all.at(-1)! + length)
  return all
}

function joined<A extends Int32Array | Float64Array>(type: new (length: number) => A, parts: readonly A[]): A {
  const first = starts(parts.map(({ length }) => length))
  const all = new type(first.at(-1)!)
  parts.forEach((part, n) => {
    all.set(part, first[n])
  })
  return all
}

/**
 * [edges], the pair of atoms (in one image or another) whose directions an edge is one of: edges there and back have one distance, so
 * one set of radial weights serves both. An edge without the way back is a pair alone.
 */
function pairsOf(
  { senders, receivers, shifts }: Batch,
  { start, order }: Segments,
): { of: Int32Array; first: number[] } {
  const of = new Int32Array(senders.length).fill(-1)
  const first: number[] = []
  const isReverse = (edge: number, other: number): boolean => {
    if (of[other] >= 0 || other === edge || senders[other] !== receivers[edge]) return false
    return [0, 1, 2].every((axis) => shifts[3 * other + axis] === -shifts[3 * edge + axis])
  }
  // Where both lists ascend, as those of `neighbours` do, the way back is the next one that its node has not met yet.
  const next = start.slice()
  senders.forEach((node, edge) => {
    if (of[edge] >= 0) return
    of[edge] = first.push(edge) - 1
    const [begin, end] = [start[node], start[node + 1]]
    for (let n = begin, at = next[node]; n < end; n++, at++) {
      if (at === end) at = begin
      if (!isReverse(edge, order[at])) continue
      of[order[at]] = of[edge]
      next[node] = at + 1
      return
    }
  })
  return { of, first }
}

/** The vectors of edges, [edges, 3], Angstrom: differences of positions in float64, whatever a program computes in. */
export function edgeVectors({ positions, senders, receivers, shifts }: Batch): Float64Array {
  return shifts.map((shift, n) => {
    const [edge, axis] = [Math.floor(n / 3), n % 3]
    return positions[3 * receivers[edge] + axis] - positions[3 * senders[edge] + axis] + shift
  })
}

/**
 * What a program of a model runs with, parameters apart: counts, indices, the graph, and edges' vectors.
 *
 * @param toArray makes numbers what the program takes
 * @throws GauntletError ERR_LENGTH, ERR_DTYPE, ERR_ARGUMENT for a batch whose parts do not fit each other
 */
export function bindBatch(
  model: Mace,
  batch: Batch,
  toArray: (values: Float64Array) => FloatArray | Float64Array,
): RunArguments {
  const nodes = batch.elements.length
  checkLength(batch.positions, 3 * nodes, 'positions')
  checkLength(batch.structureOf, nodes, 'structureOf')
  const elementOf = new Segments(batch.elements, model.configuration.atomicNumbers.length, 'elements', 'element')
  const structureOf = new Segments(batch.structureOf, batch.structures, 'structureOf', 'structure')
  const senders = new Segments(batch.senders, nodes, 'senders', 'node')
  const receivers = new Segments(batch.receivers, nodes, 'receivers', 'node')
  checkLength(batch.shifts, 3 * senders.of.length, 'shifts')
  const pairs = pairsOf(batch, receivers)
  const graph = new Graph(senders, receivers, nodes, { pairs: pairs.of })
  return {
    counts: new Map<Axis, number>([
      [model.nodes, nodes],
      [model.structures, batch.structures],
      [model.edges.edges, graph.edges],
      [model.edges.pairs, pairs.first.length],
    ]),
    indices: new Map<Index, Segments>([
      [model.elementOf, elementOf],
      [model.structureOf, structureOf],
      [model.edgeOf, new Segments(Int32Array.from(pairs.first), graph.edges, 'pairs', 'edge')],
    ]),
    graphs: new Map([[model.edges, graph]]),
    inputs: new Map<Tensor, FloatArray | Float64Array>([[model.vectors, toArray(edgeVectors(batch))]]),
  }
}

function checkLength(array: Float64Array | Int32Array, length: number, name: string): void {
  if (array.length !== length) throw expected(String(length), `the length of ${name}`, array.length, 'ERR_LENGTH')
}
