import { describe, GauntletError } from '../runtime/errors.js'
import { readText } from '../structures/file.js'
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
 * Reads what `gauntlet bench --json` has written. Fields that a comparison has no use for may be missing or of any kind.
 *
 * @throws GauntletError `ERR_FILE` for a file that cannot be read, is no whole JSON or holds something else; names the file and the place.
 */
export async function readRun(file: string): Promise<StoredRun> {
  const text = await readText(file)
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GauntletError('ERR_FILE', `${file} is not one whole JSON document: ${reason}`, { cause })
  }
  const root = new Place(file, '', document)
  const provenance = readProvenance(root.member('provenance'))
  const rows = root
    .member('rows')
    .items()
    .map((row) => readRow(row, provenance))
  const seen = new Map<string, number>()
  for (const [n, row] of rows.entries()) {
    const first = seen.get(rowKey(row))
    if (first !== undefined) throw new GauntletError('ERR_FILE', `${file}: rows[${first}] and rows[${n}] time the same`)
    seen.set(rowKey(row), n)
  }
  return { file, provenance, rows }
}

/** The same for two rows that time the same thing. CPU threads do not matter on a GPU. */
export function rowKey({ method, setting, lmax, pass, channels, batch, threads, device }: TimedRow): string {
  return JSON.stringify([method, setting, lmax, pass, channels, batch, device, device === 'cpu' ? threads : null])
}

function readProvenance(from: Place): StoredRun['provenance'] {
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

/** A value in a parsed JSON document that knows where it stands, as `rows[3].seconds.median`. */
class Place {
  constructor(
    private readonly file: string,
    private readonly path: string,
    private readonly value: unknown,
  ) {}

  has(name: string): boolean {
    return Object.hasOwn(this.#object(), name)
  }

  member(name: string): Place {
    const object = this.#object()
    return new Place(
      this.file,
      this.path === '' ? name : `${this.path}.${name}`,
      Object.hasOwn(object, name) ? object[name] : undefined,
    )
  }

  items(): Place[] {
    if (!Array.isArray(this.value)) throw this.#wrong('a list')
    return this.value.map((value, n) => new Place(this.file, `${this.path}[${n}]`, value))
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.#wrong('text')
    return this.value
  }

  number(): number {
    if (typeof this.value !== 'number') throw this.#wrong('a number')
    return this.value
  }

  duration(): number {
    if (!(this.number() > 0)) throw this.#wrong('a positive number of seconds')
    return this.number()
  }

  #object(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.#wrong('an object')
    }
    return this.value as Record<string, unknown>
  }

  #wrong(what: string): GauntletError {
    const name = this.path === '' ? 'its document' : this.path
    const hint = 'is it the output of gauntlet bench --json?'
    return new GauntletError(
      'ERR_FILE',
      `${this.file}: Expected ${what} for ${name} but received ${describe(this.value)}; ${hint}`,
    )
  }
}
