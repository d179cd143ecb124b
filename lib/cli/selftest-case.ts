import { norm } from '../o3/norm.js'
import type { Random } from '../o3/random.js'
import { DeviceArray, type DeviceId, type DeviceOption, type FloatArray } from '../runtime/index.js'
import { relativeError } from './comparison.js'

/** || out - reference || / || reference || of the values, and the largest of those of all derivatives. */
export interface Errors {
  values: number
  derivatives: number
}

/** One thing that the self-test checks: on fresh random inputs, against a float64 reference that shares no code with the kernels. */
export interface SelftestCase {
  name: string
  errors(device: DeviceOption, random: Random): Errors
}

export type ArrayRun = (inputs: readonly FloatArray[], outputs: readonly FloatArray[]) => void

/**
 * The error of every result of a run that writes into memory filled with NaN: from host memory and, on a GPU, from device memory,
 * the larger one. NaN where anything is NaN or was not written. A reference that vanishes counts as one.
 */
export function errorsOfRun(
  device: DeviceId,
  inputs: readonly Float32Array[],
  wanted: readonly ArrayLike<number>[],
  run: ArrayRun,
): number[] {
  const places = device === 'cpu' ? [false] : [false, true]
  const errors = places.map((onDevice) => {
    return results(onDevice ? device : undefined, inputs, wanted, run).map((out, n) => {
      // Rounding is all there is where derivatives of a constant, or second ones of something linear, are to be zero.
      const vanishes = norm(wanted[n]) < 1e-9
      return vanishes ? norm(out) : relativeError(out, wanted[n])
    })
  })
  return wanted.map((_, n) => Math.max(...errors.map((place) => place[n])))
}

function results(
  device: DeviceId | undefined,
  inputs: readonly Float32Array[],
  shapes: readonly { length: number }[],
  run: ArrayRun,
): Float32Array[] {
  const held: DeviceArray[] = []
  const place = (array: Float32Array): FloatArray => {
    if (device === undefined) return array
    held.push(DeviceArray.from(array, device))
    return held.at(-1)!
  }
  try {
    const outs = shapes.map(({ length }) => place(new Float32Array(length).fill(NaN)))
    run(inputs.map(place), outs)
    return outs.map((array) => (array instanceof DeviceArray ? array.toArray() : array))
  } finally {
    for (const array of held) array.dispose()
  }
}

export function normals(random: Random, length: number): Float32Array {
  return Float32Array.from(random.normals(length))
}
