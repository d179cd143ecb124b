// Native code reads tables that lib/ has made. Whatever is in them, it makes an object of them or refuses them.
import { describe, expect, test } from 'vitest'
import {
  FullTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  SymmetricContraction,
  TensorProduct,
  TensorProductConv,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import type { EncodedPlan } from '../../lib/runtime/execute.js'
import { loadAddon } from '../../lib/runtime/native.js'
import { codeOf } from './toy.js'

/** What `codeOf` says then. */
const MADE = 'nothing was thrown'

const device = { device: 'cpu' } as const
const uvw = [{ in1: 0, in2: 0, out: 0, mode: 'uvw', hasWeight: true }] as const
const uvu = [{ in1: 0, in2: 0, out: 0, mode: 'uvu', hasWeight: true }] as const
const product = { kind: 'NativeExecutor' } as const

const cases: {
  name: string
  kind: 'NativeExecutor' | 'NativeConvolution' | 'NativeContraction'
  table: EncodedPlan
}[] = [
  { ...product, name: 'sparse', table: new FullTensorProduct('0e+1o', '1o', device).encodedPlan() },
  {
    ...product,
    name: 'dense',
    table: new FullTensorProduct('0e+1o', '1o', { ...device, implementation: 'dense' }).encodedPlan(),
  },
  { ...product, name: 'grid', table: new VectorTensorProduct('0e+1o', '1o', undefined, device).encodedPlan() },
  {
    ...product,
    name: 'fourier',
    table: new GauntTensorProduct('0e+1o', '1o', undefined, { ...device, algorithm: 'fourier' }).encodedPlan(),
  },
  { ...product, name: 'matrix', table: new MatrixTensorProduct('0e+1o', '1o', undefined, device).encodedPlan() },
  { ...product, name: 'weighted', table: new TensorProduct('2x1o', '3x1o', '2x0e', uvw, device).encodedPlan() },
  {
    kind: 'NativeConvolution',
    name: 'convolution',
    table: new TensorProductConv('2x1o', '1o', '2x0e', uvu, device).encodedPlan(),
  },
  {
    kind: 'NativeContraction',
    name: 'contraction',
    table: new SymmetricContraction('2x0e+2x1o', '2x0e', { ...device, correlation: 2, elements: 2 }).encodedPlan([
      'gradOut',
    ]).plan,
  },
]

describe.each(cases)('$name', ({ kind, table: { integers, reals } }) => {
  const make = (integers: Int32Array, reals: Float64Array): unknown => {
    return codeOf(() => new (loadAddon()[kind])('cpu', integers, reals))
  }

  test('is made of its table, and not of a part of it', () => {
    expect(make(integers, reals)).toBe(MADE)
    for (let length = 0; length < integers.length; length++) {
      expect(make(integers.slice(0, length), reals)).toBe('ERR_ARGUMENT')
    }
    expect(make(integers, reals.slice(1))).toBe('ERR_ARGUMENT')
    expect(make(integers, new Float64Array(reals.length + 1))).toBe('ERR_ARGUMENT')
  })

  test('survives any number in place of any other', () => {
    for (let at = 0; at < integers.length; at++) {
      for (const value of [-(2 ** 31), -1, 0, 1, 2, 1000, 2 ** 18]) {
        const changed = integers.slice()
        changed[at] = value
        expect(['ERR_ARGUMENT', MADE]).toContain(make(changed, reals))
      }
    }
  })
})

test('a contraction reads no row that nothing has written', () => {
  const operand = (result: number, row: number) => [result, 0, 1, 1, 0, 1, row]
  // Row 2 is the product of two of rows 0, which is given, and 1.
  const make = (a: number, b: number) => {
    const table = [1, 1, 3, 2, ...operand(0, 0), ...operand(1, 2), 1, 1, 1, 0, 2, a, b]
    return codeOf(() => new (loadAddon().NativeContraction)('cpu', Int32Array.from(table), new Float64Array(0)))
  }
  expect(make(0, 0)).toBe(MADE)
  expect(make(0, 1)).toBe('ERR_ARGUMENT')
  expect(make(2, 0)).toBe('ERR_ARGUMENT')
})
