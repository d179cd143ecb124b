import type { Measurement } from './bench-case.js'
import type { MethodName } from './methods.js'
import type { PassName } from './passes.js'

/** How the time of a method grows with lmax: seconds ~ (lmax + 1)^exponent. */
export interface Growth {
  setting: string
  method: MethodName
  pass: PassName
  channels: number
  exponent: number
  /** The degrees that were fitted. */
  from: number
  to: number
  /** Of the number of operations, for many degrees in and out; with one degree in, fewer. */
  theory: number
}

/** Of operations, where all degrees up to lmax go in and come out. */
const THEORY: Record<MethodName, number> = {
  'cg-dense': 6,
  'cg-sparse': 5,
  'gaunt-sparse': 5,
  'vector-sparse': 5,
  fourier: 4,
  grid: 3,
  'grid-large': 3,
  vector: 3,
  matrix: 3,
}

/** Degrees that a fit takes at least. */
const LEAST = 4

/**
 * The slope of log(seconds per sample) over log(lmax + 1), least squares, of the upper half of the degrees (four at least): where
 * products are small, calls and memory take what does not grow. lmax + 1, since an operand has (lmax + 1)^2 components. Settings
 * with one degree in have other powers, and no theory is held against them.
 */
export function fitGrowth(rows: readonly Measurement[]): Growth[] {
  const series = new Map<string, Measurement[]>()
  for (const row of rows) {
    if (row.setting === 'siso' || row.setting === 'simo') continue
    const key = [row.setting, row.method, row.pass, row.channels].join()
    series.set(key, [...(series.get(key) ?? []), row])
  }
  return [...series.values()].flatMap((some) => {
    const sorted = some.toSorted((a, b) => a.lmax - b.lmax)
    const used = sorted.slice(Math.min(Math.floor(sorted.length / 2), sorted.length - LEAST))
    if (sorted.length < LEAST || new Set(used.map(({ lmax }) => lmax)).size < LEAST) return []
    const { setting, method, pass, channels } = used[0]
    const points = used.map(
      ({ lmax, seconds, batch }) => [Math.log(lmax + 1), Math.log(seconds.median / batch)] as const,
    )
    const range = { from: used[0].lmax, to: used.at(-1)!.lmax }
    return [{ setting, method, pass, channels, exponent: slope(points), ...range, theory: THEORY[method] }]
  })
}

function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length
  const [x0, y0] = [mean(0), mean(1)]
  const [above, below] = points.reduce(([xy, xx], [x, y]) => [xy + (x - x0) * (y - y0), xx + (x - x0) ** 2], [0, 0])
  return above / below
}
