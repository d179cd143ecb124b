import type { Irreps } from '../o3/irreps.js'
import { apply } from '../tensor/elementwise.js'
import { silu } from '../tensor/functions.js'
import type { Tensor } from '../tensor/tensor.js'
import { linearLayer, type Site } from './blocks.js'

/**
 * A node's energy from its features: linear in their scalars, or, in the last layer, through one hidden layer,
 *
 *     linear_2(c silu(linear_1(x)))
 *
 * @param x [nodes, from.dim]
 * @returns [nodes, 1]
 */
export function readout(site: Site, name: string, x: Tensor, from: Irreps, last: boolean): Tensor {
  const { mlpIrreps, activationConstant } = site.configuration
  if (!last) return linearLayer(site, `${name}.linear`, x, from, '0e')
  const hidden = apply(silu, linearLayer(site, `${name}.linear_1`, x, from, mlpIrreps), activationConstant)
  return linearLayer(site, `${name}.linear_2`, hidden, mlpIrreps, '0e')
}
