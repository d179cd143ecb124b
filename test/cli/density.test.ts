import { expect, test } from 'vitest'
import { density, densityIrreps } from '../../lib/cli/density.js'
import type { Structure } from '../../lib/structures/index.js'

const at = (...positions: number[]): Structure => ({
  numbers: new Uint8Array(positions.length / 3).fill(1),
  positions: Float64Array.from(positions),
  pbc: [false, false, false],
})
const near = (value: number): unknown => expect.closeTo(value, 12)
const options = { lmax: 2, channels: 3, cutoff: 4 }

test('the density of a pair is one radial function times the harmonics of its axis', () => {
  const { values, pairs } = density(at(0, 0, 0, 0, 2, 0), options)
  expect(densityIrreps(options).toString()).toBe('3x0e+3x1o+3x2e')
  expect(pairs).toBe(2)
  // sqrt(2/4) sin((c+1) pi / 2) / 2 with the polynomial 1 - 28 x^6 + 48 x^7 - 21 x^8 at x = 1/2.
  const f = 1 - 28 / 2 ** 6 + 48 / 2 ** 7 - 21 / 2 ** 8
  const radial = [1, 0, -1].map((sine) => (Math.sqrt(0.5) / 2) * sine * f)
  const first = values.subarray(0, 27)
  const second = values.subarray(27)
  // Along the polar axis only m = 0 is left, sqrt(2l+1) in component normalization; the other atom sees the opposite direction.
  for (const [c, r] of radial.entries()) {
    expect(first[c]).toBeCloseTo(r, 12)
    expect([...second.subarray(3 + 3 * c, 6 + 3 * c)]).toEqual([0, 1, 0].map((y) => near(y * Math.sqrt(3) * r)))
    expect([...first.subarray(3 + 3 * c, 6 + 3 * c)]).toEqual([0, -1, 0].map((y) => near(y * Math.sqrt(3) * r)))
    expect([...first.subarray(12 + 5 * c, 17 + 5 * c)]).toEqual([0, 0, 1, 0, 0].map((y) => near(y * Math.sqrt(5) * r)))
  }
})

test('neighbours are summed, and fade out smoothly at the cutoff', () => {
  const line = density(at(0, 0, 0, 0, 2, 0, 0, -2, 0), options).values
  const pair = density(at(0, 0, 0, 0, 2, 0), options).values
  expect(line[0]).toBeCloseTo(2 * pair[0], 12)
  expect(line[4]).toBeCloseTo(0, 12)
  const near = density(at(0, 0, 0, 0, 4 - 1e-3, 0), options).values
  expect(Math.abs(near[0])).toBeLessThan(1e-9) // as the fourth power of what is left: (1e-3)^3 of the envelope, 1e-3 of the sine
})
