import { readdirSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { buildInfo, devices, getNumThreads, type CudaDevice, type Device } from '../runtime/index.js'

/** Names what a figure was measured with, so that it can be told from another. */
export interface Provenance {
  version: string
  compiler: string
  cuda: { version: string; architectures: string[] } | null
  node: string
  system: string
  processor: string
  cores: number
  isa: string
  device: string
  /** The GPU's name where a GPU was used. */
  gpu?: string
  threads: number
  date: string
}

export function provenance(device: string): Provenance {
  const { version, compiler, cuda } = buildInfo()
  // The list of GPUs is only made where one is in use: it wakes the driver.
  const all: Device[] = devices()
  const cpu = all.find((one) => one.kind === 'cpu')
  const gpu = all.find((one) => one.id === device && one.kind === 'cuda')
  return {
    version,
    compiler,
    cuda,
    node: process.versions.node,
    system: `${process.platform} ${process.arch} ${release()}`,
    processor: cpu?.name ?? '',
    cores: cpu?.cores ?? 0,
    isa: cpu?.isa ?? '',
    device,
    gpu: gpu?.name,
    threads: getNumThreads(),
    date: new Date().toISOString(),
  }
}

/** One line for people. */
export function describeProvenance(from: Omit<Provenance, 'cuda'>): string {
  const where = from.gpu ?? `${from.processor} (${from.isa}, ${from.threads} of ${from.cores} cores)`
  return `gauntlet ${from.version} (${from.compiler}) on ${where}, ${from.system}, Node.js ${from.node}`
}

/** Bytes of the last-level cache of one processor, as Linux tells; 32 MiB where it does not. */
export function lastLevelCache(): number {
  const folder = '/sys/devices/system/cpu/cpu0/cache'
  try {
    const sizes = readdirSync(folder)
      .filter((name) => name.startsWith('index'))
      .map((name) => /^(\d+)K/.exec(readFileSync(`${folder}/${name}/size`, 'utf8'))?.[1])
      .map((kibibytes) => 1024 * Number(kibibytes ?? 0))
    return Math.max(...sizes, 1)
  } catch {
    return 32 * 2 ** 20
  }
}

/** float32 lanes of one multiprocessor, by compute capability. */
const LANES: Record<string, number> = { '7.5': 64, '8.0': 64 }

/** What a GPU's data sheet promises; it is not measured. */
export function nominalRates({ computeCapability, multiprocessors, clock, memoryClock, busWidth }: CudaDevice): {
  peakFlops: number
  bandwidth: number
} {
  const lanes = LANES[computeCapability] ?? 128
  return {
    peakFlops: 2 * lanes * multiprocessors * clock,
    // Two transfers per memory clock.
    bandwidth: (2 * memoryClock * busWidth) / 8,
  }
}
