import { GauntletError } from '../runtime/errors.js'
import { spread } from './frames.js'
import { readNpz } from '../files/npz.js'
import type { NpyArray } from '../files/npy.js'
import { KCAL_PER_MOL, MAX_ATOMIC_NUMBER, type Structure } from './structure.js'

export interface Rmd17Options {
  /** Read this many frames, spread evenly over the file. */
  frames?: number
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
    if (!array.data.every(Number.isFinite)) fail(`'${KEYS[key].join("' or '")}' holds NaN or infinity`)
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
      fail(`${what} of shape ${shape.join(' x ')}, where ${atoms} charges call for ${allowed}`)
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
  return spread(frames, options.frames).map((frame) => ({
    numbers,
    positions: row(coordinates.data, frame),
    pbc: [false, false, false],
    energy: energies && energies.data[frame] * scale,
    forces: forces && row(forces.data, frame).map((value) => value * scale),
  }))
}
