import { readSafetensors, writeSafetensors } from '../files/safetensors.js'
import type { StoredTensor } from '../files/stored-tensor.js'
import type { ScheduleState } from '../nn/schedule.js'
import { GauntletError } from '../runtime/errors.js'

/** Where a training is, beside its arrays. */
export interface Progress {
  /** Epochs done. */
  epoch: number
  steps: number
  averageUpdates: number
  schedule: ScheduleState
  stage: 1 | 2
  /** Of the last validation; none before the first. */
  loss?: number
  /** The lowest of this stage. */
  best?: number
  /** Validations since. */
  waiting: number
  /** Seconds of training so far. */
  seconds: number
}

/** Arrays by what they are for and by name: `parameters/NAME`, `adam/NAME.mean`, ... */
export type Arrays = ReadonlyMap<string, Float32Array>

/** All that a training is. */
export interface TrainingState {
  progress: Progress
  arrays: Arrays
}

const KEY = 'training'

/**
 * Writes all that a training needs to go on, as one file that is there whole or not at all.
 *
 * @param fingerprint of the configuration: what must be the same to go on
 * @throws GauntletError ERR_FILE
 */
export async function writeState(path: string, progress: Progress, arrays: Arrays, fingerprint: string): Promise<void> {
  const tensors = new Map<string, StoredTensor>()
  for (const [name, data] of arrays) tensors.set(name, { dtype: 'F32', shape: [data.length], data: data.slice() })
  const metadata = new Map([
    [KEY, JSON.stringify(progress)],
    ['fingerprint', fingerprint],
  ])
  await writeSafetensors(path, tensors, metadata)
}

/**
 * Reads it back.
 *
 * @param like arrays of all names and lengths that there have to be
 * @throws GauntletError ERR_FILE, and ERR_ARGUMENT where it belongs to another configuration
 */
export async function readState(path: string, like: Arrays, fingerprint: string): Promise<TrainingState> {
  const { tensors, metadata } = await readSafetensors(path)
  const progress = parseProgress(metadata.get(KEY))
  if (progress === undefined) throw new GauntletError('ERR_FILE', `${path} is not the state of a training, or damaged`)
  if (metadata.get('fingerprint') !== fingerprint) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      `${path} belongs to a training with another configuration or other data; resume with the same, or begin anew under another name`,
    )
  }
  const arrays = new Map<string, Float32Array>()
  for (const [name, array] of like) {
    const stored = tensors.get(name)
    if (stored === undefined || !(stored.data instanceof Float32Array) || stored.data.length !== array.length) {
      throw new GauntletError('ERR_FILE', `${path} lacks ${array.length} float32 numbers of ${name}`)
    }
    arrays.set(name, stored.data)
  }
  return { progress, arrays }
}

function parseProgress(text = ''): Progress | undefined {
  try {
    const progress = JSON.parse(text) as Partial<Progress>
    const counts = [progress.epoch, progress.steps, progress.averageUpdates, progress.waiting]
    const good =
      counts.every((count) => Number.isSafeInteger(count) && count! >= 0) && typeof progress.schedule === 'object'
    return good && (progress.stage === 1 || progress.stage === 2) ? (progress as Progress) : undefined
  } catch {
    return undefined
  }
}
