import { readFileSync } from 'node:fs'
import { GauntletError } from '../runtime/index.js'
import type { Measurement } from './bench-case.js'
import { duration } from './format.js'
import type { Provenance } from './machine.js'
import { table } from './table.js'

/** What is compared of an earlier run. */
type Earlier = Pick<Measurement, 'setting' | 'lmax' | 'method' | 'pass' | 'channels' | 'batch' | 'seconds'>

export interface EarlierRun {
  provenance: Provenance
  rows: readonly Earlier[]
}

/** One row of both runs. */
export interface Comparison extends Omit<Earlier, 'seconds'> {
  before: number
  now: number
  /** now / before */
  ratio: number
  /** Whether the two spreads, p10 to p90, lie apart. */
  differs: boolean
}

/**
 * Reads what `gauntlet bench --json` wrote.
 *
 * @throws GauntletError ERR_FILE that names the file and what is wrong with it
 */
export function readRun(path: string): EarlierRun {
  const fault = (what: string, cause?: unknown): GauntletError =>
    new GauntletError('ERR_FILE', `${path}: ${what}; expected what 'gauntlet bench --json' writes`, { cause })
  let document: unknown
  try {
    document = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw fault(error instanceof Error ? error.message : String(error), error)
  }
  if (!isObject(document)) throw fault('not an object')
  const { provenance, rows } = document
  if (!isProvenance(provenance)) throw fault('no "provenance"')
  if (!Array.isArray(rows)) throw fault('no "rows"')
  const wrong = rows.findIndex((row) => !isRow(row))
  if (wrong >= 0) throw fault(`rows[${wrong}] is no measurement`)
  return { provenance, rows: rows as Earlier[] }
}

/** Rows that both runs have, with the same batch; the others are only counted. */
export function compareRuns(
  rows: readonly Measurement[],
  earlier: EarlierRun,
): { compared: Comparison[]; without: number } {
  const key = ({ setting, lmax, method, pass, channels, batch }: Earlier): string =>
    [setting, lmax, method, pass, channels, batch].join()
  const known = new Map(earlier.rows.map((row) => [key(row), row.seconds]))
  const compared = rows.flatMap((row): Comparison[] => {
    const before = known.get(key(row))
    if (before === undefined) return []
    const { setting, lmax, method, pass, channels, batch, seconds: now } = row
    const differs = now.p10 > before.p90 || now.p90 < before.p10
    const medians = { before: before.median, now: now.median, ratio: now.median / before.median }
    return [{ setting, lmax, method, pass, channels, batch, ...medians, differs }]
  })
  return { compared, without: rows.length - compared.length }
}

export function comparisonTable(compared: readonly Comparison[]): string {
  return table(compared, [
    { title: 'setting', align: 'left', cell: (row) => row.setting },
    { title: 'lmax', cell: (row) => `${row.lmax}` },
    { title: 'method', align: 'left', cell: (row) => row.method },
    { title: 'pass', align: 'left', cell: (row) => row.pass },
    { title: 'batch', cell: (row) => `${row.batch}` },
    { title: 'before', cell: (row) => duration(row.before) },
    { title: 'now', cell: (row) => duration(row.now) },
    { title: 'ratio', cell: (row) => row.ratio.toFixed(2) },
    {
      title: '',
      align: 'left',
      cell: (row) => (row.differs ? (row.ratio < 1 ? 'faster' : 'slower') : 'within spread'),
    },
  ])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isProvenance(value: unknown): value is Provenance {
  if (!isObject(value)) return false
  const texts = [value.version, value.compiler, value.processor, value.isa, value.system, value.node, value.date]
  return [value.threads, value.cores].every(Number.isInteger) && texts.every((text) => typeof text === 'string')
}

function isRow(row: unknown): row is Earlier {
  if (!isObject(row) || !isObject(row.seconds)) return false
  const { seconds } = row
  const positive = (value: unknown): boolean => typeof value === 'number' && value > 0
  return (
    [row.setting, row.method, row.pass].every((value) => typeof value === 'string') &&
    [row.lmax, row.channels, row.batch].every((value) => Number.isInteger(value)) &&
    [seconds.median, seconds.p10, seconds.p90].every(positive)
  )
}
