import { Random } from '../o3/random.js'
import type { Product } from '../product/index.js'
import { allocate, DeviceArray, free, getNumThreads, type DeviceOption, type FloatArray } from '../runtime/index.js'
import { floor, passFloor, type Shape, type Work } from './floors.js'
import { lastLevelCache } from './machine.js'
import { METHODS, setting, shapeOf, type MethodName, type Setting, type SettingName } from './methods.js'
import { passDims, PASSES, type Pass, type PassName } from './passes.js'
import { passError } from './selftest-products.js'
import { time, type Timing } from './timing.js'

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

export interface Measurement extends Required<BenchCase> {
  device: string
  /** Of the CPU. */
  threads: number
  paths: number
  /** Output scope: the numbers that come out for one channel of one sample. Methods that differ in it compute different things. */
  outputs: number
  /** One call on the whole batch. */
  seconds: Timing
  /** What the kernel executes and moves in a forward call, by the product's own count. */
  cost: Work
  /** The least that this way of computing it needs. */
  floor: Work & { seconds: number; boundBy: 'operations' | 'memory' }
  /** floor / median. */
  fractionOfRoofline: number
  /** median / (batch * channels * outputs): what one output number costs. */
  secondsPerOutput: number
  /** The operations and bytes of the floor, per second: what is executed beyond need does not count. */
  achieved: { flopsPerSecond: number; bytesPerSecond: number }
  /** || out - reference || / || reference || of one sample, the largest of all results. */
  error: number
}

/** Output bytes of one set of buffers at most, and operations of one call. */
const MAX_BYTES = 2 ** 28
const MAX_FLOPS = 4e9
const MAX_LANES = 256_000

/** A batch that the machine takes a millisecond to a second for; the same for every method, so that rows compare. */
export function usualBatch(where: SettingName, lmax: number, channels: number): number {
  const { bytes, flops } = floor('sparse-kept', everyPath(setting(where, lmax, 1)))
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
  const { in1, in2, out } = setting(cell.setting, cell.lmax, channels)
  const batch = cell.batch ?? usualBatch(cell.setting, cell.lmax, channels)
  using product = METHODS[method].create(in1, in2, out, options.device)
  const buffers = new Buffers(product, PASSES[pass], batch)
  // So that nobody times a kernel that computes something else.
  const error = passError(product, PASSES[pass], 1, new Random(0))
  const seconds = time((i) => buffers.run(i), { budget: options.budget })
  buffers.release()
  const least = passFloor(METHODS[method].floor, shapeOf(product), pass)
  const work = { flops: least.flops * channels * batch, bytes: least.bytes * channels * batch }
  const [compute, move] = [work.flops / options.rates.peakFlops, work.bytes / options.rates.bandwidth]
  const { flops, bytes } = product.cost(batch)
  const outputs = product.irrepsOut.dim / channels
  return {
    ...cell,
    pass,
    batch,
    device: product.device,
    threads: getNumThreads(),
    paths: product.paths.length,
    outputs,
    seconds,
    cost: { flops, bytes },
    floor: { ...work, seconds: Math.max(compute, move), boundBy: compute > move ? 'operations' : 'memory' },
    fractionOfRoofline: Math.max(compute, move) / seconds.median,
    secondsPerOutput: seconds.median / (batch * channels * outputs),
    achieved: { flopsPerSecond: work.flops / seconds.median, bytesPerSecond: work.bytes / seconds.median },
    error,
  }
}

/** Several sets of inputs and outputs, taken in turn, which together are too large for any cache. */
class Buffers {
  private readonly host: Float32Array[] = []
  private readonly sets: { inputs: FloatArray[]; outputs: FloatArray[] }[] = []

  constructor(
    private readonly product: Product,
    private readonly pass: Pass,
    batch: number,
  ) {
    const dims = passDims(product)
    const sizes = [...pass.inputs, ...pass.outputs].map((operand) => batch * dims[operand])
    const bytes = 4 * sizes.reduce((sum, size) => sum + size, 0)
    const count = Math.min(64, Math.max(2, Math.ceil((2 * lastLevelCache()) / bytes)))
    const random = new Random(1)
    for (let set = 0; set < count; set++) {
      // On a GPU the data stay there; what a copy costs is another question.
      const arrays = sizes.map((size) => allocate(size))
      arrays.forEach((array, n) => {
        if (n < pass.inputs.length) fillRandomly(array, random)
        else array.fill(0) // so that no run is the first to touch its pages
      })
      this.host.push(...arrays)
      const used = product.device === 'cpu' ? arrays : arrays.map((array) => DeviceArray.from(array, product.device))
      this.sets.push({ inputs: used.slice(0, pass.inputs.length), outputs: used.slice(pass.inputs.length) })
    }
  }

  run(repetition: number): void {
    const { inputs, outputs } = this.sets[repetition % this.sets.length]
    this.pass.run(this.product, inputs, outputs)
  }

  release(): void {
    for (const { inputs, outputs } of this.sets) {
      for (const array of [...inputs, ...outputs]) if (array instanceof DeviceArray) array.dispose()
    }
    for (const array of this.host) free(array)
  }
}

/** Uniform in [-1, 1): cheaper than normals, and the kernels do not care. */
function fillRandomly(array: Float32Array, random: Random): void {
  for (let i = 0; i < array.length; i++) array[i] = random.uint32() * 2 ** -31 - 1
}
