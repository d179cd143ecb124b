import { Irreps, type IrrepsLike } from '../o3/irreps.js'
import { expected, GauntletError } from '../runtime/errors.js'
import type { ContractionOptions } from './contraction.js'

/**
 * The arguments of a contraction, checked.
 *
 * @throws GauntletError ERR_IRREPS, also where blocks have different multiplicities; ERR_ARGUMENT
 */
export function contractionArguments(
  irrepsIn: IrrepsLike,
  irrepsOut: IrrepsLike,
  { correlation, elements }: ContractionOptions,
): { from: Irreps; to: Irreps; channels: number; correlation: number; elements: number } {
  const [from, to] = [Irreps.from(irrepsIn), Irreps.from(irrepsOut)]
  checkCount(correlation, 'correlation', 4)
  checkCount(elements, 'elements', 2 ** 16)
  return { from, to, channels: channelsOf(from, to), correlation, elements }
}

/** The multiplicity that all blocks of both have. */
function channelsOf(irrepsIn: Irreps, irrepsOut: Irreps): number {
  const blocks = [...irrepsIn, ...irrepsOut]
  const channels = blocks.at(0)?.mul ?? 0
  const wrong = blocks.find(({ mul }) => mul !== channels)
  if (irrepsIn.length === 0 || irrepsOut.length === 0 || channels === 0 || wrong) {
    throw new GauntletError(
      'ERR_IRREPS',
      `Expected blocks of one multiplicity, the channels, for irrepsIn and irrepsOut but received ` +
        `"${irrepsIn.toString()}" and "${irrepsOut.toString()}"`,
    )
  }
  return channels
}

function checkCount(value: unknown, name: string, most: number): asserts value is number {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > most) {
    throw expected(`an integer from 1 to ${most}`, name, value)
  }
}
