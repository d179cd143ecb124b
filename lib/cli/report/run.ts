import { expected, GauntletError } from '../../runtime/errors.js'
import type { Rates } from '../bench-report.js'
import { readTimes, type TimedRow } from '../bench-file.js'
import { expressivityOfChannel } from '../degrees-of-freedom.js'
import type { Place } from '../json-file.js'
import { METHOD_NAMES, type MethodName, METHODS, setting, SETTING_NAMES, type SettingName } from '../methods.js'
import { PASS_NAMES, type PassName } from '../passes.js'
import { couples } from '../selftest-cases.js'
import { type Machine, readMachine } from './machine.js'

/** A row of a benchmark as the page shows it. */
export interface ReportRow extends TimedRow {
  method: MethodName
  setting: SettingName
  pass: PassName
  paths: number
  outputs: number
  /** The fewest operations and bytes. */
  floor: { flops: number; bytes: number; seconds: number }
  error: number
  /** Dimensions of maps that one channel reaches between linear layers. */
  expressivity: number
  /** What a call takes however little there is to do, where that was measured. */
  launchSeconds?: number | undefined
}

export interface ReportGrowth extends Pick<
  ReportRow,
  'method' | 'setting' | 'pass' | 'channels' | 'threads' | 'device'
> {
  batch?: number
  exponent: number
  theory: number
  lmax: number[]
}

export interface ReportRun {
  provenance: Machine
  rates: Pick<Rates, 'threads' | 'peakFlops' | 'bandwidth' | 'source'>[]
  rows: ReportRow[]
  growth: ReportGrowth[]
}

/** What `gauntlet bench` takes at most. */
const MOST_DEGREE = 10

/**
 * All that a page shows of a benchmark. Expressivity that the rows lack is computed.
 *
 * @throws GauntletError `ERR_FILE` for anything that is not as `gauntlet bench --json` writes it; names the file and the place
 */
export function readBench(document: Place): ReportRun {
  const { rows: times } = readTimes(document)
  const places = document.member('rows').items()
  const rates = document.member('rates').items().map(readRates)
  const rows = times.map((row, n) => ({ ...row, ...readRow(places[n], row) }))
  if (rows.length === 0) throw expected('rows', document.file, 'none', 'ERR_FILE')
  for (const { device, threads } of rows) {
    if (ratesOf(rates, { device, threads })) continue
    throw new GauntletError('ERR_FILE', `${document.file}: Expected rates for ${threads} threads, which some rows have`)
  }
  const growth = document.optional('growth')?.items().map(readGrowth) ?? []
  return { provenance: readMachine(document.member('provenance')), rates, rows, growth }
}

/** What the device of a row can do at best, with as many threads. */
export function ratesOf(
  rates: ReportRun['rates'],
  { device, threads }: Pick<TimedRow, 'device' | 'threads'>,
): ReportRun['rates'][number] | undefined {
  return device === 'cpu' ? rates.find((one) => one.threads === threads) : rates.at(0)
}

function readRates(from: Place): ReportRun['rates'][number] {
  return {
    threads: from.member('threads').integer(1),
    peakFlops: from.member('peakFlops').positive(),
    bandwidth: from.member('bandwidth').positive(),
    source: from.member('source').oneOf(['measured', 'data sheet']),
  }
}

/** What a comparison of runs has no use for. */
function readRow(from: Place, { seconds }: TimedRow): Omit<ReportRow, keyof TimedRow> & Cell {
  const cell = readCell(from)
  const lmax = from.member('lmax').integer(0, MOST_DEGREE)
  from.member('batch').integer(1)
  const floor = from.member('floor')
  const { p10, median, p90 } = seconds
  if (!(p10 <= median && median <= p90)) throw from.member('seconds').wrong('p10 <= median <= p90')
  if (!couples(cell.method, cell.setting, lmax)) {
    throw from.member('lmax').wrong(`a degree at which ${cell.method} has a path in ${cell.setting}`)
  }
  return {
    ...cell,
    paths: from.member('paths').integer(1),
    outputs: from.member('outputs').integer(1),
    floor: {
      flops: floor.member('flops').positive(),
      bytes: floor.member('bytes').positive(),
      seconds: floor.member('seconds').positive(),
    },
    error: from.member('error').number(),
    expressivity: from.optional('expressivity')?.integer(1) ?? computeExpressivity(cell, lmax),
    launchSeconds: from.optional('launchSeconds')?.duration(),
  }
}

function computeExpressivity({ method, setting: where }: Cell, lmax: number): number {
  const { in1, in2, out } = setting(where, lmax, 1)
  using product = METHODS[method].create(in1, in2, out, 'cpu')
  return expressivityOfChannel(product, 1)
}

type Cell = Pick<ReportRow, 'method' | 'setting' | 'pass' | 'channels' | 'threads' | 'device'>

function readCell(from: Place): Cell {
  return {
    method: from.member('method').oneOf(METHOD_NAMES),
    setting: from.member('setting').oneOf(SETTING_NAMES),
    pass: from.member('pass').oneOf(PASS_NAMES),
    channels: from.member('channels').integer(1),
    threads: from.member('threads').integer(1),
    device: readDevice(from.member('device')),
  }
}

function readDevice(from: Place): string {
  if (!/^(cpu|cuda:\d{1,3})$/.test(from.text())) throw from.wrong('cpu or cuda:N')
  return from.text()
}

function readGrowth(from: Place): ReportGrowth {
  return {
    ...readCell(from),
    ...(from.has('batch') && { batch: from.member('batch').integer(1) }),
    exponent: from.member('exponent').finite(),
    theory: from.member('theory').finite(),
    lmax: from
      .member('lmax')
      .items()
      .map((one) => one.integer(0, MOST_DEGREE)),
  }
}
