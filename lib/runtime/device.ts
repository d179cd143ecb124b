import { availableParallelism, cpus, totalmem } from 'node:os'
import { expected, GauntletError } from './errors.js'
import { callNative, loadAddon, type CudaDevice, type CudaStatus, type DeviceId, type MachineRates } from './native.js'

/** How a device is asked for: `auto` takes the first GPU where there is one and the CPU elsewhere, `cuda` is `cuda:0`. */
export type DeviceOption = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`

/** The processor. */
export interface CpuDevice {
  id: 'cpu'
  kind: 'cpu'
  name: string
  /** Bytes. */
  memory: number
  /** Physical cores that this process may use; the default of `setNumThreads`. */
  cores: number
  /** The instruction set that the kernels were chosen for. */
  isa: string
}

export type Device = CpuDevice | CudaDevice

/**
 * The devices that products can run on: the CPU, then every usable NVIDIA GPU. Where there is none, `cudaStatus()` says why.
 * Looks for GPUs when called, and never before.
 *
 * @example
 * devices().map(({ id, name }) => `${id} ${name}`) // ['cpu AMD EPYC', 'cuda:0 NVIDIA H100 80GB HBM3']
 */
export function devices(): Device[] {
  return callNative(() => {
    const { isa, cores } = loadAddon().cpuInfo()
    const name = cpus().at(0)?.model.trim() ?? process.arch
    const cpu: CpuDevice = { id: 'cpu', kind: 'cpu', name, memory: totalmem(), cores, isa }
    return [cpu, ...loadAddon().cudaDevices()]
  })
}

/** Whether this process can use an NVIDIA GPU, and why not. Looks for one at the first call. */
export function cudaStatus(): CudaStatus {
  return callNative(() => loadAddon().cudaStatus())
}

/**
 * The device that an option means on this machine.
 *
 * @example
 * resolveDevice('auto') // 'cuda:0', or 'cpu' where there is no GPU
 * @throws GauntletError ERR_DEVICE where a GPU is asked for by name and is not there, ERR_ARGUMENT where the option is none
 */
export function resolveDevice(option: DeviceOption = 'auto'): DeviceId {
  if (option === 'cpu') return 'cpu'
  if (option === 'auto') return cudaStatus().usable ? 'cuda:0' : 'cpu'
  const match = typeof option === 'string' ? /^cuda(?::(0|[1-9]\d{0,3}))?$/.exec(option) : null
  if (!match) throw expected(`'auto', 'cpu', 'cuda' or 'cuda:N'`, 'device', option)
  const index = Number(match[1] ?? 0)
  const status = cudaStatus()
  if (!status.usable) {
    throw new GauntletError(
      'ERR_DEVICE',
      `Expected an NVIDIA GPU for device '${option}' but found none: ${status.reason}. Device 'cpu' works everywhere, 'auto' takes a GPU only where there is one.`,
    )
  }
  const found = callNative(() => loadAddon().cudaDevices())
  if (index >= found.length) {
    const list = found.map(({ id, name }) => `${id} (${name})`).join(', ')
    throw new GauntletError(
      'ERR_DEVICE',
      `Expected a GPU of number ${index} for device '${option}' but found only ${list}`,
    )
  }
  return `cuda:${index}`
}

/**
 * Waits until every call so far for a device is complete. A call whose arrays all are DeviceArrays of one GPU returns once it is
 * queued, and the GPU takes calls in their order, so whoever reads a result gets it without this: it is for clocks. What a GPU
 * failed at in a queued call is an error of a later one, or of this. On the CPU nothing is ever queued.
 *
 * @example
 * const start = performance.now()
 * product.forward(x1, x2, { out })
 * synchronize(product.device)
 * const milliseconds = performance.now() - start
 * @throws GauntletError ERR_DEVICE where there is no such GPU, ERR_ARGUMENT where it is no device, ERR_CUDA
 */
export function synchronize(device: DeviceOption = 'auto'): void {
  // Checked natively, and fast: clocks call this again and again.
  const id = device === 'auto' || device === 'cuda' ? resolveDevice(device) : device
  callNative(() => {
    loadAddon().synchronize(id)
  })
}

/**
 * Sets how many threads a call on the CPU may use, the calling one included. Shared by every product and worker thread of
 * the process; calls in flight keep theirs. Starts at the number of physical cores that the process may run on.
 *
 * @throws GauntletError ERR_ARGUMENT unless it is an integer from 1 to 1024
 */
export function setNumThreads(threads: number): void {
  loadAddon().setNumThreads(checkThreads(threads))
}

/** How many threads a call on the CPU may use. */
export function getNumThreads(): number {
  return loadAddon().getNumThreads()
}

/**
 * Measures what the processor can do at best, to judge kernels by: the rate of independent multiply-adds from registers
 * with the instruction set in use, and the rate of a large copy. Blocks for about twice `milliseconds` and takes 512 MiB.
 *
 * @param options.threads by default what `getNumThreads` says
 * @throws GauntletError ERR_ARGUMENT, ERR_MEMORY
 */
export function measureMachine(options: { threads?: number; milliseconds?: number } = {}): MachineRates {
  const threads = checkThreads(options.threads ?? getNumThreads())
  const milliseconds = options.milliseconds ?? 300
  if (!(milliseconds > 0 && milliseconds <= 60_000)) throw expected('up to 60000', 'milliseconds', milliseconds)
  return callNative(() => loadAddon().measureMachine(threads, milliseconds))
}

function checkThreads(threads: number): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > 1024) {
    throw expected(`an integer from 1 to 1024 (this machine has ${availableParallelism()} CPUs)`, 'threads', threads)
  }
  return threads
}
