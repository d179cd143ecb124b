import { expected } from '../runtime/errors.js'
import { ArrayCache } from './cache.js'
import { binomials, factorial, ratio } from './exact.js'

/** Up to here every intermediate of `wigner3j` lies within the range of float64. @internal */
export const MAX_DEGREE_3J = 255

/** 64 MiB: every triple to l = 10 takes 25. */
const cache = new ArrayCache(2 ** 23)

/**
 * The Wigner 3j symbol in e3nn's real basis: the invariant coupling of three irreps, unique up to its sign.
 *
 *     sum_ijk w[i,j,k] D1[i,i'] D2[j,j'] D3[k,k'] = w[i',j',k'],   sum_ijk w[i,j,k]^2 = 1
 *
 * Signs are e3nn's. It is computed by Racah's formula in exact integers, so every entry is good to a few units in
 * the last place for every l, and what is zero by theory is exactly 0. Results are cached; the array returned is the
 * caller's own.
 *
 * Source: Racah, Phys. Rev. 62, 438 (1942); change of basis as in e3nn's `wigner_3j`.
 *
 * @param l1 degree, 0 to 255
 * @param l2 degree, 0 to 255
 * @param l3 degree with |l1-l2| <= l3 <= l1+l2
 * @returns row-major [2l1+1, 2l2+1, 2l3+1], components m = -l..l
 * @throws GauntletError ERR_ARGUMENT where a degree is no such integer or the triangle rule is broken
 * @example
 * wigner3j(1, 1, 0)  // the dot product / sqrt(3): [0.577, 0, 0,  0, 0.577, 0,  0, 0, 0.577]
 */
export function wigner3j(l1: number, l2: number, l3: number): Float64Array {
  return sharedWigner3j(l1, l2, l3).slice()
}

/** As `wigner3j`, but the cached array itself, which must not be written to. @internal */
export function sharedWigner3j(l1: number, l2: number, l3: number): Float64Array {
  checkDegree('l1', l1, MAX_DEGREE_3J)
  checkDegree('l2', l2, MAX_DEGREE_3J)
  checkDegree('l3', l3, MAX_DEGREE_3J)
  if (!isTriangle(l1, l2, l3)) {
    throw expected(`a degree from |l1-l2| = ${Math.abs(l1 - l2)} to l1+l2 = ${l1 + l2}`, 'l3', l3)
  }
  return cache.get(`${l1},${l2},${l3}`, () => realWigner3j(l1, l2, l3))
}

/** Whether |l1-l2| <= l3 <= l1+l2. @internal */
export function isTriangle(l1: number, l2: number, l3: number): boolean {
  return Math.abs(l1 - l2) <= l3 && l3 <= l1 + l2
}

/** @internal */
export function checkDegree(name: string, l: number, most: number): void {
  if (!Number.isInteger(l) || l < 0 || l > most) throw expected(`an integer from 0 to ${most}`, name, l)
}

/**
 * Changes the complex symbol to the real basis. A real component q mixes the complex m = +|q| and -|q|, so an entry
 * of the result meets one complex entry (m1, m2) and its mirror image (-m1, -m2), which is (-1)^(l1+l2+l3) times it.
 */
function realWigner3j(l1: number, l2: number, l3: number): Float64Array {
  const n2 = 2 * l2 + 1
  const n3 = 2 * l3 + 1
  const out = new Float64Array((2 * l1 + 1) * n2 * n3)
  const mirror = (l1 + l2 + l3) % 2 === 0 ? 1 : -1
  const coupling = complexCoupling(l1, l2, l3)
  for (let m1 = 0; m1 <= l1; m1++) {
    for (let m2 = m1 === 0 ? 0 : -l2; m2 <= l2; m2++) {
      const m3 = m1 + m2
      if (Math.abs(m3) > l3) continue
      const value = coupling(m1, m2)
      if (value === 0) continue
      for (const q1 of signs(m1)) {
        for (const q2 of signs(m2)) {
          for (const q3 of signs(m3)) {
            const turns = quarterTurns(l1, m1, q1) + quarterTurns(l2, m2, q2) - quarterTurns(l3, m3, q3)
            let weight = realPart(turns)
            if (m1 !== 0 || m2 !== 0) {
              const back = quarterTurns(l1, -m1, q1) + quarterTurns(l2, -m2, q2) - quarterTurns(l3, -m3, q3)
              weight += mirror * realPart(back)
            }
            if (weight === 0) continue
            const mixed = (m1 === 0 ? 0 : 1) + (m2 === 0 ? 0 : 1) + (m3 === 0 ? 0 : 1)
            out[((l1 + q1) * n2 + l2 + q2) * n3 + l3 + q3] = weight * MIXING[mixed] * value
          }
        }
      }
    }
  }
  return out
}

/** 2^(-n/2): each index that mixes +m and -m carries 1/sqrt(2). */
const MIXING = [1, Math.SQRT1_2, 0.5, Math.SQRT1_2 / 2]

function signs(m: number): number[] {
  return m === 0 ? [0] : [m, -m]
}

/** The phase of complex component m within real component q of degree l, as a power of the imaginary unit. */
function quarterTurns(l: number, m: number, q: number): number {
  const basis = m < 0 ? (q < 0 ? -1 : 0) : m > 0 ? 2 * m + (q < 0 ? 1 : 0) : 0
  return basis - l
}

/** Re(i^turns), exactly. */
function realPart(turns: number): number {
  return turns % 2 !== 0 ? 0 : turns % 4 === 0 ? 1 : -1
}

/**
 * <l1 m1 l2 m2 | l3 m1+m2> / sqrt(2 l3 + 1) as a function of m1 and m2, by Racah's formula in binomials:
 *
 *     S sqrt(P / (C(2l1, l1+m1) C(2l2, l2+m2) C(2l3, l3+m3))),   P = (2l1)! (2l2)! (2l3)! / ((J+1)! J1! J2! J3!)
 *     S = sum_k (-1)^k C(J1, k) C(J2, l1-m1-k) C(J3, l2+m2-k)
 *
 * with J = l1+l2+l3 and Ji = J - 2 l(4-i). Only S can cancel, and it is an integer.
 */
function complexCoupling(l1: number, l2: number, l3: number): (m1: number, m2: number) => number {
  const [j1, j2, j3] = [l1 + l2 - l3, l1 - l2 + l3, -l1 + l2 + l3]
  const prefactor = Math.sqrt(
    ratio(
      factorial(2 * l1) * factorial(2 * l2) * factorial(2 * l3),
      factorial(l1 + l2 + l3 + 1) * factorial(j1) * factorial(j2) * factorial(j3),
    ),
  )
  const [root1, root2, root3] = [l1, l2, l3].map((l) => binomials(2 * l).map((c) => Math.sqrt(Number(c))))
  const [row1, row2, row3] = [j1, j2, j3].map(binomials)
  return (m1, m2) => {
    let sum = 0n
    const [a, b] = [l1 - m1, l2 + m2]
    for (let k = Math.max(0, a - j2, b - j3); k <= Math.min(j1, a, b); k++) {
      const term = row1[k] * row2[a - k] * row3[b - k]
      sum += k % 2 === 0 ? term : -term
    }
    return ((Number(sum) / root1[l1 + m1] / root2[l2 + m2]) * prefactor) / root3[l3 + m1 + m2]
  }
}

/**
 * The Wigner 6j symbol { a b c; d e f }: how two ways of coupling three irreps overlap.
 *
 *     sqrt((2c+1)(2f+1)) (-1)^(a+b+d+e) { a b c; d e f } = < ((ab)c, d) e | (a, (bd)f) e >
 *
 * It is 0 unless (a,b,c), (a,e,f), (d,b,f) and (d,e,c) each obey the triangle rule. Computed in exact integers:
 * accurate to a few units in the last place, zeros exact.
 *
 * Source: Racah, Phys. Rev. 62, 438 (1942).
 *
 * @throws GauntletError ERR_ARGUMENT where a degree is not an integer from 0 to 255
 * @example
 * wigner6j(1, 1, 1, 1, 1, 1)  // 1/6
 */
export function wigner6j(a: number, b: number, c: number, d: number, e: number, f: number): number {
  for (const [name, l] of Object.entries({ a, b, c, d, e, f })) checkDegree(name, l, MAX_DEGREE_3J)
  if (!(isTriangle(a, b, c) && isTriangle(a, e, f) && isTriangle(d, b, f) && isTriangle(d, e, c))) return 0
  // The sum over t of Racah's formula is (a+b+c+1)! / ((a+b-c)! (a-b+c)! (-a+b+c)!) times this integer.
  const [row1, row2, row3] = [a + b - c, a - b + c, b + c - a].map(binomials)
  const first = Math.max(a + b + c, a + e + f, b + d + f, c + d + e)
  const last = Math.min(a + b + d + e, a + c + d + f, b + c + e + f)
  let sum = 0n
  for (let t = first; t <= last; t++) {
    const term = binomials(t + 1)[a + b + c + 1] * row1[t - c - d - e] * row2[t - b - d - f] * row3[t - a - e - f]
    sum += t % 2 === 0 ? term : -term
  }
  if (sum === 0n) return 0
  const deltas = [triangleDelta(a, e, f), triangleDelta(b, d, f), triangleDelta(c, d, e)]
  const [top, bottom] = triangleDelta(a, b, c)
  const numerator = deltas.reduce((product, [over]) => product * over, sum * sum * bottom)
  const denominator = deltas.reduce((product, [, under]) => product * under, top)
  return Math.sqrt(ratio(numerator, denominator)) * (sum > 0n ? 1 : -1)
}

/** (a+b-c)! (a-b+c)! (-a+b+c)! / (a+b+c+1)!, as numerator and denominator. */
function triangleDelta(a: number, b: number, c: number): [bigint, bigint] {
  return [factorial(a + b - c) * factorial(a - b + c) * factorial(-a + b + c), factorial(a + b + c + 1)]
}
