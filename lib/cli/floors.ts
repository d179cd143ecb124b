import { wigner3j } from '../o3/wigner.js'
import { PASSES, type PassName, type PassOperand } from './passes.js'

/**
 * The operations and the fewest bytes that each way of computing a product needs, for one channel of one sample: what a kernel
 * is measured against. A multiplication or addition counts as one, a fused multiply-add as two. Bytes are those of both
 * inputs read once and the output written once, float32; coefficients are taken to stay in cache, and each counts by itself, even
 * where a kernel may join equal ones.
 */
export interface Work {
  flops: number
  bytes: number
}

/** A product by its degrees: each input one copy of every degree listed, and what is coupled into what. */
export interface Shape {
  in1: readonly number[]
  in2: readonly number[]
  out: readonly number[]
  /** [l1, l2, l3] */
  paths: readonly (readonly [number, number, number])[]
}

export type FloorName = 'sparse-kept' | 'sparse-summed' | 'dense-kept' | 'fourier' | 'grid' | 'matrix'

/** The floor of one method on one shape. */
export function floor(name: FloorName, shape: Shape): Work {
  switch (name) {
    case 'sparse-kept': // every path has an output of its own
      return { flops: sparseFlops(shape), bytes: bytes(shape, keptOutputs(shape)) }
    case 'sparse-summed': // paths into one degree are added up
      return { flops: sparseFlops(shape), bytes: bytes(shape, components(shape.out)) }
    case 'dense-kept':
      return { flops: denseFlops(shape), bytes: bytes(shape, keptOutputs(shape)) }
    case 'fourier':
      return { flops: fourierFlops(shape), bytes: bytes(shape, components(shape.out)) }
    case 'grid':
      return { flops: gridFlops(shape), bytes: bytes(shape, components(shape.out)) }
    case 'matrix':
      return { flops: matrixFlops(shape), bytes: bytes(shape, components(shape.out)) }
  }
}

/**
 * The floor of a pass: every array moved once, and the operations of every evaluation of the form that it consists of, less what
 * both gradients can share.
 */
export function passFloor(name: FloorName, shape: Shape, pass: PassName): Work {
  const { inputs, outputs, evaluations } = PASSES[pass]
  const kept = name === 'sparse-kept' || name === 'dense-kept'
  const numbers = {
    x1: components(shape.in1),
    x2: components(shape.in2),
    gradOut: kept ? keptOutputs(shape) : components(shape.out),
  }
  const sum = (operands: readonly PassOperand[], of: Record<PassOperand, number>): number =>
    operands.reduce((total, operand) => total + of[operand], 0)
  const flops = {
    x1: flopsWithout('x1', name, shape),
    x2: flopsWithout('x2', name, shape),
    gradOut: floor(name, shape).flops,
  }
  const both = evaluations.includes('x1') && evaluations.includes('x2')
  const shared = both ? Math.max(0, flops.x1 + flops.x2 - bothGradients(name, shape)) : 0
  return { flops: sum(evaluations, flops) - shared, bytes: 4 * (sum(inputs, numbers) + sum(outputs, numbers)) }
}

/** The operations of the gradients with respect to x1 and x2 at one gradOut, made together. */
function bothGradients(name: FloorName, shape: Shape): number {
  // Sums of gradOut for every pair of inputs serve both; transforming forms share one transform of several, which is left out.
  const sparse = name === 'sparse-kept' || name === 'sparse-summed' || name === 'dense-kept'
  const pairs = components(shape.in1) * components(shape.in2)
  return sparse ? floor(name, shape).flops - pairs + 4 * pairs : Infinity
}

/** The fewest operations of the gradient with respect to x1 or x2. */
function flopsWithout(operand: 'x1' | 'x2', name: FloorName, shape: Shape): number {
  const { in1, in2, out, paths } = shape
  const [other, own] = operand === 'x1' ? [in2, in1] : [in1, in2]
  switch (name) {
    case 'sparse-kept':
    case 'sparse-summed':
    case 'dense-kept': {
      // Either sums of gradOut for every pair of inputs, then a multiply-add; or products of gradOut and the other input, then sums.
      const forward = floor(name, shape).flops
      const outputs = name === 'sparse-summed' ? components(out) : keptOutputs(shape)
      const products = Math.min(2 * components(in1) * components(in2), components(other) * outputs)
      return forward - components(in1) * components(in2) + products
    }
    case 'fourier': // transposing a map that is linear in an operand changes no multiplication
      return fourierFlops(shape)
    case 'grid':
      return gridFlops({ in1: other, in2: out, out: own, paths })
    case 'matrix':
      return matrixFlops(shape)
  }
}

function components(degrees: readonly number[]): number {
  return degrees.reduce((sum, l) => sum + 2 * l + 1, 0)
}

function keptOutputs({ paths }: Shape): number {
  return paths.reduce((sum, [, , l3]) => sum + 2 * l3 + 1, 0)
}

function bytes({ in1, in2 }: Shape, outputs: number): number {
  return 4 * (components(in1) + components(in2) + outputs)
}

/** Every product x1_i x2_j once, and one multiply-add for every non-zero coefficient. */
function sparseFlops({ in1, in2, paths }: Shape): number {
  const nonZero = paths.reduce((sum, [l1, l2, l3]) => sum + nonZeroCoefficients(l1, l2, l3), 0)
  return 2 * nonZero + components(in1) * components(in2)
}

/** The same with the zeros. */
function denseFlops({ in1, in2, paths }: Shape): number {
  const entries = paths.reduce((sum, [l1, l2, l3]) => sum + (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1), 0)
  return 2 * entries + components(in1) * components(in2)
}

/**
 * To Fourier coefficients on the torus, direct convolution, and back. A real signal needs half of them (v >= 0); at given
 * (l, m) every second u is zero; a complex multiply-add is 8 operations.
 */
function fourierFlops({ in1, in2, out }: Shape): number {
  const [l1, l2, l3] = [in1, in2, out].map(highest)
  const width = 2 * (l1 + l2) + 1
  const into = [in1, in2].reduce((sum, degrees) => sum + 2 * torusCoefficients(degrees), 0)
  const orders = Math.min(l3, l1 + l2)
  let terms = 0
  for (let v = 0; v <= orders; v++) terms += overlap(v, l1, l2)
  const convolution = 8 * (2 * l1 + 1) * (2 * l2 + 1) * terms
  return into + convolution + 2 * components(out) * width
}

/** Non-zero coefficients of the harmonics of these degrees on the torus. */
function torusCoefficients(degrees: readonly number[]): number {
  let sum = 0
  for (const l of degrees) {
    for (let m = -l; m <= l; m++) sum += l + 1 - (m % 2 !== 0 && l % 2 === 0 ? 1 : 0)
  }
  return sum
}

/** How many pairs |a| <= l1, |b| <= l2 have a + b = v. */
function overlap(v: number, l1: number, l2: number): number {
  return Math.max(0, Math.min(l1, v + l2) - Math.max(-l1, v - l2) + 1)
}

/**
 * To the smallest exact grid (Legendre per order, then a Fourier sum per ring), the product of values, and back. Folding at
 * the equator halves the Legendre part and folding at azimuth zero the Fourier sums, for a butterfly each. Where each input has
 * degrees of one parity only, so has the product: half of the sphere tells the other, and all work is halved.
 *
 * Paths with an odd sum of degrees are those of a bracket: both inputs' derivatives by the polar angle take all of that, those by
 * azimuth the Fourier sums only.
 */
function gridFlops({ in1, in2, out, paths }: Shape): number {
  const odd = paths.some(([l1, l2, l3]) => (l1 + l2 + l3) % 2 === 1)
  const even = paths.some(([l1, l2, l3]) => (l1 + l2 + l3) % 2 === 0)
  const total = [in1, in2, out].reduce((sum, list) => sum + highest(list), 0) - (even ? 0 : 1)
  const rings = Math.floor(total / 2) + 1
  const points = rings * (total + 1)
  const legendre = (list: readonly number[]): number => rings * (components(list) + 2 * highest(list) + 1)
  const fourier = (list: readonly number[]): number => points * (2 * highest(list) + 2)
  const inputs = [in1, in2].reduce(
    (sum, list) => sum + (odd ? 2 : 1) * legendre(list) + ((even ? 1 : 0) + (odd ? 2 : 0)) * fourier(list),
    0,
  )
  const multiplications = (even ? 1 : 0) + (odd ? 3 : 0) + (even && odd ? 1 : 0)
  const flops = inputs + legendre(out) + fourier(out) + multiplications * points
  return [in1, in2].every((list) => new Set(list.map((l) => l % 2)).size === 1) ? flops / 2 : flops
}

/** Couple to square matrices of degree l, multiply, couple back: both couplings sparse, the multiplication dense. */
function matrixFlops({ in1, in2, out }: Shape): number {
  const degrees = [in1, in2, out]
  const l = Math.ceil(Math.max(...degrees.map(highest)) / 2)
  const couplings = degrees.flat().reduce((sum, degree) => sum + nonZeroCoefficients(l, l, degree), 0)
  return 2 * couplings + 2 * (2 * l + 1) ** 3
}

function highest(degrees: readonly number[]): number {
  return Math.max(...degrees)
}

const counts = new Map<string, number>()

/** How many real Clebsch-Gordan coefficients of a triple are not zero. */
export function nonZeroCoefficients(l1: number, l2: number, l3: number): number {
  // The number does not depend on the order, which saves most of the work.
  const [a, b, c] = [l1, l2, l3].sort((x, y) => x - y)
  const key = `${a},${b},${c}`
  let count = counts.get(key)
  if (count === undefined) {
    count = wigner3j(a, b, c).reduce((sum, value) => sum + (Math.abs(value) > 1e-9 ? 1 : 0), 0)
    counts.set(key, count)
  }
  return count
}
