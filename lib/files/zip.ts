import type { Entry, ZipFile } from 'yauzl'
import { GauntletError } from '../runtime/errors.js'
import { isFileSystemError, messageOf, unreadable } from './file.js'

/** Looks at a member's first bytes and its size: true if it has seen enough; throws to stop reading. */
export type Inspect = (head: Buffer, size: number) => boolean

/** An open zip archive. Nothing in it is believed before it is seen: memory grows with what has really been read. */
export class Archive {
  readonly #members = new Map<string, Entry>()
  #budget: number

  private constructor(
    private readonly zip: ZipFile,
    private readonly limit: number,
  ) {
    this.#budget = limit
  }

  /**
   * Opens an archive, of which `limit` bytes may be read in all, hands it to `use` and closes it.
   *
   * @param kind what the file is to be, for messages: `an .npz archive`
   * @throws GauntletError `ERR_FILE` that names the file.
   */
  static async with<T>(path: string, kind: string, limit: number, use: (archive: Archive) => Promise<T>): Promise<T> {
    const fail = (error: unknown): GauntletError =>
      error instanceof GauntletError || isFileSystemError(error)
        ? unreadable(path, error)
        : new GauntletError('ERR_FILE', `${path} is not a whole ${kind}: ${messageOf(error)}`, { cause: error })
    // Loaded here because few programs that use this package ever read an archive.
    const { openPromise } = await import('yauzl')
    let zip: ZipFile
    try {
      zip = await openPromise(path, { lazyEntries: true, autoClose: false })
    } catch (error) {
      throw fail(error)
    }
    try {
      const archive = new Archive(zip, limit)
      for await (const entry of zip.eachEntry()) {
        if (archive.#members.has(entry.fileName)) throw new Error(`it holds '${entry.fileName}' twice`)
        archive.#members.set(entry.fileName, entry)
      }
      return await use(archive)
    } catch (error) {
      throw fail(error)
    } finally {
      zip.close()
    }
  }

  /** The members' names in the order of the archive's directory. */
  get names(): string[] {
    return [...this.#members.keys()]
  }

  has(name: string): boolean {
    return this.#members.has(name)
  }

  /** How many bytes the archive says a member has. */
  size(name: string): number {
    return this.#member(name).uncompressedSize
  }

  /** The bytes of a member. Throws a plain Error; the caller knows the names. */
  async read(name: string, inspect?: Inspect): Promise<Buffer> {
    const entry = this.#member(name)
    const size = entry.uncompressedSize
    if (size > this.#budget) {
      throw new Error(`it unpacks to ${size} bytes; an archive's members are read up to ${this.limit} in all`)
    }
    const chunks: Buffer[] = []
    let length = 0
    let inspected = inspect === undefined
    const stream = await this.zip.openReadStreamPromise(entry)
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      inspected ||= inspect!(chunks.length === 1 ? chunk : Buffer.concat(chunks), size)
    }
    const bytes = Buffer.concat(chunks, length)
    if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is wrong: the file is damaged')
    this.#budget -= length
    return bytes
  }

  #member(name: string): Entry {
    const entry = this.#members.get(name)
    if (!entry) throw new Error(`it holds no '${name}'`)
    return entry
  }
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
