import { Random } from '../o3/random.js'
import type { Product } from '../product/index.js'
import { allocate, DeviceArray, free, synchronize, type FloatArray } from '../runtime/index.js'
import { lastLevelCache } from './machine.js'
import { passDims, PASSES, type Pass, type PassName } from './passes.js'
import { passError } from './selftest-products.js'
import { time, type Timing } from './timing.js'

export interface PassTiming {
  /** One call on the whole batch. */
  seconds: Timing
  /** One call on one sample, median: what a call takes however little there is to do; on a GPU, launch and wait. */
  launchSeconds: number
  /** || out - reference || / || reference || of one sample, the largest of all results. */
  error: number
}

/** The part of the time for calls on one sample. */
const LAUNCH_SHARE = 0.1

/** Checks one pass of a product on one sample, then times it: on a batch, and on one sample. */
export function timePass(product: Product, name: PassName, batch: number, budget: number): PassTiming {
  const pass = PASSES[name]
  // So that nobody times a kernel that computes something else.
  const error = passError(product, pass, 1, new Random(0))
  const seconds = timeCalls(product, pass, batch, budget)
  const launchSeconds = timeCalls(product, pass, 1, LAUNCH_SHARE * budget).median
  return { seconds, launchSeconds, error }
}

function timeCalls(product: Product, pass: Pass, batch: number, budget: number): Timing {
  const buffers = new Buffers(product, pass, batch)
  try {
    return time((i) => buffers.run(i), { budget })
  } finally {
    buffers.release()
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
    synchronize(this.product.device)
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
