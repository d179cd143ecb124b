/** The values of extended XYZ, read and written. Throws plain Errors; the caller knows where. */

const REAL = /^[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$/
const SPECIAL = /^([+-]?)(nan|inf|infinity)$/i
const INTEGER = /^[+-]?\d+$/
const TRUE = /^(T|[tT]rue|TRUE|1)$/
const FALSE = /^(F|[fF]alse|FALSE|0)$/

/** A number, nan or inf; Fortran writes its exponent with a D. What float64 cannot hold is no number. */
export function parseReal(text: string): number {
  const [, sign, special] = SPECIAL.exec(text) ?? []
  if (special) return special.toLowerCase() === 'nan' ? NaN : sign === '-' ? -Infinity : Infinity
  const value = REAL.test(text) ? Number(text.replace(/[dD]/, 'e')) : NaN
  if (!Number.isFinite(value)) throw new Error(`expected a number but found ${JSON.stringify(text.slice(0, 60))}`)
  return value
}

/** A number that is neither nan nor inf. */
export function parseFinite(text: string): number {
  const value = parseReal(text)
  if (!Number.isFinite(value)) throw new Error(`expected a number but found ${JSON.stringify(text)}`)
  return value
}

/** The shortest text from which {@link parseReal} has the same number again. */
export function formatReal(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0.0' : String(value)
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
}

export function parseInteger(text: string): number {
  const value = INTEGER.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value))
    throw new Error(`expected an integer but found ${JSON.stringify(text.slice(0, 60))}`)
  return value
}

export function isLogical(text: string): boolean {
  return TRUE.test(text) || FALSE.test(text)
}

export function parseLogical(text: string): boolean {
  if (!isLogical(text)) throw new Error(`expected T or F but found ${JSON.stringify(text.slice(0, 60))}`)
  return TRUE.test(text)
}

/** A key or value of the comment line, in quotes where it needs them. */
export function formatToken(text: string): string {
  if (text !== '' && !/[\s="',[\]{}\\]/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`
}
