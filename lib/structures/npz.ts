import type { Entry, ZipFile } from 'yauzl'
import { GauntletError } from '../runtime/errors.js'
import { unreadable } from './file.js'
import { NPY_PREAMBLE, npyExtent, npyHeaderLength, parseNpy, parseNpyHeader, type NpyArray } from './npy.js'

/** All arrays read from one archive may have this many bytes. */
const MAX_BYTES = 2 ** 30
/** An array of more than a few megabytes that deflates better than this is no data set but a bomb. */
const MAX_RATIO = 100
const SMALL = 4 * 2 ** 20

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
  const names: string[] = []
  const arrays = new Map<string, NpyArray>()
  // Loaded here because few programs that use this package ever read an archive.
  const { openPromise } = await import('yauzl')
  let zip: ZipFile
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false })
  } catch (error) {
    throw notAnArchive(path, error)
  }
  let budget = MAX_BYTES
  try {
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.replace(/\.npy$/, '')
      if (names.includes(name)) throw new GauntletError('ERR_FILE', `${path} holds '${name}' twice`)
      names.push(name)
      if (!wanted.includes(name)) continue
      try {
        const bytes = await readEntry(zip, entry, budget)
        budget -= bytes.length
        arrays.set(name, parseNpy(bytes))
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new GauntletError('ERR_FILE', `${path}, array '${name}': ${reason}`, { cause: error })
      }
    }
  } catch (error) {
    throw notAnArchive(path, error)
  } finally {
    zip.close()
  }
  return { names, arrays }
}

/** The bytes of one member. Memory grows with what has really been read, and no further than the header's announcement. */
async function readEntry(zip: ZipFile, entry: Entry, budget: number): Promise<Buffer> {
  const size = entry.uncompressedSize
  if (size > budget)
    throw new Error(`it unpacks to ${size} bytes; an archive's arrays are read up to ${MAX_BYTES} in all`)
  if (size > SMALL && size > MAX_RATIO * entry.compressedSize) {
    throw new Error(`it unpacks to ${size} bytes from ${entry.compressedSize}, which no real data does`)
  }
  const stream = await zip.openReadStreamPromise(entry)
  const chunks: Buffer[] = []
  let length = 0
  let checked = false
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (!checked && length >= NPY_PREAMBLE) {
      const head = chunks.length === 1 ? chunk : Buffer.concat(chunks)
      if (length >= npyHeaderLength(head)) {
        checkExtent(head, size)
        checked = true
      }
    }
  }
  const bytes = Buffer.concat(chunks, length)
  if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is wrong: the file is damaged')
  return bytes
}

/** Leaves reading early when the directory of the archive and the header of the array disagree. */
function checkExtent(head: Buffer, size: number): void {
  const header = parseNpyHeader(head)
  const { bytes } = npyExtent(header)
  if (header.offset + bytes !== size) {
    throw new Error(
      `its header announces ${bytes} bytes of data (${header.shape.join(' x ')}) but it has ${size - header.offset}`,
    )
  }
}

function notAnArchive(path: string, error: unknown): GauntletError {
  if (error instanceof GauntletError) return error
  if (error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('E')) {
    return unreadable(path, error)
  }
  const reason = error instanceof Error ? error.message : String(error)
  return new GauntletError('ERR_FILE', `${path} is not a whole .npz archive: ${reason}`, { cause: error })
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** The zip checksum. Node's own zlib.crc32 is younger than the oldest Node this package runs on. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
