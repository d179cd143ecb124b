import { checkFloat32Array } from '../runtime/arrays.js'
import { expected } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import { layOutWeights, type OperandWeightPart, SCALED, type ScaledOperand } from './operand-weights.js'
import { choose } from './path.js'
import { type Definition, Product, type ProductOptions } from './product.js'
import { checkShared, checkWeightLength, makeOwnWeight, type OwnWeightOptions } from './tensor-product.js'

export interface ChannelwiseProductOptions extends ProductOptions, OwnWeightOptions {
  /**
   * Learnable weights that scale operands: `none` (the default), one for every `block` of their irreps, or one for every `channel`
   * of every block.
   */
  weights?: 'none' | 'block' | 'channel'
  /** What is scaled, where there are weights: all of x1, x2 and out by default. */
  weightedOperands?: readonly ScaledOperand[]
}

/**
 * A product of channel u with channel u into channel u, whose operands learnable weights may scale,
 *
 *     out[c, u, k] = w_out[c, u] * sum over paths (a, b) -> c, i, j of
 *                    coefficient * wigner3j[i, j, k] * (w_x1[a, u] * x1[a, u, i]) * (w_x2[b, u] * x2[b, u, j])
 *
 * with a number for every block a of x1, b of x2 and c of out, or for every channel u of each. Of a product that sums over paths
 * these are all the weights that leave its cost as it is. The weight vector is [w_x1 | w_x2 | w_out], each in the order of the blocks
 * and their channels; `weightParts` says where they begin, `weightViews` are these parts. Calls take it after x2, unless the product
 * was given its own by `seed` or `weight`.
 */
export abstract class ChannelwiseProduct extends Product {
  /** What has a weight of its own. */
  readonly weights: 'none' | 'block' | 'channel'
  readonly weightParts: readonly OperandWeightPart[]
  /** Whether one weight vector is for all samples, or each has its own. */
  readonly sharedWeights: boolean

  /** @throws GauntletError ERR_ARGUMENT, ERR_DTYPE, ERR_LENGTH for weights that cannot be; as Product's otherwise */
  protected constructor(
    definition: Pick<Definition, 'irreps' | 'paths' | 'rule' | 'plan'>,
    options: ChannelwiseProductOptions,
  ) {
    const weights = choose('weights', ['none', 'block', 'channel'], options.weights)
    const shared = checkShared(options.sharedWeights)
    const operands = chooseOperands(options.weightedOperands)
    if (weights === 'none') refuseWeights(options)
    const parts = weights === 'none' ? [] : layOutWeights(weights, operands, definition.irreps)
    const numel = parts.reduce((sum, { length }) => sum + length, 0)
    const operandWeights = weights !== 'none' && numel > 0 ? { each: weights, shared, numel, parts } : undefined
    super({ ...definition, channels: 'each', operandWeights }, options)
    this.weights = weights
    this.weightParts = Object.freeze(parts)
    this.sharedWeights = shared
    this.ownWeight = makeOwnWeight(options, numel, shared)
  }

  /** The product's own weights, [weightNumel], where it was given a `seed` or a `weight`; calls without weights use them. */
  get weight(): FloatArray | undefined {
    return this.ownWeight
  }

  /**
   * A weight vector operand by operand, without copying; operands without weights are left out.
   *
   * @param weight [weightNumel]; the product's own by default
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH
   * @example
   * const product = new GauntTensorProduct('8x0e+8x1o', '8x0e+8x1o', '8x1o', { weights: 'channel' })
   * const weight = new Float32Array(product.weightNumel).fill(1) // 16 + 16 + 8
   * product.weightViews(weight).out?.fill(0.5)
   */
  weightViews(weight: FloatArray | undefined = this.ownWeight): Partial<Record<ScaledOperand, Float32Array>> {
    checkFloat32Array(weight, 'weight')
    checkWeightLength(weight, this.weightNumel)
    return Object.fromEntries(
      this.weightParts.map(({ operand, offset, length }) => [operand, weight.subarray(offset, offset + length)]),
    )
  }
}

/** In the order of the weight vector. */
function chooseOperands(value: unknown = SCALED): ScaledOperand[] {
  const known = (name: unknown): boolean => SCALED.some((other) => other === name)
  if (!Array.isArray(value) || value.length === 0 || !value.every(known)) {
    const wrong: unknown = Array.isArray(value) ? (value.find((name) => !known(name)) ?? 'none') : value
    throw expected(`names among ${SCALED.map((name) => `'${name}'`).join(', ')}`, 'weightedOperands', wrong)
  }
  return SCALED.filter((name) => value.includes(name))
}

function refuseWeights(options: ChannelwiseProductOptions): void {
  for (const name of ['seed', 'weight', 'sharedWeights', 'weightedOperands'] as const) {
    if (options[name] !== undefined) throw expected("'block' or 'channel'", `weights, beside ${name},`, 'none')
  }
}
