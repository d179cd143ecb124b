import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { digits, duration, percent, quantity } from '../format.js'
import { METHOD_NAMES, type SettingName } from '../methods.js'
import { type Curve, drawCurves, type Point } from './curves.js'
import { type Axis, degreeAxis, type Frame, logAxis, timeAxis } from './frame.js'
import type { ReportRow, ReportRun } from './run.js'

/** Pixels below a point that its note takes. */
const NOTE_HEIGHT = 22

/** Time of one channel of one sample, in nanoseconds. */
export function nanoseconds({ seconds, batch, channels }: ReportRow, of: 'median' | 'p10' | 'p90' = 'median'): number {
  return (1e9 * seconds[of]) / (batch * channels)
}

/** Rows that no other beats: none reaches as many dimensions in less time, or more in the same. */
export function paretoFront(rows: readonly ReportRow[]): Set<ReportRow> {
  const beats = (a: ReportRow, b: ReportRow): boolean => {
    const [quicker, wider] = [nanoseconds(b) - nanoseconds(a), a.expressivity - b.expressivity]
    return quicker >= 0 && wider >= 0 && (quicker > 0 || wider > 0)
  }
  return new Set(rows.filter((row) => !rows.some((other) => beats(other, row))))
}

/** Time against expressivity: what is paid for what is got. */
export function tradeOffChart(setting: SettingName, rows: readonly ReportRow[], size: Frame): TopLevelSpec {
  const front = paretoFront(rows)
  return drawCurves(
    {
      about: `Time per channel and sample against dimensions of maps that one channel reaches, ${setting}, log-log.`,
      x: logAxis(
        'expressivity of one channel',
        rows.map(({ expressivity }) => expressivity),
      ),
      y: times(rows, NOTE_HEIGHT / size.height),
      curves: curvesOf(rows, (row) => ({
        x: row.expressivity,
        y: nanoseconds(row),
        full: front.has(row),
        ...(front.has(row) && { note: `${row.lmax}` }),
      })),
      names: 'ends',
    },
    size,
  )
}

/** Time against lmax, with bars from the first to the last decile. */
export function timeChart(setting: SettingName, rows: readonly ReportRow[], size: Frame): TopLevelSpec {
  return drawCurves(
    {
      about: `Time per channel and sample against lmax, ${setting}, log-log.`,
      x: degreeAxis(rows.map(({ lmax }) => lmax)),
      y: times(rows),
      curves: curvesOf(rows, (row) => ({
        x: row.lmax + 1,
        y: nanoseconds(row),
        spread: { low: nanoseconds(row, 'p10'), high: nanoseconds(row, 'p90') },
        full: true,
      })),
      names: 'margin',
    },
    size,
  )
}

/** The rate at which needed operations are done, against how many there are for each byte; above it what the machine allows. */
export function rooflineChart(
  setting: SettingName,
  rows: readonly ReportRow[],
  { peakFlops, bandwidth }: ReportRun['rates'][number],
  size: Frame,
): TopLevelSpec {
  const giga = 1e-9
  const ridge = peakFlops / bandwidth
  const intensity = ({ floor }: ReportRow): number => floor.flops / floor.bytes
  const rate = ({ floor, seconds }: ReportRow): number => (giga * floor.flops) / seconds.median
  const x = logAxis('needed operations per byte', [...rows.map(intensity), ridge / 2, 2 * ridge])
  const y = logAxis('Gflop/s', [...rows.map(rate), 1.2 * giga * peakFlops])
  const [left, right] = x.domain
  // The roof begins where it enters the frame.
  const first = Math.max(left, y.domain[0] / (giga * bandwidth))
  const peak = giga * peakFlops
  return drawCurves(
    {
      about: `Rate of needed operations against operations per byte, ${setting}, log-log, under the roofline.`,
      ...{ x, y },
      curves: curvesOf(rows, (row) => ({ x: intensity(row), y: rate(row), full: true })),
      names: 'margin',
      guide: {
        points: [
          { x: first, y: giga * bandwidth * first },
          { x: ridge, y: peak },
          { x: right, y: peak },
        ],
        words: { x: ridge, y: peak, text: `${quantity(bandwidth, 'B/s')}, ${quantity(peakFlops, 'flop/s')}` },
      },
    },
    size,
  )
}

/** `free`: the part of the height that is left for notes below the lowest point. */
function times(rows: readonly ReportRow[], free = 0): Axis {
  const values = rows.flatMap((row) => [nanoseconds(row, 'p10'), nanoseconds(row, 'p90')])
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return timeAxis('time per channel and sample', [low * (low / high) ** free, high])
}

function curvesOf(rows: readonly ReportRow[], place: (row: ReportRow) => Omit<Point, 'about'>): Curve[] {
  const present = METHOD_NAMES.filter((name) => rows.some(({ method }) => method === name))
  return present.map((name) => {
    const own = rows.filter(({ method }) => method === name).sort((a, b) => a.lmax - b.lmax)
    return { name, points: own.map((row) => ({ ...place(row), about: describeRow(row) })) }
  })
}

function describeRow(row: ReportRow): string {
  const rate = quantity(row.floor.flops / row.seconds.median, 'flop/s')
  return [
    `${row.method}, ${row.setting}, lmax ${row.lmax}`,
    `${digits(nanoseconds(row))} ns per channel and sample`,
    `${duration(row.seconds.median)} for a batch of ${row.batch}`,
    `expressivity ${row.expressivity}`,
    `${rate}, ${percent(row.floor.seconds / row.seconds.median)} of the roofline`,
  ].join('\n')
}
