import { expected } from '../runtime/errors.js'
import { resolveDevice, setNumThreads, type DeviceOption } from '../runtime/index.js'
import { integer, type Option } from './options.js'

const device: Option<DeviceOption> = {
  placeholder: 'WHERE',
  help: 'auto (the first GPU, else the CPU), cpu, cuda or cuda:N (auto)',
  initial: 'auto',
  parse: (value, name) => {
    if (!/^(auto|cpu|cuda|cuda:\d+)$/.test(value)) throw expected('auto, cpu, cuda or cuda:N', name, value)
    return value as DeviceOption
  },
}

/** The options of every command that runs products. */
export const deviceOptions = {
  device,
  threads: integer('N', 'CPU threads (the physical cores)', { min: 1, max: 1024 }),
}

/** Applies them and says what `auto` came to. Throws ERR_DEVICE where the asked device is missing. */
export function chooseDevice(values: { device: DeviceOption; threads: number | undefined }): DeviceOption {
  if (values.threads !== undefined) setNumThreads(values.threads)
  return resolveDevice(values.device)
}
