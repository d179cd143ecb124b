import { describe, expect, test } from 'vitest'
import { rotate } from '../../lib/o3/index.js'
import {
  FullTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  type Product,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { both, equivarianceError, natural, operands, relativeError, TOLERANCE } from './helpers.js'

const device = 'cpu'
const products: [string, () => Product][] = [
  ['full, sparse', () => new FullTensorProduct(both(2, 3), both(2, 2), { device })],
  ['full, dense', () => new FullTensorProduct(natural(3, 3), natural(3, 2), { device, implementation: 'dense' })],
  ['full, channelwise', () => new FullTensorProduct(natural(4, 5), natural(4, 5), { device, channels: 'each' })],
  ['Gaunt, sparse', () => new GauntTensorProduct(both(3, 5), both(3, 5), undefined, { device, algorithm: 'sparse' })],
  ['Gaunt, Fourier', () => new GauntTensorProduct(both(3, 5), both(3, 5), undefined, { device, algorithm: 'fourier' })],
  ['Gaunt, grid', () => new GauntTensorProduct(both(3, 5), both(3, 5), undefined, { device, algorithm: 'grid' })],
  ['Gaunt, grid, lmax 8', () => new GauntTensorProduct(natural(8), natural(8), natural(16), { device })],
  ['vector', () => new VectorTensorProduct(both(3, 5), both(3, 5), undefined, { device })],
  ['vector, lmax 6', () => new VectorTensorProduct(natural(6), natural(6), undefined, { device })],
  ['matrix', () => new MatrixTensorProduct(both(3, 5), both(3, 5), undefined, { device })],
  ['matrix, lmax 6', () => new MatrixTensorProduct(natural(6), natural(6), natural(12), { device })],
]

describe.each(products)('%s', (_, make) => {
  test('commutes with rotations and inversion', () => {
    using product = make()
    const { x1, x2 } = operands(product, 4, 7)
    // Both sides carry the product's own error, and the rotated inputs are rounded once more.
    expect(equivarianceError(product, [x1, x2], 8)).toBeLessThan(2 * TOLERANCE)
  })
})

test('the test can fail: parity is seen', () => {
  using product = new FullTensorProduct('1o', '1o', { device, filterIrOut: ['1e'] })
  const { x1, x2 } = operands(product, 3, 9)
  const inversion = [-1, 0, 0, 0, -1, 0, 0, 0, -1]
  const out = product.forward(x1, x2)
  expect(relativeError(rotate('1o', inversion, out), out)).toBeGreaterThan(1)
  expect(relativeError(rotate('1e', inversion, out), out)).toBe(0)
})
