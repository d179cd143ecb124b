import { Irreps } from '../../lib/o3/irreps.js'
import { Random } from '../../lib/o3/random.js'
import type { Product } from '../../lib/product/index.js'

/**
 * Products promise ||out - ref|| / ||ref|| < 2e-6: float32 keeps 6e-8 of every operation, and errors of some hundred terms add
 * up to a few times that at random.
 */
export const TOLERANCE = 2e-6

/** ||a - b|| / ||b||; NaN where the lengths differ or anything is NaN, so that no comparison with it passes. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN
  let difference = 0
  let norm = 0
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  return Math.sqrt(difference / norm)
}

/** One of each l <= lmax, functions on the sphere: mul x (0e+1o+2e+...). */
export function natural(lmax: number, mul = 1): Irreps {
  return new Irreps([...Irreps.sphericalHarmonics(lmax)].map(({ ir }) => ({ mul, ir })))
}

/** Every l <= lmax in both parities. */
export function both(lmax: number, mul = 1): Irreps {
  return new Irreps(
    Array.from({ length: lmax + 1 }, (_, l) => [[mul, `${l}e`] as const, [mul, `${l}o`] as const]).flat(),
  )
}

/** Random operands for a product, and an output poisoned with NaN: whatever is not written shows. */
export function operands(product: Product, batch: number, seed: number) {
  const random = new Random(seed)
  const normals = (length: number) => Float32Array.from(random.normals(length))
  return {
    x1: normals(batch * product.irrepsIn1.dim),
    x2: normals(batch * product.irrepsIn2.dim),
    out: new Float32Array(batch * product.irrepsOut.dim).fill(NaN),
  }
}

/** The product's output on fresh random operands. */
export function evaluate(product: Product, batch: number, seed: number) {
  const { x1, x2, out } = operands(product, batch, seed)
  product.forward(x1, x2, { out })
  return { x1, x2, out }
}
