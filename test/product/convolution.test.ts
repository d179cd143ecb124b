import { describe, expect, it } from 'vitest'
import {
  DeviceArray,
  GauntletError,
  Graph,
  type Instruction,
  Irreps,
  Random,
  randomRotation,
  rotate,
  setNumThreads,
  getNumThreads,
  TensorProduct,
  TensorProductConv,
} from '../../lib/index.js'
import { Segments } from '../../lib/product/segments.js'
import { referenceEvaluate } from '../../lib/product/weighted-reference.js'
import { relativeError, TOLERANCE as FORWARD } from './helpers.js'

/** Sums of a few hundred products, whose float32 roundings (6e-8 each) mostly cancel; twice as many in second derivatives. */
const DERIVATIVE = 1e-5

const OPERANDS = ['x1', 'x2', 'gradOut', 'weight'] as const
type Name = (typeof OPERANDS)[number]
type Arrays = Record<Name, Float32Array>

/** Every path between the blocks, mode uvu. */
function everyPath(in1: string, in2: string, out: string, hasWeight = true): Instruction[] {
  const [a, b, c] = [in1, in2, out].map((irreps) => [...new Irreps(irreps)])
  const list: Instruction[] = []
  a.forEach((x, i) =>
    b.forEach((y, j) =>
      c.forEach((z, k) => {
        const fits = x.mul === z.mul && x.ir.product(y.ir).some((ir) => ir.equals(z.ir))
        if (fits) list.push({ in1: i, in2: j, out: k, mode: 'uvu', hasWeight })
      }),
    ),
  )
  return list
}

function normals(random: Random, length: number): Float32Array {
  return Float32Array.from({ length }, () => random.normal())
}

/** A random graph; the first nodes of each kind have no edge, nor has the first pair of `count`, if edges share weights at all. */
function makeGraph(random: Random, edges: number, senders: number, receivers: number, count?: number) {
  const pick = (count: number) => Int32Array.from({ length: edges }, () => 1 + (random.uint32() % (count - 1)))
  const ends = { senders: pick(senders), receivers: pick(receivers) }
  const pairs = count === undefined ? undefined : pick(count)
  const nodes = { senders, receivers }
  const graph = new Graph(ends.senders, ends.receivers, nodes, pairs && { pairs })
  return { ...ends, pairs: pairs ?? Int32Array.from({ length: edges }, (_, edge) => edge), graph }
}

const CASES = [
  { name: 'few channels', in1: '5x0e+5x1o', in2: '0e+1o+2e', out: '5x0e+5x1o+5x1e+5x2e' },
  { name: 'one channel', in1: '0e+1o', in2: '0e+1o', out: '0e+1o+1e' },
  { name: 'more channels than a tile has lanes', in1: '100x0e+100x1o', in2: '0e+1o', out: '100x0e+100x1o' },
  { name: 'blocks of different sizes', in1: '64x0e+17x2e', in2: '0e+1o+2e+3o', out: '17x1o+64x2e+64x0e+17x3o+17x4e' },
  { name: 'high degrees', in1: '16x6e', in2: '5o+8e', out: '16x4o+16x11o+16x9e' },
  { name: 'pairs of edges', in1: '20x0e+20x1o', in2: '0e+1o+2e', out: '20x0e+20x1o+20x2e', pairCount: 80 },
]

describe.each(CASES)('TensorProductConv of $name', ({ in1, in2, out, pairCount }) => {
  const random = new Random(7)
  const [edges, senders, receivers] = [150, 20, 17]
  const ends = makeGraph(random, edges, senders, receivers, pairCount)
  const conv = new TensorProductConv(in1, in2, out, everyPath(in1, in2, out))
  const rows: Record<Name, number> = {
    x1: senders,
    x2: edges,
    gradOut: receivers,
    weight: ends.graph.pairs?.count ?? edges,
  }
  const dims: Record<Name, number> = {
    x1: conv.irrepsIn1.dim,
    x2: conv.irrepsIn2.dim,
    gradOut: conv.irrepsOut.dim,
    weight: conv.weightNumel,
  }
  const draw = () => Object.fromEntries(OPERANDS.map((o) => [o, normals(random, rows[o] * dims[o])])) as Arrays
  const [x, v] = [draw(), draw()]

  /** Gather, product edge by edge in float64, scatter. */
  const reference = (target: Name, operands: Arrays): Float64Array => {
    const nodeOf = (operand: Name, edge: number) =>
      ({ x1: ends.senders[edge], x2: edge, gradOut: ends.receivers[edge], weight: ends.pairs[edge] })[operand]
    const gathered = OPERANDS.map((o) =>
      Float64Array.from({ length: edges * dims[o] }, (_, n) => {
        return operands[o][nodeOf(o, Math.floor(n / dims[o])) * dims[o] + (n % dims[o])]
      }),
    )
    const [x1, x2, y, weight] = gathered
    const { irrepsIn1, irrepsIn2, irrepsOut, paths, weightNumel } = conv
    const definition = { irrepsIn1, irrepsIn2, irrepsOut, paths, weightNumel, sharedWeights: false }
    const index = OPERANDS.indexOf(target) as 0 | 1 | 2 | 3
    const messages = referenceEvaluate(definition, index, [x1, x2, y, weight], edges)
    const result = new Float64Array(rows[target] * dims[target])
    messages.forEach((value, n) => {
      result[nodeOf(target, Math.floor(n / dims[target])) * dims[target] + (n % dims[target])] += value
    })
    return result
  }

  it('equals gather, product and scatter', () => {
    const out = new Float32Array(receivers * dims.gradOut).fill(NaN)
    expect(conv.forward(ends.graph, x.x1, x.x2, x.weight, { out })).toBe(out)
    expect(relativeError(out, reference('gradOut', x))).toBeLessThan(FORWARD)
  })

  it('has the gradients of that', () => {
    const out = poisoned(['x1', 'x2', 'weight'])
    const gradients = conv.backward(x.gradOut, ends.graph, x.x1, x.x2, x.weight, { out })
    for (const name of ['x1', 'x2', 'weight'] as const) {
      expect(gradients[name], name).toBe(out[name])
      expect(relativeError(out[name], reference(name, x)), name).toBeLessThan(DERIVATIVE)
    }
  })

  it('has the second derivatives of that', () => {
    const out = poisoned(OPERANDS)
    conv.doubleBackward({ x1: v.x1, x2: v.x2, weight: v.weight }, x.gradOut, ends.graph, x.x1, x.x2, x.weight, { out })
    for (const target of OPERANDS) {
      const expected = new Float64Array(rows[target] * dims[target])
      for (const replaced of ['x1', 'x2', 'weight'] as const) {
        if (replaced === target) continue
        reference(target, { ...x, [replaced]: v[replaced] }).forEach((value, n) => (expected[n] += value))
      }
      expect(relativeError(out[target], expected), target).toBeLessThan(DERIVATIVE)
    }
  })

  it('gives the same numbers at any number of threads', () => {
    const threads = getNumThreads()
    const results = [1, 2, 5].map((count) => {
      setNumThreads(count)
      const gradients = conv.backward(x.gradOut, ends.graph, x.x1, x.x2, x.weight)
      return [conv.forward(ends.graph, x.x1, x.x2, x.weight), gradients.x1, gradients.x2, gradients.weight]
    })
    setNumThreads(threads)
    expect(results[1]).toEqual(results[0])
    expect(results[2]).toEqual(results[0])
  })

  function poisoned<N extends Name>(names: readonly N[]): Record<N, Float32Array> {
    return Object.fromEntries(
      names.map((name) => [name, new Float32Array(rows[name] * dims[name]).fill(NaN)]),
    ) as Record<N, Float32Array>
  }
})

describe('TensorProductConv', () => {
  const in1 = '8x0e+8x1o'
  const out = '8x0e+8x1o'
  const conv = new TensorProductConv(in1, '0e+1o', out, everyPath(in1, '0e+1o', out))
  const graph = new Graph(Int32Array.of(1, 2, 0, 1), Int32Array.of(2, 0, 0, 1), 3)
  const random = new Random(1)
  const [x1, x2, weight] = [3 * 32, 4 * 4, 4 * conv.weightNumel].map((length) => normals(random, length))

  it('is equivariant under rotation and inversion', () => {
    const inverted = randomRotation(random).map((entry) => -entry)
    const turn = (irreps: Irreps, x: Float32Array) => Float32Array.from(rotate(irreps, inverted, x))
    const turned = conv.forward(graph, turn(conv.irrepsIn1, x1), turn(conv.irrepsIn2, x2), weight)
    const expected = turn(conv.irrepsOut, conv.forward(graph, x1, x2, weight))
    // Both sides carry the product's own error, and the rotated inputs are rounded once more.
    expect(relativeError(turned, expected)).toBeLessThan(2 * FORWARD)
  })

  it('works without weights', () => {
    const bare = new TensorProductConv(in1, '0e+1o', out, everyPath(in1, '0e+1o', out, false))
    expect(bare.weightNumel).toBe(0)
    const ones = new Float32Array(4 * conv.weightNumel).fill(1)
    const expected = conv.forward(graph, x1, x2, ones)
    expect(relativeError(bare.forward(graph, x1, x2), expected)).toBeLessThan(FORWARD)
    expect(() => bare.forward(graph, x1, x2, weight)).toThrow('this convolution has no weights')
  })

  it('does not mind the order of edges', () => {
    const order = [3, 1, 0, 2]
    const pick = (array: Float32Array, dim: number) =>
      Float32Array.from({ length: array.length }, (_, n) => array[order[Math.floor(n / dim)] * dim + (n % dim)])
    const senders = Int32Array.from(order, (e) => [1, 2, 0, 1][e])
    const receivers = Int32Array.from(order, (e) => [2, 0, 0, 1][e])
    const shuffled = new Graph(senders, receivers, 3)
    const again = conv.forward(shuffled, x1, pick(x2, 4), pick(weight, conv.weightNumel))
    expect(relativeError(again, conv.forward(graph, x1, x2, weight))).toBeLessThan(FORWARD)
    expect([shuffled.sorted, new Graph(Int32Array.of(5, 0), Int32Array.of(3, 3), 6).sorted]).toEqual([false, true])
  })

  it('keeps NaN where it came from', () => {
    const spoiled = x1.slice()
    spoiled[0] = NaN // node 0, which only edge 2, into node 0, begins at
    const result = conv.forward(graph, spoiled, x2, weight)
    expect(result.subarray(0, 32).some(Number.isNaN)).toBe(true)
    expect(result.subarray(32).some(Number.isNaN)).toBe(false)
  })

  it('takes graphs without edges or nodes', () => {
    const none = new Int32Array(0)
    expect(conv.forward(new Graph(none, none, 2), new Float32Array(64), none2(), none2())).toEqual(new Float32Array(64))
    expect(conv.forward(new Graph(none, none, 0), none2(), none2(), none2())).toHaveLength(0)
  })

  it('writes over an input', () => {
    const expected = conv.forward(graph, x1, x2, weight)
    const both = x1.slice()
    expect(conv.forward(graph, both, x2, weight, { out: both })).toEqual(expected)
  })

  it('takes DeviceArrays', () => {
    const [a, b, w] = [x1, x2, weight].map((array) => DeviceArray.from(array, conv.device))
    const result = conv.forward(graph, a, b, w)
    expect(result).toBeInstanceOf(DeviceArray)
    expect(result.toArray()).toEqual(conv.forward(graph, x1, x2, weight))
  })

  it('agrees with TensorProduct on a graph where every edge has nodes of its own', () => {
    const product = new TensorProduct(in1, '0e+1o', out, everyPath(in1, '0e+1o', out), { sharedWeights: false })
    const each = new Graph(Int32Array.of(0, 1, 2), Int32Array.of(0, 1, 2), 3)
    const [e, w] = [x2.subarray(0, 12), weight.subarray(0, 3 * conv.weightNumel)]
    expect(relativeError(conv.forward(each, x1, e, w), product.forward(x1, e, w))).toBeLessThan(FORWARD)
  })

  it('neither reads lists that were written into since, nor loses those that were given away', () => {
    const path = () => new Graph(Int32Array.of(0, 1), Int32Array.of(1, 0), 2, { pairs: Int32Array.of(0, 0) })
    const [a, e, w] = [x1.subarray(0, 64), x2.subarray(0, 8), weight.subarray(0, conv.weightNumel)]
    const expected = conv.forward(path(), a, e, w)
    for (const list of ['senders', 'receivers', 'pairs'] as const) {
      for (const part of ['of', 'start', 'order'] as const) {
        const tampered = path()
        tampered[list]![part].fill(1e9)
        expect(() => conv.forward(tampered, a, e, w)).toThrow(GauntletError)
        const used = path()
        conv.forward(used, a, e, w)
        const { buffer } = used[list]![part]
        structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
        expect(conv.forward(used, a, e, w)).toEqual(expected)
      }
    }
  })

  it('takes no lists that contradict each other', () => {
    const make = () =>
      new Graph(Int32Array.of(0, 1, 2, 0), Int32Array.of(1, 0, 2, 2), 3, { pairs: Int32Array.of(0, 0, 1, 1) })
    const changes: ((graph: Graph) => void)[] = [
      ({ pairs }) => (pairs!.start[1] = 4),
      ({ pairs }) => pairs!.order.reverse(),
      ({ receivers }) => receivers.order.fill(0),
      ({ senders }) => (senders.of[0] = 1),
    ]
    for (const change of changes) {
      const changed = make()
      change(changed)
      expect(() => conv.backward(x1, changed, x1, x2, weight.subarray(0, 2 * conv.weightNumel))).toThrow(
        'every edge of a graph once',
      )
    }
  })

  it('refuses what does not fit', () => {
    expect(() => conv.forward(graph, x1.subarray(1), x2, weight)).toThrow('96 (3 senders of irreps 8x0e+8x1o)')
    expect(() => conv.forward(graph, x1, x2.subarray(4), weight)).toThrow('16 (4 edges of irreps 1x0e+1x1o)')
    expect(() => conv.forward(graph, x1, x2, weight.subarray(1))).toThrow(/\(4 edges of \d+ weights\)/)
    expect(() => conv.forward(graph, x1, x2)).toThrow(GauntletError)
    expect(() => conv.forward(null as unknown as Graph, x1, x2, weight)).toThrow('a Graph')
    expect(() => new Graph(Int32Array.of(0), Int32Array.of(3), 3)).toThrow(
      'Expected a node from 0 to 2 for receivers[0] but received 3',
    )
    expect(() => new Graph(Int32Array.of(0, 1), Int32Array.of(0), 3)).toThrow('the length of receivers')
    expect(() => new Graph([0] as unknown as Int32Array, Int32Array.of(0), 3)).toThrow('Int32Array')
    const listed = new Segments(Int32Array.of(0), 2)
    expect(() => new Graph(listed, Int32Array.of(0), 3)).toThrow('Expected 3 for the number of nodes of senders')
    const paired = (pairs: Int32Array) => () => new Graph(Int32Array.of(0, 1), Int32Array.of(1, 0), 2, { pairs })
    expect(paired(Int32Array.of(0))).toThrow('Expected 2 for the length of pairs but received 1')
    expect(paired([0, 0] as unknown as Int32Array)).toThrow('Int32Array')
    expect(paired(Int32Array.of(0, -1))).toThrow('for pairs[1] but received -1')
    expect(paired(Int32Array.of(2 ** 31 - 1, 0))).toThrow('Expected a pair from 0 to 1 for pairs[0]')
    const uvw: Instruction = { in1: 0, in2: 0, out: 0, mode: 'uvw', hasWeight: true }
    expect(() => new TensorProductConv('2x0e', '0e', '2x0e', [uvw])).toThrow(`'uvu'`)
    const uvu: Instruction = { ...uvw, mode: 'uvu' }
    expect(() => new TensorProductConv('2x0e', '2x0e', '2x0e', [uvu])).toThrow('one channel')
    expect(() => new TensorProductConv('2x0e', '0e', '2x0e', [uvu, { ...uvu, hasWeight: false }])).toThrow('for all')
    const disposed = new TensorProductConv('2x0e', '0e', '2x0e', [uvu])
    disposed.dispose()
    const two = new Float32Array(2)
    const loop = new Graph(Int32Array.of(0), Int32Array.of(0), 1)
    expect(() => disposed.forward(loop, two, two.subarray(1), two)).toThrow('disposed')
  })

  const none2 = () => new Float32Array(0)
})
