import { describe, expect, it } from 'vitest'
import { harmonics } from '../../lib/o3/harmonics.js'
import { lebedev } from '../../lib/o3/lebedev.js'
import { errorOf } from './helpers.js'

const SIZES = [
  [3, 6],
  [5, 14],
  [7, 26],
  [9, 38],
  [11, 50],
  [15, 86],
  [17, 110],
  [19, 146],
  [21, 170],
  [23, 194],
  [29, 302],
  [31, 350],
  [35, 434],
  [41, 590],
]

/** The integrals of all orthonormal harmonics up to lmax by the rule. */
function integrals({ points, weights }: ReturnType<typeof lebedev>, lmax: number): Float64Array {
  const values = harmonics(lmax, points)
  const sums = new Float64Array((lmax + 1) ** 2)
  values.forEach((value, n) => (sums[n % sums.length] += weights[Math.floor(n / sums.length)] * value))
  return sums
}

describe.each(SIZES)('lebedev(%i)', (degree, count) => {
  const rule = lebedev(degree)

  it('has distinct points on the sphere and positive weights', () => {
    expect([rule.degree, rule.weights.length, rule.points.length]).toEqual([degree, count, 3 * count])
    expect(rule.weights.every((w) => w > 0)).toBe(true)
    const keys = new Set<string>()
    for (let i = 0; i < count; i++) {
      const [x, y, z] = rule.points.subarray(3 * i)
      expect(Math.abs(x * x + y * y + z * z - 1)).toBeLessThan(1e-15)
      keys.add([x, y, z].map((v) => Math.round(v * 1e9)).join())
    }
    expect(keys.size).toBe(count)
  })

  it('integrates every harmonic up to its degree, and not the next', () => {
    const sums = integrals(rule, degree + 1)
    const exact = sums.subarray(0, (degree + 1) ** 2)
    // Hundreds of rounded terms are added.
    expect(Math.abs(exact[0] - Math.sqrt(4 * Math.PI))).toBeLessThan(1e-13)
    expect(Math.max(...exact.subarray(1).map(Math.abs))).toBeLessThan(1e-13)
    expect(Math.max(...sums.subarray((degree + 1) ** 2).map(Math.abs))).toBeGreaterThan(1e-3)
  })
})

describe('lebedev', () => {
  it('picks the smallest rule that suffices', () => {
    expect([0, 1, 3, 4, 12, 13, 14, 24, 25, 27, 36, 41].map((precision) => lebedev(precision).degree)).toEqual([
      3, 3, 3, 5, 15, 15, 15, 29, 29, 29, 41, 41,
    ])
  })

  it('integrates what it was not built on: exp(x . k)', () => {
    const { points, weights } = lebedev(41)
    const k = [1.1, -0.7, 1.9]
    const length = Math.hypot(...k)
    const sum = weights.reduce(
      (total, w, i) => total + w * Math.exp(k.reduce((dot, v, j) => dot + v * points[3 * i + j], 0)),
      0,
    )
    expect(Math.abs(sum / ((4 * Math.PI * Math.sinh(length)) / length) - 1)).toBeLessThan(1e-14)
  })

  it('hands out copies', () => {
    lebedev(7).points.fill(7)
    expect(lebedev(7).points.includes(7)).toBe(false)
  })

  it.each([-1, 42, 3.5, NaN, Infinity, '3', undefined])('refuses %s', (precision) => {
    expect(errorOf(() => lebedev(precision as number)).code).toBe('ERR_ARGUMENT')
  })
})
