import type { Mace } from '../mace/model.js'
import { readModel } from '../mace/model-file.js'
import type { Precision } from '../mace/model-program.js'
import type { Weights } from '../mace/parameters.js'
import { expected, GauntletError } from '../runtime/errors.js'
import type { DeviceOption } from '../runtime/index.js'
import { elementSymbol } from '../structures/structure.js'
import { chooseDevice, deviceOptions } from './device.js'
import { choice } from './options.js'

/** The options of every command that runs a model. */
export const modelOptions = {
  ...deviceOptions,
  precision: choice<Precision>('NAME', 'float32, or float64: from definitions, slowly, on the CPU', [
    'float32',
    'float64',
  ]),
}

interface ModelValues {
  device: DeviceOption
  threads: number | undefined
  precision: Precision
}

/**
 * Reads a model for a command.
 *
 * @throws GauntletError ERR_FILE, ERR_ARGUMENT, ERR_LENGTH, ERR_IRREPS for a file that holds none; ERR_DEVICE
 */
export async function loadModel(path: string, values: ModelValues): Promise<{ model: Mace; weights: Weights }> {
  if (/\.(model|pt|pth)$/i.test(path)) {
    const where = path.replace(/\.\w+$/, '.safetensors')
    throw new GauntletError(
      'ERR_FILE',
      `Expected a model as *.safetensors but received ${path}; gauntlet convert ${path} -o ${where} makes one of it`,
    )
  }
  return readModel(path, { device: deviceOf(values) })
}

/** Definitions are computed on the CPU; a GPU that is asked for is not silently left out. */
function deviceOf({ device, threads, precision }: ModelValues): DeviceOption {
  if (precision === 'float32') return chooseDevice({ device, threads })
  if (device.startsWith('cuda')) throw expected('auto or cpu', '--device in float64', device)
  return chooseDevice({ device: 'cpu', threads })
}

/** `ScaleShiftMACE of H, C, O within 4 Angstrom: 32x0e, harmonics to 2, correlation 2,2, product cg: 24976 parameters` */
export function describeModel({ configuration, parameterCount }: Mace): string {
  const { model, atomicNumbers, cutoff, hiddenIrreps, maxEll, correlation, product } = configuration
  const elements = atomicNumbers.map(elementSymbol)
  const which = elements.length > 12 ? `${elements.length} elements` : elements.join(', ')
  return (
    `${model} of ${which} within ${cutoff} Angstrom: ${hiddenIrreps.toString()}, harmonics to ${maxEll}, ` +
    `correlation ${correlation.join()}, product ${product}: ${parameterCount} parameters\n`
  )
}
