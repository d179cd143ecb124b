import type { ChannelwiseProduct } from '../product/channelwise.js'
import type { OperandName } from '../product/derivative.js'
import type { TensorProductConv } from '../product/convolution.js'
import type { Linear } from '../product/linear.js'
import { referenceWithout } from '../product/reference.js'
import { TensorProduct } from '../product/tensor-product.js'
import { expected } from '../runtime/errors.js'
import { referenceEvaluate, type ReferenceOperands } from '../product/weighted-reference.js'
import type { FloatArray } from '../runtime/execute.js'
import { evaluate, type Multilinear } from './multilinear.js'
import type { Edges, Rows, Tensor } from './tensor.js'

// Products of this package as operations on tensors. Each is made once: what it is made of is the same operation everywhere.

const forms = new WeakMap<object, Map<Rows | Edges, Multilinear>>()

function formOf<Key extends Rows | Edges>(product: object, on: Key, make: (on: Key) => Multilinear): Multilinear {
  let known = forms.get(product)
  if (known === undefined) forms.set(product, (known = new Map<Rows | Edges, Multilinear>()))
  let form = known.get(on)
  if (form === undefined) known.set(on, (form = make(on)))
  return form
}

/**
 * `forward` of every row, of a `TensorProduct` or a product that couples channel with channel, such as Gaunt's, without weights.
 *
 * @param x1 [rows, irrepsIn1.dim]
 * @param x2 [rows, irrepsIn2.dim]
 * @param weight where it has any: [1, weightNumel] if they are shared, else [rows, weightNumel]
 * @returns [rows, irrepsOut.dim]
 */
export function tensorProduct(product: RowProduct, x1: Tensor, x2: Tensor, weight?: Tensor): Tensor {
  return evaluate(productForm(product, x1.rows), weight ? [x1, x2, weight] : [x1, x2])
}

/**
 * `Linear.forward` of every row, biases apart.
 *
 * @param x [rows, irrepsIn.dim]
 * @param weight [1, weightNumel]
 */
export function linear(layer: Linear, x: Tensor, weight: Tensor): Tensor {
  const form = formOf(layer, x.rows, (rows) => linearForm(layer, rows))
  return evaluate(form, [x, weight])
}

/**
 * `TensorProductConv.forward`.
 *
 * @param x1 [nodes, irrepsIn1.dim]
 * @param x2 [edges, irrepsIn2.dim]
 * @param weight [edges.pairs, weightNumel]
 * @returns [nodes, irrepsOut.dim]
 */
export function convolution(conv: TensorProductConv, edges: Edges, x1: Tensor, x2: Tensor, weight: Tensor): Tensor {
  const form = formOf(conv, edges, () => convolutionForm(conv, edges))
  return evaluate(form, [x1, x2, weight])
}

/** Arguments x1, x2, weight, out of a form by the names that products give them. */
const NAMES: readonly OperandName[] = ['x1', 'x2', 'weight', 'gradOut']
/** Where referenceEvaluate has them. */
const TARGETS = { x1: 0, x2: 1, gradOut: 2, weight: 3 } as const

function byName<A>(
  names: readonly OperandName[],
  leftOut: number,
  others: readonly A[],
): Partial<Record<OperandName, A>> {
  const given = names.filter((_, n) => n !== leftOut)
  return Object.fromEntries(given.map((name, n) => [name, others[n]]))
}

function referenceOperands(arrays: Partial<Record<OperandName, ArrayLike<number>>>): ReferenceOperands {
  return [arrays.x1 ?? [], arrays.x2 ?? [], arrays.gradOut ?? [], arrays.weight ?? []]
}

/** Products that are operations on tensors. */
type RowProduct = TensorProduct | ChannelwiseProduct

/** The form of a product on rows. */
export function productForm(product: RowProduct, rows: Rows): Multilinear {
  return formOf(product, rows, () => makeProductForm(product, rows))
}

function makeProductForm(product: RowProduct, rows: Rows): Multilinear {
  const weighted = product.weightNumel > 0
  if (weighted && !(product instanceof TensorProduct)) {
    throw expected('a product without weights of its operands', 'product', product)
  }
  const names = weighted ? NAMES : NAMES.filter((name) => name !== 'weight')
  const dims = { x1: product.irrepsIn1.dim, x2: product.irrepsIn2.dim, gradOut: product.irrepsOut.dim }
  return {
    name: product.constructor.name,
    args: names.map((name) => {
      if (name === 'weight') return { rows: product.sharedWeights ? 1 : rows, dim: product.weightNumel }
      return { rows, dim: dims[name] }
    }),
    reference(leftOut, others, out, run) {
      if (product instanceof TensorProduct) {
        const operands = referenceOperands(byName(names, leftOut, others))
        out.set(referenceEvaluate(product, TARGETS[names[leftOut]], operands, run.count(rows)))
      } else {
        out.set(referenceWithout(product, leftOut as 0 | 1 | 2, [others[0], others[1]]))
      }
    },
    native(leftOut, others, out) {
      product.evaluate(names[leftOut], byName(names, leftOut, others), { out })
    },
  }
}

function convolutionForm(conv: TensorProductConv, edges: Edges): Multilinear {
  const { irrepsIn1, irrepsIn2, irrepsOut, paths, weightNumel } = conv
  const definition = { irrepsIn1, irrepsIn2, irrepsOut, paths, weightNumel, sharedWeights: false }
  return {
    name: conv.constructor.name,
    args: [
      { rows: edges.nodes, dim: irrepsIn1.dim },
      { rows: edges.edges, dim: irrepsIn2.dim },
      { rows: edges.pairs, dim: weightNumel },
      { rows: edges.nodes, dim: irrepsOut.dim },
    ],
    // Gather, product of every edge, scatter.
    reference(leftOut, others, out, run) {
      const dims = { x1: irrepsIn1.dim, x2: irrepsIn2.dim, gradOut: irrepsOut.dim, weight: weightNumel }
      const rowOf: Partial<Record<OperandName, Int32Array>> = {
        x1: run.segments(edges.senders).of,
        gradOut: run.segments(edges.receivers).of,
        ...(edges.pairs !== edges.edges && { weight: run.segments(edges.pairOf).of }),
      }
      const name = NAMES[leftOut]
      const given = byName(NAMES, leftOut, others)
      for (const other of NAMES.filter((other) => other !== name)) {
        const [array, rows] = [given[other], rowOf[other]]
        if (array && rows) given[other] = gatherRows(array, rows, dims[other])
      }
      const found = referenceEvaluate(definition, TARGETS[name], referenceOperands(given), run.count(edges.edges))
      const rows = rowOf[name]
      if (rows) scatterRows(found, rows, out)
      else out.set(found)
    },
    native(leftOut, others, out, run) {
      conv.evaluate(NAMES[leftOut], run.graph(edges), byName(NAMES, leftOut, others), { out })
    },
  }
}

function gatherRows(x: Float64Array, of: Int32Array, dim: number): Float64Array {
  const out = new Float64Array(of.length * dim)
  of.forEach((from, row) => {
    out.set(x.subarray(from * dim, (from + 1) * dim), row * dim)
  })
  return out
}

function scatterRows(x: Float64Array, of: Int32Array, out: Float64Array): void {
  const dim = of.length > 0 ? x.length / of.length : 0
  out.fill(0)
  of.forEach((into, row) => {
    for (let k = 0; k < dim; k++) out[into * dim + k] += x[row * dim + k]
  })
}

function linearForm(layer: Linear, rows: Rows): Multilinear {
  const names = ['x', 'weight', 'gradOut'] as const
  const { irrepsIn, irrepsOut, weightNumel } = layer
  return {
    name: layer.constructor.name,
    args: [
      { rows, dim: irrepsIn.dim },
      { rows: 1, dim: weightNumel },
      { rows, dim: irrepsOut.dim },
    ],
    reference(leftOut, others, out, run) {
      const arrays: (Float64Array | undefined)[] = others.toSpliced(leftOut, 0, undefined as never)
      referenceLinear(layer, arrays, out, run.count(rows))
    },
    native(leftOut, others, out) {
      const given = names.filter((_, n) => n !== leftOut)
      const operands: Partial<Record<(typeof names)[number], FloatArray>> = Object.fromEntries(
        given.map((name, n) => [name, others[n]]),
      )
      layer.evaluate(names[leftOut], operands, { out })
    },
  }
}

/** sum of coefficient * W[u, w] * x[u, k] * y[w, k] with one of x, W and y left out: that which is undefined. */
function referenceLinear(
  { irrepsIn, irrepsOut, paths }: Linear,
  [x, weight, y]: readonly (Float64Array | undefined)[],
  out: Float64Array,
  rows: number,
): void {
  const [ins, outs] = [irrepsIn.slices(), irrepsOut.slices()]
  out.fill(0)
  for (const { in: a, out: c, coefficient, shape, weightOffset } of paths) {
    const size = irrepsIn.at(a).ir.dim
    for (let row = 0; row < rows; row++) {
      for (let u = 0; u < shape[0]; u++) {
        for (let w = 0; w < shape[1]; w++) {
          for (let k = 0; k < size; k++) {
            const atX = row * irrepsIn.dim + ins[a].start + u * size + k
            const atY = row * irrepsOut.dim + outs[c].start + w * size + k
            const atWeight = weightOffset + u * shape[1] + w
            const at = x === undefined ? atX : weight === undefined ? atWeight : atY
            out[at] += coefficient * (x?.[atX] ?? 1) * (weight?.[atWeight] ?? 1) * (y?.[atY] ?? 1)
          }
        }
      }
    }
  }
}
