import { DeviceArray } from './device-array.js'
import { expected } from './errors.js'
import type { FloatArray } from './execute.js'

/** Whether writing one array changes the other. */
export function overlap(a: FloatArray, b: FloatArray): boolean {
  if (a instanceof DeviceArray || b instanceof DeviceArray) {
    return a instanceof DeviceArray && b instanceof DeviceArray && a.overlaps(b)
  }
  // Two objects can stand for the same shared memory, and nothing tells.
  if (a.buffer !== b.buffer) return isShared(a) && isShared(b)
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
}

function isShared({ buffer }: Float32Array): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]'
}

/** Refuses results that share memory with each other. */
export function checkApart(results: readonly { name: string; array: FloatArray }[]): void {
  for (const [n, a] of results.entries()) {
    const other = results.slice(n + 1).find((b) => overlap(a.array, b.array))
    if (other) throw expected(`memory apart from that of ${a.name}`, other.name, other.array)
  }
}
