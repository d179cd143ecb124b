import { describe, expect, test } from 'vitest'
import { Irreps, wigner3j } from '../../lib/o3/index.js'
import { GauntTensorProduct, MatrixTensorProduct, referenceForward } from '../../lib/product/index.js'
import { errorOf } from '../o3/helpers.js'
import { both, evaluate, natural, relativeError, TOLERANCE } from './helpers.js'

/** X = sum of x[l, m] sqrt(2l+1) wigner3j(j, j, l), by the definition and in float64. */
function toMatrix(irreps: Irreps, x: ArrayLike<number>, j: number): number[][] {
  const size = 2 * j + 1
  const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  let at = 0
  for (const { ir } of irreps) {
    const coupling = wigner3j(j, j, ir.l)
    for (let a = 0; a < size; a++) {
      for (let b = 0; b < size; b++) {
        for (let m = 0; m < ir.dim; m++) {
          matrix[a][b] += Math.sqrt(ir.dim) * coupling[(a * size + b) * ir.dim + m] * x[at + m]
        }
      }
    }
    at += ir.dim
  }
  return matrix
}

/** trace(T[l, m]^T Y) for every component. */
function fromMatrix(irreps: Irreps, matrix: number[][], j: number): number[] {
  const unit = (k: number) => Float64Array.from({ length: irreps.dim }, (_, i) => (i === k ? 1 : 0))
  return Array.from({ length: irreps.dim }, (_, k) => {
    const t = toMatrix(irreps, unit(k), j)
    return t.reduce((sum, row, a) => sum + row.reduce((inner, value, b) => inner + value * matrix[a][b], 0), 0)
  })
}

function multiply(a: number[][], b: number[][]): number[][] {
  return a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)))
}

test.each([
  ['even l only, where parity asks for nothing', '0e+2e+4e', '0e+2e+4e', '0e+1e+2e+3e+4e', 2],
  ['matrices larger than need be', '0e+2e', '2e', '0e+1e+2e+3e+4e', 5],
])('is the product of matrices: %s', (_, in1, in2, out, degree) => {
  using product = new MatrixTensorProduct(in1, in2, out, { device: 'cpu', degree })
  const result = evaluate(product, 1, 1)
  const y = multiply(toMatrix(new Irreps(in1), result.x1, degree), toMatrix(new Irreps(in2), result.x2, degree))
  const scale = Math.sqrt((2 * degree + 1) / (4 * Math.PI))
  const want = fromMatrix(new Irreps(out), y, degree).map((value) => scale * value)
  expect(relativeError(result.out, want)).toBeLessThan(TOLERANCE)
})

describe('agrees with its paths', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lmax %i, outputs to twice that', (lmax) => {
    using product = new MatrixTensorProduct(natural(lmax), natural(lmax), natural(2 * lmax), { device: 'cpu' })
    const { x1, x2, out } = evaluate(product, 3, lmax)
    expect(relativeError(out, referenceForward(product, x1, x2))).toBeLessThan(TOLERANCE)
  })

  test.each([
    ['the cross product', '5x1o', '5x1o', '5x1e'],
    ['both parities at once', both(3, 5).toString(), both(2, 7).toString(), both(4, 5).toString()],
    ['odd paths alone', natural(3, 2).toString(), natural(3, 2).toString(), '2x0e+2x1e+2x2o+2x3e'],
    ['multiplicities that differ', '32x0e+16x1o+4x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+3x1e+2x0e'],
  ])('%s', (_, in1, in2, out) => {
    using product = new MatrixTensorProduct(in1, in2, out, { device: 'cpu' })
    const result = evaluate(product, 23, 3)
    expect(relativeError(result.out, referenceForward(product, result.x1, result.x2))).toBeLessThan(TOLERANCE)
  })
})

test('a 6j symbol that vanishes loses its path', () => {
  using product = new MatrixTensorProduct(natural(6), natural(6), natural(6), { device: 'cpu', degree: 3 })
  const couples = (l1: number, l2: number, l3: number) =>
    product.paths.some((path) => path.l1 === l1 && path.l2 === l2 && path.l3 === l3)
  expect(couples(2, 5, 5)).toBe(true)
  using odd = new MatrixTensorProduct(both(5), both(5), both(5), { device: 'cpu', degree: 3 })
  expect(odd.paths.some(({ l1, l2, l3 }) => [l1, l2, l3].sort().join() === '3,5,5')).toBe(false)
  const error = errorOf(() => new MatrixTensorProduct('3o', '5o', '5e', { device: 'cpu', degree: 3 }))
  expect(error.code).toBe('ERR_UNREACHABLE')
  expect(error.message).toContain('the 6j symbol {l1 l2 l3; 3 3 3} vanishes')
})

test('even paths tend to those of the Gaunt product as matrices grow', () => {
  using gaunt = new GauntTensorProduct(natural(2), natural(2), natural(4), { device: 'cpu' })
  const distance = (degree: number) => {
    using product = new MatrixTensorProduct(natural(2), natural(2), natural(4), { device: 'cpu', degree })
    return Math.max(
      ...product.paths.map((path, i) => Math.abs(Math.abs(path.coefficient) - gaunt.paths[i].coefficient)),
    )
  }
  // The correction is of order l^2 / j^2 (Edmonds' asymptotics of 6j symbols).
  expect(distance(32)).toBeLessThan(distance(16) / 3)
  expect(distance(64)).toBeLessThan(2e-3)
})

test.each([1, 2.5, 65, '3'])('degree %o is refused', (degree) => {
  // @ts-expect-error some are no numbers, on purpose
  expect(errorOf(() => new MatrixTensorProduct('4e', '4e', '4e', { degree })).code).toBe('ERR_ARGUMENT')
})
