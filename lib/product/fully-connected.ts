import { checkObject } from '../runtime/errors.js'
import type { IrrepsLike } from '../o3/irreps.js'
import type { Instruction } from './instruction.js'
import { mayCouple, toIrreps, unreachable } from './path.js'
import { TensorProduct, type TensorProductOptions } from './tensor-product.js'

/**
 * Every path from in1 and in2 to out that triangle and parity allow, every channel with every other by a weight of its own
 * (mode `uvw`),
 *
 *     out[w, k] = sum over paths, u, v, i, j of  W[u, v, w] * coefficient * wigner3j(l1, l2, l3)[i, j, k] * x1[u, i] * x2[v, j]
 *
 * e3nn's `FullyConnectedTensorProduct`, number by number and weight by weight.
 *
 * @throws GauntletError as TensorProduct, and ERR_UNREACHABLE, with the rule that forbids it, for an output block without a path
 * @example
 * const product = new FullyConnectedTensorProduct('16x0e+16x1o', '0e+1o', '8x0e+8x1o', { seed: 1 })
 * const out = product.forward(x1, x2) // [batch, 64], [batch, 4] -> [batch, 32] with its own weights
 */
export class FullyConnectedTensorProduct extends TensorProduct {
  constructor(in1: IrrepsLike, in2: IrrepsLike, out: IrrepsLike, options: TensorProductOptions = {}) {
    checkObject(options, 'options')
    const irrepsIn1 = toIrreps('irrepsIn1', in1)
    const irrepsIn2 = toIrreps('irrepsIn2', in2)
    const irrepsOut = toIrreps('irrepsOut', out)
    const instructions: Instruction[] = []
    for (const [i1, a] of [...irrepsIn1].entries()) {
      for (const [i2, b] of [...irrepsIn2].entries()) {
        for (const [i3, c] of [...irrepsOut].entries()) {
          if (mayCouple(a.ir, b.ir, c.ir))
            instructions.push({ in1: i1, in2: i2, out: i3, mode: 'uvw', hasWeight: true })
        }
      }
    }
    for (const [i3, { mul, ir }] of [...irrepsOut].entries()) {
      const reached = instructions.some(({ in1: i1, in2: i2, out: o }) => {
        return o === i3 && irrepsIn1.at(i1).mul > 0 && irrepsIn2.at(i2).mul > 0
      })
      if (!reached && mul > 0) throw unreachable(irrepsIn1, irrepsIn2, mul, ir, 0, RULE)
    }
    super(irrepsIn1, irrepsIn2, irrepsOut, instructions, options)
  }
}

const RULE = { name: 'tensor product', coefficient: () => 1 }
