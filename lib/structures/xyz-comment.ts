/** A value of the comment line: as written (without its quotes), and cut at white space, commas and brackets. */
export interface CommentValue {
  raw: string
  fields: string[]
  /** Whether a key stands alone, which means that it is true. */
  flag: boolean
}

const PROPERTIES = /(^|\s)["']?Properties["']?\s*=/
const CLOSING: Record<string, string> = { '[': ']', '{': '}' }

/**
 * Reads the comment line of an extended XYZ frame: `key=value` pairs, where keys and values may be quoted ("..." with \
 * escapes, or '...'), and values may be lists in [...] or {...}; a key alone means true. Throws a plain Error that says at
 * which column; the caller knows file and line.
 */
export function parseComment(line: string): Map<string, CommentValue> {
  const values = new Map<string, CommentValue>()
  const scanner = new Scanner(line)
  while (scanner.skipSpace()) {
    const key = scanner.token('=')
    const flag = !scanner.accept('=')
    const value = flag ? 'T' : scanner.token('')
    if (key !== '') values.set(key, commentValue(value, flag))
  }
  return values
}

function commentValue(raw: string, flag = false): CommentValue {
  return { raw, fields: raw.split(/[\s,[\]{}]+/).filter((field) => field !== ''), flag }
}

/**
 * Reads the comment line of any frame. Without `Properties=` it is that of a plain XYZ file, which holds free text: pairs of
 * `key=value` count as they do elsewhere, and where there is more than those, the whole line is the value of `comment`.
 */
export function parseAnyComment(line: string): Map<string, CommentValue> {
  if (PROPERTIES.test(line)) return parseComment(line)
  const text = line.trim()
  // In words without pairs an apostrophe or a bracket opens nothing.
  const values = text.includes('=') ? parseComment(text) : new Map([[text, commentValue('T', true)]])
  const pairs = [...values].filter(([, { flag }]) => !flag)
  const more = pairs.length < values.size && text !== ''
  return new Map(more ? [['comment', commentValue(text)], ...pairs] : pairs)
}

class Scanner {
  private at = 0

  constructor(private readonly line: string) {}

  /** Moves to the next token; false at the end. */
  skipSpace(): boolean {
    while (this.at < this.line.length && /\s/.test(this.line[this.at])) this.at++
    return this.at < this.line.length
  }

  /** Steps over `char`, which may have spaces before and after it. */
  accept(char: string): boolean {
    const start = this.at
    if (this.skipSpace() && this.line[this.at] === char) {
      this.at++
      this.skipSpace()
      return true
    }
    this.at = start
    return false
  }

  /** A quoted string, a bracketed list or a bare word, which ends at white space or at one of `stop`. */
  token(stop: string): string {
    const open = this.line[this.at]
    if (open === '"' || open === "'") return this.quoted(open)
    if (stop === '' && open in CLOSING) return this.bracketed(open)
    const start = this.at
    while (this.at < this.line.length && !/\s/.test(this.line[this.at]) && !stop.includes(this.line[this.at])) this.at++
    return this.line.slice(start, this.at)
  }

  private quoted(quote: string): string {
    const start = this.at++
    let value = ''
    while (this.at < this.line.length) {
      const char = this.line[this.at++]
      if (char === quote) return value
      if (char === '\\' && this.at < this.line.length) {
        const escaped = this.line[this.at++]
        value += escaped === 'n' ? '\n' : escaped
      } else {
        value += char
      }
    }
    throw new Error(`the quote at column ${start + 1} is never closed`)
  }

  private bracketed(open: string): string {
    const start = this.at
    let depth = 0
    for (; this.at < this.line.length; this.at++) {
      if (this.line[this.at] === open) depth++
      if (this.line[this.at] === CLOSING[open] && --depth === 0) return this.line.slice(start, ++this.at)
    }
    throw new Error(`the '${open}' at column ${start + 1} is never closed`)
  }
}
