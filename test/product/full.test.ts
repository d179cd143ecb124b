import { describe, expect, test } from 'vitest'
import { FullTensorProduct, referenceForward } from '../../lib/product/index.js'
import { errorOf } from '../o3/helpers.js'
import { loadReference } from '../reference/load.js'
import { both, evaluate, natural, relativeError, TOLERANCE } from './helpers.js'

const e3nn = loadReference('e3nn')
const cases = e3nn.cases.filter(({ kind }) => kind === 'tensor_product')

describe('e3nn FullTensorProduct', () => {
  test('there are reference cases', () => {
    expect(cases.length).toBeGreaterThanOrEqual(6)
  })

  describe.each(cases)('$name', (reference) => {
    const options = {
      device: 'cpu' as const,
      irrepNormalization: reference.irrep_normalization as 'component' | 'norm',
      filterIrOut: (reference.filter_ir_out as string[] | null) ?? undefined,
    }
    const irreps = [reference.irreps_in1, reference.irreps_in2] as [string, string]

    test.each(['sparse', 'dense'] as const)('%s gives its output irreps and numbers', (implementation) => {
      using product = new FullTensorProduct(...irreps, { ...options, implementation })
      expect(product.irrepsOut.toString()).toBe(reference.irreps_out)
      const x1 = Float32Array.from(e3nn.array(reference.arrays.x1).data)
      const x2 = Float32Array.from(e3nn.array(reference.arrays.x2).data)
      expect(relativeError(product.forward(x1, x2), e3nn.array(reference.arrays.out).data)).toBeLessThan(TOLERANCE)
    })

    test('its float64 definition is exact', () => {
      using product = new FullTensorProduct(...irreps, options)
      const [x1, x2, out] = ['x1', 'x2', 'out'].map((name) => e3nn.array(reference.arrays[name]).data)
      expect(relativeError(referenceForward(product, x1, x2), out)).toBeLessThan(1e-13)
    })
  })
})

// The number of paths of one copy of every l <= L, outputs to 2L: 85 at L = 4.
test.each([
  [2, 19],
  [4, 85],
  [6, 231],
])('lmax %i has %i paths, each an output of its own', (lmax, paths) => {
  using product = new FullTensorProduct(natural(lmax), natural(lmax), { device: 'cpu' })
  expect(product.paths).toHaveLength(paths)
  expect(new Set(product.paths.map(({ out }) => out)).size).toBe(paths)
})

describe.each(['sparse', 'dense'] as const)('%s', (implementation) => {
  test.each([
    ['odd l alone', '3o', '3o'],
    ['one l in, many out', '6e', '6e'],
    ['both parities', both(2).toString(), both(2).toString()],
    ['channels that fill no register', '7x0e+5x1o+3x2e', '3x0e+2x1o'],
    ['channels beyond a tile', '20x1o+3x0e', '9x1o+2x2e'],
    ['a side of single channels', '70x0e+70x1o', '1x0e+1x1o'],
    ['the same irrep twice', '2x1o+3x1o', '1o+1o'],
    ['blocks without channels', '0x3e+2x1o', '1x1o+0x0e'],
  ])('%s', (_, in1, in2) => {
    using product = new FullTensorProduct(in1, in2, { device: 'cpu', implementation })
    const { x1, x2, out } = evaluate(product, 37, 1)
    expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
  })

  test('channel by channel, uneven multiplicities couple as far as both go', () => {
    using product = new FullTensorProduct('33x0e+20x1o+2x0e', '18x1o+40x0e', {
      device: 'cpu',
      implementation,
      channels: 'each',
    })
    expect(product.irrepsOut.toString()).toBe('33x0e+18x0e+2x0e+18x1o+20x1o+2x1o+18x1e+18x2e')
    const { x1, x2, out } = evaluate(product, 11, 2)
    expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
  })
})

test('the cross product', () => {
  using product = new FullTensorProduct('1o', '1o', { device: 'cpu', filterIrOut: ['1e'] })
  const [x, y, z] = product.forward(new Float32Array([1, 2, 3]), new Float32Array([4, 5, 6]))
  for (const [got, want] of [
    [x, -3],
    [y, 6],
    [z, -3],
  ]) {
    expect(got * Math.SQRT2).toBeCloseTo(want, 5)
  }
})

test('empty irreps give empty outputs', () => {
  using product = new FullTensorProduct('', '1o', { device: 'cpu' })
  expect(product.irrepsOut.dim).toBe(0)
  expect(product.forward(new Float32Array(0), new Float32Array(6))).toHaveLength(0)
})

describe('errors', () => {
  test('a filter that keeps nothing says what could be reached', () => {
    const error = errorOf(() => new FullTensorProduct('1o', '1o', { filterIrOut: ['1o', '5e'] }))
    expect(error.code).toBe('ERR_UNREACHABLE')
    expect(error.message).toContain('reaches 0e, 1e, 2e')
    expect(error.message).toContain('received 1o, 5e')
  })

  test('a malformed irreps argument is named', () => {
    const error = errorOf(() => new FullTensorProduct('1o', '3y0'))
    expect(error.code).toBe('ERR_IRREPS')
    expect(error.message).toMatch(/^irrepsIn2: /)
  })

  test.each([{ implementation: 'fast' }, { channels: 'all' }, { irrepNormalization: 1 }])('%o', (options) => {
    // @ts-expect-error these values are wrong on purpose
    expect(errorOf(() => new FullTensorProduct('1o', '1o', options)).code).toBe('ERR_ARGUMENT')
  })
})
