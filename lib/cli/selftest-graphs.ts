import type { Random } from '../o3/random.js'
import {
  Graph,
  GridContraction,
  type Instruction,
  referenceEvaluate,
  SymmetricContraction,
  TensorProductConv,
} from '../product/index.js'
import { referenceGridContraction } from '../product/grid-reference.js'
import { referenceSymmetricContraction } from '../product/symmetric-reference.js'
import type { DeviceOption } from '../runtime/index.js'
import { type Errors, errorsOfRun, normals, type SelftestCase } from './selftest-case.js'

/** What sums over the edges of a graph, and what multiplies the features of a node with themselves. */
export function graphCases(): SelftestCase[] {
  return [
    ...[
      { channels: 5, edges: 150 },
      { channels: 64, edges: 40 },
      { channels: 100, edges: 17 },
      { channels: 3, edges: 0 },
      { channels: 40, edges: 90, pairs: 50 },
    ].map((size) => ({
      name: `convolution, ${size.channels} channels, ${size.edges} edges${size.pairs ? `, ${size.pairs} pairs` : ''}`,
      errors: (device: DeviceOption, random: Random) => convolutionErrors(device, random, size),
    })),
    ...[1, 2, 3].flatMap((correlation) =>
      [SymmetricContraction, GridContraction].map((kind) => ({
        name: `${kind === GridContraction ? 'grid' : 'symmetric'} contraction, correlation ${correlation}`,
        errors: (device: DeviceOption, random: Random) => contractionErrors(device, random, kind, correlation),
      })),
    ),
  ]
}

const NAMES = ['x1', 'x2', 'gradOut', 'weight'] as const

interface ConvolutionSize {
  channels: number
  edges: number
  /** That edges share weights of, where they do. */
  pairs?: number
}

/** Against gather, product edge by edge, scatter. */
function convolutionErrors(device: DeviceOption, random: Random, { channels, edges, pairs }: ConvolutionSize): Errors {
  const [in1, in2, out] = [
    ['0e', '1o'],
    ['0e', '1o', '2e'],
    ['0e', '1o', '1o', '1e', '2e'],
  ]
  const nodes = { senders: 20, receivers: 17 }
  const pick = (count: number): Int32Array =>
    Int32Array.from({ length: edges }, () => 1 + (random.uint32() % (count - 1)))
  const [senders, receivers] = [pick(nodes.senders), pick(nodes.receivers)]
  const paths = [
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, 2],
    [1, 1, 3],
    [1, 1, 4],
    [0, 2, 4],
  ]
  const instructions = paths.map(([a, b, c]): Instruction => ({ in1: a, in2: b, out: c, mode: 'uvu', hasWeight: true }))
  const wide = (list: string[]): string => list.map((ir) => `${channels}x${ir}`).join('+')
  using conv = new TensorProductConv(wide(in1), in2.join('+'), wide(out), instructions, { device })
  const pairOf = pairs ? pick(pairs) : undefined
  const graph = new Graph(senders, receivers, nodes, { pairs: pairOf })
  const dims = [conv.irrepsIn1.dim, conv.irrepsIn2.dim, conv.irrepsOut.dim, conv.weightNumel]
  const rows = [nodes.senders, edges, nodes.receivers, graph.pairs?.count ?? edges]
  const rowOf = [senders, undefined, receivers, pairOf]
  const nodeOf = (operand: number, edge: number): number => rowOf[operand]?.[edge] ?? edge
  const x = dims.map((dim, o) => normals(random, rows[o] * dim))
  const v = dims.map((dim, o) => normals(random, rows[o] * dim))
  const definition = {
    irrepsIn1: conv.irrepsIn1,
    irrepsIn2: conv.irrepsIn2,
    irrepsOut: conv.irrepsOut,
    paths: conv.paths,
    weightNumel: conv.weightNumel,
    sharedWeights: false,
  }
  const evaluate = (target: number, operands: readonly Float32Array[]): Float64Array => {
    const [a, b, c, w] = operands.map((array, o) =>
      Float32Array.from({ length: edges * dims[o] }, (_, n) => {
        return array[nodeOf(o, Math.floor(n / dims[o])) * dims[o] + (n % dims[o])]
      }),
    )
    const messages = referenceEvaluate(definition, target as 0 | 1 | 2 | 3, [a, b, c, w], edges)
    const sum = new Float64Array(rows[target] * dims[target])
    messages.forEach((value, n) => {
      sum[nodeOf(target, Math.floor(n / dims[target])) * dims[target] + (n % dims[target])] += value
    })
    return sum
  }
  const second = (target: number): Float64Array => {
    const sum = new Float64Array(rows[target] * dims[target])
    for (const along of [0, 1, 3].filter((o) => o !== target)) {
      const operands = x.map((array, o) => (o === along ? v[o] : array))
      evaluate(target, operands).forEach((value, n) => (sum[n] += value))
    }
    return sum
  }
  const gradients = [0, 1, 3]
  const wanted = [evaluate(2, x), ...gradients.map((o) => evaluate(o, x)), ...[0, 1, 2, 3].map(second)]
  const inputs = [...x, v[0], v[1], v[3]]
  const [values, ...derivatives] = errorsOfRun(conv.device, inputs, wanted, (arrays, outs) => {
    const [x1, x2, g, w, v1, v2, vw] = arrays
    conv.forward(graph, x1, x2, w, { out: outs[0] })
    conv.backward(g, graph, x1, x2, w, { out: { x1: outs[1], x2: outs[2], weight: outs[3] } })
    const out = Object.fromEntries(NAMES.map((name, n) => [name, outs[4 + n]]))
    conv.doubleBackward({ x1: v1, x2: v2, weight: vw }, g, graph, x1, x2, w, { out })
  })
  return { values, derivatives: Math.max(...derivatives) }
}

/** Against the tensors U number by number, or Gaunt coefficients; second derivatives are left to the tests, which differ the gradients. */
function contractionErrors(
  device: DeviceOption,
  random: Random,
  Kind: typeof SymmetricContraction | typeof GridContraction,
  correlation: number,
): Errors {
  const [channels, kinds, nodes] = [19, 3, 7]
  const wide = (list: string[]): string => list.map((ir) => `${channels}x${ir}`).join('+')
  const options = { correlation, elements: kinds, device }
  using contraction = new Kind(wide(['0e', '1o', '2e']), wide(['0e', '1o']), options)
  const elements = Int32Array.from({ length: nodes }, () => random.uint32() % kinds)
  const { irrepsIn, irrepsOut, weightNumel } = contraction
  const inputs = [nodes * irrepsIn.dim, weightNumel, nodes * irrepsOut.dim].map((length) => normals(random, length))
  const [x, weight, gradOut] = inputs
  const arrays = { x, elements, weight, gradOut }
  const wanted =
    contraction instanceof GridContraction
      ? referenceGridContraction(contraction, arrays)
      : referenceSymmetricContraction(contraction, arrays)
  const results = [wanted.out, wanted.x, wanted.weight]
  const [values, ...derivatives] = errorsOfRun(
    contraction.device,
    inputs,
    results,
    ([a, w, g], [out, gradX, gradW]) => {
      contraction.forward(a, elements, w, { out })
      contraction.backward(g, a, elements, w, { out: { x: gradX, weight: gradW } })
    },
  )
  return { values, derivatives: Math.max(...derivatives) }
}
