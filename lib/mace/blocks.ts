import { Irreps, type IrrepsLike } from '../o3/irreps.js'
import type { Instruction } from '../product/instruction.js'
import { Linear } from '../product/linear.js'
import { TensorProduct } from '../product/tensor-product.js'
import type { DeviceOption } from '../runtime/device.js'
import { apply, multiply, scale } from '../tensor/elementwise.js'
import { polynomialCutoff, power, silu, sine } from '../tensor/functions.js'
import { matmul } from '../tensor/matmul.js'
import { linear, tensorProduct } from '../tensor/products.js'
import { broadcastColumns, pad } from '../tensor/rows.js'
import { constant, type Edges, type Index, type Tensor } from '../tensor/tensor.js'
import type { MaceConfiguration } from './configuration.js'
import type { ParameterList } from './parameters.js'

/** What the blocks of a model share. */
export interface Site {
  readonly configuration: MaceConfiguration
  readonly parameters: ParameterList
  readonly device: DeviceOption
  readonly edges: Edges
  /** An edge of every pair. */
  readonly edgeOf: Index
  /** Which element each node is. */
  readonly elementOf: Index
  /** [nodes, elements]: 1 at a node's element, else 0. */
  readonly oneHot: Tensor
}

/**
 * A linear layer without biases, times a factor, with the parameter `{name}.weight`.
 *
 * @param x [rows, from.dim]
 * @returns [rows, to.dim]
 */
export function linearLayer(site: Site, name: string, x: Tensor, from: IrrepsLike, to: IrrepsLike, factor = 1): Tensor {
  const layer = new Linear(from, to, { device: site.device })
  const weight = site.parameters.declare(`${name}.weight`, [layer.weightNumel])
  // The factor goes to the weights: there are far fewer of them.
  return linear(layer, x, scale(weight, factor))
}

/**
 * A linear layer with weights of its own for each element: e3nn's FullyConnectedTensorProduct with one-hot elements,
 *
 *     out[w, k] = sum over blocks of `from`, u of  coefficient * W[u, element, w] * x[u, k]
 *
 * Blocks of `to` whose irrep `from` lacks are zero. It has the parameter `{name}.weight`.
 *
 * @param x [nodes, from.dim]
 * @returns [nodes, to.dim]
 */
export function elementLayer(site: Site, name: string, x: Tensor, from: Irreps, to: Irreps): Tensor {
  const elements = site.configuration.atomicNumbers.length
  const reached = to.filter(from)
  const instructions = [...from].flatMap(({ ir }, in1) =>
    [...reached].flatMap((block, out): Instruction[] =>
      block.ir.equals(ir) ? [{ in1, in2: 0, out, mode: 'uvw', hasWeight: true }] : [],
    ),
  )
  const product = new TensorProduct(from, `${elements}x0e`, reached, instructions, { device: site.device })
  const weight = site.parameters.declare(`${name}.weight`, [product.weightNumel])
  // A layer that does not reach everything has scalars alone, which come first.
  return pad(tensorProduct(product, x, site.oneHot, weight), 0, to.dim)
}

/**
 * Bessel functions of lengths within an envelope,
 *
 *     f_n(r) = sqrt(2 / cutoff) sin(n pi r / cutoff) / r * envelope(r)      n = 1..numBessel
 *
 * see BesselBasis and PolynomialCutoff.
 *
 * @param lengths [pairs, 1]
 * @returns [pairs, numBessel]
 */
export function radialBasis({ cutoff, numBessel, numPolynomialCutoff }: MaceConfiguration, lengths: Tensor): Tensor {
  const rates = Float64Array.from({ length: numBessel }, (_, n) => ((n + 1) * Math.PI) / cutoff)
  const waves = apply(sine, matmul(lengths, constant(1, numBessel, rates)))
  const envelope = apply(polynomialCutoff(cutoff, numPolynomialCutoff), lengths)
  const fall = multiply([envelope, apply(power(-1), lengths)], Math.sqrt(2 / cutoff))
  return multiply([waves, broadcastColumns(fall, numBessel)])
}

/**
 * e3nn's FullyConnectedNet: layers without biases, silu between them,
 *
 *     x -> c silu(x W / sqrt(width of x))
 *
 * and no silu at the end. It has the parameters `{name}.layer{n}.weight`, [width, next width].
 *
 * @param x [pairs, width]
 * @returns [pairs, outputs]
 */
export function radialNetwork(site: Site, name: string, x: Tensor, outputs: number): Tensor {
  const { radialMlp, activationConstant } = site.configuration
  return [...radialMlp, outputs].reduce((x, width, n) => {
    const weight = site.parameters.declare(`${name}.layer${n}.weight`, [x.dim, width], { rows: x.dim })
    const y = matmul(x, weight, 'none', 1 / Math.sqrt(x.dim))
    return n < radialMlp.length ? apply(silu, y, activationConstant) : y
  }, x)
}
