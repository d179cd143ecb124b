/** Where a file of extended XYZ has what it says about energies. */
export interface XyzKeys {
  /** Key of the energy (eV) in the comment line; `energy` if it is there, unless told. */
  energyKey?: string
  /** Name of the per-atom property that holds the forces (eV/Angstrom); `forces` if it is there, unless told. */
  forcesKey?: string
  /** Key of the stress (eV/Angstrom^3) in the comment line; `stress` if it is there, unless told. */
  stressKey?: string
  /** Key of the virials (eV) in the comment line; `virials` or `virial` if it is there, unless told. */
  virialsKey?: string
}

export type Quantity = 'energy' | 'forces' | 'stress' | 'virials'

export const POSITION = 'pos'
/** The property that says which elements the atoms are, as symbols or numbers. */
export const SPECIES = ['species', 'Z', 'numbers']

const USUAL: Record<Quantity, readonly string[]> = {
  energy: ['energy'],
  forces: ['forces'],
  stress: ['stress'],
  virials: ['virials', 'virial'],
}

/** The names under which a quantity is looked for, the one under which it is written first. */
export function keysOf(quantity: Quantity, keys: XyzKeys): readonly string[] {
  const told = keys[`${quantity}Key`]
  return told === undefined ? USUAL[quantity] : [told]
}
