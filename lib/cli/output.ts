import { identify } from '../files/file.js'
import { expected } from '../runtime/errors.js'

/**
 * Refuses to write a result over what it is made of.
 *
 * @throws GauntletError ERR_ARGUMENT
 */
export async function checkOutput(out: string | undefined, inputs: readonly string[]): Promise<void> {
  const { file } = out === undefined ? {} : await identify(out)
  if (file === undefined) return
  for (const input of inputs) {
    if ((await identify(input)).file === file) throw expected('a file that is not read', '--out', out)
  }
}
