import type { Random } from '../o3/random.js'
import type { Product } from '../product/index.js'
import { DeviceArray } from '../runtime/index.js'
import { relativeError } from './comparison.js'
import { passDims, PASSES, type Pass } from './passes.js'

/**
 * || out - reference || / || reference || of the values, and the largest of those of both gradients and all second derivatives,
 * from host and from device memory; NaN where anything is NaN or was not written, or a reference is zero.
 */
export function productErrors(
  product: Product,
  batch: number,
  random: Random,
): { values: number; derivatives: number } {
  const { forward, backward, doubleBackward } = PASSES
  const values = passError(product, forward, batch, random)
  const slopes = [backward, doubleBackward].map((pass) => passError(product, pass, batch, random))
  return { values, derivatives: Math.max(...slopes) }
}

/** The largest error of any of its results. */
export function passError(product: Product, pass: Pass, batch: number, random: Random): number {
  const dims = passDims(product)
  const inputs = pass.inputs.map((operand) => Float32Array.from(random.normals(batch * dims[operand])))
  const wanted = pass.reference(product, inputs)
  const errors = (product.device === 'cpu' ? [false] : [false, true]).flatMap((onDevice) => {
    return results(product, pass, onDevice, inputs, wanted).map((out, n) => relativeError(out, wanted[n]))
  })
  return Math.max(...errors) // NaN if any of them is
}

/** What a pass writes into memory that was filled with NaN. */
function results(
  product: Product,
  pass: Pass,
  onDevice: boolean,
  inputs: readonly Float32Array[],
  shapes: readonly { length: number }[],
): Float32Array[] {
  const held: DeviceArray[] = []
  const place = (array: Float32Array): Float32Array | DeviceArray => {
    if (!onDevice) return array
    held.push(DeviceArray.from(array, product.device))
    return held.at(-1)!
  }
  try {
    const outs = shapes.map(({ length }) => place(new Float32Array(length).fill(NaN)))
    pass.run(product, inputs.map(place), outs)
    return outs.map((array) => (array instanceof DeviceArray ? array.toArray() : array))
  } finally {
    for (const array of held) array.dispose()
  }
}
