import { describe, expect, test } from 'vitest'
import { MODES } from '../../lib/cli/selftest-weighted.js'
import { Random } from '../../lib/o3/index.js'
import {
  ElementwiseTensorProduct,
  FullTensorProduct,
  FullyConnectedTensorProduct,
  type Instruction,
  TensorProduct,
} from '../../lib/product/index.js'
import { errorOf } from '../o3/helpers.js'
import { equivarianceError, TOLERANCE } from './helpers.js'

const device = 'cpu' as const
const normals = (random: Random, length: number) => Float32Array.from(random.normals(length))

describe.each(MODES)('%s', (mode, in1, in2, out) => {
  const instruction: Instruction = { in1: 0, in2: 0, out: 0, mode, hasWeight: true }

  test.each([true, false])('shared weights %s: commutes with rotations and inversion', (sharedWeights) => {
    using product = new TensorProduct(in1, in2, out, [instruction], { device, sharedWeights })
    const random = new Random(7)
    const batch = 4
    const [x1, x2] = [product.irrepsIn1, product.irrepsIn2].map(({ dim }) => normals(random, batch * dim))
    const weight = normals(random, product.weightNumel * (sharedWeights ? 1 : batch))
    expect(equivarianceError(product, [x1, x2], 8, weight)).toBeLessThan(2 * TOLERANCE)
  })

  test('NaN in the weights of a sample stays in that sample', () => {
    using product = new TensorProduct(in1, in2, out, [instruction], { device, sharedWeights: false })
    const random = new Random(8)
    const [batch, sick] = [70, 33]
    const [x1, x2, g] = [product.irrepsIn1, product.irrepsIn2, product.irrepsOut].map(({ dim }) =>
      normals(random, batch * dim),
    )
    const weight = normals(random, batch * product.weightNumel)
    weight.fill(NaN, sick * product.weightNumel, (sick + 1) * product.weightNumel)
    const { x1: gradX1, x2: gradX2 } = product.backward(g, x1, x2, weight)
    for (const [array, dim] of [
      [product.forward(x1, x2, weight), product.irrepsOut.dim],
      [gradX1, product.irrepsIn1.dim],
      [gradX2, product.irrepsIn2.dim],
    ] as const) {
      const samples = new Set(Array.from(array, (value, at) => (Number.isNaN(value) ? Math.floor(at / dim) : -1)))
      samples.delete(-1)
      expect([...samples]).toEqual([sick])
    }
    // The gradient of weights does not know them.
    expect(product.backward(g, x1, x2, weight, { only: ['weight'] }).weight!.some(Number.isNaN)).toBe(false)
  })
})

describe('own weights', () => {
  test('come from the seed, are e3nn-like normal numbers, and are read at every call', () => {
    const make = (seed: number) => new FullyConnectedTensorProduct('8x0e+8x1o', '0e+1o', '8x1o', { device, seed })
    using product = make(1)
    using same = make(1)
    using other = make(2)
    expect(same.weight).toEqual(product.weight)
    expect(other.weight).not.toEqual(product.weight)
    const random = new Random(3)
    const [x1, x2] = [normals(random, 32), normals(random, 4)]
    const out = product.forward(x1, x2)
    const weight = product.weight as Float32Array
    expect(other.forward(x1, x2, weight)).toEqual(out)
    weight.fill(0)
    expect(product.forward(x1, x2)).toEqual(new Float32Array(24))
  })

  test('are seen path by path, in place', () => {
    using product = new FullyConnectedTensorProduct('8x0e+2x1o', '0e+1o', '4x1o', { device, seed: 1 })
    const views = product.weightViews()
    expect(views.map(({ shape }) => shape)).toEqual([
      [8, 1, 4],
      [2, 1, 4],
    ])
    views[1].weight.fill(7)
    expect([...(product.weight as Float32Array).subarray(32)]).toEqual(new Array(8).fill(7))
    expect(errorOf(() => product.weightViews(new Float32Array(3))).code).toBe('ERR_LENGTH')
  })
})

describe('weights that do not fit', () => {
  const instructions: Instruction[] = [{ in1: 0, in2: 0, out: 0, mode: 'uvu', hasWeight: true }]
  const [x1, x2] = [new Float32Array(6), new Float32Array(6)] // two samples

  test.each([
    ['none', undefined, 'ERR_DTYPE', 'an array of 2 weights'],
    ['too few', new Float32Array(1), 'ERR_LENGTH', 'Expected 2 for the length of weight but received 1'],
    ['those of two samples', new Float32Array(4), 'ERR_LENGTH', 'received 4'],
    ['float64', new Float64Array(2), 'ERR_DTYPE', 'weight'],
    ['a list', [1, 2], 'ERR_DTYPE', 'weight'],
  ])('%s', (_, weight, code, words) => {
    using product = new TensorProduct('2x0e', '1o', '2x1o', instructions, { device })
    const out = new Float32Array(12).fill(5)
    const error = errorOf(() => product.forward(x1.subarray(2), x2, weight as unknown as Float32Array, { out }))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
    expect(out).toEqual(new Float32Array(12).fill(5))
  })

  test('as many samples as the operands where they are not shared', () => {
    using product = new TensorProduct('2x0e', '1o', '2x1o', instructions, { device, sharedWeights: false })
    const error = errorOf(() => product.forward(x1.subarray(2), x2, new Float32Array(6)))
    expect(error.code).toBe('ERR_LENGTH')
    expect(error.message).toContain('weight holds 3')
  })

  test('a product without weights takes none', () => {
    using product = new ElementwiseTensorProduct('2x0e', '2x0e', { device })
    expect(product.weightNumel).toBe(0)
    const error = errorOf(() => product.forward(x1, x2, new Float32Array(2)))
    expect(error.code).toBe('ERR_ARGUMENT')
    using full = new FullTensorProduct('0e', '0e', { device })
    expect(errorOf(() => full.forward(x1, x2, new Float32Array(2))).code).toBe('ERR_ARGUMENT')
  })

  test.each([
    [{ seed: 1, weight: new Float32Array(2) }, 'ERR_ARGUMENT'],
    [{ seed: 1, sharedWeights: false }, 'ERR_ARGUMENT'],
    [{ weight: new Float32Array(3) }, 'ERR_LENGTH'],
    [{ weight: [1, 2] }, 'ERR_DTYPE'],
    [{ seed: -1 }, 'ERR_ARGUMENT'],
    [{ sharedWeights: 'yes' }, 'ERR_ARGUMENT'],
    [{ pathNormalization: 'all' }, 'ERR_ARGUMENT'],
    [{ in1Var: [1, 2] }, 'ERR_ARGUMENT'],
    [{ outVar: [0] }, 'ERR_ARGUMENT'],
  ])('options %o', (options, code) => {
    const wrong = options as unknown as { seed: number }
    expect(errorOf(() => new TensorProduct('2x0e', '1o', '2x1o', instructions, { device, ...wrong })).code).toBe(code)
  })
})

describe('instructions that cannot be', () => {
  test.each<[Partial<Instruction>, code: string, words: string]>([
    [{ in1: 2 }, 'ERR_ARGUMENT', 'an integer from 0 to 1 (irreps "4x0e+4x1o") for instructions[0].in1 but received 2'],
    [{ out: -1 }, 'ERR_ARGUMENT', 'instructions[0].out'],
    [{ mode: 'uvx' as 'uvw' }, 'ERR_ARGUMENT', "'uvu<v'"],
    [{ hasWeight: 1 as unknown as boolean }, 'ERR_ARGUMENT', 'true or false'],
    [{ pathWeight: -1 }, 'ERR_ARGUMENT', 'pathWeight'],
    [{ mode: 'uvw', hasWeight: false }, 'ERR_ARGUMENT', 'mixes channels by its weights'],
    [{ out: 1 }, 'ERR_UNREACHABLE', '|l1-l2| <= l3 <= l1+l2'],
    [{ out: 2 }, 'ERR_UNREACHABLE', 'parity'],
    [{ in1: 1, in2: 1, out: 3, mode: 'uuu' }, 'ERR_ARGUMENT', 'as many channels of in1 as of in2'],
    [{ in2: 2, mode: 'uuw', hasWeight: false }, 'ERR_ARGUMENT', '1 channel of out'],
    [{ in2: 2, out: 4, mode: 'uvu' }, 'ERR_ARGUMENT', '4 channels of out, as in1 has'],
    [{ in2: 2, out: 4, mode: 'uvuv' }, 'ERR_ARGUMENT', '16 channels of out, one for each pair'],
    [{ in2: 2, out: 4, mode: 'uvu<v' }, 'ERR_ARGUMENT', '6 channels of out, one for each pair'],
  ])('%o', (change, code, words) => {
    const instruction: Instruction = { in1: 0, in2: 0, out: 0, mode: 'uvw', hasWeight: true, ...change }
    const error = errorOf(() => {
      new TensorProduct('4x0e+4x1o', '2x0e+3x1o+4x0e', '4x0e+4x1o+4x0o+4x2e+3x0e', [instruction], { device })
    })
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test('an output block that a fully connected product cannot reach', () => {
    const error = errorOf(() => new FullyConnectedTensorProduct('4x0e', '1o', '1o+2e', { device }))
    expect(error.code).toBe('ERR_UNREACHABLE')
    expect(error.message).toContain('1x2e')
  })

  test('elementwise: as many channels, and something left', () => {
    expect(errorOf(() => new ElementwiseTensorProduct('2x0e', '3x0e', { device })).code).toBe('ERR_ARGUMENT')
    const error = errorOf(() => new ElementwiseTensorProduct('2x1o', '2x1o', { device, filterIrOut: ['3e'] }))
    expect(error.code).toBe('ERR_UNREACHABLE')
    expect(error.message).toContain('reaches 0e, 1e, 2e')
  })

  test('blocks of out that no instruction names are zero', () => {
    const instruction: Instruction = { in1: 0, in2: 0, out: 1, mode: 'uvu', hasWeight: false }
    using product = new TensorProduct('2x0e', '1x0e', '1x1o+2x0e', [instruction], { device })
    const out = product.forward(new Float32Array([1, 2]), new Float32Array([3]), {
      out: new Float32Array(5).fill(NaN),
    })
    expect([...out]).toEqual([0, 0, 0, 3, 6])
  })
})
