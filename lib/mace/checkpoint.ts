import { readCheckpoint } from '../files/checkpoint.js'
import type { PythonValue } from '../files/python.js'
import { stateDict } from '../files/state-dict.js'
import { toFloat64 } from '../files/stored-tensor.js'
import type { DeviceOption } from '../runtime/device.js'
import { GauntletError } from '../runtime/errors.js'
import { Mace } from './model.js'
import type { Weights } from './parameters.js'
import { type StateTensor, weightsOf } from './state-dict.js'
import { TorchModule } from './torch-module.js'
import { optionsOf } from './torch-options.js'

/**
 * A MACE model as the Python program saves it (`torch.save` of the whole module): its options read off the tree of its modules, its
 * weights as they are stored. Nothing in the file is executed.
 *
 * @throws GauntletError ERR_FILE where it is no such file, or a model of which something is not computed here, by its name
 * @example
 * const { model, weights } = await readMaceCheckpoint('MACE.model')
 * await writeModel('mace.safetensors', model, weights)
 */
export async function readMaceCheckpoint(
  path: string,
  options: { device?: DeviceOption } = {},
): Promise<{ model: Mace; weights: Weights }> {
  const root = await readCheckpoint(path)
  try {
    return maceOf(root, options)
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    throw new GauntletError('ERR_FILE', `${path}: ${error.message}`, { cause: error })
  }
}

/** The same of what a checkpoint holds. */
export function maceOf(root: PythonValue, options: { device?: DeviceOption } = {}): { model: Mace; weights: Weights } {
  if (root instanceof Map) {
    throw new GauntletError(
      'ERR_FILE',
      'Expected a whole model but received a dictionary: a state_dict alone does not say what model it is of',
    )
  }
  // First, because it refuses modules without end.
  const tensors = stateDict(root)
  const model = new Mace(optionsOf(new TorchModule(root)), options)
  const state = new Map<string, StateTensor>()
  for (const [name, tensor] of tensors) state.set(name, { shape: tensor.shape, data: toFloat64(tensor) })
  return { model, weights: weightsOf(model, state) }
}
