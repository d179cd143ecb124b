import type { Measurement } from './bench-case.js'
import { againstCsv, compareRuns, describeAgainst } from './against.js'
import type { StoredRun } from './bench-file.js'
import type { Io } from './command.js'
import { digits, duration, percent, quantity, scientific } from './format.js'
import { type Growth, growthTable } from './growth.js'
import { describeProvenance, type Provenance } from './machine.js'
import { describePublished, publishedCsv, type PublishedStudy } from './published.js'
import { csv, table, type Column } from './table.js'

/** What the machine can do at best. */
export interface Rates {
  /** Of the CPU. */
  threads: number
  peakFlops: number
  bandwidth: number
  source: 'measured' | 'data sheet'
}

/** A benchmark, as `--json` writes it. */
export interface BenchRun {
  provenance: Provenance
  /** One for each number of threads. */
  rates: Rates[]
  rows: Measurement[]
  growth: Growth[]
  /** Where it was asked for. */
  published?: PublishedStudy | undefined
}

export interface Format {
  json: boolean
  /** Every column of the table. */
  wide: boolean
  csv: boolean
}

/** Writes a run, and how it compares with an earlier one where there is one. */
export function reportRun(io: Io, format: Format, run: BenchRun, earlier?: StoredRun): void {
  const { provenance, rates, rows, growth, published } = run
  const against = earlier && compareRuns(earlier, rows)
  if (format.json) {
    io.out(`${JSON.stringify({ ...run, against }, null, 2)}\n`)
  } else if (format.csv) {
    if (against) io.out(againstCsv(against))
    else io.out(published ? publishedCsv(published) : csv(rows, plainColumns))
  } else {
    const peaks = rates.map(({ threads, peakFlops, bandwidth, source }) => {
      const where = source === 'measured' ? `, ${threads} thread(s)` : ''
      return `at best ${quantity(peakFlops, 'flop/s')}, ${quantity(bandwidth, 'B/s')} (${source}${where})\n`
    })
    io.out(`${describeProvenance(provenance)}\n${peaks.join('')}\n${table(rows, format.wide ? wideColumns : columns)}`)
    if (growth.length > 0) io.out(`\n${growthTable(growth)}`)
    if (published) io.out(`\n${describePublished(published)}`)
    if (against) io.out(`\n${describeAgainst(against, { name: 'this run', provenance })}`)
  }
}

/** Writes how two earlier runs compare. */
export function reportAgainst(io: Io, format: Format, earlier: StoredRun, later: StoredRun): void {
  const against = compareRuns(earlier, later.rows)
  const { file, provenance } = later
  if (format.json) io.out(`${JSON.stringify({ file, provenance, against }, null, 2)}\n`)
  else if (format.csv) io.out(againstCsv(against))
  else io.out(describeAgainst(against, { name: file, provenance }))
}

/** `+12%` */
function change(value: number, base: number): string {
  const points = Math.round(100 * (value / base - 1))
  return `${points < 0 ? '' : '+'}${points}%`
}

/** For people: what was timed, and what is compared. */
const columns: Column<Measurement>[] = [
  { title: 'setting', align: 'left', cell: (row) => row.setting },
  { title: 'lmax', cell: (row) => `${row.lmax}` },
  { title: 'method', align: 'left', cell: (row) => row.method },
  { title: 'pass', align: 'left', cell: (row) => row.pass },
  { title: 'paths', cell: (row) => `${row.paths}` },
  { title: 'batch', cell: (row) => `${row.batch}` },
  { title: 'channels', cell: (row) => `${row.channels}` },
  { title: 'threads', cell: (row) => `${row.threads}` },
  { title: 'outputs', cell: (row) => `${row.outputs}` },
  { title: 'expressivity', cell: (row) => `${row.expressivity}` },
  { title: 'median', cell: (row) => duration(row.seconds.median) },
  {
    title: 'p10 .. p90',
    cell: ({ seconds: { p10, median, p90 } }) => `${change(p10, median)} .. ${change(p90, median)}`,
  },
  { title: 'launch', cell: (row) => duration(row.launchSeconds) },
  { title: 'ns/channel', cell: (row) => digits((1e9 * row.seconds.median) / (row.batch * row.channels)) },
  { title: 'ns/dof', cell: (row) => digits(1e9 * row.secondsPerDegreeOfFreedom) },
  { title: 'of roofline', cell: (row) => percent(row.fractionOfRoofline) },
]

/** The rest, for `--wide`. */
const wideColumns: Column<Measurement>[] = [
  ...columns,
  { title: 'ns/output', cell: (row) => digits(1e9 * row.secondsPerOutput) },
  { title: 'flops', cell: (row) => quantity(row.cost.flops, '') },
  { title: 'bytes', cell: (row) => quantity(row.cost.bytes, 'B') },
  { title: 'floor', cell: (row) => duration(row.floor.seconds) },
  { title: 'bound by', align: 'left', cell: (row) => row.floor.boundBy },
  { title: 'flop/s', cell: (row) => quantity(row.achieved.flopsPerSecond, '') },
  { title: 'B/s', cell: (row) => quantity(row.achieved.bytesPerSecond, '') },
  { title: 'error', cell: (row) => scientific(row.error) },
]

/** For programs: base units, all digits. */
const plainColumns: Column<Measurement>[] = [
  { title: 'setting', cell: (row) => row.setting },
  { title: 'lmax', cell: (row) => String(row.lmax) },
  { title: 'method', cell: (row) => row.method },
  { title: 'pass', cell: (row) => row.pass },
  { title: 'channels', cell: (row) => String(row.channels) },
  { title: 'batch', cell: (row) => String(row.batch) },
  { title: 'threads', cell: (row) => String(row.threads) },
  { title: 'device', cell: (row) => row.device },
  { title: 'paths', cell: (row) => String(row.paths) },
  { title: 'outputs', cell: (row) => String(row.outputs) },
  { title: 'expressivity', cell: (row) => String(row.expressivity) },
  { title: 'median_s', cell: (row) => String(row.seconds.median) },
  { title: 'p10_s', cell: (row) => String(row.seconds.p10) },
  { title: 'p90_s', cell: (row) => String(row.seconds.p90) },
  { title: 'repetitions', cell: (row) => String(row.seconds.repetitions) },
  { title: 'launch_s', cell: (row) => String(row.launchSeconds) },
  { title: 'beyond_launch_s', cell: (row) => String(row.beyondLaunchSeconds) },
  { title: 's_per_dof', cell: (row) => String(row.secondsPerDegreeOfFreedom) },
  { title: 's_per_output', cell: (row) => String(row.secondsPerOutput) },
  { title: 'flops', cell: (row) => String(row.cost.flops) },
  { title: 'bytes', cell: (row) => String(row.cost.bytes) },
  { title: 'floor_flops', cell: (row) => String(row.floor.flops) },
  { title: 'floor_bytes', cell: (row) => String(row.floor.bytes) },
  { title: 'floor_s', cell: (row) => String(row.floor.seconds) },
  { title: 'flop_per_s', cell: (row) => String(row.achieved.flopsPerSecond) },
  { title: 'byte_per_s', cell: (row) => String(row.achieved.bytesPerSecond) },
  { title: 'fraction_of_roofline', cell: (row) => String(row.fractionOfRoofline) },
  { title: 'error', cell: (row) => String(row.error) },
]
