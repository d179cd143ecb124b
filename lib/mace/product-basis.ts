import type { Irreps } from '../o3/irreps.js'
import type { Contraction, ContractionOptions } from '../product/contraction.js'
import { GridContraction, gridPrecision, MAX_PRECISION } from '../product/grid-contraction.js'
import { SymmetricContraction } from '../product/symmetric-contraction.js'
import { contract } from '../tensor/contraction.js'
import { add } from '../tensor/elementwise.js'
import { pad } from '../tensor/rows.js'
import type { Tensor } from '../tensor/tensor.js'
import { linearLayer, type Site } from './blocks.js'
import { chain } from './product-chain.js'

/** Irreps and number of factors of a product basis. */
export interface ProductShape {
  readonly from: Irreps
  readonly to: Irreps
  readonly correlation: number
}

/**
 * MACE's EquivariantProductBasisBlock: a polynomial of what a node heard, mixed by a linear layer,
 *
 *     linear(product(message)) + skip
 *
 * @param message [nodes, from.dim]
 * @param skip [nodes, to.dim]
 * @returns [nodes, to.dim]
 */
export function productBasis(site: Site, name: string, shape: ProductShape, message: Tensor, skip?: Tensor): Tensor {
  const product = multiplied(site, `${name}.symmetric_contractions`, shape, message)
  const mixed = linearLayer(site, `${name}.linear`, product, shape.to, shape.to)
  return skip ? add([mixed, skip]) : mixed
}

function multiplied(site: Site, name: string, { from, to, correlation }: ProductShape, x: Tensor): Tensor {
  const elements = site.configuration.atomicNumbers.length
  const options: ContractionOptions = { correlation, elements, device: site.device }
  switch (site.configuration.product) {
    case 'cg':
      return contracted(site, name, new SymmetricContraction(from, to, options), x)
    case 'grid':
      return contracted(site, name, new GridContraction(from, to, options), x)
    case 'grid-large': {
      const precision = Math.min(2 * gridPrecision(from, to, correlation), MAX_PRECISION)
      return contracted(site, name, new GridContraction(from, to, { ...options, precision }), x)
    }
    case 'gaunt-fourier':
    case 'grid-odd':
      return chain(site, name, { from, to, correlation }, x)
  }
}

/** A contraction whose weight parts are parameters. */
function contracted(site: Site, name: string, contraction: Contraction, x: Tensor): Tensor {
  const parts = contraction.weightParts.map((part) => {
    // As MACE has it; with scales of blocks that are normal, features of a new model are as large as with those.
    const deviation = contraction instanceof SymmetricContraction ? 1 / part.shape[1] : 1
    const weight = site.parameters.declare(`${name}.${part.name}`, part.shape, { deviation })
    return pad(weight, part.offset, contraction.weightNumel)
  })
  return contract(contraction, x, site.elementOf, add(parts))
}
