import type { Random } from '../o3/random.js'
import { type Product, referenceWithout } from '../product/index.js'
import { DeviceArray } from '../runtime/index.js'
import { relativeError } from './comparison.js'

/**
 * || out - reference || / || reference || of the values, and the largest of those of both gradients and all second derivatives,
 * from host and from device memory; NaN where anything is NaN or was not written, or a reference is zero.
 */
export function productErrors(
  product: Product,
  batch: number,
  random: Random,
): { values: number; derivatives: number } {
  const { irrepsIn1, irrepsIn2, irrepsOut } = product
  const normals = ({ dim }: { dim: number }): Float32Array => Float32Array.from(random.normals(batch * dim))
  const [x1, x2, g, v1, v2] = [irrepsIn1, irrepsIn2, irrepsOut, irrepsIn1, irrepsIn2].map(normals)
  const along1 = referenceWithout(product, 2, [v1, x2])
  const wanted = [
    referenceWithout(product, 2, [x1, x2]),
    referenceWithout(product, 0, [x2, g]),
    referenceWithout(product, 1, [x1, g]),
    referenceWithout(product, 0, [v2, g]),
    referenceWithout(product, 1, [v1, g]),
    referenceWithout(product, 2, [x1, v2]).map((value, n) => value + along1[n]),
  ]
  const errors = wanted.map(() => 0)
  for (const onDevice of product.device === 'cpu' ? [false] : [false, true]) {
    passes(product, onDevice, [x1, x2, g, v1, v2]).forEach((out, n) => {
      const error = relativeError(out, wanted[n])
      errors[n] = Number.isNaN(error) ? NaN : Math.max(errors[n], error)
    })
  }
  return { values: errors[0], derivatives: Math.max(...errors.slice(1)) }
}

/** Values, both gradients and the three results of the double backward pass, each into memory that was filled with NaN. */
function passes(product: Product, onDevice: boolean, inputs: Float32Array[]): Float32Array[] {
  const held: DeviceArray[] = []
  const place = (array: Float32Array): Float32Array | DeviceArray => {
    if (!onDevice) return array
    held.push(DeviceArray.from(array, product.device))
    return held.at(-1)!
  }
  try {
    const [x1, x2, g, v1, v2] = inputs.map(place)
    const shapes = [inputs[2], inputs[0], inputs[1], inputs[0], inputs[1], inputs[2]]
    const outs = shapes.map((like) => place(new Float32Array(like.length).fill(NaN)))
    const [out, grad1, grad2, second1, second2, along] = outs
    product.forward(x1, x2, { out })
    product.backward(g, x1, x2, { out: { x1: grad1, x2: grad2 } })
    const seconds = { x1: second1, x2: second2, gradOut: along }
    product.doubleBackward({ x1: v1, x2: v2 }, g, x1, x2, { out: seconds })
    return outs.map((array) => (array instanceof DeviceArray ? array.toArray() : array))
  } finally {
    for (const array of held) array.dispose()
  }
}
