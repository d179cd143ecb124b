import { Irreps, Random, randomRotation, rotate } from '../../lib/o3/index.js'
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

/** || P(R x1, R x2) - R P(x1, x2) || / || R P(x1, x2) || of random R, a rotation and one with an inversion, the larger. */
export function equivarianceError(
  product: Product,
  [x1, x2]: readonly [Float32Array, Float32Array],
  seed: number,
  ...weight: [] | [Float32Array]
): number {
  const random = new Random(seed)
  const errors = [1, -1].map((sign) => {
    const matrix = randomRotation(random).map((entry) => sign * entry)
    const turn = (irreps: Irreps, x: Float32Array) => Float32Array.from(rotate(irreps, matrix, x))
    const after = turn(product.irrepsOut, product.forward(x1, x2, ...weight))
    const before = product.forward(turn(product.irrepsIn1, x1), turn(product.irrepsIn2, x2), ...weight)
    return relativeError(before, after)
  })
  return Math.max(...errors)
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
