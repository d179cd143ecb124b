import { digits, duration, percent, quantity, scientific } from '../format.js'
import { nanoseconds } from './bench-charts.js'
import type { Html } from './html.js'
import type { ReportGrowth, ReportRow, ReportRun } from './run.js'
import { sortableTable, type SortableColumn } from './sortable.js'
import { groupBy } from './views.js'

/** Every row of the run. */
export function rowTable(rows: readonly ReportRow[]): Html {
  const launches = rows.every(({ launchSeconds }) => launchSeconds !== undefined)
  const timings = launches ? [...timingColumns, launch] : timingColumns
  // Columns that tell rows of one case apart stand beside it, those that are the same throughout, or follow from lmax, behind.
  const cases = groupBy(rows, (row) => caseColumns.map(({ value }) => value(row)))
  const tells = ({ value }: SortableColumn<ReportRow>): boolean =>
    cases.some((some) => some.some((row) => value(row) !== value(some[0])))
  const telling = runColumns.filter(tells)
  const others = runColumns.filter((column) => !telling.includes(column))
  return sortableTable('rows', rows, [...caseColumns, ...telling, ...timings, ...others, error])
}

/** How times grow with lmax, where enough degrees were timed. */
export function growthTable(growth: ReportRun['growth']): Html {
  return sortableTable('growth', growth, growthColumns)
}

const launch: SortableColumn<ReportRow> = {
  title: 'launch',
  value: (row) => row.launchSeconds ?? 0,
  text: (row) => duration(row.launchSeconds ?? 0),
}

// Titles are those of `gauntlet bench`.

const caseColumns: SortableColumn<ReportRow>[] = [
  { title: 'setting', value: (row) => row.setting },
  { title: 'lmax', value: (row) => row.lmax },
  { title: 'method', value: (row) => row.method },
]

const runColumns: SortableColumn<ReportRow>[] = [
  { title: 'pass', value: (row) => row.pass },
  { title: 'channels', value: (row) => row.channels },
  { title: 'batch', value: (row) => row.batch },
  { title: 'threads', value: (row) => row.threads },
  { title: 'device', value: (row) => row.device },
]

const timingColumns: SortableColumn<ReportRow>[] = [
  figure('ns/channel', nanoseconds),
  { title: 'expressivity', value: (row) => row.expressivity },
  figure('ns/dof', (row) => nanoseconds(row) / row.expressivity),
  {
    title: 'of roofline',
    value: (row) => row.floor.seconds / row.seconds.median,
    text: (row) => percent(row.floor.seconds / row.seconds.median),
  },
  rate('flop/s', (row) => row.floor.flops / row.seconds.median),
  rate('B/s', (row) => row.floor.bytes / row.seconds.median),
  { title: 'paths', value: (row) => row.paths },
  { title: 'outputs', value: (row) => row.outputs },
  { title: 'median', value: (row) => row.seconds.median, text: (row) => duration(row.seconds.median) },
  { title: 'p10', value: (row) => row.seconds.p10, text: (row) => duration(row.seconds.p10) },
  { title: 'p90', value: (row) => row.seconds.p90, text: (row) => duration(row.seconds.p90) },
]

const error: SortableColumn<ReportRow> = {
  title: 'error',
  value: (row) => row.error,
  text: (row) => scientific(row.error),
}

const growthColumns: SortableColumn<ReportGrowth>[] = [
  { title: 'setting', value: (fit) => fit.setting },
  { title: 'method', value: (fit) => fit.method },
  { title: 'pass', value: (fit) => fit.pass },
  { title: 'channels', value: (fit) => fit.channels },
  { title: 'batch', value: (fit) => fit.batch ?? 0, text: (fit) => `${fit.batch ?? 'usual'}` },
  { title: 'threads', value: (fit) => fit.threads },
  { title: 'device', value: (fit) => fit.device },
  { title: 'exponent', value: (fit) => fit.exponent, text: (fit) => fit.exponent.toFixed(2) },
  { title: 'theory', value: (fit) => fit.theory },
  {
    title: 'from lmax',
    value: (fit) => Math.min(...fit.lmax),
  },
  { title: 'to lmax', value: (fit) => Math.max(...fit.lmax) },
]

function figure(title: string, value: (row: ReportRow) => number): SortableColumn<ReportRow> {
  return { title, value, text: (row) => digits(value(row)) }
}

function rate(title: string, value: (row: ReportRow) => number): SortableColumn<ReportRow> {
  return { title, value, text: (row) => quantity(value(row), '') }
}
