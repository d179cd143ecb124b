import { expected, GauntletError } from '../runtime/errors.js'
import { Irrep, Irreps } from './irreps.js'
import type { IrrepLike, IrrepsLike } from './irreps.js'
import { anglesToMatrix, checkOrthogonal } from './rotation.js'
import { checkDegree, sharedWigner3j } from './wigner.js'

const MAX_DEGREE_D = 255

/**
 * The Wigner D matrix of a rotation in e3nn's real basis: how components of degree l turn.
 *
 *     Y_l(R r) = D Y_l(r),   R = Ry(alpha) Rx(beta) Ry(gamma)
 *
 * Stable for every l: each D^l is the part of D^(l-1) x D^1 that wigner3j(l-1, 1, l) projects out, and a projection
 * magnifies no error.
 *
 * @param l degree, 0 to 255
 * @param alpha radians, likewise beta and gamma
 * @returns row-major [2l+1, 2l+1], orthogonal
 * @throws GauntletError ERR_ARGUMENT
 * @example
 * wignerD(1, 0, Math.PI / 2, 0)  // the rotation matrix itself: [1,0,0, 0,0,-1, 0,1,0] to rounding
 */
export function wignerD(l: number, alpha: number, beta: number, gamma: number): Float64Array {
  checkDegree('l', l, MAX_DEGREE_D)
  return rotationBlocks(l, anglesToMatrix({ alpha, beta, gamma }))[l]
}

/**
 * The matrix of an irrep at an element of O(3): D^l of the rotation, times the parity where the matrix inverts.
 *
 * @param matrix row-major [3, 3], orthogonal; determinant -1 means a rotation times the inversion
 * @returns row-major [2l+1, 2l+1]
 * @throws GauntletError ERR_ARGUMENT, ERR_IRREPS
 * @example
 * irrepMatrix('1o', [-1, 0, 0, 0, -1, 0, 0, 0, -1])  // minus the identity
 */
export function irrepMatrix(irrep: IrrepLike, matrix: ArrayLike<number>): Float64Array {
  const { l, p } = Irrep.from(irrep)
  checkDegree('l', l, MAX_DEGREE_D)
  const determinant = checkOrthogonal(matrix)
  const block = rotationBlocks(l, properPart(matrix, determinant))[l]
  return determinant < 0 && p < 0 ? block.map((v) => -v) : block
}

/**
 * Turns data: applies the matrix of each irrep to every copy of it, out[b, block, u, :] = D data[b, block, u, :].
 *
 * @param irreps meaning of one row
 * @param matrix row-major [3, 3], orthogonal; determinant -1 means a rotation times the inversion
 * @param data row-major [batch, irreps.dim], layout mul_ir; left as it is
 * @returns row-major [batch, irreps.dim], float64
 * @throws GauntletError ERR_ARGUMENT, ERR_IRREPS, ERR_LENGTH
 * @example
 * rotate('2x1o', randomRotation(new Random(1)), [1, 0, 0, 0, 1, 0])  // two turned vectors
 */
export function rotate(irreps: IrrepsLike, matrix: ArrayLike<number>, data: ArrayLike<number>): Float64Array {
  const layout = Irreps.from(irreps)
  const determinant = checkOrthogonal(matrix)
  checkDegree('the highest degree', Math.max(layout.lmax, 0), MAX_DEGREE_D)
  if (typeof data !== 'object' || data === null) throw expected('an array of numbers', 'data', data)
  if (layout.dim === 0 ? data.length > 0 : data.length % layout.dim !== 0) {
    throw new GauntletError(
      'ERR_LENGTH',
      `Expected a length that is a multiple of ${layout.dim} for data of irreps "${layout.toString()}" but received ${data.length}`,
    )
  }
  const blocks = rotationBlocks(Math.max(layout.lmax, 0), properPart(matrix, determinant))
  const out = new Float64Array(data.length)
  let at = 0
  while (at < data.length) {
    for (const { mul, ir } of layout) {
      const sign = determinant < 0 && ir.p < 0 ? -1 : 1
      for (let u = 0; u < mul; u++, at += ir.dim) {
        for (let i = 0; i < ir.dim; i++) {
          let sum = 0
          for (let j = 0; j < ir.dim; j++) sum += blocks[ir.l][i * ir.dim + j] * data[at + j]
          out[at + i] = sign * sum
        }
      }
    }
  }
  return out
}

function properPart(matrix: ArrayLike<number>, determinant: 1 | -1): Float64Array {
  return Float64Array.from(matrix, (v) => determinant * v)
}

/** D^0, ..., D^lmax of a rotation matrix. */
function rotationBlocks(lmax: number, rotation: Float64Array): Float64Array[] {
  const blocks = [Float64Array.of(1), rotation]
  for (let l = 2; l <= lmax; l++) blocks.push(nextBlock(l, blocks[l - 1], rotation))
  return blocks.slice(0, lmax + 1)
}

/**
 * D^l[k, k'] = (2l+1) sum w[i,a,k] w[i',a',k'] D^(l-1)[i,i'] R[a,a'] with w = wigner3j(l-1, 1, l), whose handful of
 * non-zeros per k make this cheap.
 */
function nextBlock(l: number, below: Float64Array, rotation: Float64Array): Float64Array {
  const coupling = sharedWigner3j(l - 1, 1, l)
  const [n, inner] = [2 * l + 1, 2 * l - 1]
  const terms: { i: number; a: number; w: number }[][] = Array.from({ length: n }, () => [])
  coupling.forEach((w, at) => {
    if (w !== 0) terms[at % n].push({ i: Math.floor(at / (3 * n)), a: Math.floor(at / n) % 3, w })
  })
  return Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0
    for (const left of terms[Math.floor(at / n)]) {
      for (const right of terms[at % n]) {
        sum += left.w * right.w * below[left.i * inner + right.i] * rotation[left.a * 3 + right.a]
      }
    }
    return n * sum
  })
}
