import { describe, expect, test } from 'vitest'
import { Irreps } from '../../lib/o3/irreps.js'
import { Random } from '../../lib/o3/random.js'
import {
  ElementwiseTensorProduct,
  FullyConnectedTensorProduct,
  type Instruction,
  referenceEvaluate,
  TensorProduct,
  type TensorProductOptions,
} from '../../lib/product/index.js'
import { relativeError, TOLERANCE } from './helpers.js'
import { arrayOf, type E3nnCase, instructionsOf, numericCases } from './weighted-cases.js'

/** Derivatives promise 1e-5: two or three evaluations of 2e-6 each, of which cancellation may leave a small sum. */
const DERIVATIVE_TOLERANCE = 1e-5

function productOf(reference: E3nnCase): TensorProduct {
  const { tp, irreps_in1: in1, irreps_in2: in2, irreps_out: out } = reference
  const normalization = { irrepNormalization: reference.irrep_normalization, device: 'cpu' as const }
  const options: TensorProductOptions = {
    ...normalization,
    pathNormalization: reference.path_normalization,
    sharedWeights: reference.shared_weights,
    in1Var: reference.in1_var,
    in2Var: reference.in2_var,
    outVar: reference.out_var,
  }
  if (tp === 'TensorProduct') return new TensorProduct(in1, in2, out, instructionsOf(reference), options)
  if (tp === 'FullyConnectedTensorProduct') return new FullyConnectedTensorProduct(in1, in2, out, options)
  const filterIrOut = reference.filter_ir_out ?? undefined
  return new ElementwiseTensorProduct(in1, in2, { ...normalization, filterIrOut })
}

const floats = (reference: E3nnCase, key: string) => Float32Array.from(arrayOf(reference, key))
const weightOf = (product: TensorProduct, weight: Float32Array) => (product.weightNumel > 0 ? weight : undefined)

describe.each(numericCases)('e3nn $name', (reference) => {
  test('irreps, numbers and gradients', () => {
    using product = productOf(reference)
    expect(product.irrepsOut.toString()).toBe(reference.irreps_out)
    expect(product.weightNumel).toBe(reference.weight_numel)
    const [x1, x2, w, g] = ['x1', 'x2', 'w', 'g'].map((key) => floats(reference, key))
    const weight = weightOf(product, w)
    const out = new Float32Array(g.length).fill(NaN)
    product.forward(x1, x2, weight, { out })
    expect(relativeError(out, arrayOf(reference, 'out'))).toBeLessThan(TOLERANCE)
    const gradients = product.backward(g, x1, x2, weight)
    expect(relativeError(gradients.x1, arrayOf(reference, 'grad_x1'))).toBeLessThan(DERIVATIVE_TOLERANCE)
    expect(relativeError(gradients.x2, arrayOf(reference, 'grad_x2'))).toBeLessThan(DERIVATIVE_TOLERANCE)
    if (weight === undefined) expect(gradients.weight).toBeUndefined()
    else expect(relativeError(gradients.weight!, arrayOf(reference, 'grad_w'))).toBeLessThan(DERIVATIVE_TOLERANCE)
  })
})

const twiceDifferentiated = numericCases.filter(({ arrays }) => arrays.dblall_x1 !== undefined)

describe.each(twiceDifferentiated)('e3nn $name, second gradients', (reference) => {
  test.each(['dblall', 'dbl1'])('%s', (name) => {
    using product = productOf(reference)
    const [x1, x2, w, g] = ['x1', 'x2', 'w', 'g'].map((key) => floats(reference, key))
    const weight = weightOf(product, w)
    const all = name === 'dblall'
    const v = {
      x1: floats(reference, 'v1'),
      x2: all ? floats(reference, 'v2') : undefined,
      weight: all && weight ? floats(reference, 'vw') : undefined,
    }
    const got = product.doubleBackward(v, g, x1, x2, weight)
    for (const [key, array] of [
      ['x1', got.x1],
      ['x2', got.x2],
      ['w', got.weight ?? new Float32Array(0)],
      ['g', got.gradOut],
    ] as const) {
      const want = arrayOf(reference, `${name}_${key}`)
      if (want.every((value) => value === 0))
        expect(
          [...array].every((value) => value === 0),
          key,
        ).toBe(true)
      else expect(relativeError(array, want), key).toBeLessThan(DERIVATIVE_TOLERANCE)
    }
  })
})

// Shapes that e3nn's cases lack: channels that fill no register, beyond a tile, one of them, many of them in every operand.
const SHAPES: [name: string, in1: string, in2: string, out: string, modes: Instruction['mode'][]][] = [
  ['one channel of everything', '0e+1o', '0e+1o+2e', '0e+1o+1e', ['uvw', 'uvu', 'uvv', 'uuu', 'uuw', 'uvuv']],
  ['more channels than a tile has lanes', '70x0e+70x1o', '1x0e+1x1o', '70x0e+70x1o+70x1e', ['uvu', 'uvuv', 'uvw']],
  ['few of in1, many of in2', '2x1o', '67x0e+67x1o', '67x1o+67x0e+67x2e', ['uvv', 'uvw']],
  ['as many of each', '33x0e+33x1o', '33x1o+33x0e', '33x1o+33x1e+33x0e', ['uuu', 'uuw']],
  ['pairs of both', '3x1o', '5x1o', '15x0e+15x1e+15x2e', ['uvuv', 'uvw']],
  ['pairs u < v', '7x1o', '7x1o', '21x1e+21x2e', ['uvu<v', 'u<vw']],
]

/** Every path that the modes allow, weighted and not. */
function everyInstruction(in1: Irreps, in2: Irreps, out: Irreps, modes: readonly Instruction['mode'][]): Instruction[] {
  const candidates = modes.flatMap((mode) =>
    [true, false].flatMap((hasWeight) =>
      [...in1].flatMap((_, i1) =>
        [...in2].flatMap((_, i2) => [...out].map((_, i3) => ({ in1: i1, in2: i2, out: i3, mode, hasWeight }))),
      ),
    ),
  )
  return candidates.filter((instruction) => {
    try {
      new TensorProduct(in1, in2, out, [instruction], { device: 'cpu' }).dispose()
      return true
    } catch {
      return false
    }
  })
}

describe.each(SHAPES)('%s (%s times %s to %s)', (_, in1, in2, out, modes) => {
  const irreps = [new Irreps(in1), new Irreps(in2), new Irreps(out)] as const
  const instructions = everyInstruction(...irreps, modes)

  test('every mode takes part', () => {
    expect(new Set(instructions.map(({ mode }) => mode))).toEqual(new Set(modes))
  })

  test.each([
    [true, 1],
    [true, 37],
    [true, 150],
    [false, 1],
    [false, 67],
  ])('shared weights %s, %i samples: every operand left out', (sharedWeights, batch) => {
    using product = new TensorProduct(...irreps, instructions, { device: 'cpu', sharedWeights })
    const random = new Random(batch)
    const normals = (length: number) => Float32Array.from(random.normals(length))
    const [x1, x2, g] = irreps.map(({ dim }) => normals(batch * dim))
    const weight = normals(product.weightNumel * (sharedWeights ? 1 : batch))
    const nans = ({ length }: Float32Array) => new Float32Array(length).fill(NaN)
    const results = { x1: nans(x1), x2: nans(x2), weight: nans(weight) }
    const forward = product.forward(x1, x2, weight, { out: nans(g) })
    product.backward(g, x1, x2, weight, { out: results })
    for (const [target, got] of [results.x1, results.x2, forward, results.weight].entries()) {
      const want = referenceEvaluate(product, target as 0 | 1 | 2 | 3, [x1, x2, g, weight], batch)
      expect(relativeError(got, want), `operand ${target}`).toBeLessThan(
        target === 2 ? TOLERANCE : DERIVATIVE_TOLERANCE,
      )
    }
  })
})

test('sums over samples come out the same at every call', () => {
  using product = new FullyConnectedTensorProduct('16x0e+16x1o', '0e+1o', '16x0e+16x1o', { device: 'cpu' })
  const random = new Random(5)
  const normals = (length: number) => Float32Array.from(random.normals(length))
  const batch = 1500
  const [x1, x2, g] = [64, 4, 64].map((dim) => normals(batch * dim))
  const weight = normals(product.weightNumel)
  const first = product.backward(g, x1, x2, weight, { only: ['weight'] }).weight!
  for (let n = 0; n < 3; n++) expect(product.backward(g, x1, x2, weight, { only: ['weight'] }).weight).toEqual(first)
  expect(relativeError(first, referenceEvaluate(product, 3, [x1, x2, g, weight], batch))).toBeLessThan(
    DERIVATIVE_TOLERANCE,
  )
})

test('e3nn: outputs have the variance that normalization asks for', () => {
  // 2000 samples of 8 x 3 outputs: the estimate is within a few per cent, a wrong factor is not.
  using product = new FullyConnectedTensorProduct('32x0e+32x1o', '8x0e+8x1o', '8x1o', { device: 'cpu', seed: 3 })
  const random = new Random(4)
  const batch = 2000
  const [x1, x2] = [128, 32].map((dim) => Float32Array.from(random.normals(batch * dim)))
  const out = product.forward(x1, x2)
  const variance = out.reduce((sum, value) => sum + value ** 2, 0) / out.length
  expect(Math.abs(variance - 1)).toBeLessThan(0.1)
})
