import { referenceWithout, type Product } from '../product/index.js'
import type { FloatArray } from '../runtime/index.js'

export const PASS_NAMES = ['forward', 'backward', 'doubleBackward'] as const
/** What a call computes: the product, both its gradients, or the three results of the pass that training on forces needs. */
export type PassName = (typeof PASS_NAMES)[number]

/** What an array of a pass belongs to. */
export type PassOperand = 'x1' | 'x2' | 'gradOut'

export interface Pass {
  /** What each array that it reads looks like, in the order of `run`. */
  inputs: readonly PassOperand[]
  /** The same for what it writes. */
  outputs: readonly PassOperand[]
  /** Its evaluations of the product's form, by the operand that is left out. */
  evaluations: readonly PassOperand[]
  run(product: Product, inputs: readonly FloatArray[], outputs: readonly FloatArray[]): void
  /** What it has to write, for one sample. */
  reference(product: Product, inputs: readonly Float32Array[]): Float64Array[]
}

export const PASSES: Record<PassName, Pass> = {
  forward: {
    inputs: ['x1', 'x2'],
    outputs: ['gradOut'],
    evaluations: ['gradOut'],
    run: (product, [x1, x2], [out]) => product.forward(x1, x2, { out }),
    reference: (product, [x1, x2]) => [referenceWithout(product, 2, [x1, x2])],
  },
  backward: {
    inputs: ['x1', 'x2', 'gradOut'],
    outputs: ['x1', 'x2'],
    evaluations: ['x1', 'x2'],
    run: (product, [x1, x2, g], [out1, out2]) => product.backward(g, x1, x2, { out: { x1: out1, x2: out2 } }),
    reference: (product, [x1, x2, g]) => [referenceWithout(product, 0, [x2, g]), referenceWithout(product, 1, [x1, g])],
  },
  doubleBackward: {
    inputs: ['x1', 'x2', 'gradOut', 'x1', 'x2'],
    outputs: ['x1', 'x2', 'gradOut'],
    evaluations: ['x1', 'x2', 'gradOut', 'gradOut'],
    run: (product, [x1, x2, g, v1, v2], [out1, out2, outG]) => {
      product.doubleBackward({ x1: v1, x2: v2 }, g, x1, x2, { out: { x1: out1, x2: out2, gradOut: outG } })
    },
    reference: (product, [x1, x2, g, v1, v2]) => {
      const along1 = referenceWithout(product, 2, [v1, x2])
      return [
        referenceWithout(product, 0, [v2, g]),
        referenceWithout(product, 1, [v1, g]),
        referenceWithout(product, 2, [x1, v2]).map((value, n) => value + along1[n]),
      ]
    },
  },
}

/** The numbers of one sample of each operand. */
export function passDims({ irrepsIn1, irrepsIn2, irrepsOut }: Product): Record<PassOperand, number> {
  return { x1: irrepsIn1.dim, x2: irrepsIn2.dim, gradOut: irrepsOut.dim }
}
