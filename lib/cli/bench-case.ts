import { getNumThreads, type DeviceOption } from '../runtime/index.js'
import { floor, passFloor, type Shape, type Work } from './floors.js'
import { expressivityOfChannel } from './degrees-of-freedom.js'
import { METHODS, setting, shapeOf, type MethodName, type Setting, type SettingName } from './methods.js'
import { type PassTiming, timePass } from './pass-timing.js'
import type { PassName } from './passes.js'

/** One cell of the benchmark. */
export interface BenchCase {
  method: MethodName
  setting: SettingName
  lmax: number
  channels: number
  /** Samples; chosen by `usualBatch` where it is not given. */
  batch?: number
  /** `forward` where it is not given. */
  pass?: PassName
}

export interface BenchOptions {
  device: DeviceOption
  /** Seconds for one cell, about. */
  budget: number
  /** What the machine can do at best. */
  rates: { peakFlops: number; bandwidth: number }
}

export interface Measurement extends Required<BenchCase>, PassTiming {
  device: string
  /** Of the CPU. */
  threads: number
  paths: number
  /** Output scope: the numbers that come out for one channel of one sample. Methods that differ in it compute different things. */
  outputs: number
  /** Dimension of the maps that one channel reaches between linear layers: `expressivityOfChannel`. */
  expressivity: number
  /** median - launchSeconds, 0 at least. */
  beyondLaunchSeconds: number
  /** What the kernel executes and moves in a forward call, by the product's own count. */
  cost: Work
  /** The least that this way of computing it needs. */
  floor: Work & { seconds: number; boundBy: 'operations' | 'memory' }
  /** floor / median. */
  fractionOfRoofline: number
  /** median / (batch * channels * outputs): what one output number costs. */
  secondsPerOutput: number
  /** median / (batch * channels * expressivity): what one degree of freedom costs. */
  secondsPerDegreeOfFreedom: number
  /** The operations and bytes of the floor, per second: what is executed beyond need does not count. */
  achieved: { flopsPerSecond: number; bytesPerSecond: number }
}

/** Output bytes of one set of buffers at most, and operations of one call. */
const MAX_BYTES = 2 ** 28
const MAX_FLOPS = 4e9
const MAX_LANES = 256_000

/** A batch that the machine takes a millisecond to a second for; the same for every method, so that rows compare. */
export function usualBatch(sides: Setting, channels: number): number {
  const { bytes, flops } = floor('sparse-kept', everyPath(sides))
  const most = Math.min(MAX_LANES / channels, MAX_BYTES / (bytes * channels), MAX_FLOPS / (flops * channels))
  return Math.max(1, Math.floor(most))
}

/** The shape of a product that couples everything that triangle and parity allow. */
function everyPath({ in1, in2, out }: Setting): Shape {
  const paths: [number, number, number][] = []
  for (const { ir: a } of in1) {
    for (const { ir: b } of in2) {
      for (const c of a.product(b)) if (out === 'all' || out.has(c)) paths.push([a.l, b.l, c.l])
    }
  }
  const degrees = (irreps: Iterable<{ ir: { l: number } }>): number[] => [...irreps].map(({ ir }) => ir.l)
  return { in1: degrees(in1), in2: degrees(in2), out: [...new Set(paths.map(([, , l]) => l))], paths }
}

/** Builds the product, checks it on one sample and times it. */
export function measure(cell: BenchCase, options: BenchOptions): Measurement {
  const { method, channels, pass = 'forward' } = cell
  const sides = setting(cell.setting, cell.lmax, channels)
  const { in1, in2, out } = sides
  const batch = cell.batch ?? usualBatch(sides, channels)
  using product = METHODS[method].create(in1, in2, out, options.device)
  const timing = timePass(product, pass, batch, options.budget)
  const { seconds } = timing
  const least = passFloor(METHODS[method].floor, shapeOf(product), pass)
  const work = { flops: least.flops * channels * batch, bytes: least.bytes * channels * batch }
  const [compute, move] = [work.flops / options.rates.peakFlops, work.bytes / options.rates.bandwidth]
  const { flops, bytes } = product.cost(batch)
  const outputs = product.irrepsOut.dim / channels
  const expressivity = expressivityOfChannel(product, channels)
  return {
    ...cell,
    pass,
    batch,
    device: product.device,
    threads: getNumThreads(),
    paths: product.paths.length,
    outputs,
    expressivity,
    ...timing,
    beyondLaunchSeconds: Math.max(0, seconds.median - timing.launchSeconds),
    cost: { flops, bytes },
    floor: { ...work, seconds: Math.max(compute, move), boundBy: compute > move ? 'operations' : 'memory' },
    fractionOfRoofline: Math.max(compute, move) / seconds.median,
    secondsPerOutput: seconds.median / (batch * channels * outputs),
    secondsPerDegreeOfFreedom: seconds.median / (batch * channels * expressivity),
    achieved: { flopsPerSecond: work.flops / seconds.median, bytesPerSecond: work.bytes / seconds.median },
  }
}
