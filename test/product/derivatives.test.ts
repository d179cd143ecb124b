import { describe, expect, test } from 'vitest'
import { Random } from '../../lib/o3/random.js'
import {
  FullTensorProduct,
  GauntTensorProduct,
  MatrixTensorProduct,
  type Product,
  referenceWithout,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { getNumThreads, setNumThreads } from '../../lib/runtime/index.js'
import { sameBits } from '../native/toy.js'
import { loadReference } from '../reference/load.js'
import { both, natural, relativeError } from './helpers.js'

/** Derivatives promise 1e-5, since doubleBackward adds up several results that may cancel. */
const TOLERANCE = 1e-5

const e3nn = loadReference('e3nn')
const float32 = (name: string) => Float32Array.from(e3nn.array(name).data)
const nan = (like: ArrayLike<number>) => new Float32Array(like.length).fill(NaN)
const device = 'cpu' as const

describe('e3nn FullTensorProduct', () => {
  const cases = e3nn.cases.filter(({ kind }) => kind === 'tensor_product')

  test('there are cases with second derivatives', () => {
    expect(cases.filter(({ arrays }) => arrays.dblall_g !== undefined).length).toBeGreaterThanOrEqual(6)
  })

  describe.each(cases)('$name', ({ arrays, irreps_in1, irreps_in2, irrep_normalization, filter_ir_out }) => {
    const [x1, x2, g, v1, v2] = ['x1', 'x2', 'g', 'v1', 'v2'].map((name) => float32(arrays[name]))
    const wanted = (name: string) => e3nn.array(arrays[name]).data
    const make = (implementation: 'sparse' | 'dense') =>
      new FullTensorProduct(irreps_in1 as string, irreps_in2 as string, {
        device,
        implementation,
        irrepNormalization: irrep_normalization as 'component' | 'norm',
        filterIrOut: (filter_ir_out as string[] | null) ?? undefined,
      })

    test.each(['sparse', 'dense'] as const)('%s: gradients', (implementation) => {
      using product = make(implementation)
      const gradients = product.backward(g, x1, x2, { out: { x1: nan(x1), x2: nan(x2) } })
      expect(relativeError(gradients.x1, wanted('grad_x1'))).toBeLessThan(TOLERANCE)
      expect(relativeError(gradients.x2, wanted('grad_x2'))).toBeLessThan(TOLERANCE)
      expect(gradients).not.toHaveProperty('weight')
    })

    test.each(['sparse', 'dense'] as const)('%s: second derivatives', (implementation) => {
      using product = make(implementation)
      const all = product.doubleBackward({ x1: v1, x2: v2 }, g, x1, x2, {
        out: { x1: nan(x1), x2: nan(x2), gradOut: nan(g) },
      })
      expect(relativeError(all.x1, wanted('dblall_x1'))).toBeLessThan(TOLERANCE)
      expect(relativeError(all.x2, wanted('dblall_x2'))).toBeLessThan(TOLERANCE)
      expect(relativeError(all.gradOut, wanted('dblall_g'))).toBeLessThan(TOLERANCE)
      const one = product.doubleBackward({ x1: v1 }, g, x1, x2, { out: { x1: nan(x1), x2: nan(x2), gradOut: nan(g) } })
      expect([...one.x1]).toEqual([...wanted('dbl1_x1')]) // zeros
      expect(relativeError(one.x2, wanted('dbl1_x2'))).toBeLessThan(TOLERANCE)
      expect(relativeError(one.gradOut, wanted('dbl1_g'))).toBeLessThan(TOLERANCE)
    })
  })
})

describe.each(['sparse', 'fourier', 'grid'] as const)('exact integrals, %s', (algorithm) => {
  const cases = e3nn.cases.filter(({ kind, arrays }) => kind === 'gaunt' && arrays.grad_x1 !== undefined)

  test.each(cases)('$name', ({ lmax_in, lmax_out, arrays }) => {
    const irreps = natural(lmax_in as number)
    using product = new GauntTensorProduct(irreps, irreps, natural(lmax_out as number), { algorithm, device })
    const [x1, x2, g] = [arrays.x1, arrays.x2, arrays.g].map(float32)
    const gradients = product.backward(g, x1, x2, { out: { x1: nan(x1), x2: nan(x2) } })
    expect(relativeError(gradients.x1, e3nn.array(arrays.grad_x1).data)).toBeLessThan(TOLERANCE)
    expect(relativeError(gradients.x2, e3nn.array(arrays.grad_x2).data)).toBeLessThan(TOLERANCE)
  })
})

const each = { device, channels: 'each' } as const
const mixed = [both(2, 5).toString(), both(3, 6).toString(), both(2, 4).toString()] as const
const uneven = ['33x0e+16x1o+8x2e+4x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+8x2e+2x0e'] as const

/** Every form, and every way that channels lie in memory: [name, batch, product]. */
const products: [string, number, () => Product][] = [
  ['sparse', 9, () => new FullTensorProduct(natural(4), natural(4), { device })],
  ['dense', 9, () => new FullTensorProduct(natural(3), natural(3), { device, implementation: 'dense' })],
  ['sparse, outer', 5, () => new FullTensorProduct('7x0e+5x1o+3x2e', '3x0e+2x1o', { device })],
  ['dense, outer', 5, () => new FullTensorProduct('7x0e+5x1o', '3x0e+2x1o', { device, implementation: 'dense' })],
  ['sparse, outer beyond a tile', 3, () => new FullTensorProduct('20x1o+20x0e', '9x1o+9x2e', { device })],
  ['sparse, outer with single channels', 37, () => new FullTensorProduct('70x0e+70x1o', '1x0e+1x1o', { device })],
  ['sparse, outer with single channels first', 4, () => new FullTensorProduct('0e+1o', '17x0e+17x1o', { device })],
  ['sparse, the same irrep twice', 21, () => new FullTensorProduct('2x1o+3x1o', '1o+1o', { device })],
  ['sparse, blocks that take no part', 6, () => new FullTensorProduct('2x1o+0x2e', '1o+4x0e', { device })],
  ['sparse, part of the outputs', 8, () => new FullTensorProduct(...filtered)],
  ['sparse, channelwise', 11, () => new FullTensorProduct('33x0e+20x1o+2x0e', '18x1o+40x0e', each)],
  ['dense, channelwise', 11, () => new FullTensorProduct('5x0e+20x1o', '18x1o+9x0e', { ...each, ...dense })],
  ...(['sparse', 'fourier', 'grid'] as const).flatMap((algorithm): [string, number, () => Product][] => [
    [`Gaunt, ${algorithm}, lmax 1`, 130, () => gaunt(1, algorithm)],
    [`Gaunt, ${algorithm}, lmax 6`, 3, () => gaunt(6, algorithm)],
    [`Gaunt, ${algorithm}, both parities`, 7, () => new GauntTensorProduct(...mixed, { device, algorithm })],
    [`Gaunt, ${algorithm}, uneven`, 5, () => new GauntTensorProduct(...uneven, { device, algorithm })],
    [
      `Gaunt, ${algorithm}, unequal degrees`,
      9,
      () => new GauntTensorProduct('4x5o', '4x2e', '4x3o', { device, algorithm }),
    ],
    [`Gaunt, ${algorithm}, repeated blocks`, 6, () => repeated(algorithm)],
  ]),
  ['Gaunt, a large grid', 4, () => new GauntTensorProduct(natural(3), natural(3), natural(3), { device, grid: large })],
  ['matrix', 5, () => new MatrixTensorProduct(natural(5, 3), natural(5, 3), natural(5, 3), { device })],
  ['matrix, both parities', 7, () => new MatrixTensorProduct(...mixed, { device })],
  ['matrix, few couplings', 5, () => new MatrixTensorProduct(natural(2, 3), natural(2, 3), natural(4, 3), { device })],
  // Of 9 x 9 matrices, which are multiplied however few couplings there are.
  [
    'matrix, 9 x 9',
    5,
    () => new MatrixTensorProduct(natural(2, 3), natural(2, 3), natural(4, 3), { device, degree: 4 }),
  ],
  ['matrix, uneven', 5, () => new MatrixTensorProduct(...uneven, { device })],
  ['vector, cross product', 65, () => new VectorTensorProduct('2x1o', '2x1o', '2x1e', { device })],
  ['vector, few components', 40, () => new VectorTensorProduct('4x0e+4x1o', '4x0e+4x1o', '4x0e+4x1o+4x1e', { device })],
  ['vector, lmax 6', 3, () => new VectorTensorProduct(natural(6), natural(6), '1o+2o+2e+5e+6e+8o', { device })],
  ['vector, one parity', 7, () => new VectorTensorProduct(even, even, even, { device })],
  ['vector, both parities', 7, () => new VectorTensorProduct(...mixed, { device })],
  ['vector, a large grid', 4, () => new VectorTensorProduct(even, even, even, { device, grid: large })],
]
const filtered: ConstructorParameters<typeof FullTensorProduct> = [
  '4x1o+4x5o',
  '3x1o+3x0e',
  { device, filterIrOut: ['1e', '2e'] },
]
const dense = { implementation: 'dense' } as const
const even = '3x0e+3x1e+3x2e+3x3e+3x4e'
const large = { resBeta: 18, resAlpha: 31 }
const gaunt = (lmax: number, algorithm: 'sparse' | 'fourier' | 'grid') =>
  new GauntTensorProduct(natural(lmax), natural(lmax), natural(lmax), { device, algorithm })
const repeated = (algorithm: 'sparse' | 'fourier' | 'grid') =>
  new GauntTensorProduct('3x1o+3x1o', '3x1o+2x1o', '3x0e+3x2e+2x2e', { device, algorithm })

/** Operands and directions, random. */
function operandsOf(product: Product, batch: number) {
  const random = new Random(batch)
  const normals = ({ dim }: { dim: number }) => Float32Array.from(random.normals(batch * dim))
  const { irrepsIn1: in1, irrepsIn2: in2, irrepsOut: out } = product
  return { x1: normals(in1), x2: normals(in2), g: normals(out), v1: normals(in1), v2: normals(in2), h: normals(out) }
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += a[n] * b[n]
  return sum
}

const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a))
const plus = (a: Float32Array, factor: number, b: Float32Array) => a.map((value, n) => value + factor * b[n])

/** What two sums of a . b may differ by: relative errors of a, on each of its numbers as random signs. */
function slack(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return TOLERANCE * norm(a) * norm(b)
}

describe.each(products)('%s', (_, batch, create) => {
  test('gradients agree with the definition in float64', () => {
    using product = create()
    const { x1, x2, g } = operandsOf(product, batch)
    const gradients = product.backward(g, x1, x2, { out: { x1: nan(x1), x2: nan(x2) } })
    expect(relativeError(gradients.x1, referenceWithout(product, 0, [x2, g]))).toBeLessThan(TOLERANCE)
    expect(relativeError(gradients.x2, referenceWithout(product, 1, [x1, g]))).toBeLessThan(TOLERANCE)
  })

  test('second derivatives agree with the definition in float64', () => {
    using product = create()
    const { x1, x2, g, v1, v2 } = operandsOf(product, batch)
    const result = product.doubleBackward({ x1: v1, x2: v2 }, g, x1, x2, {
      out: { x1: nan(x1), x2: nan(x2), gradOut: nan(g) },
    })
    const first = referenceWithout(product, 2, [v1, x2])
    const gradOut = referenceWithout(product, 2, [x1, v2]).map((value, n) => value + first[n])
    expect(relativeError(result.x1, referenceWithout(product, 0, [v2, g]))).toBeLessThan(TOLERANCE)
    expect(relativeError(result.x2, referenceWithout(product, 1, [v1, g]))).toBeLessThan(TOLERANCE)
    expect(relativeError(result.gradOut, gradOut)).toBeLessThan(TOLERANCE)
  })

  // L is linear in each operand, so a central difference is exact at any step: only float32 rounds, not the quotient.
  test('gradients are finite differences', () => {
    using product = create()
    const { x1, x2, g, v1, v2 } = operandsOf(product, batch)
    const { x1: grad1, x2: grad2 } = product.backward(g, x1, x2)
    const rise = (a: Float32Array, b: Float32Array) => dot(product.forward(plus(x1, 1, a), plus(x2, 1, b)), g)
    const fall = (a: Float32Array, b: Float32Array) => dot(product.forward(plus(x1, -1, a), plus(x2, -1, b)), g)
    const [none1, none2] = [new Float32Array(x1.length), new Float32Array(x2.length)]
    const size = slack(product.forward(x1, x2), g) + slack(grad1, v1) + slack(grad2, v2)
    expect(Math.abs((rise(v1, none2) - fall(v1, none2)) / 2 - dot(grad1, v1))).toBeLessThan(size)
    expect(Math.abs((rise(none1, v2) - fall(none1, v2)) / 2 - dot(grad2, v2))).toBeLessThan(size)
    expect(Math.abs((rise(v1, v2) - fall(v1, v2)) / 2 - dot(grad1, v1) - dot(grad2, v2))).toBeLessThan(size)
  })

  test('second derivatives are finite differences of gradients', () => {
    using product = create()
    const { x1, x2, g, v1, v2, h } = operandsOf(product, batch)
    const [u1, u2] = [operandsOf(product, batch).x1.reverse(), operandsOf(product, batch).x2.reverse()]
    const value = (sign: number) => {
      const gradients = product.backward(plus(g, sign, h), plus(x1, sign, u1), plus(x2, sign, u2))
      return dot(gradients.x1, v1) + dot(gradients.x2, v2)
    }
    const second = product.doubleBackward({ x1: v1, x2: v2 }, g, x1, x2)
    const slope = dot(second.x1, u1) + dot(second.x2, u2) + dot(second.gradOut, h)
    const { x1: grad1, x2: grad2 } = product.backward(plus(g, 1, h), plus(x1, 1, u1), plus(x2, 1, u2))
    // Quadratic along this line, for which central differences are exact too.
    expect(Math.abs((value(1) - value(-1)) / 2 - slope)).toBeLessThan(slack(grad1, v1) + slack(grad2, v2))
  })

  test('the Jacobian of the gradient is symmetric', () => {
    using product = create()
    const { x1, x2, g, v1, v2 } = operandsOf(product, batch)
    // d2L/dx2 dx1 [v1, v2]: the change of one gradient along the other's direction.
    const along2 = product.doubleBackward({ x2: v2 }, g, x1, x2, { only: ['x1'] }).x1
    const along1 = product.doubleBackward({ x1: v1 }, g, x1, x2, { only: ['x2'] }).x2
    expect(Math.abs(dot(along2, v1) - dot(along1, v2))).toBeLessThan(slack(along2, v1) + slack(along1, v2))
  })

  test('the third derivative is the form itself, whichever operand is left out', () => {
    using product = create()
    const { x1, x2, g, v1, v2, h } = operandsOf(product, batch)
    // d3L/dx1 dx2 dgradOut [v1, v2, h], as the slope of each second derivative along the remaining direction.
    const second = (a: Float32Array, b: Float32Array, c: Float32Array) =>
      product.doubleBackward({ x1: v1 }, c, a, b, { only: ['x2', 'gradOut'] })
    const [before, after] = [-1, 1].map((sign) => second(plus(x1, sign, v1), plus(x2, sign, v2), plus(g, sign, h)))
    const slope = (a: Float32Array, b: Float32Array) => a.map((value, n) => (value - b[n]) / 2)
    const form = product.forward(v1, v2)
    const size = 4 * (slack(before.gradOut, h) + slack(before.x2, v2)) + slack(form, h)
    expect(Math.abs(dot(slope(after.gradOut, before.gradOut), h) - dot(form, h))).toBeLessThan(size)
    expect(Math.abs(dot(slope(after.x2, before.x2), v2) - dot(form, h))).toBeLessThan(size)
    const { x1: left1, x2: left2 } = product.backward(h, v1, v2)
    expect(Math.abs(dot(left1, v1) - dot(form, h))).toBeLessThan(size)
    expect(Math.abs(dot(left2, v2) - dot(form, h))).toBeLessThan(size)
  })

  test('results do not depend on how many threads there are', () => {
    using product = create()
    const { x1, x2, g } = operandsOf(product, batch)
    const threads = getNumThreads()
    try {
      const [one, three] = [1, 3].map((n) => {
        setNumThreads(n)
        return product.backward(g, x1, x2)
      })
      expect(sameBits(one.x1, three.x1)).toBe(true)
      expect(sameBits(one.x2, three.x2)).toBe(true)
    } finally {
      setNumThreads(threads)
    }
  })
})
