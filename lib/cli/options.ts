import { parseArgs } from 'node:util'
import { Irrep, Irreps } from '../o3/irreps.js'
import { toIrreps } from '../product/path.js'
import { expected, GauntletError } from '../runtime/errors.js'

/** One `--option`: how it is written, what it means and what it is worth where it is not given. */
export interface Option<T> {
  /** What stands for its value in the help; a flag has none. */
  readonly placeholder?: string
  /** One letter that stands for the name, as in \`-o\`. */
  readonly short?: string
  readonly help: string
  readonly initial: T
  /** `name` is for the error message. */
  parse(text: string, name: string): T
  /** Its values are lists, which are joined where it is given several times; of any other option the last one counts. */
  readonly repeatable?: true
}

export type Options = Readonly<Record<string, Option<unknown>>>
export type Values<O extends Options> = { [K in keyof O]: O[K] extends Option<infer T> ? T : never }

export interface Parsed<O extends Options> {
  values: Values<O>
  positionals: string[]
}

export function flag(help: string): Option<boolean> {
  return { help, initial: false, parse: () => true }
}

export function text(placeholder: string, help: string): Option<string | undefined> {
  return { placeholder, help, initial: undefined, parse: (value) => value }
}

/** Irreps in1 x in2 -> out. */
export type Coupling = readonly [in1: Irrep, in2: Irrep, out: Irrep]

interface Range {
  min: number
  max: number
}

/** A whole number; `undefined` where it is not given and has no initial value. */
export function integer(placeholder: string, help: string, range: Range & { initial: number }): Option<number>
export function integer(placeholder: string, help: string, range: Range): Option<number | undefined>
export function integer(
  placeholder: string,
  help: string,
  range: Range & { initial?: number },
): Option<number | undefined> {
  const parse = (value: string, name: string): number => toInteger(value, name, range)
  return { placeholder, help: withInitial(help, range.initial), initial: range.initial, parse }
}

/** A decimal number, parsed whole. */
export function decimal(placeholder: string, help: string, range: Range & { initial: number }): Option<number> {
  const parse = (value: string, name: string): number => {
    const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : NaN
    if (!(number >= range.min && number <= range.max)) {
      throw expected(`a number from ${range.min} to ${range.max}`, name, value)
    }
    return number
  }
  return { placeholder, help: withInitial(help, range.initial), initial: range.initial, parse }
}

/** Whole numbers as `2,4,6` or `1..10`, or both: `1..4,8`, ascending; `undefined` where none are given and there are no initial ones. */
export function integers(placeholder: string, help: string, range: Range & { initial: number[] }): Option<number[]>
export function integers(placeholder: string, help: string, range: Range): Option<number[] | undefined>
export function integers(
  placeholder: string,
  help: string,
  range: Range & { initial?: number[] },
): Option<number[] | undefined> {
  const parse = (value: string, name: string): number[] => {
    const numbers = value.split(',').flatMap((part) => {
      const ends = part.split('..').map((end) => toInteger(end.trim(), name, range))
      if (ends.length > 2) throw expected('numbers like 2,4,6 or 1..10', name, value)
      const [first, last] = [ends[0], ends[ends.length - 1]]
      if (last < first) throw expected('a range that ascends', name, value)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
    return [...new Set(numbers)].sort((a, b) => a - b)
  }
  return { placeholder, help: withInitial(help, range.initial?.join()), initial: range.initial, parse }
}

/** Irreps as `8x0e+8x1o`; `undefined` where none are given and there are no initial ones. */
export function irreps(placeholder: string, help: string, initial: string): Option<Irreps>
export function irreps(placeholder: string, help: string): Option<Irreps | undefined>
export function irreps(placeholder: string, help: string, initial?: string): Option<Irreps | undefined> {
  return {
    placeholder,
    help: withInitial(help, initial),
    initial: initial === undefined ? undefined : new Irreps(initial),
    parse: (value, name) => toIrreps(name, value),
  }
}

/** Names out of a list, as `grid,matrix`; all of them unless told. */
export function names<N extends string>(
  placeholder: string,
  help: string,
  choices: readonly N[],
  initial: readonly N[] = choices,
): Option<N[]> {
  const parse = (value: string, name: string): N[] => {
    const all = value.split(',').map((part) => {
      const found = choices.find((choice) => choice === part.trim())
      if (found === undefined) throw expected(`names out of ${choices.join(', ')}`, name, part)
      return found
    })
    return [...new Set(all)]
  }
  const usual = initial === choices ? 'all' : initial.join(', ') || 'none'
  return { placeholder, help: `${help}: ${choices.join(', ')} (${usual})`, initial: [...initial], parse }
}

/** One name out of a list. */
export function choice<N extends string>(placeholder: string, help: string, choices: readonly N[]): Option<N> {
  const parse = (value: string, name: string): N => {
    const found = choices.find((one) => one === value)
    if (found === undefined) throw expected(`one of ${choices.join(', ')}`, name, value)
    return found
  }
  return { placeholder, help: withInitial(help, choices[0]), initial: choices[0], parse }
}

/** Text that may be given several times. */
export function texts(placeholder: string, help: string): Option<string[]> {
  return { placeholder, help, initial: [], parse: (value) => [value], repeatable: true }
}

/** A coupling l1 x l2 -> l3 as `1o,1o,1e`; a list, because it may be given several times. */
export function couplings(placeholder: string, help: string): Option<Coupling[]> {
  const parse = (value: string, name: string): Coupling[] => {
    const parts = value.split(',').map((part) => part.trim())
    if (parts.length !== 3) throw expected('three irreps like 1o,1o,1e', name, value)
    return [parts.map((part) => toIrrep(name, part)) as [Irrep, Irrep, Irrep]]
  }
  return { placeholder, help, initial: [], parse, repeatable: true }
}

function toIrrep(name: string, text: string): Irrep {
  try {
    return Irrep.parse(text)
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    throw new GauntletError('ERR_ARGUMENT', `${name}: ${error.message}`, { cause: error })
  }
}

function toInteger(value: string, name: string, { min, max }: Range): number {
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : NaN
  if (!(number >= min && number <= max)) throw expected(`a whole number from ${min} to ${max}`, name, value)
  return number
}

function withInitial(help: string, initial: number | string | undefined): string {
  return initial === undefined ? help : `${help} (${initial})`
}

/**
 * Reads a command's arguments.
 *
 * @throws GauntletError `ERR_ARGUMENT` for an unknown option (with the nearest known one), a bad value or a surplus word.
 */
export function parseOptions<O extends Options>(
  args: readonly string[],
  options: O,
  positionals: readonly string[],
): Parsed<O> {
  const types = Object.entries(options).map(([name, { placeholder, short, repeatable = false }]): [string, Shape] => [
    name,
    { type: placeholder === undefined ? 'boolean' : 'string', multiple: repeatable, ...(short && { short }) },
  ])
  const found = run(args, Object.fromEntries(types), Object.keys(options))
  if (found.positionals.length > positionals.length) {
    const surplus = JSON.stringify(found.positionals[positionals.length])
    throw new GauntletError('ERR_ARGUMENT', `Unexpected argument ${surplus}`)
  }
  if (found.positionals.length < positionals.length) {
    throw new GauntletError('ERR_ARGUMENT', `Missing argument ${positionals[found.positionals.length]}`)
  }
  const values = Object.entries(options).map(([name, option]) => {
    const given = [found.values[name] ?? []].flat().map((value) => option.parse(String(value), `--${name}`))
    if (given.length === 0) return [name, option.initial]
    return [name, option.repeatable ? given.flat() : given[0]]
  })
  return { values: Object.fromEntries(values) as Values<O>, positionals: found.positionals }
}

interface Shape {
  type: 'boolean' | 'string'
  multiple: boolean
  short?: string
}

interface Raw {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>
  positionals: string[]
}

function run(args: readonly string[], options: Record<string, Shape>, known: string[]): Raw {
  try {
    const { values, positionals } = parseArgs({ args: joined(args, options), options, allowPositionals: true })
    return { values: values, positionals }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const unknown = /Unknown option '--?([^']+)'/.exec(message)?.[1]
    if (unknown === undefined) throw new GauntletError('ERR_ARGUMENT', message.split('\n')[0], { cause: error })
    throw new GauntletError('ERR_ARGUMENT', `Unknown option --${unknown}${suggest(unknown, known, '--')}`, {
      cause: error,
    })
  }
}

/** With options that a negative number follows as `--name=-1`: as two words they could be two options. */
function joined(args: readonly string[], options: Record<string, Shape>): string[] {
  const takesValue = (word: string): boolean => {
    return word.startsWith('--') && Object.hasOwn(options, word.slice(2)) && options[word.slice(2)].type === 'string'
  }
  const all: string[] = []
  for (let n = 0; n < args.length; n++) {
    const negative = takesValue(args[n]) && /^-[\d.]/.test(args.at(n + 1) ?? '')
    all.push(negative ? `${args[n]}=${args[++n]}` : args[n])
  }
  return all
}

/** `; did you mean --lmax?` where a known name is at most two slips away. */
export function suggest(name: string, known: readonly string[], prefix = ''): string {
  const ranked = known.map((other) => ({ other, slips: editDistance(name, other) })).sort((a, b) => a.slips - b.slips)
  const best = ranked.at(0)
  return best && best.slips <= 2 ? `; did you mean ${prefix}${best.other}?` : ''
}

/** Levenshtein's: insertions, deletions and substitutions that make `b` of `a`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]
}

/** The option list of a help page. */
export function describeOptions(options: Options): string {
  const rows = Object.entries(options).map(([name, { placeholder, short, help }]) => ({
    left: `  ${short === undefined ? '' : `-${short}, `}--${name}${placeholder === undefined ? '' : ` ${placeholder}`}`,
    help,
  }))
  const width = Math.max(...rows.map(({ left }) => left.length)) + 2
  return rows.map(({ left, help }) => left.padEnd(width) + wrap(help, width)).join('\n')
}

/** Breaks at spaces so that no line passes column 100; later lines are indented. */
function wrap(text: string, indent: number): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line !== '' && line.length + word.length + 1 > 100 - indent) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}
