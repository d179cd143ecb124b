import { describe, expect, it } from 'vitest'
import { harmonics, harmonicsOnGrid } from '../../lib/o3/harmonics.js'
import type { HarmonicsNormalization, HarmonicsOptions } from '../../lib/o3/harmonics.js'
import { legendre } from '../../lib/o3/legendre.js'
import { gaussLegendre } from '../../lib/o3/quadrature.js'
import { loadReference } from '../reference/load.js'
import { errorOf, maxDifference } from './helpers.js'

const NORMALIZATIONS: HarmonicsNormalization[] = ['integral', 'component', 'norm']

/** Largest deviation from the identity of the matrix of integrals of pairs, given rows of values with weights. */
function gramError(values: Float64Array, size: number, weights: ArrayLike<number>): number {
  const gram = new Float64Array(size * size)
  for (let point = 0; point < weights.length; point++) {
    for (let i = 0; i < size; i++) {
      const left = weights[point] * values[point * size + i]
      for (let j = 0; j < size; j++) gram[i * size + j] += left * values[point * size + j]
    }
  }
  return Math.max(...gram.map((v, n) => Math.abs(v - (n % (size + 1) === 0 ? 1 : 0))))
}

describe('legendre', () => {
  it('has closed forms to degree 3', () => {
    for (const x of [-1, -0.6, 0, 0.3, 1]) {
      const s = Math.sqrt(1 - x * x)
      const polynomials = [
        [1],
        [x, s],
        [(3 * x * x - 1) / 2, 3 * x * s, 3 * s * s],
        [(5 * x ** 3 - 3 * x) / 2, (1.5 * 5 * x * x - 1.5) * s, 15 * x * s * s, 15 * s ** 3],
      ]
      const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1))
      const wanted = polynomials.flatMap((row, l) =>
        row.map((p, m) => p * Math.sqrt((((2 * l + 1) / (4 * Math.PI)) * factorial(l - m)) / factorial(l + m))),
      )
      expect(maxDifference(legendre(3, x), wanted)).toBeLessThan(1e-15)
    }
  })

  it('is orthonormal in l for every m at lmax 60', () => {
    const lmax = 60
    const { nodes, weights } = gaussLegendre(lmax + 1)
    const values = legendre(lmax, nodes)
    const size = ((lmax + 1) * (lmax + 2)) / 2
    for (const m of [0, 1, 2, 17, 44, 59, 60]) {
      const count = lmax + 1 - m
      const columns = Float64Array.from({ length: nodes.length * count }, (_, n) => {
        const l = m + (n % count)
        return values[Math.floor(n / count) * size + (l * (l + 1)) / 2 + m] * Math.sqrt(2 * Math.PI)
      })
      expect(gramError(columns, count, weights)).toBeLessThan(1e-13)
    }
  })

  it('adds up at lmax 1000: sum over m of the squares is (2l+1)/(4 pi) everywhere', () => {
    const x = [-1, -0.999999, -0.3, 0, 0.7, 0.9999, 1]
    const lmax = 1000
    const values = legendre(lmax, x)
    const size = values.length / x.length
    for (let i = 0; i < x.length; i++) {
      for (const l of [1, 10, 100, 500, 1000]) {
        let sum = 0
        for (let m = 0; m <= l; m++) sum += (m === 0 ? 1 : 2) * values[i * size + (l * (l + 1)) / 2 + m] ** 2
        expect(Math.abs((sum * 4 * Math.PI) / (2 * l + 1) - 1)).toBeLessThan(1e-11)
      }
    }
  })

  it.each([
    [-1, 0],
    [1.5, 0],
    [1001, 0],
    [2, 1.0000001],
    [2, NaN],
    [2, [0, -2]],
  ])('refuses lmax %s, x %s', (lmax, x) => {
    expect(errorOf(() => legendre(lmax, x)).code).toBe('ERR_ARGUMENT')
  })
})

describe('harmonics', () => {
  const e3nn = loadReference('e3nn')
  const { arrays } = e3nn.case('sh')

  describe.each(NORMALIZATIONS)('%s', (normalization) => {
    it.each([
      ['dirs_unit', `Y_${normalization}`, true],
      ['vecs', `Yvec_${normalization}_normTrue`, true],
      ['vecs', `Yvec_${normalization}_normFalse`, false],
    ] as const)('agrees with e3nn on %s: %s', (vectors, wanted, normalize) => {
      const actual = harmonics(10, e3nn.array(arrays[vectors]).data, { normalization, normalize })
      const { data } = e3nn.array(arrays[wanted])
      const largest = Math.max(1, ...data.map(Math.abs))
      // Relative to the largest, because polynomials of long vectors are large.
      expect(maxDifference(actual, data) / largest).toBeLessThan(1e-13)
    })
  })

  it('agrees with e3nn at the zero vector', () => {
    for (const normalize of [true, false]) {
      const { data, shape } = e3nn.array(arrays[`Yzero_component_norm${normalize ? 'True' : 'False'}`])
      const lmax = Math.sqrt(shape.at(-1)!) - 1
      expect(lmax).toBe(10)
      expect(maxDifference(harmonics(lmax, [0, 0, 0], { normalization: 'component', normalize }), data)).toBe(0)
    }
  })

  it('gives (x, y, z) as degree 1', () => {
    const row = harmonics(1, [0.1, -0.2, 3], { normalization: 'norm', normalize: false })
    expect(maxDifference(row, [1, 0.1, -0.2, 3])).toBeLessThan(1e-15)
  })

  it('is exact at the poles', () => {
    for (const y of [1, -1]) {
      const row = harmonics(12, [0, y, 0], { normalization: 'norm' })
      row.forEach((value, n) => {
        const l = Math.floor(Math.sqrt(n))
        if (n === l * l + l) expect(Math.abs(value - y ** l)).toBeLessThan(1e-14)
        else expect(Math.abs(value)).toBe(0)
      })
    }
  })

  it('takes the direction of vectors of any length', () => {
    const direction = [0.3, -0.5, 0.2]
    const wanted = harmonics(6, direction)
    for (const scale of [1e-300, 1e-20, 1e150, 1e307]) {
      expect(
        maxDifference(
          harmonics(
            6,
            direction.map((v) => v * scale),
          ),
          wanted,
        ),
      ).toBeLessThan(1e-14)
    }
  })

  it('is homogeneous without normalize', () => {
    const a = harmonics(5, [0.3, -0.5, 0.2], { normalize: false })
    const b = harmonics(5, [0.6, -1, 0.4], { normalize: false })
    expect(
      maxDifference(
        b,
        a.map((v, n) => v * 2 ** Math.floor(Math.sqrt(n))),
      ),
    ).toBe(0)
  })

  it('keeps NaN and infinity in their own row', () => {
    const rows = harmonics(2, [NaN, 0, 0, 0, 1, 0, Infinity, 0, 0], { normalization: 'norm' })
    expect([...rows.subarray(1, 9)].every(Number.isNaN)).toBe(true)
    expect([...rows.subarray(9, 18)].every(Number.isFinite)).toBe(true)
  })

  it('takes no vectors and degree 0', () => {
    expect(harmonics(3, []).length).toBe(0)
    expect([...harmonics(0, [1, 2, 3], { normalization: 'component' })]).toEqual([expect.closeTo(1, 15)])
  })

  it.each([
    [-1, [], {}, 'ERR_ARGUMENT'],
    [0.5, [], {}, 'ERR_ARGUMENT'],
    [2, [1, 2], {}, 'ERR_LENGTH'],
    [2, null, {}, 'ERR_ARGUMENT'],
    [2, 3, {}, 'ERR_ARGUMENT'],
    [2, [1, 2, 3], { normalization: 'unit' }, 'ERR_ARGUMENT'],
    [1000, { length: 3e5 }, {}, 'ERR_LENGTH'],
  ])('refuses (%s, %j, %j)', (lmax, vectors, options, code) => {
    expect(errorOf(() => harmonics(lmax, vectors as number[], options as HarmonicsOptions)).code).toBe(code)
  })
})

describe('harmonicsOnGrid', () => {
  it('agrees with harmonics at the points of the grid', () => {
    const betas = [0, 0.4, Math.PI / 2, 2.9, Math.PI]
    const alphas = [0, 1, -2, 6]
    const points = betas.flatMap((b) =>
      alphas.flatMap((a) => [Math.sin(b) * Math.sin(a), Math.cos(b), Math.sin(b) * Math.cos(a)]),
    )
    for (const normalization of NORMALIZATIONS) {
      const grid = harmonicsOnGrid(20, betas, alphas, { normalization })
      expect(maxDifference(grid, harmonics(20, points, { normalization }))).toBeLessThan(1e-12)
    }
  })

  it('is orthonormal over the smallest exact grid', () => {
    const lmax = 12
    const { nodes, weights } = gaussLegendre(lmax + 1)
    const meridians = 2 * lmax + 1
    const alphas = Array.from({ length: meridians }, (_, i) => (2 * Math.PI * i) / meridians)
    const values = harmonicsOnGrid(lmax, nodes.map(Math.acos), alphas)
    const areas = [...weights].flatMap((w) => alphas.map(() => (w * 2 * Math.PI) / meridians))
    expect(gramError(values, (lmax + 1) ** 2, areas)).toBeLessThan(1e-13)
  })

  it('has the mean squares that each normalization promises', () => {
    for (const l of [1, 5]) {
      const squares = NORMALIZATIONS.map((normalization) =>
        harmonicsOnGrid(l, [0.7], [0.3], { normalization })
          .subarray(l * l)
          .reduce((sum, v) => sum + v * v, 0),
      )
      expect(maxDifference(squares, [(2 * l + 1) / (4 * Math.PI), 2 * l + 1, 1])).toBeLessThan(1e-14)
    }
  })

  it('refuses what it cannot do', () => {
    expect(errorOf(() => harmonicsOnGrid(-1, [0], [0])).code).toBe('ERR_ARGUMENT')
    expect(errorOf(() => harmonicsOnGrid(9, { length: 1e5 }, { length: 1e5 })).code).toBe('ERR_ARGUMENT')
  })
})
