import { checkDegree, isTriangle, MAX_DEGREE_3J, sharedWigner3j } from './wigner.js'

/**
 * Gaunt coefficients: integrals over the sphere of three real spherical harmonics, orthonormal ones.
 *
 *     G[i,j,k] = integral Y_{l1,i} Y_{l2,j} Y_{l3,k} dOmega
 *              = sqrt((2l1+1)(2l2+1)(2l3+1) / (4 pi)) |3j(l1 l2 l3; 0 0 0)| wigner3j(l1, l2, l3)[i,j,k]
 *
 * All zero where l1+l2+l3 is odd or the triangle rule is broken; exact zeros are exactly 0.
 *
 * @param l1 degree, 0 to 255
 * @param l2 degree, 0 to 255
 * @param l3 degree, 0 to 255
 * @returns row-major [2l1+1, 2l2+1, 2l3+1], components m = -l..l in e3nn's order
 * @throws GauntletError ERR_ARGUMENT where a degree is no such integer
 * @example
 * gauntCoefficients(0, 1, 1)  // delta_jk / sqrt(4 pi)
 */
export function gauntCoefficients(l1: number, l2: number, l3: number): Float64Array {
  checkDegree('l1', l1, MAX_DEGREE_3J)
  checkDegree('l2', l2, MAX_DEGREE_3J)
  checkDegree('l3', l3, MAX_DEGREE_3J)
  const n2 = 2 * l2 + 1
  const n3 = 2 * l3 + 1
  if (!isTriangle(l1, l2, l3) || (l1 + l2 + l3) % 2 !== 0) return new Float64Array((2 * l1 + 1) * n2 * n3)
  const coupling = sharedWigner3j(l1, l2, l3)
  // m = 0 is the same function in the real and the complex basis, up to a sign: the central entry is 3j(l1 l2 l3; 0 0 0).
  const central = Math.abs(coupling[(l1 * n2 + l2) * n3 + l3])
  const scale = central * Math.sqrt(((2 * l1 + 1) * n2 * n3) / (4 * Math.PI))
  return coupling.map((w) => scale * w)
}
