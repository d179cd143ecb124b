import type { FileHandle } from 'node:fs/promises'
import { createFile, wordedWrite } from '../files/file.js'
import type { Structure } from './structure.js'
import type { XyzKeys } from './xyz-keys.js'
import { formatXyz } from './xyz-write.js'

/**
 * A new file of extended XYZ that grows frame by frame, each written before the next is asked for: what is there when a program is
 * stopped can be read.
 *
 * @example
 * await using trajectory = await XyzAppender.create('md.xyz')
 * await trajectory.append(structure)
 */
export class XyzAppender implements AsyncDisposable {
  /** Bytes of whole frames. */
  #length = 0

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly keys: XyzKeys,
  ) {}

  /**
   * Begins a file that is not there yet.
   *
   * @throws GauntletError `ERR_FILE`, for a file that is there already too
   */
  static async create(path: string, keys: XyzKeys = {}): Promise<XyzAppender> {
    return new XyzAppender(path, await createFile(path), keys)
  }

  /**
   * Writes one more frame.
   *
   * @throws GauntletError `ERR_ARGUMENT`, `ERR_LENGTH` for a structure that is none; `ERR_FILE`: no part of it is left there
   */
  async append(structure: Structure): Promise<void> {
    const frame = Buffer.from(formatXyz(structure, this.keys))
    try {
      await wordedWrite(this.path, () => this.file.writeFile(frame))
      this.#length += frame.length
    } catch (error) {
      await wordedWrite(this.path, () => this.file.truncate(this.#length))
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close()
  }
}
