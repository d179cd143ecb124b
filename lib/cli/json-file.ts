import { describe, GauntletError } from '../runtime/errors.js'
import { readText } from '../files/file.js'

/**
 * Reads a file of `gauntlet bench --json`.
 *
 * @throws GauntletError `ERR_FILE` for a file that cannot be read or is no whole JSON; names the file.
 */
export async function readJson(file: string): Promise<Place> {
  return parseJson(file, await readText(file), 'gauntlet bench --json')
}

/**
 * The same of text that was read already.
 *
 * @param file where it is from, for error messages
 * @param source what writes such text
 */
export function parseJson(file: string, text: string, source: string): Place {
  try {
    return new Place(file, source, '', JSON.parse(text))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new GauntletError('ERR_FILE', `${file} is not one whole JSON document: ${reason}`, { cause })
  }
}

/** A value in a parsed JSON document that knows where it stands, as `rows[3].seconds.median`. */
export class Place {
  constructor(
    readonly file: string,
    private readonly source: string,
    private readonly path: string,
    readonly value: unknown,
  ) {}

  has(name: string): boolean {
    return Object.hasOwn(this.#object(), name)
  }

  member(name: string): Place {
    const object = this.#object()
    const path = this.path === '' ? name : `${this.path}.${name}`
    return new Place(this.file, this.source, path, Object.hasOwn(object, name) ? object[name] : undefined)
  }

  /** All members with their names. */
  members(): [name: string, member: Place][] {
    return Object.keys(this.#object()).map((name) => [name, this.member(name)])
  }

  /** A member that may be missing or null. */
  optional(name: string): Place | undefined {
    const found = this.member(name)
    return found.value === undefined || found.value === null ? undefined : found
  }

  items(): Place[] {
    if (!Array.isArray(this.value)) throw this.wrong('a list')
    return this.value.map((value, n) => new Place(this.file, this.source, `${this.path}[${n}]`, value))
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong('text')
    return this.value
  }

  flag(): boolean {
    if (typeof this.value !== 'boolean') throw this.wrong('true or false')
    return this.value
  }

  number(): number {
    if (typeof this.value !== 'number') throw this.wrong('a number')
    return this.value
  }

  /** JSON has no infinity, but 1e999. */
  finite(): number {
    if (!Number.isFinite(this.number())) throw this.wrong('a finite number')
    return this.number()
  }

  /** Of a size of which products and quotients are numbers as well. */
  positive(what = 'a positive number'): number {
    if (!(this.number() >= 1e-100 && this.number() <= 1e100)) throw this.wrong(what)
    return this.number()
  }

  duration(): number {
    return this.positive('a positive number of seconds')
  }

  /** A whole number from `least` to `most`. */
  integer(least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.number()
    if (!(Number.isInteger(value) && value >= least && value <= most)) {
      throw this.wrong(`a whole number from ${least} to ${most}`)
    }
    return value
  }

  /** One of a few words. */
  oneOf<N extends string>(choices: readonly N[]): N {
    const found = choices.find((choice) => choice === this.value)
    if (found === undefined) throw this.wrong(`one of ${choices.join(', ')}`)
    return found
  }

  #object(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.wrong('an object')
    }
    return this.value as Record<string, unknown>
  }

  /** Of a value that is not what is expected; to be thrown. */
  wrong(what: string): GauntletError {
    const name = this.path === '' ? 'its document' : this.path
    const hint = `is it the output of ${this.source}?`
    return new GauntletError(
      'ERR_FILE',
      `${this.file}: Expected ${what} for ${name} but received ${describe(this.value)}; ${hint}`,
    )
  }
}
