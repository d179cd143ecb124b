import { open, type FileHandle } from 'node:fs/promises'
import { expected, GauntletError } from '../runtime/errors.js'
import { isFileSystemError, messageOf, replaceFile, unreadable } from './file.js'
import { formatHeader, MAX_HEADER, parseHeader, type SafetensorsHeader } from './safetensors-header.js'
import { checkTensor, tensorData, type DType, type StoredTensor } from './stored-tensor.js'

/** What a file of weights holds. */
export interface Weights {
  tensors: Map<string, StoredTensor>
  metadata: Map<string, string>
}

/** One read takes at most so many bytes. */
const MAX_READ = 2 ** 30

/**
 * An open .safetensors file (https://github.com/huggingface/safetensors, format): its header is read and checked whole, a tensor's
 * data when it is asked for.
 *
 * @example
 * await using file = await SafetensorsFile.open('model.safetensors')
 * const { dtype, shape, data } = await file.read('readouts.0.linear.weight')
 */
export class SafetensorsFile implements AsyncDisposable {
  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly header: SafetensorsHeader,
    private readonly dataStart: number,
  ) {}

  /**
   * Opens a file and reads its header; tensors are read when they are asked for.
   *
   * @throws GauntletError `ERR_FILE` that names the file, and the tensor where one is at fault.
   */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle | undefined
    try {
      file = await open(path)
      const { size } = await file.stat()
      const length = size < 8 ? NaN : Number(Buffer.from(await readBytes(file, 0, 8)).readBigUInt64LE())
      if (Number.isNaN(length)) throw new Error('it ends within the length of its header')
      if (length > MAX_HEADER) throw new Error(`its header claims ${length} bytes; up to ${MAX_HEADER} are read`)
      if (8 + length > size) throw new Error(`its header claims ${length} bytes but the file has ${size}`)
      const bytes = await readBytes(file, 8, length)
      return new SafetensorsFile(path, file, parseHeader(new Uint8Array(bytes), size - 8 - length), 8 + length)
    } catch (error) {
      await file?.close()
      throw notSafetensors(path, error)
    }
  }

  /** Text that the file carries beside its tensors. */
  get metadata(): ReadonlyMap<string, string> {
    return this.header.metadata
  }

  /** Type and shape of every tensor, by name. */
  get tensors(): ReadonlyMap<string, { readonly dtype: DType; readonly shape: readonly number[] }> {
    return this.header.tensors
  }

  /**
   * Reads one tensor, and no more of the file than that.
   *
   * @throws GauntletError `ERR_ARGUMENT` if there is none of this name, `ERR_FILE`
   */
  async read(name: string): Promise<StoredTensor> {
    const place = this.header.tensors.get(name)
    if (!place) throw expected(`a tensor of ${this.path}`, 'name', name)
    const { dtype, shape, begin, end } = place
    try {
      const bytes = await readBytes(this.file, this.dataStart + begin, end - begin)
      return { dtype, shape, data: tensorData(dtype, bytes) }
    } catch (error) {
      throw notSafetensors(this.path, error)
    }
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.file.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Reads everything a .safetensors file holds.
 *
 * @throws GauntletError `ERR_FILE` that names the file, and the tensor where one is at fault.
 * @example
 * const { tensors, metadata } = await readSafetensors('model.safetensors')
 */
export async function readSafetensors(path: string): Promise<Weights> {
  await using file = await SafetensorsFile.open(path)
  const tensors = new Map<string, StoredTensor>()
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name))
  return { tensors, metadata: new Map(file.metadata) }
}

/**
 * Writes tensors, and text beside them, as a .safetensors file; the path names the old file or the whole new one at any time.
 *
 * @throws GauntletError `ERR_ARGUMENT`, `ERR_DTYPE`, `ERR_LENGTH`, `ERR_BUFFER` for a tensor that is none, before anything is
 *     written; `ERR_FILE`
 * @example
 * await writeSafetensors('w.safetensors', new Map([['w', { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) }]]))
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  for (const [name, tensor] of tensors) {
    if (name === '__metadata__') throw expected('another name', 'a tensor', name)
    checkTensor(name, tensor)
  }
  for (const [key, text] of metadata) {
    if (typeof text !== 'string') throw expected('text', `the metadata '${key}'`, text)
  }
  const { bytes, order } = formatHeader(tensors, metadata)
  const data = order.map(
    ({ data: { buffer, byteOffset, byteLength } }) => new Uint8Array(buffer, byteOffset, byteLength),
  )
  await replaceFile(path, [bytes, ...data])
}

/** So many bytes of a file in memory of their own. */
async function readBytes(file: FileHandle, position: number, length: number): Promise<ArrayBuffer> {
  const buffer = new ArrayBuffer(length)
  for (let at = 0; at < length;) {
    const view = new Uint8Array(buffer, at, Math.min(MAX_READ, length - at))
    const { bytesRead } = await file.read(view, 0, view.length, position + at)
    if (bytesRead === 0) throw new Error('it was cut short while it was read')
    at += bytesRead
  }
  return buffer
}

function notSafetensors(path: string, error: unknown): GauntletError {
  if (error instanceof GauntletError || isFileSystemError(error)) return unreadable(path, error)
  return new GauntletError('ERR_FILE', `${path} is not a whole .safetensors file: ${messageOf(error)}`, {
    cause: error,
  })
}
