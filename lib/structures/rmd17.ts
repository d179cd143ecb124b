import { expected, GauntletError } from '../runtime/errors.js'
import { spread } from './frames.js'
import { readText } from '../files/file.js'
import { readNpz } from '../files/npz.js'
import type { NpyArray } from '../files/npy.js'
import { KCAL_PER_MOL, MAX_ATOMIC_NUMBER, type Structure } from './structure.js'

export interface Rmd17Options {
  /** Read this many frames, spread evenly over the file. */
  frames?: number
  /** Read these frames, counted from 0, in this order: those of {@link readSplit}, say. */
  indices?: ArrayLike<number>
}

/** What each quantity is called in rMD17 and in MD17 (and sGDML) files. */
const KEYS = {
  numbers: ['nuclear_charges', 'z'],
  positions: ['coords', 'R'],
  energies: ['energies', 'E'],
  forces: ['forces', 'F'],
  lengthUnit: ['r_unit'],
  energyUnit: ['e_unit'],
} as const
type Key = keyof typeof KEYS

const LENGTH_UNITS: Record<string, number> = { Ang: 1, Angstrom: 1, A: 1 }
const ENERGY_UNITS: Record<string, number> = { 'kcal/mol': KCAL_PER_MOL, eV: 1 }

/**
 * Reads a trajectory of one molecule in the layout of rMD17 (`nuclear_charges`, `coords`, `energies`, `forces`) or MD17 (`z`,
 * `R`, `E`, `F`). Coordinates are Angstrom; energies and forces are kcal/mol there, unless the file says otherwise (`e_unit`),
 * and eV here.
 *
 * @throws GauntletError `ERR_FILE` that names the file and the array.
 * @example
 * const frames = await readRmd17('examples/ethanol_pbe.npz', { frames: 10 })
 */
export async function readRmd17(path: string, options: Rmd17Options = {}): Promise<Structure[]> {
  const { names, arrays } = await readNpz(path, Object.values(KEYS).flat())
  const fail = (what: string): never => {
    throw new GauntletError('ERR_FILE', `${path}: ${what}`)
  }
  const find = (key: Key): NpyArray | undefined => {
    const name = KEYS[key].find((one) => arrays.has(one))
    return name === undefined ? undefined : arrays.get(name)
  }
  const numeric = (key: Key): { shape: number[]; data: Float64Array } | undefined => {
    const array = find(key)
    if (!array) return undefined
    if (!(array.data instanceof Float64Array)) return fail(`'${KEYS[key].join("' or '")}' holds text, not numbers`)
    const wrong = array.data.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0) fail(`'${KEYS[key].join("' or '")}' holds ${array.data[wrong]} at [${placeOf(wrong, array.shape)}]`)
    return { shape: array.shape, data: array.data }
  }
  const unit = (key: Key, known: Record<string, number>, usual: number): number => {
    const name = find(key)?.data[0]
    if (name === undefined) return usual
    return known[String(name)] ?? fail(`unit ${JSON.stringify(name)}; known are ${Object.keys(known).join(', ')}`)
  }

  const charges = numeric('numbers')
  const coordinates = numeric('positions')
  if (!charges || !coordinates) {
    return fail(`it needs 'nuclear_charges' and 'coords' (or 'z' and 'R') but holds ${names.join(', ') || 'nothing'}`)
  }
  const atoms = charges.shape.length === 1 ? charges.shape[0] : fail(`charges of shape ${charges.shape.join(' x ')}`)
  const check = (what: string, shape: number[], allowed: string): void => {
    if (shape.join(' x ') !== allowed)
      fail(`${what} of shape ${shape.join(' x ')}, where ${atoms} charges and ${frames} frames call for ${allowed}`)
  }
  const frames = coordinates.shape[0] ?? 0
  check('coordinates', coordinates.shape, `${frames} x ${atoms} x 3`)
  if (!charges.data.every((z) => Number.isInteger(z) && z >= 0 && z <= MAX_ATOMIC_NUMBER)) {
    fail('a nuclear charge is not that of an element')
  }
  const energies = numeric('energies')
  const forces = numeric('forces')
  // MD17 has a column vector of energies.
  if (energies)
    check(
      'energies',
      energies.shape.filter((length, axis) => axis === 0 || length !== 1),
      `${frames}`,
    )
  if (forces) check('forces', forces.shape, `${frames} x ${atoms} x 3`)

  unit('lengthUnit', LENGTH_UNITS, 1)
  const scale = unit('energyUnit', ENERGY_UNITS, KCAL_PER_MOL)
  const numbers = Uint8Array.from(charges.data)
  const row = (data: Float64Array, frame: number): Float64Array =>
    data.slice(frame * 3 * atoms, (frame + 1) * 3 * atoms)
  return chosen(path, frames, options).map((frame) => ({
    numbers,
    positions: row(coordinates.data, frame),
    pbc: [false, false, false],
    energy: energies && energies.data[frame] * scale,
    forces: forces && row(forces.data, frame).map((value) => value * scale),
  }))
}

/** The indices of an element by its number. */
function placeOf(element: number, shape: readonly number[]): string {
  const indices: number[] = []
  for (const length of shape.toReversed()) {
    indices.unshift(element % length)
    element = Math.floor(element / length)
  }
  return indices.join(', ')
}

function chosen(path: string, frames: number, { frames: wanted, indices }: Rmd17Options): number[] {
  if (indices === undefined) return spread(frames, wanted)
  if (wanted !== undefined) throw expected('one of frames and indices', 'options', 'both')
  return Array.from(indices, (index) => {
    if (!(Number.isInteger(index) && index >= 0 && index < frames)) {
      throw expected(`frames from 0 to ${frames - 1} of ${path}`, 'indices', index)
    }
    return index
  })
}

/**
 * Reads one of the splits that rMD17 comes with, `index_train_01.csv` to `index_test_05.csv`: the number of a frame, counted from 0, on
 * every line.
 *
 * @throws GauntletError `ERR_FILE` that names the file and the line.
 * @example
 * const train = await readRmd17('rmd17_aspirin.npz', { indices: await readSplit('index_train_01.csv') })
 */
export async function readSplit(path: string): Promise<Int32Array> {
  const lines = (await readText(path))
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split(/\r?\n/)
  const seen = new Set<number>()
  for (const [i, line] of lines.entries()) {
    const text = line.trim()
    const fail = (what: string): never => {
      throw new GauntletError('ERR_FILE', `${path}, line ${i + 1}: ${what}`)
    }
    if (!/^\d{1,9}$/.test(text)) fail(`expected the number of a frame but found ${JSON.stringify(text.slice(0, 60))}`)
    if (seen.has(Number(text))) fail(`frame ${Number(text)} is there twice`)
    seen.add(Number(text))
  }
  return Int32Array.from(seen)
}
