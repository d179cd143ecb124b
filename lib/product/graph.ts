import { types } from 'node:util'
import { checkObject, expected } from '../runtime/errors.js'
import { checkInteger } from '../runtime/numbers.js'
import { callNative, type DeviceId, loadAddon, type NativeGraph } from '../runtime/native.js'
import { Segments } from './segments.js'

/** How many nodes edges begin at and end at, where these are not the same ones. */
export interface BipartiteNodes {
  senders: number
  receivers: number
}

/** The lists of a graph as native code reads them. */
interface GraphLists {
  senders: Int32Array
  receivers: Int32Array
  senderStart: Int32Array
  senderOrder: Int32Array
  receiverStart: Int32Array
  receiverOrder: Int32Array
  pairs?: Int32Array
  pairStart?: Int32Array
  pairOrder?: Int32Array
}

const MOST_NODES = 2 ** 31 - 1

const graphs = new WeakMap<Graph, { lists: GraphLists; on: Map<DeviceId, NativeGraph> }>()

/**
 * The lists of a graph on a device, copied there once for all convolutions.
 *
 * @internal
 * @throws GauntletError ERR_ARGUMENT where it is no Graph, ERR_MEMORY, ERR_CUDA
 */
export function graphOn(graph: unknown, device: DeviceId): NativeGraph {
  const found = graph instanceof Graph ? graphs.get(graph) : undefined
  if (!found) throw expected('a Graph', 'graph', graph)
  let native = found.on.get(device)
  if (!native) {
    native = callNative(() => new (loadAddon().NativeGraph)(device, found.lists))
    found.on.set(device, native)
  }
  return native
}

/**
 * The edges of a graph, checked and listed by receiver and by sender once, for any number of convolutions, which read copies of
 * their own on every device. Edges may come in any order, and per-edge arrays keep that order; convolutions read them fastest where
 * receivers ascend.
 *
 * @example
 * const graph = new Graph(Int32Array.of(1, 2, 0), Int32Array.of(0, 0, 2), 3) // 1 -> 0, 2 -> 0, 0 -> 2
 * graph.sorted // true
 */
export class Graph {
  readonly edges: number
  readonly nodes: Readonly<BipartiteNodes>
  /** Whether the receivers came in ascending order; otherwise edges were sorted here, once. */
  readonly sorted: boolean
  /** Edges by the node where they begin. */
  readonly senders: Segments
  /** Edges by the node where they end. */
  readonly receivers: Segments
  /** Edges by the pair that they belong to; none where each has weights of its own. */
  readonly pairs: Segments | undefined

  /**
   * @param senders [edges], the node where each edge begins; Segments of them where they are listed by node already
   * @param receivers [edges], the node where it ends
   * @param nodes how many there are, or how many of both kinds
   * @param options.pairs [edges], numbers from 0 for edges that share a row of weights, as both directions between two atoms do where
   * weights depend on their distance alone
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH, ERR_ARGUMENT for a node that does not exist, naming the edge
   */
  constructor(
    senders: Int32Array | Segments,
    receivers: Int32Array | Segments,
    nodes: number | BipartiteNodes,
    options: { pairs?: Int32Array } = {},
  ) {
    checkObject(options, 'options')
    const counts = typeof nodes === 'number' ? { senders: nodes, receivers: nodes } : nodes
    if (typeof counts !== 'object' || counts === null) throw expected('a number of nodes', 'nodes', nodes)
    this.nodes = Object.freeze({
      senders: checkInteger(counts.senders, 'nodes.senders', 0, MOST_NODES),
      receivers: checkInteger(counts.receivers, 'nodes.receivers', 0, MOST_NODES),
    })
    this.senders = listEdges(senders, this.nodes.senders, 'senders')
    this.receivers = listEdges(receivers, this.nodes.receivers, 'receivers')
    this.edges = this.senders.of.length
    if (this.receivers.of.length !== this.edges) {
      throw expected(String(this.edges), 'the length of receivers', this.receivers.of.length, 'ERR_LENGTH')
    }
    this.pairs = options.pairs && listPairs(options.pairs, this.edges)
    const ends = this.receivers.of
    this.sorted = ends.every((node, edge) => edge === 0 || ends[edge - 1] <= node)
    const lists = {
      senders: this.senders.of,
      receivers: ends,
      senderStart: this.senders.start,
      senderOrder: this.senders.order,
      receiverStart: this.receivers.start,
      receiverOrder: this.receivers.order,
      ...(this.pairs && { pairs: this.pairs.of, pairStart: this.pairs.start, pairOrder: this.pairs.order }),
    }
    graphs.set(this, { lists, on: new Map() })
  }
}

function listEdges(ends: Int32Array | Segments, nodes: number, name: string): Segments {
  if (!(ends instanceof Segments)) return new Segments(ends, nodes, name, 'node')
  if (ends.count !== nodes) throw expected(String(nodes), `the number of nodes of ${name}`, ends.count, 'ERR_LENGTH')
  return ends
}

/** As many pairs as the highest number says, no more than edges. */
function listPairs(pairs: Int32Array, edges: number): Segments {
  if (!types.isInt32Array(pairs)) throw expected('an Int32Array', 'pairs', pairs, 'ERR_DTYPE')
  if (pairs.length !== edges) throw expected(String(edges), 'the length of pairs', pairs.length, 'ERR_LENGTH')
  const count = pairs.reduce((most, pair) => Math.max(most, pair + 1), 0)
  return new Segments(pairs, Math.min(count, edges), 'pairs', 'pair')
}
