import { readFile, stat } from 'node:fs/promises'
import { expected, GauntletError } from '../runtime/errors.js'

/** Strings cannot be longer than about 512 MiB in V8. */
const MAX_TEXT = 500 * 2 ** 20

/** The text of a file, or an error that says why there is none. */
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

/** Words an error of the file system; one of our own passes unchanged. */
export function unreadable(path: string, error: unknown): GauntletError {
  if (error instanceof GauntletError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a directory',
    EACCES: 'permission denied',
  }
  const reason = reasons[String(code)] ?? (error instanceof Error ? error.message : String(error))
  return new GauntletError('ERR_FILE', `Cannot read ${path}: ${reason}`, { cause: error })
}

/** `wanted` indices below `count`, spread evenly; all of them where there are no more. */
export function spread(count: number, wanted = count): number[] {
  if (wanted !== count && !(Number.isInteger(wanted) && wanted > 0))
    throw expected('a positive integer', 'frames', wanted)
  const length = Math.min(count, wanted)
  return Array.from({ length }, (_, i) => Math.floor((i * count) / length))
}
