import { types } from 'node:util'
import { checkObject, expected } from '../runtime/errors.js'

/** Atoms in space: what every reader returns. Lengths in Angstrom, energies in eV, forces in eV/Angstrom. */
export interface Structure {
  /** Atomic number of every atom; 0 is a dummy atom. */
  readonly numbers: Uint8Array
  /** [atoms, 3], Angstrom. */
  readonly positions: Float64Array
  /** [3, 3], Angstrom; rows are the cell vectors. Absent for a molecule in open space. */
  readonly cell?: Float64Array
  /** Along which cell vectors the structure repeats. */
  readonly pbc: readonly [boolean, boolean, boolean]
  /** eV. */
  readonly energy?: number
  /** [atoms, 3], eV/Angstrom. */
  readonly forces?: Float64Array
  /** [3, 3], eV/Angstrom^3, symmetric; positive under tension (dE/dstrain / volume). */
  readonly stress?: Float64Array
  /** [3, 3], eV: -volume times stress. */
  readonly virials?: Float64Array
  /** What else the file says about the structure, as written there. */
  readonly info?: ReadonlyMap<string, string>
  /** What else the file says about every atom. */
  readonly properties?: ReadonlyMap<string, AtomProperty>
}

/** A quantity that every atom has, by extended XYZ's types: S(tring), I(nteger), R(eal), L(ogical, 0 or 1). */
export interface AtomProperty {
  readonly type: 'S' | 'I' | 'R' | 'L'
  /** How many values an atom has. */
  readonly columns: number
  /** [atoms, columns] */
  readonly values: readonly string[] | Float64Array
}

/**
 * Refuses what says nothing of atoms in space. Whether they can be there is for others to say.
 *
 * @throws GauntletError ERR_ARGUMENT, ERR_DTYPE, ERR_LENGTH
 */
export function checkStructure(structure: Structure): void {
  checkObject(structure, 'structure')
  const { numbers, positions, pbc } = structure as Record<keyof Structure, unknown>
  if (!types.isUint8Array(numbers)) throw expected('a Uint8Array', 'numbers', numbers, 'ERR_DTYPE')
  if (!types.isFloat64Array(positions)) throw expected('a Float64Array', 'positions', positions, 'ERR_DTYPE')
  if (positions.length !== 3 * numbers.length) {
    throw expected(`${3 * numbers.length} numbers (three for every atom)`, 'positions', positions, 'ERR_LENGTH')
  }
  if (!Array.isArray(pbc) || pbc.length !== 3 || !pbc.every((repeats) => typeof repeats === 'boolean')) {
    throw expected('three of true and false', 'pbc', pbc)
  }
}

/** One kcal/mol in eV: 4184 J over the Avogadro constant and the elementary charge, all three exact. */
export const KCAL_PER_MOL = 4184 / (6.02214076e23 * 1.602176634e-19)

const SYMBOLS = (
  'X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr ' +
  'Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu ' +
  'Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr ' +
  'Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og'
).split(' ')

const NUMBERS = new Map(SYMBOLS.map((symbol, number) => [symbol, number]))

/** The largest atomic number that has a symbol. */
export const MAX_ATOMIC_NUMBER = SYMBOLS.length - 1

/** The symbol of an atomic number from 0 (`X`, a dummy atom) to 118. */
export function elementSymbol(number: number): string {
  return SYMBOLS[number] ?? `?${number}`
}

/** The atomic number of a symbol, or undefined if there is no such element. */
export function atomicNumber(symbol: string): number | undefined {
  return NUMBERS.get(symbol)
}

/** Hill-like formula, e.g. `C2H6O`: carbon, hydrogen, then the others by name. */
export function formula(numbers: Uint8Array): string {
  const counts = new Map<string, number>()
  for (const number of numbers) {
    const symbol = elementSymbol(number)
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
  }
  const first = counts.has('C') ? ['C', 'H'] : []
  const rest = [...counts.keys()].filter((symbol) => !first.includes(symbol)).sort()
  return [...first, ...rest]
    .filter((symbol) => counts.has(symbol))
    .map((symbol) => symbol + (counts.get(symbol)! > 1 ? String(counts.get(symbol)) : ''))
    .join('')
}
