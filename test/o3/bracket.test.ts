import { describe, expect, it, test } from 'vitest'
import { bracketCoefficients } from '../../lib/o3/bracket.js'
import { harmonicsOnGrid } from '../../lib/o3/harmonics.js'
import { legendre, legendreSlopes } from '../../lib/o3/legendre.js'
import { gaussLegendre } from '../../lib/o3/quadrature.js'
import { wigner3j } from '../../lib/o3/wigner.js'
import { errorOf, maxDifference } from './helpers.js'

const LMAX = 10
const SIZE = (LMAX + 1) ** 2

/**
 * The derivative of a trigonometric polynomial of degree n, exactly, from values alone: M. Riesz's interpolation formula,
 * f'(x) = sum over k = 1..2n of (-1)^(k+1) f(x + t_k) / (4n sin^2(t_k / 2)), t_k = (2k-1) pi / 2n.
 */
function riesz(n: number, f: (shift: number) => Float64Array): Float64Array {
  const sum = new Float64Array(SIZE)
  for (let k = 1; k <= 2 * n; k++) {
    const shift = ((2 * k - 1) * Math.PI) / (2 * n)
    const factor = (k % 2 === 1 ? 1 : -1) / (4 * n * Math.sin(shift / 2) ** 2)
    for (const [i, value] of f(shift).entries()) sum[i] += factor * value
  }
  return sum
}

/** Harmonics and their derivatives along the two unit vectors, with weights, on a grid that integrates degree 3 LMAX. */
function sphere() {
  const { nodes, weights } = gaussLegendre(16)
  const meridians = 3 * LMAX + 1
  return [...nodes].flatMap((x, ring) =>
    Array.from({ length: meridians }, (_, j) => {
      const [beta, alpha] = [Math.acos(x), (2 * Math.PI * j) / meridians]
      return {
        weight: (weights[ring] * 2 * Math.PI) / meridians,
        values: harmonicsOnGrid(LMAX, [beta], [alpha]),
        polar: riesz(LMAX, (shift) => harmonicsOnGrid(LMAX, [beta + shift], [alpha])),
        azimuthal: riesz(LMAX, (shift) => harmonicsOnGrid(LMAX, [beta], [alpha + shift])).map(
          (value) => value / Math.sin(beta),
        ),
      }
    }),
  )
}

describe('bracketCoefficients', () => {
  it('are the integrals of {Y1, Y2} Y3 for all degrees to 10', { timeout: 60_000 }, () => {
    const points = sphere()
    const third = Float64Array.from(points.flatMap(({ weight, values }) => [...values].map((value) => weight * value)))
    const bracket = new Float64Array(points.length)
    const integrals = new Float64Array(SIZE)
    for (let l1 = 0; l1 <= LMAX; l1++) {
      for (let l2 = l1; l2 <= LMAX; l2++) {
        const wanted = Array.from({ length: LMAX + 1 }, (_, l3) => bracketCoefficients(l1, l2, l3))
        const errors: number[] = []
        for (let i = 0; i < 2 * l1 + 1; i++) {
          for (let j = 0; j < 2 * l2 + 1; j++) {
            const [a, b] = [l1 * l1 + i, l2 * l2 + j]
            integrals.fill(0)
            for (const [n, { polar, azimuthal }] of points.entries()) {
              bracket[n] = polar[a] * azimuthal[b] - azimuthal[a] * polar[b]
              for (let k = 0; k < SIZE; k++) integrals[k] += bracket[n] * third[n * SIZE + k]
            }
            for (let l3 = 0; l3 <= LMAX; l3++) {
              const width = 2 * l3 + 1
              const block = wanted[l3].subarray((i * (2 * l2 + 1) + j) * width, (i * (2 * l2 + 1) + j + 1) * width)
              errors.push(maxDifference(integrals.subarray(l3 * l3, l3 * l3 + width), block))
            }
          }
        }
        // Brackets are of the size of l1 l2, and sums of some hundred rounded terms.
        expect(Math.max(...errors)).toBeLessThan(1e-11)
      }
    }
  })

  it('lose no odd path to l = 10 and have no even one', () => {
    let odd = 0
    for (let l1 = 0; l1 <= LMAX; l1++) {
      for (let l2 = 0; l2 <= LMAX; l2++) {
        for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3++) {
          const size = Math.hypot(...bracketCoefficients(l1, l2, l3))
          if ((l1 + l2 + l3) % 2 === 0) {
            expect(size).toBe(0)
          } else {
            odd++
            expect(size).toBeGreaterThan(1)
          }
        }
      }
    }
    // Of the triples of a pair, l2 >= l1 say, every second one is odd: l1 of them.
    expect(odd).toBe([...Array(121).keys()].reduce((sum, n) => sum + Math.min(n % 11, Math.floor(n / 11)), 0))
  })

  it('are 3j(l1 l2 l3; 1 -1 0) times wigner3j', () => {
    for (const [l1, l2, l3] of [
      [1, 1, 1],
      [2, 3, 4],
      [5, 5, 9],
      [7, 10, 4],
      [20, 30, 41],
      [100, 101, 102],
    ]) {
      const w = wigner3j(l1, l2, l3)
      const [n2, n3] = [2 * l2 + 1, 2 * l3 + 1]
      // Real components (+1, -1, 0) hold the complex symbol (1, -1, 0).
      const symbol = w[((l1 + 1) * n2 + l2 - 1) * n3 + l3]
      const constant = Math.sqrt((l1 * (l1 + 1) * l2 * (l2 + 1) * (2 * l1 + 1) * n2 * n3) / (4 * Math.PI)) * symbol
      const wanted = w.map((value) => constant * value)
      const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
      expect(maxDifference(bracketCoefficients(l1, l2, l3), wanted) / scale).toBeLessThan(1e-14)
    }
  })

  it('are the cross product for vectors', () => {
    const leviCivita = (n: number): number => {
      const [i, j, k] = [Math.floor(n / 9), Math.floor(n / 3) % 3, n % 3]
      return ((i - j) * (j - k) * (k - i)) / 2
    }
    const wanted = Float64Array.from({ length: 27 }, (_, n) => Math.sqrt(3 / (4 * Math.PI)) * leviCivita(n))
    expect(maxDifference(bracketCoefficients(1, 1, 1), wanted)).toBeLessThan(1e-15)
  })

  it.each([
    [-1, 1, 1],
    [1, 0.5, 1],
    [1, 1, 256],
  ])('refuse (%s, %s, %s)', (l1, l2, l3) => {
    expect(errorOf(() => bracketCoefficients(l1, l2, l3)).code).toBe('ERR_ARGUMENT')
  })
})

describe('legendreSlopes', () => {
  test('are derivatives by the polar angle, at the poles too', () => {
    const lmax = 9
    for (const beta of [0, 1e-9, 0.4, Math.PI / 2, 2.9, Math.PI]) {
      const slopes = legendreSlopes(lmax, Math.cos(beta))
      // On the whole circle harmonics are L_lm cos(m alpha) sqrt(2) at azimuth 0, so L_lm for m = 0.
      const derivative = riesz(lmax, (shift) => harmonicsOnGrid(lmax, [beta + shift], [0]))
      for (let l = 0; l <= lmax; l++) {
        for (let m = 0; m <= l; m++) {
          const wanted = derivative[l * l + l + m] / (m === 0 ? 1 : Math.SQRT2)
          // sin(acos(cos beta)) loses half the digits at 1e-9; elsewhere both are good to rounding.
          expect(Math.abs(slopes[(l * (l + 1)) / 2 + m] - wanted)).toBeLessThan(beta === 1e-9 ? 1e-6 : 1e-12)
        }
      }
    }
  })

  test('vanish at the equator where the function is even about it, exactly', () => {
    const slopes = legendreSlopes(8, 0)
    for (let l = 0; l <= 8; l++) {
      for (let m = l % 2; m <= l; m += 2) expect(Math.abs(slopes[(l * (l + 1)) / 2 + m])).toBe(0)
    }
  })

  test('rows of several points', () => {
    const both = legendreSlopes(4, [0.3, -0.8])
    expect(both).toEqual(Float64Array.from([...legendreSlopes(4, 0.3), ...legendreSlopes(4, -0.8)]))
    expect(legendre(4, 0.3)).toHaveLength(15)
  })

  test.each([
    [1.5, 0],
    [2, 1.01],
  ])('refuse (%s, %s)', (lmax, x) => {
    expect(errorOf(() => legendreSlopes(lmax, x)).code).toBe('ERR_ARGUMENT')
  })
})
