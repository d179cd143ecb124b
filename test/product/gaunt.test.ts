import { describe, expect, test } from 'vitest'
import { GauntTensorProduct, referenceForward } from '../../lib/product/index.js'
import { Random } from '../../lib/o3/random.js'
import { errorOf } from '../o3/helpers.js'
import { loadReference } from '../reference/load.js'
import { both, evaluate, natural, relativeError, TOLERANCE } from './helpers.js'

const e3nn = loadReference('e3nn')
const cases = e3nn.cases.filter(({ kind }) => kind === 'gaunt')
const algorithms = ['sparse', 'fourier', 'grid'] as const

describe.each(algorithms)('%s', (algorithm) => {
  test.each(cases)('exact integrals: $name', ({ lmax_in, lmax_out, arrays }) => {
    const irreps = natural(lmax_in as number)
    using product = new GauntTensorProduct(irreps, irreps, natural(lmax_out as number), { algorithm, device: 'cpu' })
    const x1 = Float32Array.from(e3nn.array(arrays.x1).data)
    const x2 = Float32Array.from(e3nn.array(arrays.x2).data)
    expect(relativeError(product.forward(x1, x2), e3nn.array(arrays.out).data)).toBeLessThan(TOLERANCE)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lmax %i, outputs to twice that', (lmax) => {
    const irreps = natural(lmax)
    using product = new GauntTensorProduct(irreps, irreps, natural(2 * lmax), { algorithm, device: 'cpu' })
    const { x1, x2, out } = evaluate(product, 3, lmax)
    expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
  })

  test.each([
    ['one odd l into an even one', '5x3o', '5x3o', '5x4e'],
    ['one l in, all even l out', '5e', '5e', '0e+2e+4e+6e+8e+10e'],
    ['pseudo irreps: functions that change sign under inversion', '4x1e', '4x1e', '4x0e+4x2e'],
    ['both parities at once', both(3, 17).toString(), both(2, 20).toString(), both(4, 17).toString()],
    ['multiplicities that differ', '32x0e+16x1o+8x2e+4x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+8x2e+2x0e'],
    ['an irrep in several blocks', '3x1o+3x1o', '3x1o+2x1o', '3x0e+3x2e+2x2e'],
    ['blocks that take no part', '4x0e+4x1o+4x7o', '4x0e', '4x0e+4x1o'],
  ])('%s', (_, in1, in2, out) => {
    using product = new GauntTensorProduct(in1, in2, out, { algorithm, device: 'cpu' })
    const result = evaluate(product, 23, 3)
    expect(relativeError(result.out, referenceForward(product, result.x1, result.x2))).toBeLessThan(TOLERANCE)
  })

  test('every wanted path and no odd one', () => {
    using product = new GauntTensorProduct(natural(4), natural(4), natural(8), { algorithm, device: 'cpu' })
    expect(product.paths).toHaveLength(55)
    expect(product.paths.every(({ l1, l2, l3 }) => (l1 + l2 + l3) % 2 === 0)).toBe(true)
  })
})

test('without an output it reaches all that it can', () => {
  using product = new GauntTensorProduct('4x0e+2x1o', '3x1o+1x1e', undefined, { device: 'cpu' })
  expect(product.irrepsOut.toString()).toBe('1x0o+2x0e+3x1o+1x1e+1x2o+2x2e')
})

describe('grid', () => {
  const irreps = natural(3)

  test('the smallest exact one', () => {
    using product = new GauntTensorProduct(irreps, irreps, irreps, { device: 'cpu' })
    expect(product.grid).toEqual({ resBeta: 5, resAlpha: 10 })
  })

  test.each([{ resBeta: 6 }, { resAlpha: 11 }, { resBeta: 18, resAlpha: 40 }, { resBeta: 100, resAlpha: 99 }])(
    'larger ones give the same: %o',
    (grid) => {
      using product = new GauntTensorProduct(irreps, irreps, irreps, { device: 'cpu', grid })
      const { x1, x2, out } = evaluate(product, 5, 4)
      expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
    },
  )

  test.each([{ resBeta: 4 }, { resAlpha: 9 }, { resBeta: 5.5 }, { resAlpha: Infinity }])('refused: %o', (grid) => {
    const error = errorOf(() => new GauntTensorProduct(irreps, irreps, irreps, { device: 'cpu', grid }))
    expect(error.code).toBe('ERR_ARGUMENT')
    expect(error.message).toContain('would alias')
  })
})

describe('an output that no path reaches names the rule', () => {
  test.each([
    ['1o', '1o', '3e', 'no pair has |l1-l2| <= 3 <= l1+l2'],
    ['1o', '1o', '2o', 'every pair with |l1-l2| <= 2 <= l1+l2 has parity even'],
    ['1o', '1o', '1e', 'l1+l2+l3 is odd'],
    ['4x1o', '2x1o', '3x0e', 'in at most 2 channels'],
    ['', '1o', '1o', 'an input is empty'],
  ])('%s x %s -> %s', (in1, in2, out, reason) => {
    const error = errorOf(() => new GauntTensorProduct(in1, in2, out, { device: 'cpu' }))
    expect(error.code).toBe('ERR_UNREACHABLE')
    expect(error.message).toContain(reason)
  })
})

function bytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

test('a result larger than the caches, at an odd address, is that of its samples', () => {
  const irreps = '37x0e+37x1o+37x2e+37x3o'
  const [batch, part] = [2999, 100]
  for (const algorithm of ['grid', 'sparse'] as const) {
    using product = new GauntTensorProduct(irreps, irreps, '37x0e+37x1o+37x2e+37x3o+37x5o', {
      algorithm,
      device: 'cpu',
    })
    const [x1, x2] = [product.irrepsIn1, product.irrepsIn2].map(({ dim }, n) =>
      Float32Array.from(new Random(n).normals(batch * dim)),
    )
    const memory = new Float32Array(batch * product.irrepsOut.dim + 3).fill(NaN)
    const out = product.forward(x1, x2, { out: memory.subarray(1, -2) })
    expect([memory[0], ...memory.subarray(-2)]).toEqual([NaN, NaN, NaN])
    for (let first = 0; first < batch; first += part) {
      const rows = (array: Float32Array, { dim }: { dim: number }) =>
        array.subarray(first * dim, Math.min(first + part, batch) * dim)
      const [a, b] = [rows(x1, product.irrepsIn1), rows(x2, product.irrepsIn2)]
      const wanted = referenceForward(
        product,
        a.subarray(0, product.irrepsIn1.dim),
        b.subarray(0, product.irrepsIn2.dim),
      )
      expect(relativeError(rows(out, product.irrepsOut).subarray(0, product.irrepsOut.dim), wanted)).toBeLessThan(
        TOLERANCE,
      )
      // All bits at once: number by number takes many seconds.
      expect(bytes(product.forward(a, b)).equals(bytes(rows(out, product.irrepsOut)))).toBe(true)
    }
  }
})

test('degrees beyond any table', () => {
  using product = new GauntTensorProduct('26e', '26e', '26e', { device: 'cpu' })
  const { x1, x2, out } = evaluate(product, 2, 26)
  expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
})
