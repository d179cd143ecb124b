import { Irrep, type IrrepLike, Irreps, type IrrepsLike } from '../o3/irreps.js'
import { checkObject, GauntletError } from '../runtime/errors.js'
import { channelwisePlan, outerPlan } from './coupling.js'
import { choose, keptIrreps, makePath, type Path, toIrreps } from './path.js'
import { Product, type ProductOptions } from './product.js'

export interface FullTensorProductOptions extends ProductOptions {
  /** `sparse` walks the non-zero coefficients; `dense` the whole blocks, zeros included: the naive way, to compare with. */
  implementation?: 'sparse' | 'dense'
  /** What stays constant from input to output for random inputs: the variance of components, or that of norms. */
  irrepNormalization?: 'component' | 'norm'
  /** Output irreps to keep; all by default. */
  filterIrOut?: Iterable<IrrepLike>
  /** `outer` (e3nn's): every channel of in1 with every channel of in2. `each`: channel u with channel u, as far as both have it. */
  channels?: 'outer' | 'each'
}

/**
 * The full Clebsch-Gordan tensor product: every path (block of in1, block of in2, irrep) that triangle and parity allow, each
 * into a block of its own,
 *
 *     out[u, v, k] = c(l1, l2, l3) * sum over i, j of  wigner3j(l1, l2, l3)[i, j, k] * x1[u, i] * x2[v, j]
 *
 * with c = sqrt(2 l3 + 1) for `component` and sqrt((2 l1 + 1)(2 l2 + 1)) for `norm` normalization. Blocks are sorted as in e3nn,
 * and numbers are those of e3nn's `FullTensorProduct`. O(L^6) work when dense, O(L^5) when sparse.
 *
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_UNREACHABLE where `filterIrOut` leaves nothing of non-empty inputs,
 * ERR_DEVICE where the asked device is missing
 * @example
 * const product = new FullTensorProduct('8x0e+8x1o', '0e+1o')
 * product.irrepsOut.toString() // '8x0e+8x0e+8x1o+8x1o+8x1e+8x2e'
 * const out = product.forward(x1, x2) // [batch, 32] and [batch, 4] -> [batch, 128]
 */
export class FullTensorProduct extends Product {
  readonly implementation: 'sparse' | 'dense'

  constructor(in1: IrrepsLike, in2: IrrepsLike, options: FullTensorProductOptions = {}) {
    checkObject(options, 'options')
    const irrepsIn1 = toIrreps('irrepsIn1', in1)
    const irrepsIn2 = toIrreps('irrepsIn2', in2)
    const implementation = choose('implementation', ['sparse', 'dense'], options.implementation)
    const normalization = choose('irrepNormalization', ['component', 'norm'], options.irrepNormalization)
    const channels = choose('channels', ['outer', 'each'], options.channels)
    const { irrepsOut, paths } = fullPaths(irrepsIn1, irrepsIn2, options.filterIrOut, normalization, channels)
    const makePlan = channels === 'outer' ? outerPlan : channelwisePlan
    const irreps: [Irreps, Irreps, Irreps] = [irrepsIn1, irrepsIn2, irrepsOut]
    super({ irreps, paths, channels, plan: () => makePlan(irreps, paths, implementation) }, options)
    this.implementation = implementation
  }
}

function fullPaths(
  in1: Irreps,
  in2: Irreps,
  filter: Iterable<IrrepLike> | undefined,
  normalization: 'component' | 'norm',
  channels: 'outer' | 'each',
): { irrepsOut: Irreps; paths: Path[] } {
  const keep = keptIrreps(filter)
  const blocks: { i1: number; i2: number; mul: number; ir: Irrep }[] = []
  for (const [i1, a] of [...in1].entries()) {
    for (const [i2, b] of [...in2].entries()) {
      const mul = channels === 'outer' ? a.mul * b.mul : Math.min(a.mul, b.mul)
      if (mul === 0) continue
      for (const ir of a.ir.product(b.ir)) {
        if (keep?.has(ir.toString()) ?? true) blocks.push({ i1, i2, mul, ir })
      }
    }
  }
  if (blocks.length === 0 && in1.dim > 0 && in2.dim > 0) {
    const reach = in1.product(in2).join(', ')
    throw new GauntletError(
      'ERR_UNREACHABLE',
      `Expected filterIrOut to keep some irrep of ${in1.toString()} times ${in2.toString()}, which reaches ${reach}, but ` +
        `received ${[...keep!].join(', ') || 'an empty list'}`,
    )
  }
  const { irreps: irrepsOut, inverse } = new Irreps(blocks).sort()
  const paths = inverse.map((b, out) => {
    const { i1, i2, ir } = blocks[b]
    const [a, c] = [in1.at(i1).ir, in2.at(i2).ir]
    return makePath(i1, i2, out, a, c, ir, Math.sqrt(normalization === 'component' ? ir.dim : a.dim * c.dim))
  })
  return { irrepsOut, paths }
}
