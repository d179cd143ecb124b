import { cudaStatus, resolveDevice, setNumThreads, type DeviceOption } from '../runtime/index.js'
import { integer, text } from './options.js'

/** The options of every command that runs products. */
export const deviceOptions = {
  device: text('WHERE', 'auto (the first GPU, else the CPU), cpu, cuda or cuda:N (auto)'),
  threads: integer('N', 'CPU threads (the physical cores)', { min: 1, max: 1024 }),
}

/** Applies them and says what `auto` came to. Throws ERR_DEVICE where the asked device is missing. */
export function chooseDevice(values: { device: string | undefined; threads: number | undefined }): DeviceOption {
  if (values.threads !== undefined) setNumThreads(values.threads)
  // Any string: resolveDevice refuses those that are no device.
  return resolveDevice((values.device ?? 'auto') as DeviceOption)
}

/** Why there is no GPU, for a person who may have expected one; nothing where there is one. */
export function whyNoGpu(): string | undefined {
  const status = cudaStatus()
  return status.usable ? undefined : status.reason
}
