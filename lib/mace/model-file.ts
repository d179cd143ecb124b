import { readSafetensors, writeSafetensors } from '../files/safetensors.js'
import { type StoredTensor, toFloat64 } from '../files/stored-tensor.js'
import type { DeviceOption } from '../runtime/device.js'
import { errorIn } from '../runtime/errors.js'
import { toHyperparameters } from './hyperparameters.js'
import type { Mace } from './model.js'
import type { Weights } from './parameters.js'
import { loadMace, type StateTensor } from './state-dict.js'

/**
 * Writes a model: its parameters by MACE's names in float64, its options by MACE's names in the metadata.
 *
 * @throws GauntletError ERR_FILE
 * @example
 * await writeModel('mace.safetensors', model, weights)
 */
export async function writeModel(path: string, model: Mace, weights: Weights): Promise<void> {
  const tensors = new Map<string, StoredTensor>()
  for (const { name, shape } of model.parameters) {
    tensors.set(name, { dtype: 'F64', shape, data: Float64Array.from(weights.get(name)!) })
  }
  await writeSafetensors(path, tensors, toHyperparameters(model.configuration))
}

/**
 * Reads a model that `writeModel` or `gauntlet convert` wrote.
 *
 * @throws GauntletError ERR_FILE where it is no such file or cut short; ERR_ARGUMENT, ERR_LENGTH, ERR_IRREPS where it is the file of
 * another kind of model
 * @example
 * const { model, weights } = await readModel('mace.safetensors')
 * const evaluator = new Evaluator(model, weights)
 */
export async function readModel(
  path: string,
  options: { device?: DeviceOption } = {},
): Promise<{ model: Mace; weights: Weights }> {
  const { tensors, metadata } = await readSafetensors(path)
  const state = new Map<string, StateTensor>()
  for (const [name, tensor] of tensors) state.set(name, { shape: tensor.shape, data: toFloat64(tensor) })
  try {
    return loadMace(metadata, state, options)
  } catch (error) {
    throw errorIn(path, error)
  }
}
