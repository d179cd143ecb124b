import { Irreps, type MulIr } from '../o3/irreps.js'
import { TensorProductConv } from '../product/convolution.js'
import type { Instruction } from '../product/instruction.js'
import { convolution } from '../tensor/products.js'
import type { Tensor } from '../tensor/tensor.js'
import { elementLayer, linearLayer, radialNetwork, type Site } from './blocks.js'
import type { InteractionName } from './configuration.js'

/** Irreps of an interaction: of features, of what nodes hear from their neighbours, and of features of the next layer. */
export interface InteractionIrreps {
  readonly from: Irreps
  readonly heard: Irreps
  readonly hidden: Irreps
}

/**
 * MACE's RealAgnosticInteractionBlock and RealAgnosticResidualInteractionBlock: what nodes hear from their neighbours,
 *
 *     message[n] = linear(sum over edges e into n of  R(r_e) * (linear_up(x)[sender(e)] (x) Y(r_e))) / avgNumNeighbors
 *
 * and a layer by elements: applied to the message, or, residual, to x, to be added to what comes of the message.
 *
 * Source: Batatia et al., NeurIPS 2022 (arXiv 2206.07697), eqs. 8 and 9.
 *
 * @param x [nodes, from.dim]
 * @param attributes [edges, (maxEll + 1)^2], harmonics
 * @param radial [pairs, numBessel]
 * @returns message [nodes, heard.dim]; skip [nodes, hidden.dim], of the residual one
 */
export function interaction(
  site: Site,
  kind: InteractionName,
  name: string,
  { from, heard, hidden }: InteractionIrreps,
  x: Tensor,
  attributes: Tensor,
  radial: Tensor,
): { message: Tensor; skip?: Tensor } {
  const { maxEll, avgNumNeighbors } = site.configuration
  const harmonics = Irreps.sphericalHarmonics(maxEll)
  const { irreps: middle, instructions } = convolutionPaths(from, harmonics, heard)
  const conv = new TensorProductConv(from, harmonics, middle, instructions, { device: site.device })
  const up = linearLayer(site, `${name}.linear_up`, x, from, from)
  const weight = radialNetwork(site, `${name}.conv_tp_weights`, radial, conv.weightNumel)
  const sum = convolution(conv, site.edges, up, attributes, weight)
  const message = linearLayer(site, `${name}.linear`, sum, middle, heard, 1 / avgNumNeighbors)
  if (kind === 'RealAgnosticInteractionBlock') {
    return { message: elementLayer(site, `${name}.skip_tp`, message, heard, heard) }
  }
  return { message, skip: elementLayer(site, `${name}.skip_tp`, x, from, hidden) }
}

/** Every path of features and harmonics into irreps wanted, each an output of its own, outputs sorted; MACE's order of weights. */
function convolutionPaths(
  from: Irreps,
  harmonics: Irreps,
  wanted: Irreps,
): { irreps: Irreps; instructions: Instruction[] } {
  const blocks: MulIr[] = []
  const paths: { in1: number; in2: number }[] = []
  for (const [in1, { mul, ir }] of [...from].entries()) {
    for (const [in2, edge] of [...harmonics].entries()) {
      for (const out of ir.product(edge.ir)) {
        if (!wanted.has(out)) continue
        blocks.push({ mul, ir: out, dim: mul * out.dim })
        paths.push({ in1, in2 })
      }
    }
  }
  const { irreps, inverse } = new Irreps(blocks).sort()
  const instructions = inverse.map((path, out): Instruction => {
    return { ...paths[path], out, mode: 'uvu', hasWeight: true }
  })
  return { irreps, instructions }
}
