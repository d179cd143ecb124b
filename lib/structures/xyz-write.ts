import { replaceFile } from '../files/file.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { elementSymbol, MAX_ATOMIC_NUMBER, type AtomProperty, type Structure } from './structure.js'
import { parseComment } from './xyz-comment.js'
import { keysOf, POSITION, SPECIES, type XyzKeys } from './xyz-keys.js'
import { formatReal, formatToken } from './xyz-value.js'

/** Keys that say what a frame itself is. */
const RESERVED = ['', 'Properties', 'Lattice', 'pbc']

/**
 * Writes structures as an extended XYZ file, from which readXyz with the same keys has the same again, to the last bit. The path names
 * the old file or the whole new one at any time; structures are taken one by one, so there may be any number.
 *
 * @throws GauntletError `ERR_ARGUMENT`, `ERR_LENGTH` for a structure that is none (the file stays as it was); `ERR_FILE`
 * @example
 * await writeXyz('out.xyz', structures, { energyKey: 'MACE_energy', forcesKey: 'MACE_forces' })
 */
export async function writeXyz(
  path: string,
  structures: Iterable<Structure> | AsyncIterable<Structure>,
  keys: XyzKeys = {},
): Promise<void> {
  await replaceFile(path, frames(structures, keys))
}

async function* frames(
  structures: Iterable<Structure> | AsyncIterable<Structure>,
  keys: XyzKeys,
): AsyncGenerator<string, void, undefined> {
  for await (const structure of structures) yield formatXyz(structure, keys)
}

/**
 * One frame of extended XYZ.
 *
 * @throws GauntletError `ERR_ARGUMENT`, `ERR_LENGTH` for a structure that is none
 */
export function formatXyz(structure: Structure, keys: XyzKeys = {}): string {
  const columns = columnsOf(structure, keys)
  const properties = columns.map(({ name, type, columns: count }) => `${name}:${type}:${count}`).join(':')
  const comment = [`Properties=${formatToken(properties)}`, ...commentOf(structure, keys)].join(' ')
  const lines = [String(structure.numbers.length), comment]
  for (let atom = 0; atom < structure.numbers.length; atom++) {
    const fields = columns.flatMap((property) => fieldsOf(property, atom))
    lines.push(fields.join(' '))
  }
  return `${lines.join('\n')}\n`
}

type Column = AtomProperty & { name: string }

function columnsOf({ numbers, positions, forces, properties }: Structure, keys: XyzKeys): Column[] {
  const symbols = Array.from(numbers, (number) => {
    if (number > MAX_ATOMIC_NUMBER) throw expected('atomic numbers up to 118', 'numbers', number)
    return elementSymbol(number)
  })
  const columns: Column[] = [
    { name: SPECIES[0], type: 'S', columns: 1, values: symbols },
    { name: POSITION, type: 'R', columns: 3, values: positions },
  ]
  if (forces) columns.push({ name: keysOf('forces', keys)[0], type: 'R', columns: 3, values: forces })
  for (const [name, property] of properties ?? []) columns.push({ name, ...property })
  for (const [i, { name, columns: count, values }] of columns.entries()) {
    if (name === '' || /[\s:]/.test(name)) throw expected('a name without spaces or colons', 'a property', name)
    if (columns.findIndex((other) => other.name === name) !== i) {
      throw new GauntletError('ERR_ARGUMENT', `Two properties are called '${name}': choose another key`)
    }
    if (values.length !== count * numbers.length) {
      throw expected(`${count * numbers.length} values for ${numbers.length} atoms`, name, values, 'ERR_LENGTH')
    }
  }
  for (const [name, values] of Object.entries({ positions, forces })) {
    if (values?.every(Number.isFinite) === false)
      throw new GauntletError('ERR_ARGUMENT', `${name} hold NaN or infinity`)
  }
  return columns
}

function fieldsOf({ name, type, columns, values }: Column, atom: number): string[] {
  return Array.from({ length: columns }, (_, column) => {
    const value = values[atom * columns + column]
    if (typeof value === 'string') {
      if (!/^\S+$/.test(value)) throw expected('text without spaces', `property '${name}' of atom ${atom + 1}`, value)
      return value
    }
    if (type === 'L') return value === 0 ? 'F' : 'T'
    if (type === 'I' && !Number.isSafeInteger(value)) throw expected('integers', `property '${name}'`, value)
    return formatReal(value)
  })
}

function commentOf({ cell, pbc, energy, stress, virials, info }: Structure, keys: XyzKeys): string[] {
  const entries = new Map<string, string>()
  const add = (key: string, value: string): void => {
    if (entries.has(key)) throw new GauntletError('ERR_ARGUMENT', `Two values are called '${key}': choose another key`)
    entries.set(key, value)
  }
  const addNumbers = (key: string, count: number, values: ArrayLike<number> | undefined): void => {
    if (values === undefined) return
    const numbers = Array.from(values)
    if (numbers.length !== count) throw expected(`${count} numbers`, key, values, 'ERR_LENGTH')
    if (!numbers.every(Number.isFinite)) throw expected('finite numbers', key, numbers.join(' '))
    add(key, numbers.map(formatReal).join(' '))
  }
  addNumbers('Lattice', 9, cell)
  if (cell) add('pbc', pbc.map((periodic) => (periodic ? 'T' : 'F')).join(' '))
  else if (pbc.includes(true)) throw expected('a cell', 'a periodic structure', cell)
  addNumbers(keysOf('energy', keys)[0], 1, energy === undefined ? undefined : [energy])
  addNumbers(keysOf('stress', keys)[0], 9, stress)
  addNumbers(keysOf('virials', keys)[0], 9, virials)
  for (const [key, value] of info ?? []) {
    if (RESERVED.includes(key)) throw expected('another key', 'info', key)
    add(key, value)
  }
  return [...entries].map(([key, value]) => `${formatToken(key)}=${isList(value) ? value : formatToken(value)}`)
}

/** Whether a value is one list in brackets, which has its brackets in the file as well. */
function isList(value: string): boolean {
  if (!/^[[{]/.test(value) || /[\n\r]/.test(value)) return false
  try {
    return parseComment(`a=${value}`).get('a')?.raw === value
  } catch {
    return false
  }
}
