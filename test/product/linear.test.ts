import { describe, expect, test } from 'vitest'
import { Random } from '../../lib/o3/index.js'
import { FullyConnectedTensorProduct, Linear } from '../../lib/product/index.js'
import { errorOf } from '../o3/helpers.js'
import type { ReferenceCase } from '../reference/load.js'
import { relativeError, TOLERANCE } from './helpers.js'
import { arrayOf, e3nnProducts } from './weighted-cases.js'

interface LinearCase extends ReferenceCase {
  irreps_in: string
  irreps_out: string
  path_normalization: 'element' | 'path'
  weight_numel: number
  instructions: { i_in: number; i_out: number; path_shape: number[]; coeff: number }[]
}

const device = 'cpu' as const
const cases = e3nnProducts.cases.filter(({ kind }) => kind === 'linear') as LinearCase[]
const normals = (random: Random, length: number) => Float32Array.from(random.normals(length))

test('there are reference cases of both normalizations', () => {
  expect(new Set(cases.map(({ path_normalization }) => path_normalization))).toEqual(new Set(['element', 'path']))
})

describe.each(cases)('e3nn $name', (reference) => {
  test('paths, numbers and gradients', () => {
    const { irreps_in: irrepsIn, irreps_out: irrepsOut, path_normalization: pathNormalization } = reference
    using linear = new Linear(irrepsIn, irrepsOut, { device, pathNormalization })
    expect(linear.weightNumel).toBe(reference.weight_numel)
    const paths = linear.paths.map(({ in: i, out: o, shape }) => ({ i_in: i, i_out: o, path_shape: [...shape] }))
    expect(paths).toEqual(reference.instructions.map(({ i_in, i_out, path_shape }) => ({ i_in, i_out, path_shape })))
    for (const [n, { coeff }] of reference.instructions.entries()) {
      expect(linear.paths[n].coefficient).toBeCloseTo(coeff, 14)
    }
    const [x, weight, g] = ['x', 'w', 'g'].map((key) => Float32Array.from(arrayOf(reference, key)))
    expect(relativeError(linear.forward(x, { weight }), arrayOf(reference, 'out'))).toBeLessThan(TOLERANCE)
    const gradients = linear.backward(g, x, { weight })
    expect(relativeError(gradients.x, arrayOf(reference, 'grad_x'))).toBeLessThan(1e-5)
    expect(relativeError(gradients.weight, arrayOf(reference, 'grad_w'))).toBeLessThan(1e-5)
    expect(gradients.bias).toBeUndefined()
  })
})

test('it is the fully connected product with a scalar 1', () => {
  const [irrepsIn, irrepsOut] = ['33x0e+17x1o+3x2e', '65x0e+4x1o+9x2e']
  using linear = new Linear(irrepsIn, irrepsOut, { device })
  using product = new FullyConnectedTensorProduct(irrepsIn, '0e', irrepsOut, { device })
  expect(product.weightNumel).toBe(linear.weightNumel)
  const random = new Random(1)
  const [x, weight] = [normals(random, 70 * linear.irrepsIn.dim), normals(random, linear.weightNumel)]
  const x2 = new Float32Array(70).fill(1)
  // wigner3j(l, 0, l) is the identity over sqrt(2 l + 1), which component normalization takes away.
  expect(relativeError(linear.forward(x, { weight }), product.forward(x, x2, weight))).toBeLessThan(TOLERANCE)
})

describe('biases', () => {
  const make = () => new Linear('3x0e+2x1o+4x0o', '2x0e+3x1o+5x0e+2x0o', { device, seed: 2, biases: true })

  test('are those of even scalars, zero at first', () => {
    using linear = make()
    expect(linear.biasNumel).toBe(7)
    expect(linear.bias).toEqual(new Float32Array(7))
  })

  test('are added to their channels, and their gradient is the sum over samples', () => {
    using linear = make()
    using plain = new Linear('3x0e+2x1o+4x0o', '2x0e+3x1o+5x0e+2x0o', { device, seed: 2 })
    const bias = new Float32Array([1, 2, 3, 4, 5, 6, 7])
    const random = new Random(3)
    const [x, g] = [normals(random, 5 * 13), normals(random, 5 * 18)]
    const [out, without] = [linear.forward(x, { bias }), plain.forward(x)]
    const columns = [0, 1, 11, 12, 13, 14, 15]
    for (let at = 0; at < out.length; at++) {
      const n = columns.indexOf(at % 18)
      expect(out[at]).toBeCloseTo(without[at] + (n < 0 ? 0 : bias[n]), 5)
    }
    const { bias: gradient, x: gradX } = linear.backward(g, x)
    for (const [n, column] of columns.entries()) {
      const sum = [0, 1, 2, 3, 4].reduce((total, sample) => total + g[sample * 18 + column], 0)
      expect(gradient![n]).toBeCloseTo(sum, 5)
    }
    expect(gradX).toEqual(plain.backward(g, x).x)
  })

  test('second gradients: a direction of the biases goes to gradOut alone', () => {
    using linear = make()
    const random = new Random(4)
    const [x, g, v] = [normals(random, 13), normals(random, 18), normals(random, 7)]
    const got = linear.doubleBackward({ bias: v }, g, x)
    expect(got.x.every((value) => value === 0)).toBe(true)
    expect(got.weight.every((value) => value === 0)).toBe(true)
    expect([...got.gradOut].filter((value) => value !== 0)).toEqual([...v])
    // <v, dL/dx> is linear in gradOut, and its gradient is the layer without biases at v.
    const vx = normals(random, 13)
    using plain = new Linear('3x0e+2x1o+4x0o', '2x0e+3x1o+5x0e+2x0o', { device, seed: 2 })
    expect(linear.doubleBackward({ x: vx }, g, x).gradOut).toEqual(plain.forward(vx))
  })
})

describe('errors', () => {
  test.each([
    [() => new Linear('2x0e', '1o', { device }), 'ERR_UNREACHABLE', 'keeps irreps apart'],
    [() => new Linear('1o', '1o', { device, biases: [true] }), 'ERR_ARGUMENT', 'only scalars'],
    [() => new Linear('0e', '0e', { device, seed: 1, bias: new Float32Array(2) }), 'ERR_LENGTH', 'received 2'],
    [() => new Linear('0e', '0e', { device, sharedWeights: false, seed: 1 }), 'ERR_ARGUMENT', 'sharedWeights is false'],
  ])('%s', (action, code, words) => {
    const error = errorOf(action)
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test('missing and superfluous parameters', () => {
    using linear = new Linear('0e', '0e', { device, biases: true })
    const x = new Float32Array(1)
    expect(errorOf(() => linear.forward(x, { weight: x })).message).toContain('1 biases')
    expect(errorOf(() => linear.forward(x, { bias: x })).message).toContain('1 weights')
    using plain = new Linear('0e', '0e', { device, seed: 1 })
    expect(errorOf(() => plain.forward(x, { bias: x })).code).toBe('ERR_ARGUMENT')
  })
})
