import { checkObject } from '../runtime/errors.js'
import { bracketConstant } from '../o3/bracket.js'
import { gauntCoefficients } from '../o3/gaunt.js'
import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { norm } from '../o3/norm.js'
import { ChannelwiseProduct, type ChannelwiseProductOptions } from './channelwise.js'
import { sharedPlan } from './coupling.js'
import { chooseGrid, gridPlan, type GridSize } from './grid.js'
import { channelwisePaths, choose, type CouplingRule, reachableIrreps, toIrreps } from './path.js'
import type { Plan } from './plan.js'

export interface VectorTensorProductOptions extends ChannelwiseProductOptions {
  /**
   * How the same numbers are computed. `grid`: values and slopes on the sphere, multiplied (O(L^3)). `sparse`: its own coefficients
   * one by one (O(L^5)), as a Clebsch-Gordan product whose paths into an irrep are summed; faster for low degrees.
   */
  algorithm?: 'grid' | 'sparse'
  /** A larger grid than the smallest exact one, for `algorithm: 'grid'`; a smaller one would alias and is refused. */
  grid?: Partial<GridSize>
}

const rule: CouplingRule = {
  name: 'vector tensor product',
  // Neither coefficient vanishes where the triangle rule holds.
  coefficient: (l1, l2, l3) => {
    if ((l1 + l2 + l3) % 2 === 1) return bracketConstant(l1, l2, l3)
    return norm(gauntCoefficients(l1, l2, l3))
  },
}

/**
 * The Gaunt tensor product with the paths that it loses won back, on the same grid: channel by channel, irreps are the
 * coefficients of functions on the sphere in orthonormal real harmonics, and out is the product of the functions and their bracket
 *
 *     {f, g} = r . (grad f x grad g) = (f_beta g_alpha - f_alpha g_beta) / sin beta,
 *
 *     out[u, k] = sum over i, j of  x1[u, i] * x2[u, j] * (integral of Y_i Y_j Y_k + integral of {Y_i, Y_j} Y_k)
 *
 * over the sphere. The first integral is that of the even paths, l1 + l2 + l3 even (`gauntCoefficients`), the second that of the
 * odd ones (`bracketCoefficients`), the cross product of vectors among them; together they couple every path that a
 * Clebsch-Gordan product couples, in O(L^3). Coefficients of odd paths grow with the degrees: about l times those of even ones.
 * An irrep that occurs in several blocks counts as their sum on input, and every output block of it receives the same value.
 *
 * The paths are those of a vector spherical tensor product (Xie et al., arXiv:2602.21466), for which vector-valued signals are
 * crossed on the grid; the bracket has two derivatives for each factor in the place of three components, and one for the result.
 *
 * Learnable weights may scale x1, x2 and out, by the option `weights`: see `ChannelwiseProduct`.
 *
 * @param out irreps wanted; by default all that can be reached
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_UNREACHABLE with the rule that forbids an output irrep, ERR_DEVICE
 * @example
 * const product = new VectorTensorProduct('64x0e+64x1o', '64x0e+64x1o', '64x0e+64x1o+64x1e')
 * const out = product.forward(x1, x2) // [batch, 448] from [batch, 256] each; 1e holds the cross product
 */
export class VectorTensorProduct extends ChannelwiseProduct {
  readonly algorithm: 'grid' | 'sparse'
  /** The grid in use, for `algorithm: 'grid'`. */
  readonly grid: Readonly<GridSize> | undefined

  constructor(in1: IrrepsLike, in2: IrrepsLike, out?: IrrepsLike, options: VectorTensorProductOptions = {}) {
    checkObject(options, 'options')
    const irrepsIn1 = toIrreps('irrepsIn1', in1)
    const irrepsIn2 = toIrreps('irrepsIn2', in2)
    const irrepsOut = out === undefined ? reachableIrreps(irrepsIn1, irrepsIn2, rule) : toIrreps('irrepsOut', out)
    const paths = channelwisePaths(irrepsIn1, irrepsIn2, irrepsOut, rule)
    const irreps: [Irreps, Irreps, Irreps] = [irrepsIn1, irrepsIn2, irrepsOut]
    const algorithm = choose('algorithm', ['grid', 'sparse'], options.algorithm)
    const grid = algorithm === 'grid' ? Object.freeze(chooseGrid(irreps, paths, options.grid)) : undefined
    const plan = (): Plan => (grid ? gridPlan(irreps, paths, grid) : sharedPlan(irreps, paths))
    super({ irreps, paths, rule, plan }, options)
    this.algorithm = algorithm
    this.grid = grid
  }
}
