import { expected } from '../runtime/errors.js'
import { OCTAHEDRAL_RULES } from './lebedev-rules.js'
import type { OctahedralRule } from './lebedev-rules.js'

/** A rule on the unit sphere: integral f dOmega = sum_i weights[i] f(points[i]). */
export interface SphereRule {
  /** Row-major [n, 3], unit vectors. */
  points: Float64Array
  /** [n], positive, of sum 4 pi. */
  weights: Float64Array
  /** The rule is exact for polynomials up to this degree. */
  degree: number
}

const cache = new Map<OctahedralRule, SphereRule>()

/**
 * Lebedev quadrature: the smallest rule here that integrates polynomials up to the degree `precision` over the sphere.
 *
 * Degrees 3, 5, 7, 9, 11, 15, 17, 19, 21, 23, 29, 31, 35 and 41, of 6, 14, 26, 38, 50, 86, 110, 146, 170, 194, 302,
 * 350, 434 and 590 points: about (degree + 1)^2 / 3, two thirds of a product grid. A product of harmonics l1, l2, l3
 * needs precision l1 + l2 + l3. Results are cached; the arrays returned are the caller's own.
 *
 * @param precision degree of exactness, 0 to 41
 * @throws GauntletError ERR_ARGUMENT; beyond degree 41 use `gaussLegendre` rings
 * @example
 * lebedev(3)  // the six points of the axes, each of weight 4 pi / 6
 */
export function lebedev(precision: number): SphereRule {
  const rule = OCTAHEDRAL_RULES.find(({ degree }) => degree >= precision)
  if (rule === undefined || !Number.isInteger(precision) || precision < 0) {
    const most = OCTAHEDRAL_RULES.at(-1)!.degree
    throw expected(`an integer from 0 to ${most} (beyond, use a product grid)`, 'precision', precision)
  }
  let expanded = cache.get(rule)
  if (expanded === undefined) {
    expanded = expand(rule)
    cache.set(rule, expanded)
  }
  return { points: expanded.points.slice(), weights: expanded.weights.slice(), degree: rule.degree }
}

function expand({ degree, axes, aab, ab0, abc }: OctahedralRule): SphereRule {
  const generators: [weight: number, x: number, y: number, z: number][] = [
    [axes[0], 1, 0, 0],
    [axes[1], Math.SQRT1_2, Math.SQRT1_2, 0],
    [axes[2], 1 / Math.sqrt(3), 1 / Math.sqrt(3), 1 / Math.sqrt(3)],
    ...aab.map(([w, a]): [number, number, number, number] => [w, a, a, Math.sqrt(1 - 2 * a * a)]),
    ...ab0.map(([w, a]): [number, number, number, number] => [w, a, Math.sqrt(1 - a * a), 0]),
    ...abc.map(([w, a, b]): [number, number, number, number] => [w, a, b, Math.sqrt(1 - a * a - b * b)]),
  ]
  const rows = generators
    .filter(([weight]) => weight !== 0)
    .flatMap(([weight, x, y, z]) => orbit(x, y, z).map((point) => [...point, weight]))
  return {
    points: Float64Array.from(rows.flatMap((row) => row.slice(0, 3))),
    weights: Float64Array.from(rows, (row) => 4 * Math.PI * row[3]),
    degree,
  }
}

/** The distinct images of a point under the 48 elements of the octahedral group. */
function orbit(x: number, y: number, z: number): number[][] {
  const images = new Map<string, number[]>()
  for (const [a, b, c] of [
    [x, y, z],
    [y, z, x],
    [z, x, y],
    [y, x, z],
    [x, z, y],
    [z, y, x],
  ]) {
    for (const i of [a, -a]) {
      // Adding 0 makes -0 into 0, so that equal points have equal keys.
      for (const j of [b, -b]) for (const k of [c, -c]) images.set(`${i + 0},${j + 0},${k + 0}`, [i + 0, j + 0, k + 0])
    }
  }
  return [...images.values()]
}
