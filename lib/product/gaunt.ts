import { checkObject } from '../runtime/errors.js'
import { gauntCoefficients } from '../o3/gaunt.js'
import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { norm } from '../o3/norm.js'
import { ChannelwiseProduct, type ChannelwiseProductOptions } from './channelwise.js'
import { sharedPlan } from './coupling.js'
import { fourierPlan } from './fourier.js'
import { chooseGrid, gridPlan, type GridSize } from './grid.js'
import { channelwisePaths, choose, type CouplingRule, reachableIrreps, toIrreps } from './path.js'
import type { Plan } from './plan.js'

export interface GauntTensorProductOptions extends ChannelwiseProductOptions {
  /**
   * How the same numbers are computed. `grid`: values on the sphere, multiplied (O(L^3)). `fourier`: Fourier coefficients on
   * the torus, convolved (O(L^4)). `sparse`: its own coefficients one by one (O(L^5)).
   */
  algorithm?: 'grid' | 'fourier' | 'sparse'
  /** A larger grid than the smallest exact one, for `algorithm: 'grid'`; a smaller one would alias and is refused. */
  grid?: Partial<GridSize>
}

const rule: CouplingRule = {
  name: 'Gaunt tensor product',
  // Coefficients and wigner3j differ by a positive factor, and wigner3j has norm 1.
  coefficient: (l1, l2, l3) => {
    if ((l1 + l2 + l3) % 2 === 1) return 0
    return norm(gauntCoefficients(l1, l2, l3))
  },
  reason: 'l1+l2+l3 is odd, and Gaunt coefficients vanish there',
}

/**
 * The Gaunt tensor product: channel by channel, irreps are the coefficients of functions on the sphere in orthonormal real
 * harmonics, and the product is that of the functions,
 *
 *     out[u, k] = sum over i, j of  x1[u, i] * x2[u, j] * integral of Y_i Y_j Y_k over the sphere.
 *
 * It couples (l1, l2, l3) with l1 + l2 + l3 even only: antisymmetric paths, the cross product among them, are lost. Irreps of
 * either parity are allowed: pseudo irreps (p != (-1)^l) are functions that change sign under inversion. An irrep that occurs
 * in several blocks counts as their sum on input, and every output block of it receives the same value.
 *
 * Source: Luo, Chen, Krishnapriyan, ICLR 2024 (`fourier`); Xie et al., "The Price of Freedom", ICML 2025 (`grid`).
 *
 * Learnable weights may scale x1, x2 and out, by the option `weights`: see `ChannelwiseProduct`.
 *
 * @param out irreps wanted; by default all that can be reached
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_UNREACHABLE with the rule that forbids an output irrep, ERR_DEVICE
 * @example
 * const product = new GauntTensorProduct('64x0e+64x1o+64x2e', '64x0e+64x1o+64x2e', '64x0e+64x1o+64x2e')
 * const out = product.forward(x1, x2) // [batch, 576] each
 */
export class GauntTensorProduct extends ChannelwiseProduct {
  readonly algorithm: 'grid' | 'fourier' | 'sparse'
  /** The grid in use, for `algorithm: 'grid'`. */
  readonly grid: Readonly<GridSize> | undefined

  constructor(in1: IrrepsLike, in2: IrrepsLike, out?: IrrepsLike, options: GauntTensorProductOptions = {}) {
    checkObject(options, 'options')
    const irrepsIn1 = toIrreps('irrepsIn1', in1)
    const irrepsIn2 = toIrreps('irrepsIn2', in2)
    const irrepsOut = out === undefined ? reachableIrreps(irrepsIn1, irrepsIn2, rule) : toIrreps('irrepsOut', out)
    const algorithm = choose('algorithm', ['grid', 'fourier', 'sparse'], options.algorithm)
    const paths = channelwisePaths(irrepsIn1, irrepsIn2, irrepsOut, rule)
    const irreps: [Irreps, Irreps, Irreps] = [irrepsIn1, irrepsIn2, irrepsOut]
    const grid = algorithm === 'grid' ? Object.freeze(chooseGrid(irreps, paths, options.grid)) : undefined
    const plan = (): Plan => {
      if (grid) return gridPlan(irreps, paths, grid)
      return algorithm === 'fourier' ? fourierPlan(irreps, paths) : sharedPlan(irreps, paths)
    }
    super({ irreps, paths, rule, plan }, options)
    this.algorithm = algorithm
    this.grid = grid
  }
}
