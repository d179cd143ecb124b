import { describe, expect, test } from 'vitest'
import { Random } from '../../lib/o3/index.js'
import {
  type ChannelwiseProduct,
  type ChannelwiseProductOptions,
  GauntTensorProduct,
  MatrixTensorProduct,
  VectorTensorProduct,
} from '../../lib/product/index.js'
import { DeviceArray } from '../../lib/runtime/index.js'
import { errorOf } from '../o3/helpers.js'
import { equivarianceError, relativeError, TOLERANCE } from './helpers.js'
import { argumentsOf, scaledReference } from './scaled-reference.js'

/** Derivatives promise 1e-5, since doubleBackward adds up several results that may cancel. */
const LOOSE = 1e-5

const device = 'cpu' as const
const nan = (like: ArrayLike<number>) => new Float32Array(like.length).fill(NaN)

type Make = (options: ChannelwiseProductOptions) => ChannelwiseProduct
const uneven = ['33x0e+16x1o+8x2e+1x0e', '70x0e+16x1o+3x1o', '20x0e+16x1o+1x2e+2x0e'] as const

const products: [string, batch: number, Make][] = [
  ...(['grid', 'fourier', 'sparse'] as const).map((algorithm): [string, number, Make] => [
    `Gaunt, ${algorithm}`,
    9,
    (options) =>
      new GauntTensorProduct('5x0e+5x1o+5x2e', '5x0e+5x1o', '5x0e+5x1o+5x2e', { ...options, algorithm, device }),
  ]),
  ['Gaunt, uneven', 5, (options) => new GauntTensorProduct(...uneven, { ...options, device })],
  ['Gaunt, one channel', 70, (options) => new GauntTensorProduct('0e+1o', '0e+1o', '0e+1o', { ...options, device })],
  [
    'Gaunt, repeated and idle blocks',
    6,
    (options) => new GauntTensorProduct('3x1o+0x0e+3x1o', '3x1o+2x1o+4x7e', '3x0e+3x2e+2x2e', { ...options, device }),
  ],
  ['matrix', 7, (options) => new MatrixTensorProduct('4x0e+4x1o', '4x0e+3x1o', undefined, { ...options, device })],
  ['vector', 7, (options) => new VectorTensorProduct('3x1o+3x2e', '3x1o+2x2e', undefined, { ...options, device })],
]

const options: ChannelwiseProductOptions[] = (['block', 'channel'] as const).flatMap((weights) => [
  { weights },
  { weights, sharedWeights: false },
  { weights, weightedOperands: ['x2'] },
  { weights, weightedOperands: ['out', 'x1'], sharedWeights: false },
])

const cases = products.flatMap(([name, batch, make]) =>
  options.map((option) => [`${name}, ${JSON.stringify(option)}`, batch, () => make(option)] as const),
)

function operandsOf(product: ChannelwiseProduct, batch: number, seed = batch) {
  const random = new Random(seed)
  const normals = (length: number) => Float32Array.from(random.normals(length))
  return {
    x1: normals(batch * product.irrepsIn1.dim),
    x2: normals(batch * product.irrepsIn2.dim),
    gradOut: normals(batch * product.irrepsOut.dim),
    weight: normals(product.weightNumel * (product.sharedWeights ? 1 : batch)),
  }
}
type Operands = ReturnType<typeof operandsOf>
type Name = keyof Operands

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, n) => sum + value * b[n], 0)
const norm = (a: ArrayLike<number>) => Math.sqrt(dot(a, a))

/**
 * The derivative of the form, in float64, along directions that take the places of as many arguments, in every way: the polynomial's
 * own derivative of that order, with respect to `target`.
 */
function derivative(
  product: ChannelwiseProduct,
  target: Name,
  operands: Operands,
  along: [Name, Float32Array][],
  batch: number,
) {
  const args = argumentsOf(product)
  const sum = new Float64Array(operands[target].length)
  const visit = (values: Float32Array[], free: number[], [direction, ...rest]: [Name, Float32Array][]): void => {
    if (direction === undefined) {
      for (const leftOut of free.filter((n) => args[n] === target)) {
        scaledReference(product, leftOut, values, batch).forEach((value, n) => (sum[n] += value))
      }
      return
    }
    for (const n of free.filter((place) => args[place] === direction[0])) {
      visit(
        values.with(n, direction[1]),
        free.filter((place) => place !== n),
        rest,
      )
    }
  }
  visit(
    args.map((name) => operands[name]),
    [...args.keys()],
    along,
  )
  return sum
}

describe.each(cases)('%s', (_, batch, create) => {
  test('values', () => {
    using product = create()
    const operands = operandsOf(product, batch)
    const { x1, x2, gradOut, weight } = operands
    const out = product.forward(x1, x2, weight, { out: nan(gradOut) })
    // Scaling rounds each operand once more.
    expect(relativeError(out, derivative(product, 'gradOut', operands, [], batch))).toBeLessThan(TOLERANCE)
  })

  test('gradients', () => {
    using product = create()
    const operands = operandsOf(product, batch)
    const { x1, x2, gradOut, weight } = operands
    const gradients = product.backward(gradOut, x1, x2, weight, {
      out: { x1: nan(x1), x2: nan(x2), weight: nan(weight) },
    })
    for (const name of ['x1', 'x2', 'weight'] as const) {
      expect(relativeError(gradients[name]!, derivative(product, name, operands, [], batch))).toBeLessThan(LOOSE)
    }
  })

  test('second derivatives, along every direction and along all', () => {
    using product = create()
    const operands = operandsOf(product, batch)
    const { x1, x2, gradOut, weight } = operands
    const v = operandsOf(product, batch, 1000)
    for (const names of [['x1'], ['x2'], ['weight'], ['x1', 'x2', 'weight']] as const) {
      const directions: Partial<Operands> = Object.fromEntries(names.map((name) => [name, v[name]]))
      const out = { x1: nan(x1), x2: nan(x2), weight: nan(weight), gradOut: nan(gradOut) }
      const got = product.doubleBackward(directions, gradOut, x1, x2, weight, { out })
      for (const target of ['x1', 'x2', 'weight', 'gradOut'] as const) {
        const terms = names.map((name) => derivative(product, target, operands, [[name, v[name]]], batch))
        const wanted = terms[0].map((_, n) => terms.reduce((sum, term) => sum + term[n], 0))
        if (wanted.every((value) => value === 0)) expect([...got[target]!]).toEqual([...wanted])
        else expect(relativeError(got[target]!, wanted)).toBeLessThan(LOOSE)
      }
    }
  })

  test('third derivatives', () => {
    using product = create()
    const operands = operandsOf(product, batch)
    const { x1, x2, gradOut, weight } = operands
    const [v, h] = [operandsOf(product, batch, 1000), operandsOf(product, batch, 2000)]
    // Of a second derivative along the weights, F being of degree three in them at most, the gradient is of degree two:
    // a central difference of that is exact at any step.
    const second = (sign: number) => {
      const moved = weight.map((value, n) => value + sign * h.weight[n])
      return product.doubleBackward({ weight: v.weight }, gradOut, x1, x2, moved, { only: ['x1', 'gradOut'] })
    }
    const [before, after] = [second(-1), second(1)]
    for (const target of ['x1', 'gradOut'] as const) {
      const slope = after[target].map((value, n) => (value - before[target][n]) / 2)
      const wanted = derivative(product, target, operands, [['weight', v.weight], ['weight', h.weight]], batch) // prettier-ignore
      const error = norm(slope.map((value, n) => value - wanted[n]))
      expect(error).toBeLessThan(LOOSE * (norm(before[target]) + norm(after[target])))
    }
  })
})

describe.each(products)('%s', (_, batch, make) => {
  test.each(options)('%o: commutes with rotations and inversion', (option) => {
    using product = make(option)
    const { x1, x2, weight } = operandsOf(product, batch)
    expect(equivarianceError(product, [x1, x2], 5, weight)).toBeLessThan(2 * TOLERANCE)
  })

  test.each(['block', 'channel'] as const)('weights for every %s, all 1, leave the bare product', (weights) => {
    using product = make({ weights })
    using bare = make({})
    const { x1, x2, gradOut } = operandsOf(product, batch)
    const weight = new Float32Array(product.weightNumel).fill(1)
    // Multiplying by 1 does not round.
    expect(product.forward(x1, x2, weight)).toEqual(bare.forward(x1, x2))
    const gradients = product.backward(gradOut, x1, x2, weight, { only: ['x1', 'x2'] })
    const wanted = bare.backward(gradOut, x1, x2)
    expect(gradients.x1).toEqual(wanted.x1)
    // The bare product sums this one in another order, as it goes through the lines of the first.
    expect(relativeError(gradients.x2, wanted.x2)).toBeLessThan(TOLERANCE)
  })

  test.each(['block', 'channel'] as const)('NaN in the weights of a sample for every %s stays in it', (weights) => {
    using product = make({ weights, sharedWeights: false })
    const { x1, x2, gradOut, weight } = operandsOf(product, batch)
    const clean = weight.slice()
    const sick = Math.floor(batch / 2)
    weight.fill(NaN, sick * product.weightNumel, (sick + 1) * product.weightNumel)
    const passes = (w: Float32Array) => [
      [product.forward(x1, x2, w), product.irrepsOut.dim] as const,
      ...(['x1', 'x2', 'weight'] as const).map((name) => {
        const gradient = product.backward(gradOut, x1, x2, w, { only: [name] })[name] as Float32Array
        return [gradient, gradient.length / batch] as const
      }),
    ]
    const wanted = passes(clean)
    passes(weight).forEach(([array, dim], n) => {
      expect(array.subarray(sick * dim, (sick + 1) * dim).some(Number.isNaN)).toBe(true)
      for (let sample = 0; sample < batch; sample++) {
        if (sample === sick) continue
        const of = (whole: Float32Array) => whole.subarray(sample * dim, (sample + 1) * dim)
        expect(of(array)).toEqual(of(wanted[n][0]))
      }
    })
  })
})

describe('calls', () => {
  const irreps = '8x0e+4x1o'
  const make = (option: ChannelwiseProductOptions) =>
    new GauntTensorProduct(irreps, irreps, irreps, { device, ...option })

  test('own weights come from the seed, and are read at every call', () => {
    using product = make({ weights: 'channel', seed: 1 })
    using same = make({ weights: 'channel', seed: 1 })
    using given = make({ weights: 'channel' })
    expect(product.weightNumel).toBe(36)
    expect(same.weight).toEqual(product.weight)
    const { x1, x2 } = operandsOf(product, 3)
    const weight = product.weight as Float32Array
    expect(product.forward(x1, x2)).toEqual(given.forward(x1, x2, weight))
    product.weightViews().out!.fill(0)
    expect(product.forward(x1, x2)).toEqual(new Float32Array(3 * product.irrepsOut.dim))
  })

  test('parts of the weight vector', () => {
    using blocks = make({ weights: 'block' })
    expect(blocks.weightParts).toEqual([
      { operand: 'x1', offset: 0, length: 2 },
      { operand: 'x2', offset: 2, length: 2 },
      { operand: 'out', offset: 4, length: 2 },
    ])
    using channels = make({ weights: 'channel', weightedOperands: ['out', 'x2'] })
    expect(channels.weightParts).toEqual([
      { operand: 'x2', offset: 0, length: 12 },
      { operand: 'out', offset: 12, length: 12 },
    ])
    const weight = new Float32Array(24)
    const views = channels.weightViews(weight)
    expect(Object.keys(views)).toEqual(['x2', 'out'])
    views.out![1] = 7
    expect(weight[13]).toBe(7)
    expect(errorOf(() => channels.weightViews(new Float32Array(3))).code).toBe('ERR_LENGTH')
    expect(errorOf(() => channels.weightViews()).code).toBe('ERR_DTYPE')
    using bare = make({})
    expect([bare.weightNumel, bare.weightParts, bare.weight]).toEqual([0, [], undefined])
  })

  test('a scaled operand costs one multiplication for every number', () => {
    using bare = make({})
    using product = make({ weights: 'block', weightedOperands: ['x1', 'out'] })
    const { flops, bytes } = bare.cost(5)
    expect(product.cost(5)).toEqual({ flops: flops + 5 * (20 + 20), bytes, weights: 4 })
  })

  test.each([true, false])('off the event loop and from device memory, shared weights %s', async (sharedWeights) => {
    for (const weights of ['block', 'channel'] as const) {
      using product = make({ weights, sharedWeights })
      const { x1, x2, gradOut, weight } = operandsOf(product, 5)
      const v = operandsOf(product, 5, 1000)
      const directions = { x1: v.x1, x2: v.x2, weight: v.weight }
      const wanted = [
        product.forward(x1, x2, weight),
        product.backward(gradOut, x1, x2, weight),
        product.doubleBackward(directions, gradOut, x1, x2, weight),
      ]
      const copies = [x1, x2, gradOut, weight, ...Object.values(directions)].map((array) => array.slice())
      const [a, b, g, w, va, vb, vw] = copies
      const running = Promise.all([
        product.forwardAsync(a, b, w),
        product.backwardAsync(g, a, b, w),
        product.doubleBackwardAsync({ x1: va, x2: vb, weight: vw }, g, a, b, w),
      ])
      for (const copy of copies) copy.fill(NaN) // inputs may change at once
      expect(await running).toEqual(wanted)

      const [da, db, dg, dw] = [x1, x2, gradOut, weight].map((array) => DeviceArray.from(array, device))
      const gradients = product.backward(dg, da, db, dw)
      expect(product.forward(da, db, dw).toArray()).toEqual(wanted[0])
      expect({
        x1: gradients.x1.toArray(),
        x2: gradients.x2.toArray(),
        weight: gradients.weight!.toArray(),
      }).toEqual(wanted[1])
    }
  })

  test('results may take the place of inputs', () => {
    using product = make({ weights: 'channel', sharedWeights: false })
    const { x1, x2, gradOut, weight } = operandsOf(product, 5)
    const wanted = product.backward(gradOut, x1, x2, weight)
    const [a, b, w] = [x1, x2, weight].map((array) => array.slice())
    product.backward(gradOut, a, b, w, { out: { x1: b, x2: a, weight: w } })
    expect({ x1: b, x2: a, weight: w }).toEqual(wanted)
    const values = product.forward(x1, x2, weight)
    const place = x1.slice()
    expect(product.forward(place, x2, weight, { out: place })).toEqual(values)
  })

  test('no samples', () => {
    using product = make({ weights: 'block' })
    const none = new Float32Array(0)
    const weight = new Float32Array(6).fill(1)
    expect(product.forward(none, none, weight)).toEqual(none)
    const gradients = product.backward(none, none, none, weight, { out: { weight: nan(weight) } })
    expect(gradients).toEqual({ x1: none, x2: none, weight: new Float32Array(6) })
  })

  test.each<[object, code: string, words: string]>([
    [{ weights: 'all' }, 'ERR_ARGUMENT', `'none' or 'block' or 'channel' for weights but received "all"`],
    [{ weights: 'block', weightedOperands: ['x3'] }, 'ERR_ARGUMENT', "'x1', 'x2', 'out' for weightedOperands"],
    [{ weights: 'block', weightedOperands: [] }, 'ERR_ARGUMENT', 'weightedOperands'],
    [{ weights: 'block', weightedOperands: 'x1' }, 'ERR_ARGUMENT', 'weightedOperands'],
    [{ weights: 'block', sharedWeights: 1 }, 'ERR_ARGUMENT', 'sharedWeights'],
    [{ weights: 'block', weight: new Float32Array(5) }, 'ERR_LENGTH', 'Expected 6'],
    [{ weights: 'block', weight: new Float32Array(6), seed: 1 }, 'ERR_ARGUMENT', 'both'],
    [{ seed: 1 }, 'ERR_ARGUMENT', `'block' or 'channel' for weights, beside seed, but received "none"`],
  ])('options %o', (option, code, words) => {
    const error = errorOf(() => make(option))
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
  })

  test('arrays that do not fit leave everything as it was', () => {
    using product = make({ weights: 'channel', sharedWeights: false })
    const { x1, x2, gradOut, weight } = operandsOf(product, 2)
    const out = new Float32Array(gradOut.length).fill(5)
    for (const [wrong, code] of [
      [undefined, 'ERR_DTYPE'],
      [weight.subarray(1), 'ERR_LENGTH'],
      [weight.subarray(36), 'ERR_LENGTH'],
      [new Float64Array(72), 'ERR_DTYPE'],
    ] as const) {
      const error = errorOf(() => product.forward(x1, x2, wrong as unknown as Float32Array, { out }))
      expect(error.code).toBe(code)
    }
    expect(out).toEqual(new Float32Array(out.length).fill(5))
    product.dispose()
    expect(errorOf(() => product.forward(x1, x2, weight, { out })).code).toBe('ERR_DISPOSED')
  })
})
