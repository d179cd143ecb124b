import { Irrep, type IrrepsLike, type Parity } from '../o3/irreps.js'
import { isTriangle } from '../o3/wigner.js'
import { mayCouple, toIrreps } from '../product/path.js'
import type { Product } from '../product/index.js'
import { allTriples, type Triple } from './bilinear-space.js'
import { coupledChannels, type ProductStructure, tripleName } from './coupled-channels.js'

/** What a product does with one triple of irreps. */
export interface Interaction {
  l1: number
  p1: Parity
  l2: number
  p2: Parity
  l3: number
  p3: Parity
  coupled: boolean
  /** Pairs (channel u of l1 p1, channel v of l2 p2) that are coupled, counted over all blocks of an irrep. */
  pairs: number
  /** All pairs there are. */
  allPairs: number
  /** Why it is not coupled: the first that holds of triangle, parity, the product's own rule and what it was asked for. */
  reason?: string
}

export interface InteractabilityOptions {
  /** Irreps l3 p3 to look at; by default those that a Clebsch-Gordan product of the inputs reaches. */
  out?: IrrepsLike
}

/**
 * Every triple of irreps l1 p1 of in1, l2 p2 of in2 and l3 p3 of `out`, in e3nn's order: whether the product couples it, in how
 * many pairs of channels (`coupledPairs` lists them), and if not, why.
 *
 * @throws GauntletError ERR_IRREPS
 * @example
 * const product = new GauntTensorProduct('1o', '1o')
 * interactability(product).find(({ l3 }) => l3 === 1)
 * // { l1: 1, p1: -1, ..., coupled: false, reason: 'l1+l2+l3 is odd, and Gaunt coefficients vanish there', ... }
 */
export function interactability(
  product: ProductStructure & Pick<Product, 'rule'>,
  options: InteractabilityOptions = {},
): Interaction[] {
  const { irrepsIn1, irrepsIn2 } = product
  const out = toIrreps('out', options.out ?? irrepsIn1.product(irrepsIn2))
  const terms = coupledChannels(product)
  return allTriples(irrepsIn1, irrepsIn2, out).map((triple) => {
    const [a, b, c] = triple.map(({ ir }) => ir)
    const found = terms.get(tripleName(a, b, c)) ?? []
    const coupled = found.length > 0
    return {
      ...{ l1: a.l, p1: a.p, l2: b.l, p2: b.p, l3: c.l, p3: c.p },
      coupled,
      pairs: new Set(found.map(({ channels: [u, v] }) => u * triple[1].mul + v)).size,
      allPairs: triple[0].mul * triple[1].mul,
      ...(!coupled && { reason: reasonFor(product, triple) }),
    }
  })
}

/**
 * The pairs (u, v) of channels that a product couples in one triple of irreps, each counted over all blocks of its irrep.
 *
 * @throws GauntletError ERR_IRREPS
 * @example
 * coupledPairs(new GauntTensorProduct('2x0e', '2x0e'), { l1: 0, p1: 1, l2: 0, p2: 1, l3: 0, p3: 1 }) // [[0, 0], [1, 1]]
 */
export function coupledPairs(
  product: ProductStructure,
  { l1, p1, l2, p2, l3, p3 }: Pick<Interaction, 'l1' | 'p1' | 'l2' | 'p2' | 'l3' | 'p3'>,
): [u: number, v: number][] {
  const name = tripleName(new Irrep(l1, p1), new Irrep(l2, p2), new Irrep(l3, p3))
  const pairs = (coupledChannels(product).get(name) ?? []).map(({ channels: [u, v] }) => [u, v] as [number, number])
  const distinct = new Map(pairs.map((pair) => [pair.join(), pair]))
  return [...distinct.values()].sort(([u1, v1], [u2, v2]) => u1 - u2 || v1 - v2)
}

function reasonFor(
  { rule, irrepsOut }: Pick<Product, 'rule' | 'irrepsOut'>,
  [{ ir: a }, { ir: b }, { ir: c }]: Triple,
) {
  if (!isTriangle(a.l, b.l, c.l)) return 'triangle: |l1-l2| <= l3 <= l1+l2 does not hold'
  if (!mayCouple(a, b, c)) return 'parity: p3 is not p1 p2'
  if (rule?.reason !== undefined && rule.coefficient(a.l, b.l, c.l) === 0) return rule.reason
  if (irrepsOut.multiplicity(c) === 0) return 'irrepsOut does not have l3 p3'
  return 'no path of the product couples it'
}
