import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { norm } from '../o3/norm.js'
import { Random } from '../o3/random.js'
import { toIrreps } from '../product/path.js'
import { GauntletError } from '../runtime/errors.js'
import {
  allowedTriples,
  bilinearSpace,
  type BilinearSpace,
  countMaps,
  isotypic,
  type Triple,
} from './bilinear-space.js'
import { type CoupledChannels, coupledChannels, type ProductStructure, tripleName } from './coupled-channels.js'
import { numericalRank } from './rank.js'

export interface ExpressivityOptions {
  /** What the linear layer before x1 takes; the product's own irrepsIn1 by default. */
  in1?: IrrepsLike
  /** The same for x2. */
  in2?: IrrepsLike
  /** What the linear layer after the product gives; by default one channel of each irrep of irrepsOut. */
  out?: IrrepsLike
  /** Of the random weights; 1 by default. */
  seed?: number
}

export interface Expressivity extends BilinearSpace {
  /** Dimension of the maps of all triples that the product couples: no layers around it reach more, however many its channels. */
  coupledSpace: number
  /** Sum of 2 l3 + 1 over the triples that it couples. */
  coupledDimension: number
  /** Dimension of the set of maps that it reaches. */
  reached: number
  /** Of the rank decision, the smallest among all draws of weights: see `RankDecision`. */
  gap: number
}

/** Draws of random weights that have to agree. */
const DRAWS = 3
/** Rows * columns * the smaller of both of the largest Jacobian: some ten seconds a draw. */
const MOST_WORK = 1e9

/**
 * What a product between linear layers can express: the dimension of the set of equivariant bilinear maps
 *
 *     Lin_out( T( Lin_1(x1), Lin_2(x2) ) ),     Lin_1: in1 -> irrepsIn1,  Lin_2: in2 -> irrepsIn2,  Lin_out: irrepsOut -> out,
 *
 * when the weights of the three layers, and those of T where it has any, run through all values. A map is its vector of numbers
 * M (see `bilinearSpace`), polynomial in the weights, so that dimension is the rank of its Jacobian at weights in general
 * position: it is computed in float64 at random ones, several times.
 *
 * Weights that scale operands (`ChannelwiseProduct`) add nothing to the layers, and are taken as 1.
 *
 * For one channel of each l <= L on either side and l <= 2L out, all of even parity, a Gaunt, vector or matrix product reaches
 * 4L + 1 (its layers have 4L + 3 weights, two of which only scale), a Clebsch-Gordan product as many as it has paths.
 *
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT for a bad seed or more channels than can be computed, ERR_PRECISION where draws
 * do not agree or float64 does not decide
 * @example
 * const product = new GauntTensorProduct('0e+1e+2e', '0e+1e+2e', '0e+1e+2e+3e+4e')
 * expressivity(product) // { mapSpace: 19, ..., coupledSpace: 14, reached: 9, gap: 3e13 }
 */
export function expressivity(product: ProductStructure, options: ExpressivityOptions = {}): Expressivity {
  const in1 = toIrreps('in1', options.in1 ?? product.irrepsIn1)
  const in2 = toIrreps('in2', options.in2 ?? product.irrepsIn2)
  const out = toIrreps('out', options.out ?? isotypic(product.irrepsOut).map(({ ir }) => ir))
  const random = new Random(options.seed ?? 1)
  const terms = coupledChannels(product)
  const coupled = allowedTriples(in1, in2, out).filter(([a, b, c]) => terms.has(tripleName(a.ir, b.ir, c.ir)))
  const map = new ParametricMap(product, [in1, in2, out], coupled, terms)
  const decisions = Array.from({ length: DRAWS }, () => {
    return numericalRank(map.dimension, map.parameters, map.jacobian(random.normals(map.parameters)))
  })
  const ranks = new Set(decisions.map(({ rank }) => rank))
  if (ranks.size > 1) {
    throw new GauntletError(
      'ERR_PRECISION',
      `Expected the same rank at ${DRAWS} draws of weights but received ${[...ranks].join(', ')}; try another seed`,
    )
  }
  return {
    ...bilinearSpace(in1, in2, out),
    coupledSpace: map.dimension,
    coupledDimension: coupled.reduce((sum, [, , { ir }]) => sum + ir.dim, 0),
    reached: decisions[0].rank,
    gap: Math.min(...decisions.map(({ gap }) => gap)),
  }
}

/** Layers, product, layer as a map from weights to numbers M: linear in the weights of each layer, and in those of the product. */
class ParametricMap {
  /** How many numbers M there are; those of triples that the product does not couple are zero and left out. */
  readonly dimension: number
  readonly parameters: number
  readonly #triples: { triple: Triple; layers: number[]; terms: CoupledChannels[] }[]
  readonly #firstWeight: number

  constructor(
    product: ProductStructure,
    outer: readonly [Irreps, Irreps, Irreps],
    coupled: readonly Triple[],
    terms: ReadonlyMap<string, CoupledChannels[]>,
  ) {
    // A layer has a matrix [inner channels, outer channels] for every irrep, one after the other in the vector of weights.
    let parameters = 0
    const firsts = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut].map((inner, o) => {
      const matrices = isotypic(outer[o]).map(({ mul, ir }) => {
        const first = parameters
        parameters += mul * inner.multiplicity(ir)
        return [ir.toString(), first] as const
      })
      return new Map(matrices)
    })
    this.#firstWeight = parameters
    // Weights that scale whole channels of operands do what layers do already; those of paths do not.
    this.parameters = parameters + (product.channels === 'mixed' ? product.weightNumel : 0)
    this.dimension = coupled.reduce((sum, triple) => sum + countMaps(triple), 0)
    checkSize(this.dimension, this.parameters)
    this.#triples = coupled.map((triple) => ({
      triple,
      layers: triple.map(({ ir }, o) => firsts[o].get(ir.toString())!),
      terms: normalize(terms.get(tripleName(triple[0].ir, triple[1].ir, triple[2].ir))!),
    }))
  }

  /** [dimension, parameters], row-major, at these weights. */
  jacobian(weights: Float64Array): Float64Array {
    const result = new Float64Array(this.dimension * this.parameters)
    let row = 0
    for (const { triple, layers, terms } of this.#triples) {
      const [m1, m2, m3] = triple.map(({ mul }) => mul)
      for (let a = 0; a < m1; a++) {
        for (let b = 0; b < m2; b++) {
          for (let c = 0; c < m3; c++, row++) {
            for (const { channels, coefficient, weight } of terms) {
              const at = [
                layers[0] + channels[0] * m1 + a,
                layers[1] + channels[1] * m2 + b,
                layers[2] + channels[2] * m3 + c,
              ]
              if (weight !== undefined) at.push(this.#firstWeight + weight)
              for (const target of at) {
                // Multilinear: the derivative by one factor is the product of the others.
                const others = at.reduce((value, other) => (other === target ? value : value * weights[other]), 1)
                result[row * this.parameters + target] += coefficient * others
              }
            }
          }
        }
      }
    }
    return result
  }
}

/** Coefficients of norm 1: it scales coordinates M of one triple, which changes no rank, and keeps singular values together. */
function normalize(terms: readonly CoupledChannels[]): CoupledChannels[] {
  const size = norm(terms.map(({ coefficient }) => coefficient))
  return terms.map((term) => ({ ...term, coefficient: term.coefficient / size }))
}

function checkSize(rows: number, columns: number): void {
  if (rows * columns * Math.min(rows, columns) <= MOST_WORK) return
  throw new GauntletError(
    'ERR_ARGUMENT',
    `Expected a Jacobian of rows * columns * min(rows, columns) <= ${MOST_WORK} but received ${rows} maps by ${columns} weights; ` +
      `take fewer channels or a lower lmax`,
  )
}
