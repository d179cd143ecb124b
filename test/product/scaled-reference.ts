import type { Irreps } from '../../lib/o3/irreps.js'
import { type ChannelwiseProduct, referenceWithout } from '../../lib/product/index.js'

type Numbers = ArrayLike<number>

/** The arguments of the form of a product with weights on operands, which takes the weight vector once for every part of it. */
export function argumentsOf(product: ChannelwiseProduct): ('x1' | 'x2' | 'gradOut' | 'weight')[] {
  return ['x1', 'x2', 'gradOut', ...product.weightParts.map(() => 'weight' as const)]
}

/**
 * The form in float64, straight from its definition, with argument number `leftOut` left out: the form of the product itself at
 * operands times weights, number by number. A gradient of the weights is zero outside of the part that was left out.
 */
export function scaledReference(
  product: ChannelwiseProduct,
  leftOut: number,
  values: readonly Numbers[],
  batch: number,
) {
  const irreps = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut]
  const part = (o: number) => product.weightParts.findIndex(({ operand }) => operand === ['x1', 'x2', 'out'][o])
  const indices = irreps.map((operand, o) =>
    part(o) < 0 ? undefined : weightIndices(product, operand, part(o), batch),
  )
  const scale = (o: number, x: Numbers) => {
    const at = indices[o]
    return at === undefined
      ? Float64Array.from(x)
      : Float64Array.from(x, (value, n) => value * values[3 + part(o)][at[n]])
  }
  const target = (leftOut < 3 ? leftOut : [0, 1, 2].find((o) => part(o) === leftOut - 3)!) as 0 | 1 | 2
  const others = [0, 1, 2].filter((o) => o !== target).map((o) => scale(o, values[o]))
  const bare = referenceWithout(product, target, [others[0], others[1]])
  if (leftOut < 3) return scale(target, bare)
  const gradient = new Float64Array(product.weightNumel * (product.sharedWeights ? 1 : batch))
  bare.forEach((value, n) => (gradient[indices[target]![n]] += value * values[target][n]))
  return gradient
}

/** Of the weight of every number of an operand, in the weights of all samples. */
function weightIndices(product: ChannelwiseProduct, irreps: Irreps, part: number, batch: number): number[] {
  const ofSample: number[] = []
  let weight = product.weightParts[part].offset
  for (const { mul, ir } of irreps) {
    for (let u = 0; u < mul; u++) {
      for (let i = 0; i < ir.dim; i++) ofSample.push(weight + (product.weights === 'channel' ? u : 0))
    }
    weight += product.weights === 'channel' ? mul : 1
  }
  const stride = product.sharedWeights ? 0 : product.weightNumel
  return Array.from({ length: batch }, (_, sample) => ofSample.map((at) => at + sample * stride)).flat()
}
