import { Irreps } from '../o3/irreps.js'
import { Random } from '../o3/random.js'
import { SphericalHarmonics } from '../edge/index.js'
import { Graph, type Instruction, TensorProduct, TensorProductConv } from '../product/index.js'
import { allocate, free } from '../runtime/index.js'
import { neighbours, type Structure } from '../structures/index.js'
import { relativeError } from './comparison.js'
import { time, type Timing } from './timing.js'

export interface ConvolutionCase {
  /** Molecules are taken in turn, again and again, until the graph has so many edges. */
  structures: readonly Structure[]
  edges: number
  /** Angstrom. */
  cutoff: number
  channels: number
  /** Of the harmonics. */
  lmax: number
}

export interface ConvolutionMeasurement {
  nodes: number
  edges: number
  irrepsIn: string
  irrepsOut: string
  weights: number
  /** In one pass, and step by step: features gathered by sender, the product, messages summed by receiver. */
  fused: Timing
  gather: Timing
  product: Timing
  scatter: Timing
  /** What gather and scatter take where memory is the only limit. */
  copying: { seconds: number; bytes: number }
  /** Bytes that each way needs beside inputs and result. */
  memory: { fused: number; unfused: number }
  /** || fused - unfused || / || unfused || */
  error: number
}

/**
 * A convolution on real molecules as the first layers of a MACE have it: features of degrees 0 and 1 with harmonics up to lmax, in
 * every way into natural parity up to lmax, every path with weights of its own for every edge.
 */
export function measureConvolution(
  cell: ConvolutionCase,
  { budget, bandwidth }: { budget: number; bandwidth: number },
): ConvolutionMeasurement {
  const { graph, senders, receivers, vectors } = batchGraph(cell)
  const { irreps, harmonics, irrepsOut, instructions } = layer(cell)
  const { edges } = graph
  const nodes = graph.nodes.receivers
  using conv = new TensorProductConv(irreps, harmonics, irrepsOut, instructions, { device: 'cpu' })
  using product = new TensorProduct(irreps, harmonics, irrepsOut, instructions, { sharedWeights: false, device: 'cpu' })
  using angular = new SphericalHarmonics(cell.lmax, { device: 'cpu' })
  const random = new Random(1)
  const arrays = {
    x1: allocate(nodes * irreps.dim),
    x2: allocate(edges * harmonics.dim),
    weight: allocate(edges * conv.weightNumel),
    out: allocate(nodes * irrepsOut.dim),
    unfused: allocate(nodes * irrepsOut.dim),
    gathered: allocate(edges * irreps.dim),
    messages: allocate(edges * irrepsOut.dim),
  }
  const { x1, x2, weight, out, unfused, gathered, messages } = arrays
  for (const array of [x1, weight]) for (let i = 0; i < array.length; i++) array[i] = random.uint32() * 2 ** -31 - 1
  angular.forward(vectors, { out: x2 })

  const options = { budget: budget / 4, least: 3 }
  const fused = time(() => conv.forward(graph, x1, x2, weight, { out }), options)
  const gather = time(() => gatherRows(x1, senders, irreps.dim, gathered), options)
  const multiply = time(() => product.forward(gathered, x2, weight, { out: messages }), options)
  const scatter = time(() => scatterRows(messages, receivers, irrepsOut.dim, unfused), options)
  const error = relativeError(out, unfused)
  // Gathered rows are read and written, messages read, sums written.
  const bytes = 2 * gathered.byteLength + messages.byteLength + unfused.byteLength
  const memory = {
    // Features as lines of whole vectors of channels.
    fused: 4 * nodes * irreps.dim * (Math.ceil(cell.channels / 16) / (cell.channels / 16)),
    unfused: gathered.byteLength + messages.byteLength,
  }
  const weights = conv.weightNumel
  for (const array of Object.values(arrays)) free(array)
  const copying = { seconds: bytes / bandwidth, bytes }
  const names = { irrepsIn: irreps.toString(), irrepsOut: irrepsOut.toString() }
  return { nodes, edges, ...names, weights, fused, gather, product: multiply, scatter, copying, memory, error }
}

function layer({ channels, lmax }: ConvolutionCase) {
  const irreps = new Irreps(`${channels}x0e+${channels}x1o`)
  const harmonics = Irreps.sphericalHarmonics(lmax)
  const paths = [...irreps].flatMap(({ ir }, in1) =>
    [...harmonics].flatMap(({ ir: edge }, in2) =>
      ir
        .product(edge)
        .filter(({ l, p }) => l <= lmax && p === (-1) ** l)
        .map((out) => ({ in1, in2, ir: out })),
    ),
  )
  paths.sort((a, b) => a.ir.l - b.ir.l)
  const irrepsOut = new Irreps(paths.map(({ ir }) => ({ mul: channels, ir })))
  const instructions = paths.map(({ in1, in2 }, out): Instruction => ({ in1, in2, out, mode: 'uvu', hasWeight: true }))
  return { irreps, harmonics, irrepsOut, instructions }
}

/** Molecules side by side, edges by receiver. */
function batchGraph({ structures, edges, cutoff }: ConvolutionCase) {
  const found = structures.map((structure) => neighbours(structure, cutoff))
  const [senders, receivers, vectors]: [number[], number[], number[]] = [[], [], []]
  let nodes = 0
  for (let n = 0; senders.length < edges; n++) {
    const molecule = found[n % found.length]
    for (const [edge, receiver] of molecule.receivers.entries()) {
      senders.push(nodes + molecule.senders[edge])
      receivers.push(nodes + receiver)
      for (let i = 0; i < 3; i++) vectors.push(molecule.vectors[3 * edge + i])
    }
    nodes += structures[n % found.length].numbers.length
  }
  const lists = { senders: Int32Array.from(senders), receivers: Int32Array.from(receivers) }
  return { graph: new Graph(lists.senders, lists.receivers, nodes), ...lists, vectors: Float32Array.from(vectors) }
}

function gatherRows(rows: Float32Array, from: Int32Array, dim: number, out: Float32Array): void {
  for (let n = 0; n < from.length; n++) out.set(rows.subarray(from[n] * dim, (from[n] + 1) * dim), n * dim)
}

function scatterRows(rows: Float32Array, to: Int32Array, dim: number, out: Float32Array): void {
  out.fill(0)
  for (let n = 0, at = 0; n < to.length; n++) {
    const start = to[n] * dim
    for (let i = 0; i < dim; i++) out[start + i] += rows[at++]
  }
}
