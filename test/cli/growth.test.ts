import { expect, test } from 'vitest'
import type { Measurement } from '../../lib/cli/bench-case.js'
import { fitGrowth } from '../../lib/cli/growth.js'

/** Rows of a method whose time follows a law. */
function rows(method: Measurement['method'], degrees: number[], law: (lmax: number) => number): Measurement[] {
  return degrees.map((lmax) => {
    const [batch, median] = [100 - lmax, law(lmax) * (100 - lmax)]
    return { method, setting: 'mimo', pass: 'forward', channels: 64, lmax, batch, seconds: { median } } as Measurement
  })
}

test('the exponent is that of the upper half of the degrees', () => {
  // What does not grow with lmax hides the power where products are small.
  const degrees = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  const law = (lmax: number): number => (lmax < 6 ? 1 : 1e-3 * (lmax + 1) ** 3)
  const [fit, ...rest] = fitGrowth(rows('grid', degrees.toReversed(), law))
  expect(rest).toEqual([])
  expect(fit).toMatchObject({
    method: 'grid',
    setting: 'mimo',
    pass: 'forward',
    channels: 64,
    from: 6,
    to: 10,
    theory: 3,
  })
  expect(fit.exponent).toBeCloseTo(3, 10)
})

test('four degrees are needed, and methods are fitted apart', () => {
  expect(fitGrowth(rows('grid', [2, 4, 6], (lmax) => lmax))).toEqual([])
  const both = [
    ...rows('cg-sparse', [1, 2, 3, 4], (l) => (l + 1) ** 5),
    ...rows('cg-dense', [1, 2, 3, 4], (l) => (l + 1) ** 6),
  ]
  expect(fitGrowth(both).map(({ exponent }) => Math.round(1e9 * exponent) / 1e9)).toEqual([5, 6])
})
