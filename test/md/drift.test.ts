import { expect, it } from 'vitest'
import { Drift } from '../../lib/md/drift.js'
import { Random } from '../../lib/o3/index.js'

function driftOf(times: readonly number[], values: readonly number[]): Drift {
  const drift = new Drift()
  times.forEach((time, n) => drift.add(time, values[n]))
  return drift
}

it('is the slope of a line, whatever the line begins with', () => {
  const times = Array.from({ length: 1000 }, (_, n) => 0.1 * n)
  // Total energies are ten thousands of eV, of which a drift is a billionth. Values and their mean are rounded at 7e-12.
  const drift = driftOf(
    times,
    times.map((time) => -41_234.5 + 1e-6 * time),
  )
  expect(Math.abs(drift.slope - 1e-6)).toBeLessThan(5e-11)
  expect(drift.mean).toBeCloseTo(-41_234.5 + 1e-6 * 49.95, 9)
})

it('is the slope that normal equations give', () => {
  const random = new Random(1)
  const times = Array.from({ length: 50 }, () => random.normal())
  const values = times.map((time) => 3 - 2 * time + random.normal())
  const sum = (f: (n: number) => number): number => times.reduce((total, _, n) => total + f(n), 0)
  const [n, t, v] = [times.length, sum((n) => times[n]), sum((n) => values[n])]
  const [tt, tv] = [sum((n) => times[n] ** 2), sum((n) => times[n] * values[n])]
  expect(driftOf(times, values).slope).toBeCloseTo((n * tv - t * v) / (n * tt - t * t), 12)
})

it('is no number of fewer than two times', () => {
  expect(driftOf([], []).slope).toBeNaN()
  expect(driftOf([1], [2]).slope).toBeNaN()
  expect(driftOf([1, 1], [2, 3]).slope).toBeNaN()
})
