import {
  GauntTensorProduct,
  Graph,
  GridContraction,
  Linear,
  SymmetricContraction,
  TensorProduct,
  TensorProductConv,
} from '../../lib/index.js'
import type { DeviceOption } from '../../lib/runtime/index.js'
import { Segments } from '../../lib/product/segments.js'
import {
  add,
  apply,
  Axis,
  broadcastColumns,
  broadcastRows,
  columns,
  concatenate,
  contract,
  convolution,
  Edges,
  exponential,
  gather,
  Index,
  input,
  linear,
  matmul,
  multiply,
  pad,
  polynomialCutoff,
  power,
  type RunArguments,
  scale,
  scatter,
  sigmoid,
  silu,
  sine,
  SolidHarmonics,
  sum,
  sumColumns,
  sumRows,
  tanh,
  type Tensor,
  tensorProduct,
} from '../../lib/tensor/index.js'
import { randomNumbers } from './helpers.js'

const nodes = new Axis('nodes')
const edgeAxis = new Axis('edges')
const edges = new Edges(edgeAxis, nodes)
const elementOf = new Index('element', nodes, 2)

/** Who sends to whom, and of which element every node is. */
export interface System {
  senders: number[]
  receivers: number[]
  elements: number[]
}

const SMALL: System = { senders: [1, 2, 0, 2, 1], receivers: [0, 0, 1, 1, 2], elements: [1, 0, 1] }

/** Any numbers for inputs, between `shift` - 1 and `shift` + 1, on a system. */
export function given(inputs: readonly Tensor[], shift = 0, system = SMALL): RunArguments {
  const [senders, receivers, elements] = [system.senders, system.receivers, system.elements].map((n) =>
    Int32Array.from(n),
  )
  const counts = new Map([
    [nodes, elements.length],
    [edgeAxis, senders.length],
  ])
  const arrays = inputs.map((tensor, n): [Tensor, Float64Array] => {
    const rows = typeof tensor.rows === 'number' ? tensor.rows : counts.get(tensor.rows)!
    return [tensor, randomNumbers(rows * tensor.dim, n + 1).map((x) => x + shift)]
  })
  return {
    counts,
    indices: new Map([[elementOf, new Segments(elements, 2)]]),
    graphs: new Map([[edges, new Graph(senders, receivers, elements.length)]]),
    inputs: new Map(arrays),
  }
}

const [a, b] = [input('a', nodes, 4), input('b', nodes, 4)]
const onEdges = input('onEdges', edgeAxis, 4)
const [w1, w2] = [input('w1', 4, 6), input('w2', 6, 4)]
const vectors = input('vectors', edgeAxis, 3)
const features = input('features', nodes, 5)
const eight = input('eight', nodes, 8)

export interface Case {
  name: string
  inputs: Tensor[]
  make: (inputs: Tensor[]) => Tensor
  shift?: number
}

/** Every operation of lib/tensor, and what is made of several, with products on a device. */
export function casesOn(device: DeviceOption): Case[] {
  const layer = new Linear('2x0e+1x1o', '1x0e+2x1o', { device })
  const product = new TensorProduct(
    '2x0e+1x1o',
    '1o',
    '2x1o+1x0e',
    [
      { in1: 0, in2: 0, out: 0, mode: 'uvw', hasWeight: true },
      { in1: 1, in2: 0, out: 1, mode: 'uvw', hasWeight: true },
    ],
    { device },
  )
  const gaunt = new GauntTensorProduct('2x0e+2x1o', '2x0e+2x1o', '2x0e+2x1o', { device })
  const conv = new TensorProductConv(
    '2x0e+2x1o',
    '0e+1o',
    '2x0e+2x1o',
    [
      { in1: 0, in2: 0, out: 0, mode: 'uvu', hasWeight: true },
      { in1: 1, in2: 1, out: 0, mode: 'uvu', hasWeight: true },
      { in1: 0, in2: 1, out: 1, mode: 'uvu', hasWeight: true },
    ],
    { device },
  )
  const shape = { correlation: 3, elements: 2, device }
  const symmetric = new SymmetricContraction('2x0e+2x1o', '2x0e+2x1o', shape)
  const grid = new GridContraction('2x0e+2x1o', '2x0e', { ...shape, correlation: 2 })
  return [
    ...Object.entries({ silu, sigmoid, tanh, sine, exponential }).map(([name, f]): Case => {
      return { name, inputs: [a], make: ([x]) => apply(f, x, 1.5) }
    }),
    { name: 'power -1/2', inputs: [a], make: ([x]) => apply(power(-0.5), x), shift: 2 },
    { name: 'square', inputs: [a], make: ([x]) => apply(power(2), x) },
    { name: 'cutoff', inputs: [a], make: ([x]) => apply(polynomialCutoff(2.6, 5), x), shift: 2 },
    { name: 'multiply', inputs: [a, b], make: ([x, y]) => multiply([x, y, x], 0.5) },
    { name: 'add', inputs: [a, b], make: ([x, y]) => add([x, y, x], [1, -2, 3]) },
    { name: 'matmul', inputs: [a, w1], make: ([x, w]) => matmul(x, w, 'none', 0.5) },
    { name: 'matmul, second transposed', inputs: [a, w2], make: ([x, w]) => matmul(x, w, 'second', 0.5) },
    { name: 'matmul, first transposed', inputs: [a, b], make: ([x, y]) => matmul(x, y, 'first', 0.5) },
    { name: 'gather', inputs: [a], make: ([x]) => gather(x, edges.senders) },
    { name: 'scatter', inputs: [onEdges], make: ([x]) => scatter(x, edges.receivers) },
    { name: 'rows', inputs: [a], make: ([x]) => broadcastRows(sumRows(x), edgeAxis) },
    { name: 'columns summed', inputs: [a], make: ([x]) => broadcastColumns(sumColumns(x), 3) },
    { name: 'columns', inputs: [a], make: ([x]) => pad(columns(x, 1, 2), 3, 7) },
    {
      name: 'concatenated',
      inputs: [w1, w2],
      make: ([x, y]) => concatenate([x, multiply([y, y]), x]),
    },
    { name: 'harmonics', inputs: [vectors], make: ([x]) => new SolidHarmonics(4, { device }).of(x) },
    { name: 'linear', inputs: [features, input('w', 1, layer.weightNumel)], make: ([x, w]) => linear(layer, x, w) },
    {
      name: 'tensor product',
      inputs: [features, input('x2', nodes, 3), input('w', 1, product.weightNumel)],
      make: ([x1, x2, w]) => tensorProduct(product, x1, x2, w),
    },
    {
      name: 'channelwise product',
      inputs: [eight, input('other', nodes, 8)],
      make: ([x1, x2]) => tensorProduct(gaunt, x1, x2),
    },
    {
      name: 'convolution',
      inputs: [eight, onEdges, input('w', edgeAxis, conv.weightNumel)],
      make: ([x1, x2, w]) => convolution(conv, edges, x1, x2, w),
    },
    {
      name: 'symmetric contraction',
      inputs: [eight, input('w', 1, symmetric.weightNumel)],
      make: ([x, w]) => contract(symmetric, x, elementOf, w),
    },
    {
      name: 'grid contraction',
      inputs: [eight, input('w', 1, grid.weightNumel)],
      make: ([x, w]) => contract(grid, x, elementOf, w),
    },
  ]
}

export const cases = casesOn('cpu')

/** A number that depends on every entry in its own way, so that its derivatives have derivatives. */
export function score(x: Tensor): Tensor {
  return sum(apply(sine, scale(x, 0.2)))
}
