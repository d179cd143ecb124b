import { GauntletError } from '../runtime/errors.js'
import { messageOf } from './file.js'
import { NPY_PREAMBLE, npyExtent, npyHeaderLength, parseNpy, parseNpyHeader, type NpyArray } from './npy.js'
import { Archive } from './zip.js'

/** All arrays read from one archive may have this many bytes. */
const MAX_BYTES = 2 ** 30

/**
 * Reads the named arrays of a numpy .npz archive; names that are not there are left out of the result, whose `names` lists
 * everything in the archive.
 *
 * Nothing in the file is believed before it is seen: an array is read in pieces, and reading stops as soon as its size, its
 * header and the archive's directory disagree.
 *
 * @throws GauntletError `ERR_FILE` that names the file and the array.
 */
export async function readNpz(
  path: string,
  wanted: readonly string[],
): Promise<{ names: string[]; arrays: Map<string, NpyArray> }> {
  return Archive.with(path, '.npz archive', MAX_BYTES, async (archive) => {
    const names = archive.names.map((member) => member.replace(/\.npy$/, ''))
    const arrays = new Map<string, NpyArray>()
    for (const [i, member] of archive.names.entries()) {
      if (!wanted.includes(names[i])) continue
      if (arrays.has(names[i])) throw new Error(`it holds '${names[i]}' twice`)
      try {
        arrays.set(names[i], parseNpy(await archive.read(member, inspectHeader)))
      } catch (error) {
        throw new GauntletError('ERR_FILE', `${path}, array '${names[i]}': ${messageOf(error)}`, { cause: error })
      }
    }
    return { names, arrays }
  })
}

/** Leaves reading early when the directory of the archive and the header of the array disagree. */
function inspectHeader(head: Buffer, size: number): boolean {
  if (head.length < NPY_PREAMBLE || head.length < npyHeaderLength(head)) return false
  const header = parseNpyHeader(head)
  const { bytes } = npyExtent(header)
  if (header.offset + bytes !== size) {
    throw new Error(
      `its header announces ${bytes} bytes of data (${header.shape.join(' x ')}) but it has ${size - header.offset}`,
    )
  }
  return true
}
