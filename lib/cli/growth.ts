import type { Measurement } from './bench-case.js'
import type { FloorName } from './floors.js'
import { METHODS, type SettingName } from './methods.js'
import { table } from './table.js'

type Series = Pick<Measurement, 'method' | 'setting' | 'pass' | 'channels' | 'threads' | 'device'>

/** How the time of one sample grows with lmax: as (lmax + 1)^exponent. */
export interface Growth extends Series {
  /** Where it is the same at every lmax. */
  batch?: number
  exponent: number
  /** The degrees it is fitted to. */
  lmax: number[]
  /** The exponent of the operations as lmax grows without end. */
  theory: number
}

/** Below this, half of the degrees say nothing of a slope. */
const LEAST_DEGREES = 4

/**
 * Operations of each way of computing a product grow as lmax to this power. Clebsch-Gordan coefficients of one (l1, l2, l3) fill a
 * cube when dense, and a plane (m3 = +-m1 +-m2) when sparse; there are 1, lmax and lmax^3 such triples. A convolution of
 * Fourier coefficients, Fourier sums on a grid and the product of two matrices have the size of the largest degree in every setting.
 */
const THEORY: Record<FloorName, Record<SettingName, number>> = {
  'dense-kept': { siso: 3, simo: 4, mimo: 6, full: 6 },
  'sparse-kept': { siso: 2, simo: 3, mimo: 5, full: 5 },
  'sparse-summed': { siso: 2, simo: 3, mimo: 5, full: 5 },
  fourier: { siso: 4, simo: 4, mimo: 4, full: 4 },
  grid: { siso: 3, simo: 3, mimo: 3, full: 3 },
  matrix: { siso: 3, simo: 3, mimo: 3, full: 3 },
}

/** What theory says of a method whose floor is of this kind. */
export function theory(floor: FloorName, setting: SettingName): number {
  return THEORY[floor][setting]
}

/**
 * The slope of log(time of one sample) against log(lmax + 1) by least squares, for every method, setting, pass and size that has at
 * least four degrees. lmax + 1, because sizes are its powers (the inputs of `mimo` have (lmax + 1)^2 numbers) and lmax may be 0.
 * Fitted is the upper half of the degrees, three at least: where lmax is small, memory and calls take the time.
 */
export function growth(rows: readonly Measurement[], { sameBatch }: { sameBatch: boolean }): Growth[] {
  const series = new Map<string, { of: Series & { batch?: number }; rows: Measurement[] }>()
  for (const row of rows) {
    const { method, setting, pass, channels, threads, device, batch } = row
    const of = { method, setting, pass, channels, threads, device, ...(sameBatch ? { batch } : {}) }
    const key = JSON.stringify(of)
    const found = series.get(key)
    if (found) found.rows.push(row)
    else series.set(key, { of, rows: [row] })
  }
  return [...series.values()].flatMap(({ of, rows }): Growth[] => {
    if (rows.length < LEAST_DEGREES) return []
    const sorted = [...rows].sort((a, b) => a.lmax - b.lmax)
    const upper = sorted.slice(-Math.max(3, Math.ceil(sorted.length / 2)))
    const exponent = slope(
      upper.map(({ lmax }) => Math.log(lmax + 1)),
      upper.map(({ seconds, batch }) => Math.log(seconds.median / batch)),
    )
    return [
      { ...of, exponent, lmax: upper.map(({ lmax }) => lmax), theory: theory(METHODS[of.method].floor, of.setting) },
    ]
  })
}

/** Of the straight line with the least squares of y - line(x). */
export function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(x), mean(y)]
  const covariance = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i] - meanY), 0)
  return covariance / x.reduce((sum, value) => sum + (value - meanX) ** 2, 0)
}

export function growthTable(fits: readonly Growth[]): string {
  return table(fits, [
    { title: 'setting', align: 'left', cell: ({ setting }) => setting },
    { title: 'method', align: 'left', cell: ({ method }) => method },
    { title: 'pass', align: 'left', cell: ({ pass }) => pass },
    { title: 'channels', cell: ({ channels }) => `${channels}` },
    { title: 'batch', cell: ({ batch }) => `${batch ?? 'usual'}` },
    { title: 'threads', cell: ({ threads }) => `${threads}` },
    { title: 'time ~ (lmax + 1)^', cell: ({ exponent }) => exponent.toFixed(2) },
    { title: 'lmax', align: 'left', cell: ({ lmax }) => `${lmax[0]}..${lmax.at(-1)}` },
    { title: 'theory', cell: (fit) => `${fit.theory}` },
  ])
}
