import type { EncodedPlan, OperandInfo } from '../../lib/runtime/index.js'

/**
 * A product small enough to know by heart: two vectors per channel, out = (a . b, a x b). Its plan is written by hand, so
 * that these tests stand on native code alone.
 */
export const channels = 5
export const dims = [3 * channels, 3 * channels, 4 * channels] as const

export const operands: readonly [OperandInfo, OperandInfo, OperandInfo] = [
  { name: 'x1', dim: dims[0], irreps: '5x1o' },
  { name: 'x2', dim: dims[1], irreps: '5x1o' },
  { name: 'grad', dim: dims[2], irreps: '5x0e + 5x1e' },
]

/** [i, j, k, coefficient]: row 0 of `out` is the dot product, rows 1 to 3 are the cross product. */
const couplings = [
  [0, 0, 0, 1],
  [1, 1, 0, 1],
  [2, 2, 0, 1],
  [1, 2, 1, 1],
  [2, 1, 1, -1],
  [2, 0, 2, 1],
  [0, 2, 2, -1],
  [0, 1, 3, 1],
  [1, 0, 3, -1],
]

/** See native/core/plan.cc for the order. */
export function encode(): EncodedPlan {
  const vector = [3, 1, channels, 1, 0, channels, 3, 0, 1, 2]
  const scalarAndVector = [4, 1, channels, 2, 0, channels, 1, 0, channels, channels, 3, 1, 2, 3]
  const sparse = [0, couplings.length, ...[0, 1, 2].flatMap((operand) => couplings.map((entry) => entry[operand]))]
  return {
    integers: Int32Array.of(...dims, 0, 0, 1, channels, ...vector, ...vector, ...scalarAndVector, ...sparse),
    reals: Float64Array.from(couplings, (entry) => entry[3]),
  }
}

/** The same in float64, straight from the formula. Entries of `out` are those of operand `target`. */
export function reference(target: 0 | 1 | 2, x: ArrayLike<number>, y: ArrayLike<number>, batch: number): Float64Array {
  const [first, second] = target === 0 ? [1, 2] : target === 1 ? [0, 2] : [0, 1]
  const out = new Float64Array(batch * dims[target])
  for (let sample = 0; sample < batch; ++sample) {
    for (let channel = 0; channel < channels; ++channel) {
      for (const entry of couplings) {
        const at = (operand: number) => sample * dims[operand] + offset(operand, entry[operand], channel)
        out[at(target)] += entry[3] * x[at(first)] * y[at(second)]
      }
    }
  }
  return out
}

function offset(operand: number, row: number, channel: number): number {
  if (operand < 2) return channel * 3 + row
  return row === 0 ? channel : channels + channel * 3 + row - 1
}

/** Reproducible values between -1 and 1. */
export function noise(length: number, seed = 1): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length)
  let state = Math.imul(seed, 2654435761)
  for (let i = 0; i < length; ++i) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    values[i] = state / 2 ** 31
  }
  return values
}

/** Rounding of a sum of at most three products of numbers below 1, each rounded to float32. */
export const tolerance = 4 * 2 ** -24 * 3

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length}`)
  let max = 0
  for (let i = 0; i < a.length; ++i) max = Math.max(max, Math.abs(a[i] - b[i])) // NaN makes it NaN
  return max
}

/** Whether two arrays hold the very same bits; for arrays too long for a matcher that looks at every element. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const bytes = (array: Float32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength)
  return bytes(a).equals(bytes(b))
}

/** The code of the GauntletError that `call` throws. */
export function codeOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'nothing was thrown'
}

/** The code of the GauntletError that a promise rejects with. */
export function codeOfRejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )
}

/** Takes a buffer's memory away, as a transfer to a worker does. */
export function detach(buffer: ArrayBuffer): void {
  structuredClone(buffer, { transfer: [buffer] })
}

/** WebAssembly.Memory, of which the types for Node.js do not speak. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  /** Moves the memory to another buffer and detaches this one. */
  grow(pages: number): number
}

export function wasmMemory(bytes: number): WasmMemory {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: { Memory: new (options: { initial: number }) => WasmMemory }
  }
  return new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) })
}
