import { rowKey, type StoredRun, type TimedRow } from './bench-file.js'
import { digits, duration } from './format.js'
import { describeProvenance } from './machine.js'
import { isOverlapping } from './timing.js'
import { csv, table, type Column } from './table.js'

/** One thing that two runs have timed. */
export interface ComparedRow extends Omit<TimedRow, 'seconds'> {
  before: TimedRow['seconds']
  after: TimedRow['seconds']
  /** Median after / median before: below 1 where it has become faster. */
  ratio: number
  /** The intervals from p10 to p90 do not overlap. */
  beyondSpread: boolean
}

export interface Against {
  file: string
  provenance: StoredRun['provenance']
  rows: ComparedRow[]
  /** How many rows only one of the runs has. */
  unmatched: { before: number; after: number }
}

/** Lays a run beside an earlier one, row by row, in the order of the later. */
export function compareRuns({ file, provenance, rows: earlier }: StoredRun, later: readonly TimedRow[]): Against {
  const partners = new Map(earlier.map((row) => [rowKey(row), row]))
  const rows = later.flatMap((row): ComparedRow[] => {
    const partner = partners.get(rowKey(row))
    return partner ? [compareRow(partner, row)] : []
  })
  const unmatched = { before: earlier.length - rows.length, after: later.length - rows.length }
  return { file, provenance, rows, unmatched }
}

function compareRow({ seconds: before }: TimedRow, row: TimedRow): ComparedRow {
  const { method, setting, lmax, pass, channels, batch, threads, device, seconds: after } = row
  return {
    ...{ method, setting, lmax, pass, channels, batch, threads, device, before, after },
    ratio: after.median / before.median,
    beyondSpread: !isOverlapping(before, after),
  }
}

/** For people: both machines and builds, the rows, and what has no partner. */
export function describeAgainst(
  { file, provenance, rows, unmatched }: Against,
  now: { name: string; provenance: StoredRun['provenance'] },
): string {
  const run = (name: string, from: StoredRun['provenance']): string =>
    `${name}: ${describeProvenance(from)}, ${from.date}`
  const changed = rows.filter(({ beyondSpread }) => beyondSpread)
  const faster = changed.filter(({ ratio }) => ratio < 1).length
  return [
    `before, ${run(file, provenance)}`,
    `after, ${run(now.name, now.provenance)}`,
    '',
    table(rows, columns),
    `${rows.length} rows compared: ${faster} faster, ${changed.length - faster} slower, the others within the spread.`,
    `Without a partner: ${unmatched.before} rows before, ${unmatched.after} after.`,
    '',
  ].join('\n')
}

export function againstCsv({ rows }: Against): string {
  return csv(rows, plainColumns)
}

function verdict({ beyondSpread, ratio }: ComparedRow): string {
  if (!beyondSpread) return 'within the spread'
  return ratio < 1 ? 'faster' : 'slower'
}

const cellColumns: Column<ComparedRow>[] = [
  { title: 'setting', align: 'left', cell: (row) => row.setting },
  { title: 'lmax', cell: (row) => String(row.lmax) },
  { title: 'method', align: 'left', cell: (row) => row.method },
  { title: 'pass', align: 'left', cell: (row) => row.pass },
  { title: 'channels', cell: (row) => String(row.channels) },
  { title: 'batch', cell: (row) => String(row.batch) },
  { title: 'threads', cell: (row) => String(row.threads) },
  { title: 'device', align: 'left', cell: (row) => row.device },
]

const columns: Column<ComparedRow>[] = [
  ...cellColumns,
  { title: 'before', cell: (row) => duration(row.before.median) },
  { title: 'after', cell: (row) => duration(row.after.median) },
  { title: 'after / before', cell: (row) => digits(row.ratio) },
  { title: '', align: 'left', cell: verdict },
]

const plainColumns: Column<ComparedRow>[] = [
  ...cellColumns,
  { title: 'before_s', cell: (row) => String(row.before.median) },
  { title: 'after_s', cell: (row) => String(row.after.median) },
  { title: 'ratio', cell: (row) => String(row.ratio) },
  { title: 'beyond_spread', cell: (row) => String(row.beyondSpread) },
]
