import { extname } from 'node:path'
import { GauntletError } from '../runtime/errors.js'
import { readRmd17 } from './rmd17.js'
import { xyzFrames, type XyzOptions } from './xyz.js'
import type { Structure } from './structure.js'

export { neighbours, type Neighbours } from './neighbours.js'
export { readRmd17, readSplit, type Rmd17Options } from './rmd17.js'
export { atomicNumber, elementSymbol, formula, KCAL_PER_MOL, type AtomProperty, type Structure } from './structure.js'
export { parseXyz, readXyz, xyzFrames, type XyzOptions } from './xyz.js'
export { XyzAppender } from './xyz-append.js'
export { formatXyz, writeXyz } from './xyz-write.js'
export type { XyzKeys } from './xyz-keys.js'

/**
 * Reads structures from a file by its extension: `.xyz` and `.extxyz` as extended XYZ, `.npz` as rMD17 or MD17.
 *
 * @throws GauntletError `ERR_FILE` that names the file and where in it the fault is.
 * @example
 * const structures = await readStructures('examples/ethanol_pbe.npz')
 */
export async function readStructures(path: string, options: XyzOptions = {}): Promise<Structure[]> {
  const structures: Structure[] = []
  for await (const structure of structuresOf(path, options)) structures.push(structure)
  return structures
}

/**
 * The same one by one, so that a file of extended XYZ may be of any size.
 *
 * @throws GauntletError `ERR_FILE` that names the file and where in it the fault is.
 * @example
 * for await (const { numbers } of structuresOf('trajectory.xyz')) console.log(formula(numbers))
 */
export async function* structuresOf(
  path: string,
  options: XyzOptions = {},
): AsyncGenerator<Structure, void, undefined> {
  switch (extname(path).toLowerCase()) {
    case '.xyz':
    case '.extxyz':
      return yield* xyzFrames(path, options)
    case '.npz':
      return yield* await readRmd17(path, options)
    default:
      throw new GauntletError(
        'ERR_FILE',
        `Expected a file named *.xyz, *.extxyz or *.npz but received ${JSON.stringify(path)}`,
      )
  }
}
