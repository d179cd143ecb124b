import { factorial, ratio } from './exact.js'
import { checkDegree, isTriangle, MAX_DEGREE_3J, sharedWigner3j } from './wigner.js'

/**
 * Coefficients of the bracket of two functions on the sphere: integrals of the bracket of two orthonormal real harmonics and a
 * third one,
 *
 *     {f, g} = r . (grad f x grad g) = (f_beta g_alpha - f_alpha g_beta) / sin beta
 *     B[i,j,k] = integral {Y_{l1,i}, Y_{l2,j}} Y_{l3,k} dOmega = bracketConstant(l1, l2, l3) wigner3j(l1, l2, l3)[i,j,k]
 *
 * They couple exactly the paths that Gaunt coefficients lose: all zero where l1+l2+l3 is even or the triangle rule is broken,
 * and never all zero where it is odd. {x, y} = z: for vectors the bracket is the cross product. Integration by parts makes the
 * integral antisymmetric in the three functions.
 *
 * @param l1 degree, 0 to 255
 * @param l2 degree, 0 to 255
 * @param l3 degree, 0 to 255
 * @returns row-major [2l1+1, 2l2+1, 2l3+1], components m = -l..l in e3nn's order
 * @throws GauntletError ERR_ARGUMENT where a degree is no such integer
 * @example
 * bracketCoefficients(1, 1, 1)  // sqrt(3 / 4 pi) times the Levi-Civita symbol
 */
export function bracketCoefficients(l1: number, l2: number, l3: number): Float64Array {
  const constant = bracketConstant(l1, l2, l3)
  if (constant === 0) return new Float64Array((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1))
  return sharedWigner3j(l1, l2, l3).map((w) => constant * w)
}

/**
 * The factor between bracket coefficients and `wigner3j`, in e3nn's signs always positive where l1+l2+l3 is odd:
 *
 *     sqrt((2l1+1)(2l2+1)(2l3+1) / 4 pi) sqrt(l1(l1+1) l2(l2+1)) |3j(l1 l2 l3; 1 -1 0)|
 *     = 2 sqrt((2l1+1)(2l2+1)(2l3+1) / 4 pi) sqrt((J-2l1)! (J-2l2)! (J-2l3)! / (J+1)!) (p+1)! / ((p-l1)! (p-l2)! (p-l3)!)
 *
 * with J = l1+l2+l3 = 2p+1, and 0 for even J.
 *
 * The first line: with the spin-raising and -lowering derivatives, {f, g} = (i/2) (raise f lower g - lower f raise g), and these
 * take Y_lm to sqrt(l(l+1)) times harmonics of spin +1 and -1, whose integral with Y_l3 is a product of two 3j symbols. Spins
 * reversed, the symbol changes by (-1)^J: the two terms add up for odd J and cancel for even J.
 *
 * The second line, and why it has no zeros: take (a.r)^l1, (b.r)^l2, (c.r)^l3 with null vectors a, b, c (a.a = 0), which span
 * the harmonics of these degrees. The bracket of the first two is l1 l2 det(a, b, r) (a.r)^(l1-1) (b.r)^(l2-1). The mean of a
 * product of 2p components of r is the sum over all ways of pairing them, divided by (2p+1)!!. Only pairs of different
 * vectors count, and the r of the determinant must meet a c: the integral is
 *
 *     4 pi l1! l2! l3! / (J!! (p-l1)! (p-l2)! (p-l3)!)  det(a, b, c) (a.b)^(p-l3) (b.c)^(p-l1) (c.a)^(p-l2),
 *
 * a positive multiple of the one invariant there is of three such vectors. @internal
 */
export function bracketConstant(l1: number, l2: number, l3: number): number {
  checkDegree('l1', l1, MAX_DEGREE_3J)
  checkDegree('l2', l2, MAX_DEGREE_3J)
  checkDegree('l3', l3, MAX_DEGREE_3J)
  const total = l1 + l2 + l3
  if (!isTriangle(l1, l2, l3) || total % 2 === 0) return 0
  const p = (total - 1) / 2
  const degrees = [l1, l2, l3]
  const numerator = degrees.reduce((product, l) => product * factorial(total - 2 * l), factorial(p + 1) ** 2n)
  const denominator = degrees.reduce((product, l) => product * factorial(p - l) ** 2n, factorial(total + 1))
  return Math.sqrt((ratio(numerator, denominator) * (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)) / Math.PI)
}
