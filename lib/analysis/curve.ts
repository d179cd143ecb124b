import { Irreps, type IrrepsLike } from '../o3/irreps.js'
import { toIrreps } from '../product/path.js'
import { expected } from '../runtime/errors.js'
import type { ProductStructure } from './coupled-channels.js'
import { type Expressivity, expressivity } from './expressivity.js'
import { isotypic } from './bilinear-space.js'

export interface ExpressivityCurveOptions {
  /** Irreps outside of the layers; of products by `create` they are given the same, with more channels. */
  in1: IrrepsLike
  in2: IrrepsLike
  out: IrrepsLike
  /** Where to stop, if the product has not reached all that it couples before; 16 by default. */
  mostChannels?: number
  seed?: number
}

export interface ExpressivityCurve extends Omit<Expressivity, 'reached' | 'gap'> {
  points: { channels: number; reached: number; gap: number }[]
  /** The fewest channels that reach the whole space of the triples that the product couples; none where `mostChannels` do not. */
  enough?: number
}

/**
 * What a product reaches between linear layers (`expressivity`) as a function of its own channels: 1, 2, 3, ..., until it
 * reaches every map of the triples that it couples. The sum of enough single channels reaches them all, so the curve ends; where
 * `coupledSpace` is less than `mapSpace`, no number of channels buys back the rest.
 *
 * @param create makes the product of so many channels of each irrep; disposed of after use
 * @throws GauntletError as `expressivity` and `create`, ERR_ARGUMENT for a bad `mostChannels`
 * @example
 * const [in1, in2, out] = ['0e+1e+2e', '0e+1e+2e', '0e+1e+2e+3e+4e']
 * expressivityCurve((in1, in2) => new GauntTensorProduct(in1, in2), { in1, in2, out }).enough // 2: of 9 and 14 maps
 */
export function expressivityCurve(
  create: (in1: Irreps, in2: Irreps, channels: number) => ProductStructure & Partial<Disposable>,
  { in1, in2, out, mostChannels = 16, seed }: ExpressivityCurveOptions,
): ExpressivityCurve {
  if (!Number.isInteger(mostChannels) || mostChannels < 1)
    throw expected('an integer >= 1', 'mostChannels', mostChannels)
  const outer = { in1: toIrreps('in1', in1), in2: toIrreps('in2', in2), out: toIrreps('out', out) }
  const widened = (irreps: Irreps, mul: number) => new Irreps(isotypic(irreps).map(({ ir }) => ({ mul, ir })))
  const points: ExpressivityCurve['points'] = []
  for (let channels = 1; ; channels++) {
    const product = create(widened(outer.in1, channels), widened(outer.in2, channels), channels)
    try {
      const { reached, gap, ...space } = expressivity(product, { ...outer, ...(seed !== undefined && { seed }) })
      points.push({ channels, reached, gap })
      if (reached === space.coupledSpace) return { ...space, points, enough: channels }
      if (channels === mostChannels) return { ...space, points }
    } finally {
      product[Symbol.dispose]?.()
    }
  }
}
