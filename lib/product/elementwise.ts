import { Irrep, type IrrepLike, Irreps, type IrrepsLike } from '../o3/irreps.js'
import { checkObject, GauntletError } from '../runtime/errors.js'
import type { Instruction } from './instruction.js'
import { choose, keptIrreps, toIrreps } from './path.js'
import type { ProductOptions } from './product.js'
import { TensorProduct } from './tensor-product.js'

export interface ElementwiseTensorProductOptions extends ProductOptions {
  /** What stays constant from input to output for random inputs: the variance of components, or that of norms. */
  irrepNormalization?: 'component' | 'norm'
  /** Output irreps to keep; all by default. */
  filterIrOut?: Iterable<IrrepLike>
}

/**
 * Channel n of in1 with channel n of in2, counted across all blocks, every path into a block of its own (mode `uuu`, no weights),
 *
 *     out[n, k] = coefficient * sum over i, j of  wigner3j(l1, l2, l3)[i, j, k] * x1[n, i] * x2[n, j]
 *
 * e3nn's `ElementwiseTensorProduct`: inputs are simplified and cut where the blocks of either end, which `irrepsIn1` and
 * `irrepsIn2` then show.
 *
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT where in1 and in2 have not as many channels, ERR_UNREACHABLE where `filterIrOut`
 * leaves nothing of non-empty inputs, ERR_DEVICE
 * @example
 * new ElementwiseTensorProduct('4x0e+3x1o', '7x1o').irrepsOut.toString() // '4x1o+3x0e+3x1e+3x2e'
 */
export class ElementwiseTensorProduct extends TensorProduct {
  constructor(in1: IrrepsLike, in2: IrrepsLike, options: ElementwiseTensorProductOptions = {}) {
    checkObject(options, 'options')
    const [irrepsIn1, irrepsIn2] = cut(toIrreps('irrepsIn1', in1).simplify(), toIrreps('irrepsIn2', in2).simplify())
    const { filterIrOut, ...rest } = options
    const keep = keptIrreps(filterIrOut)
    const out: { mul: number; ir: Irrep }[] = []
    const instructions: Instruction[] = []
    for (const [n, { mul, ir }] of [...irrepsIn1].entries()) {
      for (const reached of ir.product(irrepsIn2.at(n).ir)) {
        if (!(keep?.has(reached.toString()) ?? true)) continue
        instructions.push({ in1: n, in2: n, out: out.length, mode: 'uuu', hasWeight: false })
        out.push({ mul, ir: reached })
      }
    }
    if (out.length === 0 && irrepsIn1.dim > 0) {
      const reach = new Irreps([...irrepsIn1].flatMap(({ ir }, n) => ir.product(irrepsIn2.at(n).ir))).sort().irreps
      const kept = [...keep!].join(', ') || 'an empty list'
      throw new GauntletError(
        'ERR_UNREACHABLE',
        `Expected filterIrOut to keep some irrep of ${irrepsIn1.toString()} times ${irrepsIn2.toString()}, channel by channel, ` +
          `which reaches ${[...new Set([...reach].map(({ ir }) => ir.toString()))].join(', ')}, but received ${kept}`,
      )
    }
    const irrepNormalization = choose('irrepNormalization', ['component', 'norm'], rest.irrepNormalization)
    super(irrepsIn1, irrepsIn2, new Irreps(out), instructions, { ...rest, irrepNormalization })
  }
}

/** Cuts blocks so that those of both operands have the same multiplicities. */
function cut(in1: Irreps, in2: Irreps): [Irreps, Irreps] {
  if (in1.count !== in2.count) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      `Expected as many channels in irrepsIn2 as in irrepsIn1 but received ${in2.count} (${in2.toString()}) and ${in1.count} ` +
        `(${in1.toString()})`,
    )
  }
  const [left, right] = [in1, in2].map((irreps) => [...irreps].map(({ mul, ir }) => ({ mul, ir })))
  const cuts: [typeof left, typeof right] = [[], []]
  for (let [a, b] = [left.shift(), right.shift()]; a && b;) {
    const mul = Math.min(a.mul, b.mul)
    cuts[0].push({ mul, ir: a.ir })
    cuts[1].push({ mul, ir: b.ir })
    ;[a.mul, b.mul] = [a.mul - mul, b.mul - mul]
    if (a.mul === 0) a = left.shift()
    if (b.mul === 0) b = right.shift()
  }
  return [new Irreps(cuts[0]), new Irreps(cuts[1])]
}
