import { describe, expect, test } from 'vitest'
import { bilinearSpace, expressivity, expressivityCurve } from '../../lib/analysis/index.js'
import { numericalRank } from '../../lib/analysis/rank.js'
import { Irreps } from '../../lib/o3/irreps.js'
import { Random } from '../../lib/o3/random.js'
import {
  FullTensorProduct,
  FullyConnectedTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  type Product,
  TensorProduct,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { GauntletError } from '../../lib/runtime/errors.js'
import { eliminationRank, even, reachedByEvaluation, reachedByIncidence } from './helpers.js'

const device = 'cpu'

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof GauntletError) return error.code
    throw error
  }
  return 'none'
}

describe('the space of bilinear maps', () => {
  test('by hand', () => {
    expect(bilinearSpace('1o', '1o', '0e+1e+2e')).toEqual({ mapSpace: 3, triples: 3, outputDimension: 9 })
    // Parity forbids 1o, and two blocks of an irrep are one with the channels of both.
    expect(bilinearSpace('2x1o+1o', '4x1o', '0x0e+5x1e+1o')).toEqual({ mapSpace: 60, triples: 1, outputDimension: 3 })
    expect(bilinearSpace('', '1o', '1o')).toEqual({ mapSpace: 0, triples: 0, outputDimension: 0 })
    expect(codeOf(() => bilinearSpace('1x', '1o', '1o'))).toBe('ERR_IRREPS')
  })

  test.each([
    ['3x0e+2x1o', '0e+1o+2e', '4x0e+2x1o+3x1e'],
    ['2x1e+1o+3x1e', '2x1o+2x2e', '1o+2x2o+2x1e+1x1o'],
  ])('has a weight of FullyConnectedTensorProduct for every dimension: %s x %s -> %s', (in1, in2, out) => {
    using product = new FullyConnectedTensorProduct(in1, in2, out, { device })
    const { mapSpace } = bilinearSpace(in1, in2, out)
    expect(mapSpace).toBe(product.weightNumel)
    expect(expressivity(product, { out })).toMatchObject({ mapSpace, coupledSpace: mapSpace, reached: mapSpace })
  })
})

describe('closed forms for one channel of each l', () => {
  test.each([0, 1, 2, 3, 4])('l <= %i of one parity', (lmax) => {
    const [inputs, out] = [even(lmax), even(2 * lmax)]
    using gaunt = new GauntTensorProduct(inputs, inputs, out, { device })
    using matrix = new MatrixTensorProduct(inputs, inputs, out, { device })
    using vector = new VectorTensorProduct(inputs, inputs, out, { device })
    // 2(L+1) + (2L+1) weights, of which two combinations scale a layer up and another down.
    for (const product of [gaunt, matrix, vector]) expect(expressivity(product).reached).toBe(4 * lmax + 1)
    for (const channels of ['outer', 'each'] as const) {
      using full = new FullTensorProduct(inputs, inputs, { channels, device })
      const paths = full.paths.length
      if (lmax === 4) expect(paths).toBe(85)
      expect(expressivity(full)).toMatchObject({ mapSpace: paths, coupledSpace: paths, reached: paths })
    }
  })

  test.each([1, 2, 3, 4])('l <= %i of parity (-1)^l: odd paths have outputs of their own, the pseudo ones', (lmax) => {
    const inputs = Irreps.sphericalHarmonics(lmax)
    using gaunt = new GauntTensorProduct(inputs, inputs, undefined, { device })
    using vector = new VectorTensorProduct(inputs, inputs, undefined, { device })
    using matrix = new MatrixTensorProduct(inputs, inputs, undefined, { device })
    const even = bilinearSpace(inputs, inputs, Irreps.sphericalHarmonics(2 * lmax)).mapSpace
    expect(expressivity(gaunt)).toMatchObject({ mapSpace: even, coupledSpace: even, reached: 4 * lmax + 1 })
    // 2L - 1 weights more, for 1e, 2o, ..., of degree 2L - 1.
    using full = new FullTensorProduct(inputs, inputs, { device })
    for (const product of [vector, matrix]) {
      expect(expressivity(product)).toMatchObject({ mapSpace: full.paths.length, reached: 6 * lmax })
    }
  })

  test('is the exact rank of paths by irreps, whatever the irreps', () => {
    const cases = ['0e+1o+2e', '0o+1e+1o+3o', '1o+2o+4e', '2e'].flatMap((in1) => {
      return ['0e+1o', '0o+2e+2o', '1o+1e+3o'].map((in2) => [in1, in2] as const)
    })
    for (const [in1, in2] of cases) {
      for (const Kind of [GauntTensorProduct, MatrixTensorProduct, VectorTensorProduct]) {
        using product = new Kind(in1, in2, undefined, { device })
        expect(expressivity(product).reached, `${Kind.name} ${in1} ${in2}`).toBe(reachedByIncidence(product))
      }
    }
  })
})

describe('equals the rank of what layers and product compute', () => {
  const check = (product: Product, in1 = product.irrepsIn1, in2 = product.irrepsIn2, out?: Irreps): void => {
    const once = out ?? new Irreps([...new Set([...product.irrepsOut].map(({ ir }) => ir.toString()))].join('+'))
    const found = expressivity(product, { in1, in2, ...(out && { out }) })
    expect(found.reached).toBe(reachedByEvaluation(product, in1, in2, once))
    expect(found.reached).toBeGreaterThan(0)
    expect(found.reached).toBeLessThanOrEqual(found.coupledSpace)
    expect(found.coupledSpace).toBeLessThanOrEqual(found.mapSpace)
    // Rounding is 1e-15 of the largest singular value, and none that counts is below 1e-7 of it in such small cases.
    expect(found.gap).toBeGreaterThan(1e6)
  }

  test('Clebsch-Gordan, all pairs of channels', () => {
    using product = new FullTensorProduct('2x0e+1o', '0e+2x1o', { device })
    check(product)
    // Every pair has an output of its own, so that the last layer alone reaches everything.
    const { mapSpace, reached } = expressivity(product)
    expect(reached).toBe(mapSpace)
  })

  test('Clebsch-Gordan, channel by channel', () => {
    using product = new FullTensorProduct('2x0e+2x1o', '2x0e+2x1o', { channels: 'each', device })
    check(product)
    check(product, new Irreps('3x0e+2x1o'), new Irreps('2x0e+3x1o'), new Irreps('0e+1o+2x1e'))
  })

  test('Gaunt, wider and narrower than what is around it, and with blocks that repeat', () => {
    using wide = new GauntTensorProduct('3x0e+3x1o', '3x0e+3x1o', '3x0e+3x1o+3x2e', { device })
    check(wide, new Irreps('0e+1o'), new Irreps('0e+1o'), new Irreps('0e+1o+2e'))
    using narrow = new GauntTensorProduct('0e+1o', '0e+1o', '0e+1o+2e', { device })
    check(narrow, new Irreps('2x0e+2x1o'), new Irreps('2x0e+1o+1e'), new Irreps('2x0e+1o+1e'))
    using repeated = new GauntTensorProduct('0e+1o+2x0e', '2x1o+0e', '0e+1o+0e', { device })
    check(repeated)
  })

  test('modes with and without weights, which count as weights of the layers do', () => {
    const instructions = [
      { in1: 0, in2: 0, out: 0, mode: 'uvu', hasWeight: true },
      { in1: 1, in2: 0, out: 1, mode: 'uuw', hasWeight: true },
      { in1: 1, in2: 1, out: 2, mode: 'uvv', hasWeight: false },
      { in1: 1, in2: 1, out: 0, mode: 'uvu', hasWeight: false },
    ] as const
    using product = new TensorProduct('2x0e+2x1o', '2x0e+3x1o', '2x0e+1o+3x1e', instructions, { device })
    check(product)
    using connected = new FullyConnectedTensorProduct('2x0e+1o', '0e+1o', '2x0e+1e', { device })
    check(connected, connected.irrepsIn1, connected.irrepsIn2, new Irreps('3x0e+1e'))
  })

  test('weights that scale operands, which layers do without them', () => {
    using plain = new GauntTensorProduct('2x0e+2x1o', '2x0e+2x1o', '2x0e+2x1o', { device })
    using weighted = new GauntTensorProduct('2x0e+2x1o', '2x0e+2x1o', '2x0e+2x1o', { device, weights: 'channel' })
    expect(weighted.weightNumel).toBeGreaterThan(0)
    expect(expressivity(weighted)).toEqual(expressivity(plain))
    check(plain)
  })
})

describe('more channels buy maps back', () => {
  const curve = (Kind: typeof GauntTensorProduct | typeof VectorTensorProduct, lmax: number, mostChannels?: number) =>
    expressivityCurve((in1, in2) => new Kind(in1, in2, undefined, { device }), {
      ...{ in1: even(lmax), in2: even(lmax), out: even(2 * lmax) },
      ...(mostChannels !== undefined && { mostChannels }),
    })

  test('until a Gaunt product has all even paths, and never more', () => {
    // l1 + l2 + l3 even: min(l1, l2) + 1 of them for every pair.
    for (const { lmax, evenPaths, allPaths } of [
      { lmax: 1, evenPaths: 5, allPaths: 6 },
      { lmax: 2, evenPaths: 14, allPaths: 19 },
      { lmax: 3, evenPaths: 30, allPaths: 44 },
    ]) {
      const { points, enough, coupledSpace, mapSpace } = curve(GauntTensorProduct, lmax)
      expect([coupledSpace, mapSpace]).toEqual([evenPaths, allPaths])
      expect(points[0]).toMatchObject({ channels: 1, reached: 4 * lmax + 1 })
      expect(points.at(-1)).toMatchObject({ channels: enough, reached: evenPaths })
      // No channel adds more than it reaches alone.
      expect(enough).toBeGreaterThanOrEqual(Math.ceil(evenPaths / (4 * lmax + 1)))
      points.slice(1).forEach(({ reached }, n) => expect(reached).toBeGreaterThan(points[n].reached))
    }
  })

  test('until product and bracket have everything that Clebsch-Gordan has', () => {
    const { points, enough, coupledSpace, mapSpace } = curve(VectorTensorProduct, 2)
    expect([coupledSpace, mapSpace, enough]).toEqual([19, 19, points.length])
    for (const { channels, reached } of points) {
      const inner = (lmax: number) => new Irreps([...even(lmax)].map(({ ir }) => ({ mul: channels, ir })))
      using product = new VectorTensorProduct(inner(2), inner(2), inner(4), { device })
      expect(reached).toBe(reachedByEvaluation(product, even(2), even(2), even(4)))
    }
  })

  test('as far as it is told to go, and disposes of what was made', () => {
    const { points, enough } = curve(VectorTensorProduct, 2, 2)
    expect(points.map(({ channels }) => channels)).toEqual([1, 2])
    expect(enough).toBeUndefined()
    const made: Product[] = []
    const { enough: full } = expressivityCurve(
      (in1, in2) => {
        made.push(new FullTensorProduct(in1, in2, { channels: 'each', device }))
        return made[made.length - 1]
      },
      { in1: even(2), in2: even(2), out: even(4) },
    )
    expect(full).toBe(1)
    expect(codeOf(() => made[0].forward(new Float32Array(9), new Float32Array(9)))).toBe('ERR_DISPOSED')
    expect(codeOf(() => curve(GauntTensorProduct, 1, 0))).toBe('ERR_ARGUMENT')
  })
})

describe('the decision', () => {
  test('finds the rank of matrices of known rank, and its gap', () => {
    const random = new Random(5)
    for (const [rows, columns, rank] of [
      [7, 4, 4],
      [4, 9, 3],
      [20, 20, 11],
    ]) {
      const [a, b] = [random.normals(rows * rank), random.normals(rank * columns)]
      const product = Float64Array.from({ length: rows * columns }, (_, n) => {
        const [i, j] = [Math.floor(n / columns), n % columns]
        return Array.from({ length: rank }, (_, k) => a[i * rank + k] * b[k * columns + j]).reduce((x, y) => x + y)
      })
      expect(numericalRank(rows, columns, product).rank).toBe(rank)
      expect(
        eliminationRank(Array.from({ length: rows }, (_, i) => product.subarray(i * columns, (i + 1) * columns))),
      ).toBe(rank)
    }
    expect(numericalRank(2, 2, Float64Array.of(4, 0, 0, 1e-13)).gap).toBeCloseTo(4e13, -9)
    expect(numericalRank(2, 3, new Float64Array(6))).toEqual({ rank: 0, gap: Infinity })
    expect(numericalRank(0, 3, new Float64Array(0))).toEqual({ rank: 0, gap: Infinity })
  })

  test('is refused where singular values leave no gap', () => {
    const descending = Float64Array.from({ length: 81 }, (_, n) => (n % 10 === 0 ? 10 ** (-n / 5) : 0))
    expect(codeOf(() => numericalRank(9, 9, descending))).toBe('ERR_PRECISION')
  })

  test('is reproducible, the same for every seed, and refuses what it cannot do', () => {
    using product = new GauntTensorProduct(even(3), even(3), even(6), { device })
    const first = expressivity(product, { seed: 7 })
    expect(expressivity(product, { seed: 7 })).toEqual(first)
    const other = expressivity(product, { seed: 8 })
    expect(other.gap).not.toBe(first.gap)
    expect(other.reached).toBe(first.reached)
    expect(codeOf(() => expressivity(product, { seed: -1 }))).toBe('ERR_ARGUMENT')
    expect(codeOf(() => expressivity(product, { in1: 'x' }))).toBe('ERR_IRREPS')
    using large = new GauntTensorProduct('64x0e+64x1o', '64x0e+64x1o', '64x0e+64x1o', { device })
    expect(codeOf(() => expressivity(large))).toBe('ERR_ARGUMENT')
    // Nothing in common with what is around it.
    expect(expressivity(product, { in1: '1o' })).toMatchObject({ coupledSpace: 0, reached: 0, gap: Infinity })
  })
})
