import { Irrep, Irreps } from '../o3/irreps.js'
import { GauntTensorProduct } from '../product/gaunt.js'
import type { Instruction } from '../product/instruction.js'
import { GauntletError } from '../runtime/errors.js'
import { TensorProduct } from '../product/tensor-product.js'
import { VectorTensorProduct } from '../product/vector.js'
import { add } from '../tensor/elementwise.js'
import { tensorProduct } from '../tensor/products.js'
import { gather } from '../tensor/rows.js'
import type { Tensor } from '../tensor/tensor.js'
import type { Site } from './blocks.js'
import type { ProductShape } from './product-basis.js'

/**
 * The polynomial of `GridContraction` as a chain of products of two, with the same weights,
 *
 *     f_n = weights of factor n * x          n = 1..N
 *     out = weights of out * f_1 (1 + f_2 (1 + ... f_N))
 *
 * `gaunt-fourier`: of the Gaunt product, so that it is the same function; `grid-odd`: of the vector product, which couples odd paths
 * too, through irreps of either parity. An odd path changes natural parity, (-1)^l, so it takes two of them, and with that three
 * factors, for the results to differ. Products in the middle keep the degrees that can still reach the result.
 *
 * Source: Luo, Chen, Krishnapriyan, ICLR 2024, section 3.2 (many-body interactions).
 *
 * @param x [nodes, from.dim]
 * @returns [nodes, to.dim]
 * @throws GauntletError ERR_UNREACHABLE for an output irrep that no product reaches
 */
export function chain(site: Site, name: string, { from, to, correlation }: ProductShape, x: Tensor): Tensor {
  const odd = site.configuration.product === 'grid-odd'
  const elements = site.configuration.atomicNumbers.length
  const { mul: channels } = from.at(0)
  // Of several factors the products themselves refuse what they do not reach.
  const unreachable = correlation === 1 ? [...to].find(({ ir }) => !from.has(ir)) : undefined
  if (unreachable) {
    const what = `No product of one function with irreps "${from.toString()}" holds ${unreachable.ir.toString()}`
    throw new GauntletError('ERR_UNREACHABLE', what)
  }
  const weight = (part: string, blocks: number): Tensor => {
    const shape = [elements, blocks, channels]
    const parameter = site.parameters.declare(`${name}.${part}`, shape, { rows: elements })
    return gather(parameter, site.elementOf)
  }
  const factors = Array.from({ length: correlation }, (_, n) => weight(`factors.${n + 1}`, from.length))
  const last = correlation === 1 ? to : from
  let irreps = last
  let product = scaled(site, x, factors[correlation - 1], from, last)
  for (let n = correlation - 1; n > 0; n--) {
    const next = n === 1 ? to : reachable(from, irreps, to.lmax + (n - 1) * from.lmax, odd)
    const factor = scaled(site, x, factors[n - 1], from, from)
    const times = odd
      ? new VectorTensorProduct(from, irreps, next, { algorithm: 'grid', device: site.device })
      : new GauntTensorProduct(from, irreps, next, { algorithm: 'fourier', device: site.device })
    const alone = scaled(site, x, factors[n - 1], from, next)
    // Harmonics of normalization `component` are sqrt(4 pi) times the orthonormal ones of the product.
    product = add([tensorProduct(times, factor, product), alone], [Math.sqrt(4 * Math.PI), 1])
    irreps = next
  }
  return scaled(site, product, weight('out', to.length), to, to)
}

/** Irreps that a product of two reaches, and those of the first factor, up to degree `most`. */
function reachable(from: Irreps, irreps: Irreps, most: number, odd: boolean): Irreps {
  const found = new Map<string, Irrep>()
  const pairs = [...from].flatMap((a) => [...irreps].flatMap((b) => a.ir.product(b.ir)))
  for (const ir of [...pairs, ...[...from].map(({ ir }) => ir)]) {
    const natural = ir.p === (ir.l % 2 === 0 ? 1 : -1)
    if (ir.l <= most && (odd || natural)) found.set(ir.toString(), ir)
  }
  const { mul } = from.at(0)
  return new Irreps([...found.values()].map((ir) => ({ mul, ir }))).sort().irreps
}

/**
 * Blocks of x, each channel times a number of its own, where `to` has their irreps; other blocks of `to` are zero.
 *
 * @param weight [nodes, channels of all blocks]
 */
function scaled(site: Site, x: Tensor, weight: Tensor, from: Irreps, to: Irreps): Tensor {
  const instructions = [...from].flatMap(({ ir }, in1) =>
    [...to].flatMap((block, out): Instruction[] =>
      block.ir.equals(ir) ? [{ in1, in2: in1, out, mode: 'uuu', hasWeight: false }] : [],
    ),
  )
  const scalars = new Irreps([...from].map(({ mul }) => ({ mul, ir: Irrep.parse('0e') })))
  return tensorProduct(new TensorProduct(from, scalars, to, instructions, { device: site.device }), x, weight)
}
