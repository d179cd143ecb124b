import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { ChannelwiseProduct, type ChannelwiseProductOptions } from './channelwise.js'
import { wigner6j } from '../o3/wigner.js'
import { checkObject, expected } from '../runtime/errors.js'
import { matrixPlan } from './matrix-form.js'
import { channelwisePaths, type CouplingRule, reachableIrreps, toIrreps } from './path.js'

export interface MatrixTensorProductOptions extends ChannelwiseProductOptions {
  /** The matrices are (2 degree + 1) x (2 degree + 1). By default the smallest that hold every irrep, l <= 2 degree. */
  degree?: number
}

/**
 * The matrix tensor product: channel by channel, irreps are put together into a matrix, and the product is that of matrices,
 *
 *     X = sum over l, m of x[l, m] T[l, m],   out[l, m] = sqrt((2j+1) / 4 pi) * trace(T[l, m]^T X1 X2),
 *
 * with the orthonormal matrices T[l, m][a, b] = sqrt(2l+1) wigner3j(j, j, l)[a, b, m], j = `degree`. It couples every path that
 * triangle and parity allow except where the 6j symbol {l1 l2 l3; j j j} happens to vanish, such as (3, 5, 5) at j = 3. For
 * large j the coefficients of its even paths (l1 + l2 + l3 even) tend to those of the Gaunt product, up to signs.
 *
 * Source: Unke and Maennel, "E3x: E(3)-equivariant deep learning made easy" (fused tensor layer); Xie et al., ICML 2025.
 *
 * Learnable weights may scale x1, x2 and out, by the option `weights`: see `ChannelwiseProduct`.
 *
 * @param out irreps wanted; by default all that can be reached with l <= 2 degree
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_UNREACHABLE with the rule that forbids an output irrep, ERR_DEVICE
 * @example
 * const product = new MatrixTensorProduct('64x0e+64x1o', '64x0e+64x1o', '64x0e+64x1o+64x1e')
 */
export class MatrixTensorProduct extends ChannelwiseProduct {
  readonly degree: number

  constructor(in1: IrrepsLike, in2: IrrepsLike, out?: IrrepsLike, options: MatrixTensorProductOptions = {}) {
    checkObject(options, 'options')
    const irrepsIn1 = toIrreps('irrepsIn1', in1)
    const irrepsIn2 = toIrreps('irrepsIn2', in2)
    const given = out === undefined ? undefined : toIrreps('irrepsOut', out)
    const lmax = Math.max(0, irrepsIn1.lmax, irrepsIn2.lmax, given?.lmax ?? irrepsIn1.lmax + irrepsIn2.lmax)
    const degree: unknown = options.degree ?? Math.ceil(lmax / 2)
    if (!Number.isInteger(degree) || (degree as number) < lmax / 2 || (degree as number) > 64) {
      throw expected(`an integer from ${Math.ceil(lmax / 2)} (l <= 2 degree) to 64`, 'degree', degree)
    }
    const j = degree as number
    const rule: CouplingRule = {
      name: 'matrix tensor product',
      coefficient: (l1, l2, l3) => matrixCoefficient(l1, l2, l3, j),
      reason: `the 6j symbol {l1 l2 l3; ${j} ${j} ${j}} vanishes`,
    }
    const irrepsOut = given ?? reachableIrreps(irrepsIn1, irrepsIn2, rule)
    const paths = channelwisePaths(irrepsIn1, irrepsIn2, irrepsOut, rule)
    const irreps: [Irreps, Irreps, Irreps] = [irrepsIn1, irrepsIn2, irrepsOut]
    super({ irreps, paths, rule, plan: () => matrixPlan(irreps, paths, j) }, options)
    this.degree = j
  }
}

/** The factor of wigner3j(l1, l2, l3) in trace(T3^T T1 T2), scaled: the 6j symbol is the contraction of the three 3j's. */
function matrixCoefficient(l1: number, l2: number, l3: number, j: number): number {
  const scale = Math.sqrt(((2 * j + 1) * (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)) / (4 * Math.PI))
  return (l3 % 2 === 0 ? scale : -scale) * wigner6j(l1, l2, l3, j, j, j)
}
