import { expected, GauntletError } from '../runtime/errors.js'
import { callNative, type DeviceId, loadAddon, type NativeGraph } from '../runtime/native.js'

/** How many nodes edges begin at and end at, where these are not the same ones. */
export interface BipartiteNodes {
  senders: number
  receivers: number
}

/** Edges by the node where they end (or begin): those of node n are order[start[n]] to order[start[n + 1] - 1]. */
interface Incidence {
  start: Int32Array
  order: Int32Array
}

/** The lists of a graph as native code reads them. */
interface GraphLists {
  senders: Int32Array
  receivers: Int32Array
  senderStart: Int32Array
  senderOrder: Int32Array
  receiverStart: Int32Array
  receiverOrder: Int32Array
}

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
 * The edges of a graph, checked and listed by receiver and by sender once, for any number of convolutions. It copies what it is
 * given; on a GPU its lists are copied there once too, and stay. Edges may come in any order, and per-edge arrays keep that order; convolutions read them fastest where receivers ascend.
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

  /**
   * @param senders [edges], the node where each edge begins
   * @param receivers [edges], the node where it ends
   * @param nodes how many there are, or how many of both kinds
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH, ERR_ARGUMENT for a node that does not exist, naming the edge
   */
  constructor(senders: Int32Array, receivers: Int32Array, nodes: number | BipartiteNodes) {
    const counts = typeof nodes === 'number' ? { senders: nodes, receivers: nodes } : nodes
    if (typeof counts !== 'object' || counts === null) throw expected('a number of nodes', 'nodes', nodes)
    this.nodes = Object.freeze({
      senders: checkCount(counts.senders, 'nodes.senders'),
      receivers: checkCount(counts.receivers, 'nodes.receivers'),
    })
    const own = {
      senders: copyIndices(senders, 'senders', this.nodes.senders),
      receivers: copyIndices(receivers, 'receivers', this.nodes.receivers),
    }
    if (own.senders.length !== own.receivers.length) {
      throw expected(String(own.senders.length), 'the length of receivers', own.receivers.length, 'ERR_LENGTH')
    }
    this.edges = own.senders.length
    this.sorted = own.receivers.every((node, edge) => edge === 0 || own.receivers[edge - 1] <= node)
    const [bySender, byReceiver] = [
      incidence(own.senders, this.nodes.senders),
      incidence(own.receivers, this.nodes.receivers),
    ]
    const lists = {
      ...own,
      senderStart: bySender.start,
      senderOrder: bySender.order,
      receiverStart: byReceiver.start,
      receiverOrder: byReceiver.order,
    }
    graphs.set(this, { lists, on: new Map() })
  }
}

function checkCount(count: unknown, name: string): number {
  if (typeof count === 'number' && Number.isInteger(count) && count >= 0 && count < 2 ** 31) return count
  throw expected('a whole number of nodes', name, count)
}

function copyIndices(nodes: unknown, name: string, count: number): Int32Array {
  if (!(nodes instanceof Int32Array)) throw expected('an Int32Array', name, nodes, 'ERR_DTYPE')
  const copy = Int32Array.from(nodes)
  const edge = copy.findIndex((node) => node < 0 || node >= count)
  if (edge >= 0) {
    const known = count > 0 ? `a node from 0 to ${count - 1}` : 'no edge (there are no nodes)'
    throw new GauntletError('ERR_ARGUMENT', `Expected ${known} for ${name}[${edge}] but received ${copy[edge]}`)
  }
  return copy
}

/** A counting sort, which keeps the order of edges that share a node. */
function incidence(nodeOf: Int32Array, nodes: number): Incidence {
  const start = new Int32Array(nodes + 1)
  for (const node of nodeOf) start[node + 1]++
  for (let node = 0; node < nodes; node++) start[node + 1] += start[node]
  const next = start.slice()
  const order = new Int32Array(nodeOf.length)
  nodeOf.forEach((node, edge) => {
    order[next[node]++] = edge
  })
  return { start, order }
}
