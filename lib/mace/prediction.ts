import { errorIn, GauntletError } from '../runtime/errors.js'
import { formula, type Structure } from '../structures/structure.js'
import { type Batch, joinBatches, makeBatch } from './batch.js'
import type { BatchLimits } from './dataset.js'
import type { Evaluator } from './evaluator.js'

/** What a model says of a structure. */
export interface Prediction {
  readonly structure: Structure
  /** eV */
  readonly energy: number
  /** [atoms, 3], eV/Angstrom. */
  readonly forces: Float64Array
}

/**
 * Energies and forces of structures one after the other, computed in batches within limits: memory does not grow with their number.
 *
 * @throws GauntletError as `makeBatch`, and ERR_PRECISION for a prediction that is no number, naming the structure by its place;
 * ERR_MEMORY; what `structures` throws
 * @example
 * for await (const { energy, forces } of predict(evaluator, xyzFrames('md.xyz'), { structures: 64, edges: 1e5 })) console.log(energy)
 */
export async function* predict(
  evaluator: Evaluator,
  structures: Iterable<Structure> | AsyncIterable<Structure>,
  limits: BatchLimits,
): AsyncGenerator<Prediction, void, undefined> {
  let [held, edges, seen]: [Held[], number, number] = [[], 0, 0]
  for await (const structure of structures) {
    const batch = single(evaluator, structure, ++seen)
    const more = batch.senders.length
    if (held.length > 0 && (held.length >= limits.structures || edges + more > limits.edges)) {
      yield* evaluate(evaluator, held)
      ;[held, edges] = [[], 0]
    }
    held.push({ structure, batch, place: seen })
    edges += more
  }
  if (held.length > 0) yield* evaluate(evaluator, held)
}

interface Held {
  structure: Structure
  batch: Batch
  /** Its number, from 1. */
  place: number
}

/** What messages call a structure. */
function describePlace({ numbers }: Structure, place: number): string {
  return `Structure ${place} (${formula(numbers)})`
}

function single({ model }: Evaluator, structure: Structure, place: number): Batch {
  try {
    return makeBatch(model, [structure])
  } catch (error) {
    throw errorIn(describePlace(structure, place), error)
  }
}

function* evaluate(evaluator: Evaluator, held: readonly Held[]): Generator<Prediction, void, undefined> {
  const { energies, forces } = evaluator.evaluate(joinBatches(held.map(({ batch }) => batch)))
  let at = 0
  for (const [n, { structure, place }] of held.entries()) {
    const end = at + 3 * structure.numbers.length
    const prediction = { structure, energy: energies[n], forces: forces.slice(at, end) }
    if (!isFinitePrediction(prediction)) {
      throw new GauntletError('ERR_PRECISION', `${describePlace(structure, place)}: ${NO_NUMBERS}`)
    }
    yield prediction
    at = end
  }
}

/** What is said of it otherwise. */
export const NO_NUMBERS = 'Energy or forces are no numbers: atoms may be too close, or weights too large'

export function isFinitePrediction({ energy, forces }: { energy: number; forces: Float64Array }): boolean {
  return Number.isFinite(energy) && forces.every(Number.isFinite)
}
