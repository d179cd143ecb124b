import { GauntletError } from '../runtime/errors.js'
import { type Place, readJson } from './json-file.js'
import type { Provenance } from './machine.js'
import type { Interval } from './timing.js'

/** A row of a benchmark as far as it can be compared: what was timed, and the times. */
export interface TimedRow {
  method: string
  setting: string
  lmax: number
  pass: string
  channels: number
  batch: number
  threads: number
  device: string
  seconds: Interval
}

export interface StoredRun {
  file: string
  provenance: Omit<Provenance, 'cuda'>
  rows: TimedRow[]
}

/**
 * Reads what `gauntlet bench --json` has written, as far as runs are compared. Other fields may be missing or of any kind.
 *
 * @throws GauntletError `ERR_FILE` for a file that cannot be read, is no whole JSON or holds something else; names the file and the place.
 */
export async function readRun(file: string): Promise<StoredRun> {
  return { file, ...readTimes(await readJson(file)) }
}

/** The same of a file that was read already: `run` is its whole document. */
export function readTimes(run: Place): Omit<StoredRun, 'file'> {
  const provenance = readProvenance(run.member('provenance'))
  const places = run.member('rows').items()
  const rows = places.map((row) => readRow(row, provenance))
  const seen = new Map<string, number>()
  for (const [n, row] of rows.entries()) {
    const first = seen.get(rowKey(row))
    if (first !== undefined) {
      throw new GauntletError('ERR_FILE', `${run.file}: rows[${first}] and rows[${n}] time the same`)
    }
    seen.set(rowKey(row), n)
  }
  return { provenance, rows }
}

/** The same for two rows that time the same thing. CPU threads do not matter on a GPU. */
export function rowKey({ method, setting, lmax, pass, channels, batch, threads, device }: TimedRow): string {
  return JSON.stringify([method, setting, lmax, pass, channels, batch, device, device === 'cpu' ? threads : null])
}

/** What a run was made with. */
export function readProvenance(from: Place): StoredRun['provenance'] {
  const text = (name: string): string => from.member(name).text()
  return {
    version: text('version'),
    compiler: text('compiler'),
    node: text('node'),
    system: text('system'),
    processor: text('processor'),
    isa: text('isa'),
    device: text('device'),
    gpu: from.has('gpu') ? text('gpu') : undefined,
    cores: from.member('cores').number(),
    threads: from.member('threads').number(),
    date: text('date'),
  }
}

function readRow(row: Place, { device, threads }: StoredRun['provenance']): TimedRow {
  const seconds = row.member('seconds')
  const number = (name: string): number => row.member(name).number()
  const text = (name: string): string => row.member(name).text()
  return {
    method: text('method'),
    setting: text('setting'),
    lmax: number('lmax'),
    pass: text('pass'),
    channels: number('channels'),
    batch: number('batch'),
    // Runs of earlier versions had one of each.
    threads: row.has('threads') ? number('threads') : threads,
    device: row.has('device') ? text('device') : device,
    seconds: {
      median: seconds.member('median').duration(),
      p10: seconds.member('p10').duration(),
      p90: seconds.member('p90').duration(),
    },
  }
}
