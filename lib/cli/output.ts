import { stat } from 'node:fs/promises'
import { expected } from '../runtime/errors.js'

/**
 * Refuses to write a result over what it is made of.
 *
 * @throws GauntletError ERR_ARGUMENT
 */
export async function checkOutput(out: string | undefined, inputs: readonly string[]): Promise<void> {
  const file = out === undefined ? undefined : await identify(out)
  if (file === undefined) return
  for (const input of inputs) {
    if ((await identify(input)) === file) throw expected('a file that is not read', '--out', out)
  }
}

/** The same for all paths of one file; nothing where there is none. */
async function identify(path: string): Promise<string | undefined> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => undefined,
  )
}
