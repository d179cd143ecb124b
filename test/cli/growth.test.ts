import { expect, test } from 'vitest'
import type { Measurement } from '../../lib/cli/bench-case.js'
import { floor, type FloorName, type Shape } from '../../lib/cli/floors.js'
import { growth, slope, theory } from '../../lib/cli/growth.js'
import type { SettingName } from '../../lib/cli/methods.js'
import { gauntlet } from './capture.js'

/** A row whose every sample takes `seconds`. */
function row(lmax: number, seconds: number, change: Partial<Measurement> = {}): Measurement {
  const batch = change.batch ?? 100 - lmax
  const median = batch * seconds
  return {
    ...{ method: 'grid', setting: 'mimo', lmax, pass: 'forward', channels: 3, threads: 1, device: 'cpu' },
    ...{ paths: 1, outputs: 1, expressivity: 1, error: 0, fractionOfRoofline: 1 },
    ...{ secondsPerOutput: 1, secondsPerDegreeOfFreedom: 1, launchSeconds: 1, beyondLaunchSeconds: 1 },
    seconds: { median, p10: median, p90: median, repetitions: 5 },
    cost: { flops: 1, bytes: 1 },
    floor: { flops: 1, bytes: 1, seconds: 1, boundBy: 'memory' },
    achieved: { flopsPerSecond: 1, bytesPerSecond: 1 },
    ...change,
    batch,
  }
}

const sparse: Partial<Measurement> = { method: 'cg-sparse', setting: 'siso' }

test('the slope is that of the line, and of the best line', () => {
  expect(slope([1, 2, 4], [3, 5, 9])).toBeCloseTo(2, 12)
  // Normal equations by hand: x - mean = -1, 0, 1; sum of (x - mean) y = 3.
  expect(slope([0, 1, 2], [1, 7, 4])).toBeCloseTo(1.5, 12)
})

test('exponents are those of the upper half, per sample, for each series of its own', () => {
  // Cubic from lmax 3 on; what comes before would spoil a fit through all.
  const cubic = [2, 6, 4, 5, 1, 3].map((lmax) => row(lmax, lmax < 3 ? 50 : 0.01 * (lmax + 1) ** 3))
  const square = [0, 1, 2, 3].map((lmax) => row(lmax, lmax === 0 ? 7 : (lmax + 1) ** 2, sparse))
  const few = [1, 2, 3].map((lmax) => row(lmax, lmax, { pass: 'backward' }))
  const fits = growth([...cubic, ...few, ...square], { sameBatch: false })
  expect(fits.map(({ method, setting, lmax, theory }) => ({ method, setting, lmax, theory }))).toEqual([
    { method: 'grid', setting: 'mimo', lmax: [4, 5, 6], theory: 3 },
    { method: 'cg-sparse', setting: 'siso', lmax: [1, 2, 3], theory: 2 },
  ])
  expect(fits[0].exponent).toBeCloseTo(3, 12)
  expect(fits[1].exponent).toBeCloseTo(2, 12)
})

test('a sweep of batches has a fit for each', () => {
  const rows = [10, 20].flatMap((batch) => [1, 2, 3, 4].map((lmax) => row(lmax, (lmax + 1) ** (batch / 10), { batch })))
  const fits = growth(rows, { sameBatch: true })
  expect(fits.map(({ batch, exponent }) => [batch, Math.round(exponent)])).toEqual([
    [10, 1],
    [20, 2],
  ])
})

const SHAPES: Record<SettingName, (lmax: number) => Shape> = {
  siso: (l) => ({ in1: [l], in2: [l], out: [l], paths: [[l, l, l]] }),
  simo: (l) => {
    const out = Array.from({ length: l + 1 }, (_, i) => 2 * i)
    return { in1: [l], in2: [l], out, paths: out.map((l3) => [l, l, l3]) }
  },
  mimo: (lmax) => many(lmax, 2),
  full: (lmax) => many(lmax, 1),
}

/** All l <= lmax in, all l3 of the triangle rule out, in steps of `step`. */
function many(lmax: number, step: number): Shape {
  const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, l) => l)
  const paths: [number, number, number][] = []
  for (const l1 of upTo(lmax)) {
    for (const l2 of upTo(lmax)) for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3 += step) paths.push([l1, l2, l3])
  }
  return { in1: upTo(lmax), in2: upTo(lmax), out: upTo(2 * lmax), paths }
}

test.each<[FloorName, SettingName]>(
  (['dense-kept', 'sparse-kept', 'sparse-summed', 'fourier', 'grid', 'matrix'] as const).flatMap((name) =>
    (['siso', 'simo', 'mimo', 'full'] as const).map((where): [FloorName, SettingName] => [name, where]),
  ),
)('counted operations of %s, %s grow as theory says', (name, where) => {
  // Counts are polynomials of 2 lmax + 1 with lower terms, so at these degrees the slope is near, not at, the limit.
  const degrees = [6, 7, 8]
  const exponent = slope(
    degrees.map((lmax) => Math.log(2 * lmax + 1)),
    degrees.map((lmax) => Math.log(floor(name, SHAPES[where](lmax)).flops)),
  )
  expect(Math.abs(exponent - theory(name, where))).toBeLessThan(0.5)
})

test('bench prints exponents where there are degrees enough, and keeps them in its JSON', async () => {
  const args = ['--settings', 'mimo', '--methods', 'grid', '--channels', '2', '--batch', '3', '--seconds', '0.01']
  const run = async (...more: string[]): Promise<string> =>
    (await gauntlet('bench', ...args, '--device', 'cpu', '--threads', '1', ...more)).out
  expect(await run('--lmax', '0..3')).toMatch(/^mimo +grid +forward +2 +3 +1 +-?\d+\.\d\d +1\.\.3 +3$/m)
  const { growth: fits } = JSON.parse(await run('--lmax', '0..2', '--json')) as { growth: unknown[] }
  expect(fits).toEqual([])
})
