import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { GauntletError } from '../runtime/errors.js'

/** Strings cannot be longer than about 512 MiB in V8. */
const MAX_TEXT = 500 * 2 ** 20

/**
 * The text of a file.
 *
 * @throws GauntletError `ERR_FILE` that says why there is none.
 */
export async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path)
    if (size > MAX_TEXT) {
      throw new GauntletError('ERR_FILE', `${path} has ${size} bytes; text files are read up to ${MAX_TEXT}: split it`)
    }
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unreadable(path, error)
  }
}

/**
 * Writes a file as a whole: into a new file beside it, which takes its name once everything is on disk. Whatever happens, the path
 * names the old content or the new, never a part.
 *
 * @throws GauntletError `ERR_FILE`; what `chunks` throws passes unchanged.
 * @example
 * await replaceFile('log.json', [JSON.stringify(log)])
 */
export async function replaceFile(
  path: string,
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  await wordedWrite(path, async () => {
    try {
      const file = await open(beside, 'wx')
      try {
        for await (const chunk of chunks) await file.writeFile(chunk)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, path)
    } catch (error) {
      await rm(beside, { force: true })
      throw error
    }
  })
}

/** Longer than anybody takes to write a file. */
const LEFT_MILLISECONDS = 3600 * 1000

/** Removes what {@link replaceFile} left beside a path where its process was killed. */
export async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path)
  const begin = `.${basename(path)}.`
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(begin) || !/^[0-9a-f]{12}$/.test(name.slice(begin.length))) continue
    const file = join(folder, name)
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age > LEFT_MILLISECONDS) await rm(file, { force: true })
  }
}

/**
 * Opens a file that is not there yet, to be written.
 *
 * @throws GauntletError `ERR_FILE`
 */
export async function createFile(path: string): Promise<FileHandle> {
  return wordedWrite(path, () => open(path, 'wx'))
}

/** Whether there is anything under a path; what cannot be looked at is there. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => !(isFileSystemError(error) && error.code === 'ENOENT'),
  )
}

/** Which file a path leads to: `file` is the same for all of its paths, `version` another whenever it was written or replaced. */
export async function identify(path: string): Promise<{ file?: string; version?: string }> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino, size, mtimeNs }) => ({ file: [dev, ino].join(), version: [dev, ino, size, mtimeNs].join() }),
    () => ({}),
  )
}

/** Does something that writes a file, and words its error. */
export async function wordedWrite<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw isFileSystemError(error) ? fileError('write', path, error) : error
  }
}

/** Words an error of reading a file; one of our own passes unchanged. */
export function unreadable(path: string, error: unknown): GauntletError {
  return error instanceof GauntletError ? error : fileError('read', path, error)
}

/** Whether the operating system made the error, not the content of a file. */
export function isFileSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

function fileError(act: 'read' | 'write', path: string, error: unknown): GauntletError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reasons: Record<string, string> = {
    ENOENT: act === 'read' ? 'there is no such file' : 'there is no such folder',
    EEXIST: 'there is such a file already',
    EISDIR: 'it is a directory',
    EACCES: 'permission denied',
    ENOSPC: 'the disk is full',
  }
  const reason = reasons[String(code)] ?? messageOf(error)
  return new GauntletError('ERR_FILE', `Cannot ${act} ${path}: ${reason}`, { cause: error })
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
