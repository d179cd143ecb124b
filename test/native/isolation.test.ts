import { expect, test } from 'vitest'
import { FullTensorProduct, GauntTensorProduct, MatrixTensorProduct, type Product } from '../../lib/product/index.js'
import { noise, sameBits } from './toy.js'

// Kernels work on tiles of lanes, which span samples when there are few channels: what is no number must not cross lanes.

const irreps = '3x0e+3x1o+3x2e'
const options = { device: 'cpu' } as const

const products: Record<string, () => Product> = {
  'Clebsch-Gordan, sparse': () => new FullTensorProduct(irreps, irreps, { ...options, implementation: 'sparse' }),
  'Clebsch-Gordan, dense': () => new FullTensorProduct(irreps, irreps, { ...options, implementation: 'dense' }),
  'Gaunt, sparse': () => new GauntTensorProduct(irreps, irreps, irreps, { ...options, algorithm: 'sparse' }),
  'Gaunt, Fourier': () => new GauntTensorProduct(irreps, irreps, irreps, { ...options, algorithm: 'fourier' }),
  'Gaunt, grid': () => new GauntTensorProduct(irreps, irreps, irreps, { ...options, algorithm: 'grid' }),
  matrix: () => new MatrixTensorProduct(irreps, irreps, irreps, options),
}

test.each(Object.entries(products))('%s: NaN and infinity stay within their own sample', (_name, make) => {
  using product = make()
  const batch = 41
  const dim = product.irrepsOut.dim
  const x1 = noise(batch * product.irrepsIn1.dim, 1)
  const x2 = noise(batch * product.irrepsIn2.dim, 2)
  const clean = product.forward(x1, x2)
  for (const poison of [NaN, Infinity]) {
    for (const victim of [0, 5, 21, 40]) {
      const poisoned = x1.slice()
      poisoned.fill(poison, victim * product.irrepsIn1.dim, (victim + 1) * product.irrepsIn1.dim)
      const out = product.forward(poisoned, x2)
      const own = (array: Float32Array) => array.subarray(victim * dim, (victim + 1) * dim)
      expect(own(out).some((value) => !Number.isFinite(value))).toBe(true)
      own(out).set(own(clean))
      expect(sameBits(out, clean)).toBe(true)
    }
  }
})
