import { describe, expect, test } from 'vitest'
import {
  type Directions,
  FullTensorProduct,
  GauntTensorProduct,
  type GradientOptions,
  TensorProduct,
} from '../../lib/product/index.js'
import { allocate, DeviceArray } from '../../lib/runtime/index.js'
import { codeOf, codeOfRejection, detach, noise } from '../native/toy.js'
import { errorOf } from '../o3/helpers.js'

const product = new FullTensorProduct('3x0e+2x1o', '2x0e+1o', { device: 'cpu' })
const batch = 21
const { irrepsIn1, irrepsIn2, irrepsOut } = product
const [x1, v1] = [noise(batch * irrepsIn1.dim, 1), noise(batch * irrepsIn1.dim, 2)]
const [x2, v2] = [noise(batch * irrepsIn2.dim, 3), noise(batch * irrepsIn2.dim, 4)]
const g = noise(batch * irrepsOut.dim, 5)
const v = { x1: v1, x2: v2 }
const first = product.backward(g, x1, x2)
const second = product.doubleBackward(v, g, x1, x2)
const nan = (like: Float32Array) => new Float32Array(like.length).fill(NaN)

function allocated(values: Float32Array): Float32Array<ArrayBuffer> {
  const array = allocate(values.length)
  array.set(values)
  return array
}

describe('only', () => {
  test('what is asked for is computed, and is the same', () => {
    const { x1: only, ...rest } = product.backward(g, x1, x2, { only: ['x1'] })
    expect(only).toEqual(first.x1)
    expect(rest).toEqual({})
    expect(product.doubleBackward(v, g, x1, x2, { only: ['gradOut', 'x2'] })).toEqual({
      x2: second.x2,
      gradOut: second.gradOut,
    })
    expect(product.backward(g, x1, x2, { only: [] })).toEqual({})
  })

  test('memory given for what is not asked for stays as it was', () => {
    const out = { x1: nan(x1), x2: nan(x2) }
    product.backward(g, x1, x2, { only: ['x2'], out })
    expect(out).toEqual({ x1: nan(x1), x2: first.x2 })
  })
})

describe('directions', () => {
  test('that are missing are zero', () => {
    const out = { x1: nan(x1), x2: nan(x2), gradOut: nan(g) }
    expect(product.doubleBackward({}, g, x1, x2, { out })).toEqual(out)
    for (const result of Object.values(out)) expect(result.every((value) => value === 0)).toBe(true)
  })

  test('add up', () => {
    const [a, b] = [{ x1: v1 }, { x2: v2, x1: undefined }].map((one) => product.doubleBackward(one, g, x1, x2))
    for (const name of ['x1', 'x2', 'gradOut'] as const) {
      const sum = a[name].map((value, n) => value + b[name][n])
      // One rounding of sums of at most 6 products of numbers below 1.
      second[name].forEach((value, n) => {
        expect(Math.abs(value - sum[n])).toBeLessThan(2 ** -20)
      })
    }
  })
})

describe('out', () => {
  test('is where results go, and is returned', () => {
    const out = { x1: nan(x1), x2: nan(x2) }
    const result = product.backward(g, x1, x2, { out })
    expect(result.x1).toBe(out.x1)
    expect(result.x2).toBe(out.x2)
    expect(out).toEqual(first)
    const half = product.doubleBackward(v, g, x1, x2, { out: { x2: out.x2 } })
    expect(half.x2).toBe(out.x2)
    expect(half).toEqual(second)
  })

  test('may be the inputs', () => {
    for (const make of [(values: Float32Array) => values.slice(), allocated]) {
      const [a, b] = [make(x1), make(x2)]
      expect(product.backward(g, a, b, { out: { x1: a, x2: b } })).toEqual(first)
      const [c, d, h] = [make(x1), make(x2), make(g)]
      expect(product.doubleBackward(v, h, c, d, { out: { x1: c, x2: d, gradOut: h } })).toEqual(second)
      const [e, f] = [make(v1), make(v2)]
      expect(product.doubleBackward({ x1: e, x2: f }, g, x1, x2, { out: { x1: e, x2: f } })).toEqual(second)
    }
    const [a, b] = [x1, x2].map((values) => DeviceArray.from(values, 'cpu'))
    product.backward(g, a, b, { out: { x1: a, x2: b } })
    expect([a.toArray(), b.toArray()]).toEqual([first.x1, first.x2])
  })

  test('may be views that overlap inputs', () => {
    const room = new Float32Array(x1.length + x2.length + 3)
    const a = room.subarray(2, 2 + x1.length)
    a.set(x1)
    const out = { x1: room.subarray(0, x1.length), x2: room.subarray(x1.length + 1, x1.length + 1 + x2.length) }
    expect(product.backward(g, a, x2, { out })).toEqual(first)
  })

  test('has memory of its own for each result', () => {
    const room = new Float32Array(x1.length + x2.length)
    const out = { x1: room.subarray(0, x1.length), x2: room.subarray(x1.length - 1, x1.length - 1 + x2.length) }
    const error = errorOf(() => product.backward(g, x1, x2, { out }))
    expect(error.code).toBe('ERR_ARGUMENT')
    expect(error.message).toContain('Expected memory apart from that of out.x1 for out.x2')
    expect(room.every((value) => value === 0)).toBe(true)
  })
})

describe('DeviceArrays', () => {
  test('give DeviceArrays if all are such', () => {
    const [a, b, h] = [x1, x2, g].map((values) => DeviceArray.from(values, 'cpu'))
    const result = product.backward(h, a, b)
    expect(result.x1.toArray()).toEqual(first.x1)
    expect(result.x2.toArray()).toEqual(first.x2)
    expect(product.backward(h, a, x2)).toEqual(first)
    const device = product.doubleBackward({ x1: DeviceArray.from(v1, 'cpu') }, h, a, b)
    expect(device.x1.toArray().every((value) => value === 0)).toBe(true)
    expect(device.x2.toArray()).toEqual(product.doubleBackward({ x1: v1 }, g, x1, x2).x2)
    expect(product.doubleBackward({ x1: v1, x2: v2 }, h, a, b)).toEqual(second)
  })
})

describe('parts of a DeviceArray', () => {
  const weighted = new TensorProduct(
    ...(['2x0e', '2x0e', '2x0e+2x0e'] as const),
    [
      { in1: 0, in2: 0, out: 0, mode: 'uuu', hasWeight: true },
      { in1: 0, in2: 0, out: 1, mode: 'uuu', hasWeight: false },
    ],
    { device: 'cpu' },
  )
  const [a, b, w, h] = [noise(2, 1), noise(2, 2), noise(2, 3), noise(4, 4)]

  test('may be results that share memory with inputs, and not with each other', () => {
    const expected = weighted.backward(h, a, b, w)
    const room = DeviceArray.from(Float32Array.of(...a, 0), 'cpu')
    const [x, out] = [room.subarray(0, 2), room.subarray(1, 3)]
    const b2 = DeviceArray.from(b, 'cpu')
    weighted.backward(h, x, b2, w, { only: ['x1', 'x2'], out: { x1: out } })
    expect(out.toArray()).toEqual(expected.x1)
    const error = errorOf(() => weighted.backward(h, a, b, w, { out: { x1: x, x2: out } }))
    expect(error.message).toContain('memory apart from that of out.x1')
    // Neighbours share nothing.
    const four = DeviceArray.from(new Float32Array(4), 'cpu')
    weighted.backward(h, a, b, w, { out: { x1: four.subarray(0, 2), x2: four.subarray(2) } })
    expect(four.toArray()).toEqual(Float32Array.of(...expected.x1, ...expected.x2))
  })

  test('see what is written to the whole', () => {
    const whole = DeviceArray.from(x1, 'cpu')
    const part = whole.subarray(0, 5)
    product.backward(g, whole, x2, { only: ['x1'], out: { x1: whole } })
    expect(part.toArray()).toEqual(first.x1.subarray(0, 5))
  })

  test('are none where something only looks like one', () => {
    const real = DeviceArray.from(x1, 'cpu')
    for (const fake of [new Proxy(real, {}), Object.create(real) as DeviceArray]) {
      expect(fake).not.toBeInstanceOf(DeviceArray)
      expect(codeOf(() => product.forward(fake, x2))).toBe('ERR_DTYPE')
    }
  })
})

test('a product that is disposed of finishes what is in flight, and takes nothing more', async () => {
  const make = () => new GauntTensorProduct('3x0e+3x1o', '3x0e+3x1o', undefined, { device: 'cpu', weights: 'channel' })
  const [here, kept] = [make(), make()]
  const weight = noise(here.weightNumel, 9)
  const [x1, x2] = [noise(50 * 12, 1), noise(50 * 12, 2)]
  const flying = here.forwardAsync(x1, x2, weight)
  here.dispose()
  expect(codeOf(() => here.forward(x1, x2, weight))).toBe('ERR_DISPOSED')
  expect(await flying).toEqual(kept.forward(x1, x2, weight))
  expect(await codeOfRejection(here.forwardAsync(x1, x2, weight))).toBe('ERR_DISPOSED')
})

test('operands that a product does not have are refused', () => {
  expect(errorOf(() => product.evaluate('gradOut', { x1, x2, weights: x1 } as object)).message).toContain('weights')
  expect(product.evaluate('gradOut', { x1, x2, weight: undefined })).toEqual(product.forward(x1, x2))
})

describe('off the event loop', () => {
  test('results are the same', async () => {
    expect(await product.backwardAsync(g, x1, x2)).toEqual(first)
    expect(await product.doubleBackwardAsync(v, g, x1, x2)).toEqual(second)
    for (const make of [nan, (like: Float32Array) => allocated(nan(like))]) {
      const out = { x1: make(x1), x2: make(x2), gradOut: make(g) }
      const result = await product.doubleBackwardAsync(v, g, x1, x2, { out })
      expect(result.x1).toBe(out.x1)
      expect(result).toEqual(second)
      expect(await product.backwardAsync(g, x1, x2, { out: { x1: out.x1 } })).toEqual(first)
    }
  })

  test('inputs may change at once', async () => {
    const [a, b, h, a1, a2] = [x1.slice(), x2.slice(), g.slice(), v.x1.slice(), v.x2.slice()]
    const gradients = product.backwardAsync(h, a, b)
    const seconds = product.doubleBackwardAsync({ x1: a1, x2: a2 }, h, a, b)
    for (const array of [a, b, h, a1, a2]) array.fill(NaN)
    expect(await gradients).toEqual(first)
    expect(await seconds).toEqual(second)
  })

  test('errors and signals reject', async () => {
    expect(await codeOfRejection(product.backwardAsync(g, x1, noise(3)))).toBe('ERR_LENGTH')
    const signal = AbortSignal.abort(new Error('no more'))
    await expect(product.backwardAsync(g, x1, x2, { signal })).rejects.toThrow('no more')
    await expect(product.doubleBackwardAsync(v, g, x1, x2, { signal })).rejects.toThrow('no more')
  })
})

describe('batches', () => {
  test('none gives empty gradients', () => {
    const none = new Float32Array(0)
    expect(product.backward(none, none, none)).toEqual({ x1: none, x2: none })
    expect(product.doubleBackward({ x1: none }, none, none, none)).toEqual({ x1: none, x2: none, gradOut: none })
  })

  test('empty irreps give gradients that are zero', () => {
    using empty = new FullTensorProduct('', '1o', { device: 'cpu' })
    const none = new Float32Array(0)
    expect(empty.backward(none, none, noise(6), { out: { x2: nan(noise(6)) } })).toEqual({
      x1: none,
      x2: new Float32Array(6),
    })
  })
})

describe('bad arguments are refused before anything is written', () => {
  /** The error of a call that must leave its results as they were. */
  function refusal(
    change: { v?: unknown; g?: unknown; x1?: unknown; x2?: unknown; weight?: unknown; options?: object },
    out: Record<string, unknown> = { x1: noise(x1.length, 8), x2: noise(x2.length, 9), gradOut: noise(g.length, 10) },
  ) {
    const arrays = Object.values(out).filter((array) => array instanceof Float32Array && array.length > 0)
    const before = (arrays as Float32Array[]).map((array) => array.slice())
    const call = { v, g, x1, x2, options: {}, ...change } as {
      v: Directions
      g: Float32Array
      x1: Float32Array
      x2: Float32Array
      options: object
    }
    const options = { out, ...call.options } as GradientOptions<'x1' | 'x2' | 'gradOut', Float32Array>
    const error = errorOf(() =>
      product.doubleBackward(call.v, call.g, call.x1, call.x2, change.weight as undefined, options),
    )
    expect(arrays).toEqual(before)
    return error
  }

  test.each([
    [
      'a length of gradOut that does not fit',
      { g: noise(irrepsOut.dim * batch + 1) },
      'ERR_LENGTH',
      'the length of gradOut',
    ],
    ['another batch of x1', { x1: noise(irrepsIn1.dim) }, 'ERR_LENGTH', 'x1 holds 1 samples'],
    ['an array of another type', { x2: new Float64Array(x2) }, 'ERR_DTYPE', 'x2'],
    ['a missing array', { x1: undefined }, 'ERR_DTYPE', 'a Float32Array for x1 but received undefined'],
    ['another batch of a direction', { v: { x2: noise(irrepsIn2.dim) } }, 'ERR_LENGTH', 'v.x2 holds 1'],
    ['a direction that is no array', { v: { x2: [1, 2] } }, 'ERR_DTYPE', 'v.x2'],
    ['a direction of no operand', { v: { x3: v1 } }, 'ERR_ARGUMENT', 'an object with arrays for x1, x2 for v'],
    ['a direction of weights', { v: { weight: v1 } }, 'ERR_ARGUMENT', 'an object with arrays for x1, x2 for v'],
    ['no directions', { v: undefined }, 'ERR_ARGUMENT', 'for v but received undefined'],
    ['null for directions', { v: null }, 'ERR_ARGUMENT', 'for v but received null'],
    ['weights', { weight: noise(3) }, 'ERR_ARGUMENT', 'nothing (this product has no weights) for weight'],
    [
      'a gradient of weights',
      { options: { only: ['x1', 'weight'] } },
      'ERR_ARGUMENT',
      `names among 'x1', 'x2', 'gradOut' for only`,
    ],
    ['a name instead of names', { options: { only: 'x1' } }, 'ERR_ARGUMENT', 'for only but received "x1"'],
  ])('%s', (_, change, code, message) => {
    const error = refusal(change)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  test('results', () => {
    const error = refusal({}, { x1: noise(x1.length), x2: noise(irrepsIn2.dim) })
    expect(error.code).toBe('ERR_LENGTH')
    expect(error.message).toBe(
      `Expected ${x2.length} (${batch} samples of irreps 2x0e+1x1o) for the length of out.x2 but received ${irrepsIn2.dim}`,
    )
    expect(refusal({}, { x1: noise(x1.length), gradIn: nan(g) }).code).toBe('ERR_ARGUMENT')
    expect(refusal({ options: { out: 3 } }).code).toBe('ERR_ARGUMENT')
    const detached = new Float32Array(x1.length)
    detach(detached.buffer)
    expect(refusal({}, { x1: detached, x2: noise(x2.length) }).code).toBe('ERR_BUFFER')
    const disposed = DeviceArray.from(x2, 'cpu')
    disposed.dispose()
    expect(refusal({}, { x1: noise(x1.length), x2: disposed }).code).toBe('ERR_DISPOSED')
    expect(refusal({ x2: disposed }).code).toBe('ERR_DISPOSED')
  })

  test('options that are none', () => {
    // @ts-expect-error a number is wrong on purpose
    expect(codeOf(() => product.backward(g, x1, x2, 5))).toBe('ERR_ARGUMENT')
    // @ts-expect-error and so is an array of weights for options
    expect(codeOf(() => product.forward(x1, x2, undefined, g))).toBe('ERR_ARGUMENT')
  })

  test('a disposed product', () => {
    const disposed = new FullTensorProduct('0e', '0e', { device: 'cpu' })
    disposed.dispose()
    expect(codeOf(() => disposed.backward(noise(1), noise(1), noise(1)))).toBe('ERR_DISPOSED')
    expect(codeOf(() => disposed.doubleBackward({ x1: noise(1) }, noise(1), noise(1), noise(1)))).toBe('ERR_DISPOSED')
  })
})
