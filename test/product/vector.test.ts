import { describe, expect, test } from 'vitest'
import { gridPlan, type GridSize } from '../../lib/product/grid.js'
import {
  FullTensorProduct,
  GauntTensorProduct,
  type Path,
  type Product,
  referenceForward,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { encodePlan } from '../../lib/product/plan.js'
import { Execution } from '../../lib/runtime/execute.js'
import { errorOf } from '../o3/helpers.js'
import { both, evaluate, natural, operands, relativeError, TOLERANCE } from './helpers.js'

const device = 'cpu'

/** Every l <= lmax in both parities but 0o, which functions on the sphere do not reach. */
const reached = (lmax: number, mul = 1) => both(lmax, mul).filter(({ ir }) => ir.toString() !== '0o')

/** The product on any grid, also one that its constructor refuses. */
const execution = ({ irrepsIn1, irrepsIn2, irrepsOut, paths }: Product, grid: GridSize) => {
  const infos = [irrepsIn1, irrepsIn2, irrepsOut].map(({ dim }, o) => ({ name: `operand ${o}`, dim }))
  return new Execution(device, encodePlan(gridPlan([irrepsIn1, irrepsIn2, irrepsOut], paths, grid)), infos)
}

describe('exact coefficients', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lmax %i, even and odd paths apart', (lmax) => {
    using product = new VectorTensorProduct(natural(lmax), natural(lmax), reached(2 * lmax - 1), { device })
    const { x1, x2, out } = evaluate(product, 3, lmax)
    const wanted = referenceForward(product, x1, x2)
    // Of functions, natural irreps hold what even paths give and pseudo irreps what odd paths give.
    const slices = product.irrepsOut.slices()
    for (const sign of [1, -1]) {
      const part = (values: ArrayLike<number>) =>
        [...product.irrepsOut].flatMap(({ ir }, b) => {
          if (ir.p * (-1) ** ir.l !== sign) return []
          const { start, end } = slices[b]
          return [0, 1, 2].flatMap((n) =>
            Array.from(values).slice(n * product.irrepsOut.dim + start, n * product.irrepsOut.dim + end),
          )
        })
      expect(relativeError(part(out), part(wanted))).toBeLessThan(TOLERANCE)
    }
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lmax %i, all irreps of parity e, by either algorithm', (lmax) => {
    const irreps = Array.from({ length: lmax + 1 }, (_, l) => `2x${l}e`).join('+')
    for (const algorithm of ['grid', 'sparse'] as const) {
      using product = new VectorTensorProduct(irreps, irreps, irreps, { algorithm, device })
      const { x1, x2, out } = evaluate(product, 3, lmax)
      expect(relativeError(out, referenceForward(product, x1, x2)), algorithm).toBeLessThan(TOLERANCE)
    }
  })

  test.each([
    ['the cross product alone', '5x1o', '5x1o', '5x1e'],
    ['odd paths alone', '4x3o', '4x4e', '4x2o+4x4o+4x6o'],
    ['even paths alone', '4x3o', '4x4e', '4x1o+4x3o+4x5o+4x7o'],
    ['pseudo irreps', '3x0o+3x1e+3x2o', '3x1e+3x2o', '3x1e+3x1o+3x2e'],
    ['both parities at once', both(3, 17).toString(), both(2, 20).toString(), both(4, 17).toString()],
    ['all that is reached', '4x0e+2x1o+2x3e', '3x1o+1x1e+1x2o', undefined],
    ['multiplicities that differ', '32x0e+16x1o+8x2e+4x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+8x2e+16x1e+2x2o'],
    ['an irrep in several blocks', '3x1o+3x1o', '3x1o+2x1o', '3x0e+3x1e+3x2e+2x1e'],
    ['unequal degrees', '6x1o', '6x7o', '6x6e+6x7e+6x8e'],
  ])('%s', (_, in1, in2, out) => {
    using product = new VectorTensorProduct(in1, in2, out, { device })
    const result = evaluate(product, 23, 3)
    expect(relativeError(result.out, referenceForward(product, result.x1, result.x2))).toBeLessThan(TOLERANCE)
  })

  test('one path at a time, each to its own size', () => {
    for (const { l1, p1, l2, p2, l3, p3 } of new FullTensorProduct(natural(4), natural(4), { device }).paths) {
      const [in1, in2, out] = [
        [l1, p1],
        [l2, p2],
        [l3, p3],
      ].map(([l, p]) => `${l}${p === 1 ? 'e' : 'o'}`)
      using product = new VectorTensorProduct(in1, in2, out, { device })
      const result = evaluate(product, 5, 100 * l1 + 10 * l2 + l3)
      expect(relativeError(result.out, referenceForward(product, result.x1, result.x2))).toBeLessThan(TOLERANCE)
    }
  })
})

test('even paths are those of the Gaunt product', () => {
  using vector = new VectorTensorProduct(natural(4), natural(4), natural(6), { device })
  using gaunt = new GauntTensorProduct(natural(4), natural(4), natural(6), { device })
  expect(vector.paths).toEqual(gaunt.paths)
  expect(vector.cost(1)).toEqual(gaunt.cost(1))
})

test.each([1, 2, 3, 4, 5, 6])('every path of a Clebsch-Gordan product, lmax %i', (lmax) => {
  using vector = new VectorTensorProduct(both(lmax), both(lmax), undefined, { device })
  using full = new FullTensorProduct(both(lmax), both(lmax), { device, channels: 'each' })
  const triples = (product: Product) =>
    new Set(product.paths.map(({ l1, p1, l2, p2, l3, p3 }: Path) => [l1, p1, l2, p2, l3, p3].join()))
  expect(triples(vector)).toEqual(triples(full))
  expect(vector.paths.every(({ coefficient }) => coefficient > 0)).toBe(true)
})

describe('grid', () => {
  const [one, many] = [natural(3), reached(3)]

  test.each([
    ['even and odd paths', one, one, many, { resBeta: 5, resAlpha: 10 }],
    ['odd paths: the bracket is one degree lower', '1o', '1o', '1e', { resBeta: 2, resAlpha: 3 }],
    ['odd paths, even sum of degrees', '2e+3o', '3o', '3e+4o', { resBeta: 5, resAlpha: 10 }],
    ['one parity, added up in one signal', '0e+1e+2e', '0e+1e+2e', '0e+1e+2e', { resBeta: 4, resAlpha: 7 }],
  ])('%s: the smallest exact one, and none smaller', (_, in1, in2, out, smallest) => {
    using product = new VectorTensorProduct(in1, in2, out, { device })
    // An even number of meridians, unless told.
    expect(product.grid).toEqual({ ...smallest, resAlpha: smallest.resAlpha + (smallest.resAlpha % 2) })
    const { x1, x2 } = operands(product, 5, 6)
    const wanted = referenceForward(product, x1, x2)
    const errorOn = (grid: GridSize) => relativeError(execution(product, grid).evaluate(2, [x1, x2]), wanted)
    expect(errorOn(smallest)).toBeLessThan(TOLERANCE)
    // A node too few is no matter of rounding.
    expect(errorOn({ ...smallest, resBeta: smallest.resBeta - 1 })).toBeGreaterThan(1e-3)
    expect(errorOn({ ...smallest, resAlpha: smallest.resAlpha - 1 })).toBeGreaterThan(1e-3)
  })

  test.each([{ resBeta: 6 }, { resAlpha: 11 }, { resBeta: 18, resAlpha: 40 }, { resBeta: 101, resAlpha: 99 }])(
    'larger ones give the same: %o',
    (grid) => {
      using product = new VectorTensorProduct(one, one, many, { device, grid })
      const { x1, x2, out } = evaluate(product, 5, 4)
      expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
    },
  )

  test.each([{ resBeta: 4 }, { resAlpha: 9 }, { resBeta: 5.5 }, { resAlpha: Infinity }])('refused: %o', (grid) => {
    const error = errorOf(() => new VectorTensorProduct(one, one, many, { device, grid }))
    expect(error.code).toBe('ERR_ARGUMENT')
    expect(error.message).toContain('would alias')
  })
})

describe('an output that no path reaches names the rule', () => {
  test.each([
    ['1o', '1o', '3e', 'no pair has |l1-l2| <= 3 <= l1+l2'],
    ['1o', '1o', '1o', 'every pair with |l1-l2| <= 1 <= l1+l2 has parity even'],
    ['4x1o', '2x1o', '3x1e', 'in at most 2 channels'],
    ['0x1o', '1o', '1e', 'have no channels'],
    ['', '1o', '1o', 'an input is empty'],
  ])('%s x %s -> %s', (in1, in2, out, reason) => {
    const error = errorOf(() => new VectorTensorProduct(in1, in2, out, { device }))
    expect(error.code).toBe('ERR_UNREACHABLE')
    expect(error.message).toContain(reason)
  })
})
