import { Random } from '../o3/random.js'
import { referenceForward, type Product } from '../product/index.js'
import { allocate, DeviceArray, free, type DeviceOption, type FloatArray } from '../runtime/index.js'
import { relativeError } from './comparison.js'
import { floor, type Shape, type Work } from './floors.js'
import { lastLevelCache } from './machine.js'
import { METHODS, setting, shapeOf, type MethodName, type Setting, type SettingName } from './methods.js'
import { time, type Timing } from './timing.js'

/** One cell of the benchmark. */
export interface BenchCase {
  method: MethodName
  setting: SettingName
  lmax: number
  channels: number
  /** Samples; chosen by `usualBatch` where it is not given. */
  batch?: number
}

export interface BenchOptions {
  device: DeviceOption
  /** Seconds for one cell, about. */
  budget: number
  /** What the machine can do at best. */
  rates: { peakFlops: number; bandwidth: number }
}

export interface Measurement extends Required<BenchCase> {
  paths: number
  /** One call on the whole batch. */
  seconds: Timing
  /** What the kernel executes and moves in a call, by the product's own count. */
  cost: Work
  /** The least that this way of computing it needs. */
  floor: Work & { seconds: number; boundBy: 'operations' | 'memory' }
  /** floor / median. */
  fractionOfRoofline: number
  /** || out - reference || / || reference || of the first sample. */
  error: number
}

/** Output bytes of one set of buffers at most, and operations of one call. */
const MAX_BYTES = 2 ** 28
const MAX_FLOPS = 4e9
const MAX_LANES = 64_000

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
  const { method, channels } = cell
  const { in1, in2, out } = setting(cell.setting, cell.lmax, channels)
  const batch = cell.batch ?? usualBatch(cell.setting, cell.lmax, channels)
  const product = METHODS[method].create(in1, in2, out, options.device)
  try {
    const buffers = new Buffers(product, batch)
    const error = checkFirstSample(product, buffers)
    const seconds = time((i) => buffers.run(i), { budget: options.budget })
    buffers.release()
    const least = floor(METHODS[method].floor, shapeOf(product))
    const work = { flops: least.flops * channels * batch, bytes: least.bytes * channels * batch }
    const [compute, move] = [work.flops / options.rates.peakFlops, work.bytes / options.rates.bandwidth]
    const { flops, bytes } = product.cost(batch)
    return {
      ...cell,
      batch,
      paths: product.paths.length,
      seconds,
      cost: { flops, bytes },
      floor: { ...work, seconds: Math.max(compute, move), boundBy: compute > move ? 'operations' : 'memory' },
      fractionOfRoofline: Math.max(compute, move) / seconds.median,
      error,
    }
  } finally {
    product.dispose()
  }
}

/** Several sets of inputs and outputs, taken in turn, which together are too large for any cache. */
class Buffers {
  readonly x1: Float32Array
  readonly x2: Float32Array
  private readonly host: Float32Array[] = []
  private readonly sets: [FloatArray, FloatArray, FloatArray][] = []

  constructor(
    private readonly product: Product,
    batch: number,
  ) {
    const dims = [product.irrepsIn1.dim, product.irrepsIn2.dim, product.irrepsOut.dim]
    const bytes = 4 * batch * dims.reduce((sum, dim) => sum + dim, 0)
    const count = Math.min(64, Math.max(2, Math.ceil((2 * lastLevelCache()) / bytes)))
    const random = new Random(1)
    for (let set = 0; set < count; set++) {
      // On a GPU the data stay there; what a copy costs is another question.
      const arrays = dims.map((dim) => allocate(batch * dim))
      for (const array of arrays.slice(0, 2)) fillRandomly(array, random)
      arrays[2].fill(0) // so that no run is the first to touch its pages
      this.host.push(...arrays)
      const used = product.device === 'cpu' ? arrays : arrays.map((array) => DeviceArray.from(array, product.device))
      this.sets.push([used[0], used[1], used[2]])
    }
    ;[this.x1, this.x2] = this.host
  }

  run(repetition: number): void {
    const [x1, x2, out] = this.sets[repetition % this.sets.length]
    this.product.forward(x1, x2, { out })
  }

  release(): void {
    for (const array of this.sets.flat()) if (array instanceof DeviceArray) array.dispose()
    for (const array of this.host) free(array)
  }
}

/** Uniform in [-1, 1): cheaper than normals, and the kernels do not care. */
function fillRandomly(array: Float32Array, random: Random): void {
  for (let i = 0; i < array.length; i++) array[i] = random.uint32() * 2 ** -31 - 1
}

/** So that nobody times a kernel that computes something else. */
function checkFirstSample(product: Product, { x1, x2 }: Buffers): number {
  const first = [x1.subarray(0, product.irrepsIn1.dim), x2.subarray(0, product.irrepsIn2.dim)]
  return relativeError(product.forward(first[0], first[1]), referenceForward(product, first[0], first[1]))
}
