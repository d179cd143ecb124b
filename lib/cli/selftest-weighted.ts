import {
  ElementwiseTensorProduct,
  FullyConnectedTensorProduct,
  type Instruction,
  referenceEvaluate,
  TensorProduct,
} from '../product/index.js'
import type { Random } from '../o3/random.js'
import type { DeviceOption, FloatArray } from '../runtime/index.js'
import { type Errors, errorsOfRun, normals, type SelftestCase } from './selftest-case.js'

/** One path in every mode, between blocks that fit it. */
export const MODES: [Instruction['mode'], in1: string, in2: string, out: string][] = [
  ['uvw', '5x1o', '3x2e', '4x3o'],
  ['uvu', '5x1o', '3x2e', '5x2o'],
  ['uvv', '5x1o', '3x2e', '3x1o'],
  ['uuw', '5x1o', '5x2e', '4x3o'],
  ['uuu', '5x1o', '5x2e', '5x1o'],
  ['uvuv', '5x1o', '3x2e', '15x3o'],
  ['uvu<v', '5x1o', '5x1o', '10x1e'],
  ['u<vw', '5x1o', '5x1o', '4x2e'],
]

/** Products with weights, shared by all samples or of each: every mode, and whole layers of tens of channels. */
export function weightedCases(): SelftestCase[] {
  const cases: SelftestCase[] = []
  for (const sharedWeights of [true, false]) {
    const add = (name: string, batch: number, create: (device: DeviceOption) => TensorProduct): void => {
      cases.push({
        name: `${name}, ${sharedWeights ? 'shared weights' : 'weights of each sample'}`,
        errors: (device, random) => {
          using product = create(device)
          return weightedErrors(product, batch, random)
        },
      })
    }
    for (const [mode, in1, in2, out] of MODES) {
      const instructions: Instruction[] = [{ in1: 0, in2: 0, out: 0, mode, hasWeight: true }]
      add(`mode ${mode}`, 7, (device) => new TensorProduct(in1, in2, out, instructions, { sharedWeights, device }))
    }
    const irreps = '17x0e+18x1o+16x2e'
    add('fully connected', 5, (device) => {
      return new FullyConnectedTensorProduct(irreps, '0e+1o+2e', irreps, { sharedWeights, device })
    })
    add('channelwise, 64 channels', 3, (device) => {
      const instructions: Instruction[] = [0, 1, 2].map((l) => ({
        in1: 1,
        in2: l,
        out: l,
        mode: 'uvu',
        hasWeight: true,
      }))
      const out = '64x1o+64x0e+64x1o'
      return new TensorProduct('64x0e+64x1o', '0e+1o+2e', out, instructions, { sharedWeights, device })
    })
  }
  cases.push({
    name: 'elementwise',
    errors: (device, random) => {
      using product = new ElementwiseTensorProduct('5x0e+6x1o+3x2e', '5x0e+6x1o+3x2e', { device })
      return weightedErrors(product, 9, random)
    },
  })
  return cases
}

/** The product, its gradients, and what the double backward pass gives along all directions at once. */
function weightedErrors(product: TensorProduct, batch: number, random: Random): Errors {
  const { irrepsIn1, irrepsIn2, irrepsOut, weightNumel, sharedWeights, device } = product
  const weights = weightNumel * (sharedWeights ? 1 : batch)
  const lengths = [...[irrepsIn1, irrepsIn2, irrepsOut].map(({ dim }) => batch * dim), weights]
  const inputs = [...lengths, lengths[0], lengths[1], weights].map((length) => normals(random, length))
  const x = inputs.slice(0, 4)
  const v: (Float32Array | undefined)[] = [inputs[4], inputs[5], undefined, inputs[6]]
  const has = (operand: number): boolean => operand !== 3 || weightNumel > 0
  const evaluate = (target: number, operands: readonly Float32Array[]): Float64Array => {
    return referenceEvaluate(
      product,
      target as 0 | 1 | 2 | 3,
      [operands[0], operands[1], operands[2], operands[3]],
      batch,
    )
  }
  const second = (target: number): Float64Array => {
    const sum = new Float64Array(lengths[target])
    for (const [along, direction] of v.entries()) {
      if (direction === undefined || along === target || !has(along)) continue
      evaluate(
        target,
        x.map((array, n) => (n === along ? direction : array)),
      ).forEach((value, n) => (sum[n] += value))
    }
    return sum
  }
  const gradients = [0, 1, 3].filter(has)
  const seconds = [0, 1, 2, 3].filter(has)
  const wanted = [evaluate(2, x), ...gradients.map((target) => evaluate(target, x)), ...seconds.map(second)]
  const [values, ...derivatives] = errorsOfRun(device, inputs, wanted, ([x1, x2, g, w, v1, v2, vw], outs) => {
    const named = (names: string[], first: number) =>
      Object.fromEntries(names.map((name, n) => [name, outs[first + n]]))
    const weight: FloatArray | undefined = weightNumel > 0 ? w : undefined
    const names = ['x1', 'x2', ...(weight ? ['weight'] : [])]
    product.forward(x1, x2, weight, { out: outs[0] })
    product.backward(g, x1, x2, weight, { out: named(names, 1) })
    const order = ['x1', 'x2', 'gradOut', ...(weight ? ['weight'] : [])]
    const directions = { x1: v1, x2: v2, ...(weight ? { weight: vw } : {}) }
    product.doubleBackward(directions, g, x1, x2, weight, { out: named(order, 1 + names.length) })
  })
  return { values, derivatives: Math.max(...derivatives) }
}
