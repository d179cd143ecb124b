import { expect, test } from 'vitest'
import { coupledPairs, type Interaction, interactability } from '../../lib/analysis/index.js'
import { Irreps, wigner3j } from '../../lib/o3/index.js'
import {
  FullTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  TensorProduct,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { even } from './helpers.js'

const device = 'cpu'
const degrees = ({ l1, l2, l3 }: Interaction): string => `${l1} ${l2} ${l3}`

test('a Gaunt product: every zero has its reason', () => {
  const inputs = Irreps.sphericalHarmonics(2)
  using product = new GauntTensorProduct(inputs, inputs, undefined, { device })
  const rows = interactability(product, { out: '0e+1o+1e+2o+3e' })
  expect(rows).toHaveLength(3 * 3 * 5)
  for (const row of rows) {
    const { l1, p1, l2, p2, l3, p3 } = row
    const triangle = Math.abs(l1 - l2) <= l3 && l3 <= l1 + l2
    const parity = p1 * p2 === p3
    const gaunt = (l1 + l2 + l3) % 2 === 0
    expect(row.coupled, degrees(row)).toBe(triangle && parity && gaunt)
    expect([row.pairs, row.allPairs]).toEqual([row.coupled ? 1 : 0, 1])
    const reason = row.coupled ? undefined : !triangle ? /^triangle/ : !parity ? /^parity/ : /l1\+l2\+l3 is odd/
    if (reason === undefined) expect(row).not.toHaveProperty('reason')
    else expect(row.reason).toMatch(reason)
  }
  // What Clebsch-Gordan reaches, unless told: 0e 1o 1e 2o 2e 3o 3e 4e.
  expect(new Set(interactability(product).map(({ l3, p3 }) => `${l3}${p3 === 1 ? 'e' : 'o'}`))).toEqual(
    new Set(['0e', '1o', '1e', '2o', '2e', '3o', '3e', '4e']),
  )
})

test('the vector product shows every path of Clebsch-Gordan', () => {
  for (const inputs of [Irreps.sphericalHarmonics(4), even(4), new Irreps('0o+1e+1o+2e+3o')]) {
    using vector = new VectorTensorProduct(inputs, inputs, undefined, { device })
    using full = new FullTensorProduct(inputs, inputs, { channels: 'each', device })
    const rows = interactability(vector)
    expect(rows).toEqual(interactability(full))
    expect(rows.filter(({ coupled }) => coupled)).toHaveLength(full.paths.length)
  }
})

test('the matrix product loses just what traces of its matrices lose: (3, 5, 5) at degree 3', () => {
  const degree = 3
  const size = 2 * degree + 1
  using product = new MatrixTensorProduct(even(6), even(6), even(6), { degree, device })
  const rows = interactability(product, { out: even(6) }).filter(({ reason }) => !(reason ?? '').startsWith('triangle'))
  for (const row of rows) {
    const { l1, l2, l3 } = row
    // The trace is proportional to wigner3j, so its largest component shows whether it is zero.
    const symbol = wigner3j(l1, l2, l3)
    const at = symbol.reduce((best, value, n) => (Math.abs(value) > Math.abs(symbol[best]) ? n : best), 0)
    const m3 = at % (2 * l3 + 1)
    const m2 = Math.floor(at / (2 * l3 + 1)) % (2 * l2 + 1)
    const m1 = Math.floor(at / (2 * l3 + 1) / (2 * l2 + 1))
    const [a, b, c] = [l1, l2, l3].map((l) => wigner3j(degree, degree, l))
    let trace = 0
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        for (let k = 0; k < size; k++) {
          const first = a[(i * size + j) * (2 * l1 + 1) + m1]
          const second = b[(j * size + k) * (2 * l2 + 1) + m2]
          trace += first * second * c[(i * size + k) * (2 * l3 + 1) + m3]
        }
      }
    }
    // Sums of some hundred products of float64 numbers below 1; what is not zero is above 1e-5.
    expect(row.coupled, degrees(row)).toBe(Math.abs(trace) > 1e-12)
  }
  const lost = rows.filter(({ coupled }) => !coupled)
  expect(lost.map(degrees)).toEqual(['3 5 5', '5 3 5', '5 5 3'])
  for (const { reason } of lost) expect(reason).toBe('the 6j symbol {l1 l2 l3; 3 3 3} vanishes')
})

test('which channels meet: all, those of one number, or as modes say', () => {
  const scalars = { l1: 0, p1: 1, l2: 1, p2: -1, l3: 1, p3: -1 } as const
  using outer = new FullTensorProduct('2x0e', '3x1o', { device })
  expect(interactability(outer)).toMatchObject([{ ...scalars, coupled: true, pairs: 6, allPairs: 6 }])
  expect(coupledPairs(outer, scalars)).toHaveLength(6)
  using each = new GauntTensorProduct('2x0e', '3x1o', undefined, { device })
  expect(interactability(each)).toMatchObject([{ coupled: true, pairs: 2, allPairs: 6 }])
  expect(coupledPairs(each, scalars)).toEqual([
    [0, 0],
    [1, 1],
  ])
  // Channels are counted over the blocks of an irrep: the first of the second block of 0e is number 2.
  using repeated = new GauntTensorProduct('2x0e+1x0e', '3x1o', '1o', { device })
  expect(coupledPairs(repeated, scalars)).toEqual([
    [0, 0],
    [2, 0],
  ])
  const upper = { in1: 0, in2: 0, out: 0, mode: 'u<vw', hasWeight: true } as const
  using pairs = new TensorProduct('3x1o', '3x1o', '4x1e+1x2e', [upper], { device })
  expect(coupledPairs(pairs, { l1: 1, p1: -1, l2: 1, p2: -1, l3: 1, p3: 1 })).toEqual([
    [0, 1],
    [0, 2],
    [1, 2],
  ])
  expect(interactability(pairs).map(({ pairs, reason }) => [pairs, reason])).toEqual([
    [0, 'irrepsOut does not have l3 p3'],
    [3, undefined],
    [0, 'no path of the product couples it'],
  ])
  expect(coupledPairs(pairs, { l1: 1, p1: -1, l2: 1, p2: -1, l3: 0, p3: 1 })).toEqual([])
})

test('a path of coefficient zero couples nothing', () => {
  const instruction = { in1: 0, in2: 0, out: 0, mode: 'uuu', hasWeight: false, pathWeight: 0 } as const
  using product = new TensorProduct('1o', '1o', '0e', [instruction], { device })
  expect(interactability(product, { out: '0e' })).toMatchObject([{ coupled: false, pairs: 0 }])
})
