import { GauntletError } from '../runtime/errors.js'

/** Array lengths stay addressable by a 32-bit signed index, here and in the kernels. */
export const MAX_DIMENSION = 2 ** 31 - 1

/** The highest degree whose representation matrix, (2l+1)^2 numbers, is still addressable so. */
export const MAX_DEGREE = 23169

/** One term of an irreps string, `mul x l p`, before it becomes objects. */
export interface Term {
  mul: number
  l: number
  p: 1 | -1
}

/**
 * Parses `"32x0e + 1o"` into its terms: `terms := "" | term ("+" term)*`, `term := [mul "x"] l parity`.
 *
 * Blanks may stand around every token but not inside a number; the empty string is the empty list.
 *
 * @throws GauntletError ERR_IRREPS, pointing at the first character that does not fit
 */
export function parseTerms(text: string): Term[] {
  const cursor = new Cursor(text, 'irreps')
  const terms: Term[] = []
  let dim = 0
  if (cursor.atEnd()) return terms
  do {
    const start = cursor.skipBlanks()
    const term = parseTerm(cursor)
    dim += term.mul * (2 * term.l + 1)
    if (dim > MAX_DIMENSION) {
      throw cursor.error(`a total dimension of at most ${MAX_DIMENSION}`, start, `one of ${dim}`)
    }
    terms.push(term)
  } while (cursor.take('+'))
  if (!cursor.atEnd()) throw cursor.error('"+" or the end')
  return terms
}

/**
 * Parses one irrep without multiplicity, `"1o"`, `"2e"` or `"3y"`.
 *
 * @throws GauntletError ERR_IRREPS, pointing at the first character that does not fit
 */
export function parseSingle(text: string): { l: number; p: 1 | -1 } {
  const cursor = new Cursor(text, 'irrep')
  const l = cursor.integer('a degree l', MAX_DEGREE)
  const p = parseParity(cursor, l)
  if (!cursor.atEnd()) throw cursor.error('the end')
  return { l, p }
}

function parseTerm(cursor: Cursor): Term {
  const start = cursor.skipBlanks()
  const first = cursor.integer('a multiplicity or a degree l', MAX_DIMENSION)
  if (!cursor.take('x')) {
    const p = parseParity(cursor, first, '"x", ')
    if (first > MAX_DEGREE) throw cursor.error(`a degree l of at most ${MAX_DEGREE}`, start)
    return { mul: 1, l: first, p }
  }
  const l = cursor.integer('a degree l', MAX_DEGREE)
  return { mul: first, l, p: parseParity(cursor, l) }
}

/** `y` is the parity of the spherical harmonic of that degree, (-1)^l. */
function parseParity(cursor: Cursor, l: number, alternatives = ''): 1 | -1 {
  if (cursor.take('e')) return 1
  if (cursor.take('o')) return -1
  if (cursor.take('y')) return l % 2 === 0 ? 1 : -1
  throw cursor.error(`${alternatives}"e", "o" or "y"`)
}

class Cursor {
  position = 0

  constructor(
    private readonly text: string,
    private readonly subject: string,
  ) {}

  /** The position of the next token. */
  skipBlanks(): number {
    while (/\s/.test(this.text[this.position] ?? '')) this.position++
    return this.position
  }

  atEnd(): boolean {
    this.skipBlanks()
    return this.position === this.text.length
  }

  take(character: string): boolean {
    this.skipBlanks()
    if (this.text[this.position] !== character) return false
    this.position++
    return true
  }

  integer(what: string, most: number): number {
    this.skipBlanks()
    const digits = /^[0-9]+/.exec(this.text.slice(this.position))?.[0]
    if (digits === undefined) throw this.error(what)
    const value = Number(digits)
    if (value > most) throw this.error(`${what} of at most ${most}`)
    this.position += digits.length
    return value
  }

  /** "Expected {what} at position {at} of {subject} {text}", followed by the text and a caret under the place. */
  error(what: string, at = this.position, received?: string): GauntletError {
    const found = received ?? (at < this.text.length ? JSON.stringify(wordAt(this.text, at)) : 'the end')
    // A window keeps the caret on screen for long strings; control characters would move it.
    const from = Math.max(0, at - 40)
    const shown = this.text.slice(from, at + 40).replace(/[\p{C}\p{Z}]/gu, ' ')
    return new GauntletError(
      'ERR_IRREPS',
      `Expected ${what} at position ${at} of ${this.subject} but received ${found}\n` +
        `  ${from > 0 ? '...' : ''}${shown}${at + 40 < this.text.length ? '...' : ''}\n` +
        `  ${' '.repeat(at - from + (from > 0 ? 3 : 0))}^`,
    )
  }
}

/** What to quote at the place of an error: a number whole, anything else as one character. */
function wordAt(text: string, position: number): string {
  const [number] = /^[0-9]{1,20}/.exec(text.slice(position, position + 20)) ?? []
  return number ?? String.fromCodePoint(text.codePointAt(position) ?? 0)
}
