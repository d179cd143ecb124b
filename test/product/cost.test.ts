import { expect, test } from 'vitest'
import { FullTensorProduct, GauntTensorProduct, MatrixTensorProduct } from '../../lib/product/index.js'
import { natural } from './helpers.js'

// Non-zero Clebsch-Gordan and Gaunt coefficients of one copy of every l <= L into l <= 2L, counted by an independent program.
const nonZeros = [
  { lmax: 2, cg: 244, gaunt: 162 },
  { lmax: 4, cg: 3741, gaunt: 2229 },
  { lmax: 6, cg: 21762, gaunt: 12322 },
]

test.each(nonZeros)('tables hold just the non-zero coefficients: lmax $lmax', ({ lmax, cg, gaunt }) => {
  const irreps = natural(lmax)
  using full = new FullTensorProduct(irreps, irreps, { device: 'cpu' })
  using sparse = new GauntTensorProduct(irreps, irreps, natural(2 * lmax), { device: 'cpu', algorithm: 'sparse' })
  // A multiply-add for each coefficient, and a multiplication for each pair of inputs: all of them couple to something.
  expect(full.cost(1).flops).toBe(2 * cg + irreps.dim ** 2)
  expect(sparse.cost(1).flops).toBe(2 * gaunt + irreps.dim ** 2)
})

test('dense blocks cost what they hold', () => {
  using product = new FullTensorProduct('1o', '1o', { device: 'cpu', implementation: 'dense' })
  // 3 x 3 x (1 + 3 + 5) coefficients, 3 x 3 pairs
  expect(product.cost(1).flops).toBe(2 * 81 + 9)
})

test('the grid by hand: one scalar', () => {
  using product = new GauntTensorProduct('0e', '0e', '0e', { device: 'cpu' })
  // one ring, one point: 3 Legendre, 1 Fourier on the way back (into values a constant needs none), 16 for the graded product
  expect(product.grid).toEqual({ resBeta: 1, resAlpha: 2 })
  expect(product.cost(1).flops).toBe(2 * (3 + 1 + 16))
})

test('matrices by hand: one scalar', () => {
  using product = new MatrixTensorProduct('0e', '0e', '0e', { device: 'cpu' })
  expect(product.cost(1).flops).toBe(2 * (3 + 1))
})

test('cost scales with batch and channels; bytes are both inputs and the output once', () => {
  using one = new GauntTensorProduct(natural(3), natural(3), natural(3), { device: 'cpu' })
  using many = new GauntTensorProduct(natural(3, 8), natural(3, 8), natural(3, 8), { device: 'cpu' })
  expect(many.cost(5).flops).toBe(40 * one.cost(1).flops)
  expect(many.cost(5).bytes).toBe(40 * 4 * 3 * 16)
  expect(many.cost(5).weights).toBe(0)
})
