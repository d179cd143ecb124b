import { runInNewContext } from 'node:vm'
import { afterAll, describe, expect, test } from 'vitest'
import { allocate, DeviceArray, Execution, type FloatArray } from '../../lib/runtime/index.js'
import {
  codeOf,
  detach,
  dims,
  encode,
  maxDifference,
  noise,
  operands,
  reference,
  tolerance,
  wasmMemory,
} from './toy.js'

const execution = new Execution('cpu', encode(), operands)
afterAll(() => {
  execution.dispose()
})

const targets = [0, 1, 2] as const

/** The two inputs of a call that leaves out `target`. */
function inputs(target: 0 | 1 | 2, batch: number): [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>] {
  const others = [0, 1, 2].filter((operand) => operand !== target)
  return [noise(batch * dims[others[0]], 1), noise(batch * dims[others[1]], 2)]
}

describe('values', () => {
  test.each(targets)('leaving out operand %i agrees with the formula at any batch', (target) => {
    for (const batch of [1, 2, 15, 16, 17, 1000]) {
      const [x, y] = inputs(target, batch)
      const out = execution.evaluate(target, [x, y])
      expect(out).toHaveLength(batch * dims[target])
      expect(maxDifference(out, reference(target, x, y, batch))).toBeLessThan(tolerance)
    }
  })

  test('a million samples', () => {
    const batch = 1_000_000
    const x = noise(batch * dims[0], 3)
    const y = noise(batch * dims[1], 4)
    const out = execution.evaluate(2, [x, y])
    for (const sample of [0, 1, 499_999, 999_998, 999_999]) {
      const row = (array: Float32Array, dim: number) => array.subarray(sample * dim, (sample + 1) * dim)
      const expected = reference(2, row(x, dims[0]), row(y, dims[1]), 1)
      expect(maxDifference(row(out, dims[2]), expected)).toBeLessThan(tolerance)
    }
  })

  test('an empty batch is an empty result', () => {
    expect(execution.evaluate(2, [new Float32Array(0), new Float32Array(0)])).toEqual(new Float32Array(0))
    const out = new Float32Array(0)
    expect(execution.evaluate(0, [new Float32Array(0), new Float32Array(0)], { out })).toBe(out)
  })

  test('an operand without components holds any batch', () => {
    // No groups at all: x1 has 2 components, x2 none, out 3, which are therefore zero.
    const plan = { integers: Int32Array.of(2, 0, 3, 0, 0, 0), reals: new Float64Array(0) }
    const names = (dim: number, name: string) => ({ name, dim, irreps: `${dim}x0e` })
    using empty = new Execution('cpu', plan, [names(2, 'x1'), names(0, 'x2'), names(3, 'grad')])
    expect(empty.evaluate(2, [noise(8), new Float32Array(0)], { out: noise(12) })).toEqual(new Float32Array(12))
    expect(empty.evaluate(1, [noise(8), noise(12)])).toEqual(new Float32Array(0))
    expect(codeOf(() => empty.evaluate(2, [noise(8), noise(4)]))).toBe('ERR_LENGTH')
  })

  test('weights that no group takes have no gradient, over any number of samples', () => {
    for (const shared of [false, true]) {
      const plan = { integers: Int32Array.of(2, 1, 3, 4, Number(shared), 0), reals: new Float64Array(0) }
      const names = [2, 1, 3, 4].map((dim, n) => ({ name: ['x1', 'x2', 'y', 'w'][n], dim, shared: shared && n === 3 }))
      using weighted = new Execution('cpu', plan, names)
      for (const batch of [0, 5]) {
        const [x1, x2, y] = [noise(2 * batch), noise(batch), noise(3 * batch)]
        const length = 4 * (shared ? 1 : batch)
        expect(weighted.evaluate(3, [x1, x2, y])).toEqual(new Float32Array(length))
        const out = new Float32Array(length).fill(NaN)
        expect(weighted.evaluate(3, [x1, x2, y], { out })).toEqual(new Float32Array(length))
        out.set(noise(length))
        expect(weighted.evaluate(3, [x1, x2, y], { out, accumulate: true })).toEqual(noise(length))
        expect(weighted.evaluate(2, [x1, x2, out])).toEqual(new Float32Array(3 * batch))
        expect(codeOf(() => weighted.evaluate(2, [x1, x2, noise(7)]))).toBe('ERR_LENGTH')
      }
    }
    const { integers, reals } = encode()
    expect(codeOf(() => new Execution('cpu', { integers: integers.with(3, 4), reals }, operands))).toBe('ERR_ARGUMENT')
  })

  test('NaN and infinity stay within their own sample', () => {
    const batch = 50
    for (const target of targets) {
      for (const poison of [NaN, Infinity, -Infinity]) {
        for (const victim of [0, 16, 31, 49]) {
          const [x, y] = inputs(target, batch)
          const clean = execution.evaluate(target, [x, y])
          const dim = x.length / batch
          x.fill(poison, victim * dim, (victim + 1) * dim)
          const out = execution.evaluate(target, [x, y])
          const begin = victim * dims[target]
          const end = begin + dims[target]
          expect(out.subarray(begin, end).every((value) => !Number.isFinite(value))).toBe(true)
          expect(out.subarray(0, begin)).toEqual(clean.subarray(0, begin))
          expect(out.subarray(end)).toEqual(clean.subarray(end))
        }
      }
    }
  })
})

describe('memory of any kind', () => {
  const batch = 33
  const [x, y] = inputs(2, batch)
  const expected = execution.evaluate(2, [x, y])

  test('views at any offset; what surrounds `out` stays', () => {
    for (const shift of [1, 2, 3, 5, 15]) {
      const shifted = (array: Float32Array) => {
        const view = new Float32Array(new ArrayBuffer(4 * (array.length + shift + 7)), 4 * shift, array.length)
        view.set(array)
        return view
      }
      const room = new Float32Array(expected.length + shift + 7).fill(42)
      const out = room.subarray(shift, shift + expected.length)
      expect(execution.evaluate(2, [shifted(x), shifted(y)], { out })).toBe(out)
      expect(out).toEqual(expected)
      expect([...room.subarray(0, shift), ...room.subarray(shift + expected.length)]).toEqual(Array(shift + 7).fill(42))
    }
  })

  test('shared memory of fixed size', () => {
    const shared = (array: Float32Array) => {
      const copy = new Float32Array(new SharedArrayBuffer(array.byteLength))
      copy.set(array)
      return copy
    }
    expect(execution.evaluate(2, [shared(x), shared(y)], { out: shared(new Float32Array(expected.length)) })).toEqual(
      expected,
    )
  })

  test('WebAssembly memory', () => {
    const { buffer } = wasmMemory(65536)
    const out = new Float32Array(buffer, 64, expected.length)
    expect(execution.evaluate(2, [x, y], { out })).toEqual(expected)
  })

  test('arrays of another realm', () => {
    const foreign = runInNewContext('new Float32Array(values)', { values: [...x] }) as Float32Array
    expect(foreign).not.toBeInstanceOf(Float32Array)
    expect(execution.evaluate(2, [foreign, y])).toEqual(expected)
  })

  test('arrays from allocate', () => {
    const mine = allocate(x.length)
    mine.set(x)
    const out = allocate(expected.length)
    expect(execution.evaluate(2, [mine, y], { out })).toEqual(expected)
  })

  test('the same array twice', () => {
    const squares = execution.evaluate(2, [x, x])
    expect(maxDifference(squares, reference(2, x, x, batch))).toBeLessThan(tolerance)
  })
})

describe('out shares memory with an input', () => {
  const batch = 40

  test.each([0, 1] as const)('the same array (target %i)', (target) => {
    for (const make of [(length: number) => new Float32Array(length), (length: number) => allocate(length)]) {
      const [x, y] = inputs(target, batch)
      const expected = execution.evaluate(target, [x, y])
      const both = make(x.length)
      both.set(x)
      expect(execution.evaluate(target, [both, y], { out: both })).toBe(both)
      expect(both).toEqual(expected)
    }
  })

  test('overlapping views, either way round', () => {
    const [x, y] = inputs(2, batch)
    const expected = execution.evaluate(2, [x, y])
    for (const [atInput, atOut] of [
      [0, 1],
      [7, 0],
      [0, x.length - 1],
      [expected.length - 1, 0],
    ]) {
      const room = new Float32Array(x.length + expected.length + 8)
      const input = room.subarray(atInput, atInput + x.length)
      const out = room.subarray(atOut, atOut + expected.length)
      input.set(x)
      expect(execution.evaluate(2, [input, y], { out })).toEqual(expected)
      input.set(x)
      expect(execution.evaluate(2, [y, input], { out })).toEqual(execution.evaluate(2, [y, x]))
    }
  })
})

describe('accumulate adds to what is there', () => {
  const more = (values: Float32Array, to: Float32Array) => values.map((value, n) => value + to[n])

  test.each(targets)('for operand %i, at any batch', (target) => {
    for (const batch of [1, 15, 16, 17, 1000]) {
      const inputs_ = inputs(target, batch)
      const value = execution.evaluate(target, inputs_)
      const before = noise(value.length, 7)
      const out = before.slice()
      expect(execution.evaluate(target, inputs_, { out, accumulate: true })).toBe(out)
      // One more addition, of a result below 2: it is rounded once.
      expect(maxDifference(out, more(value, before))).toBeLessThan(2 ** -22)
    }
  })

  test('twice is twice', () => {
    const [x, y] = inputs(2, 33)
    const out = execution.evaluate(2, [x, y])
    const once = out.slice()
    execution.evaluate(2, [x, y], { out, accumulate: true })
    expect(out).toEqual(once.map((value) => 2 * value))
  })

  test('what no group reaches stays', () => {
    const plan = { integers: Int32Array.of(2, 0, 3, 0, 0, 0), reals: new Float64Array(0) }
    const names = [2, 0, 3].map((dim, n) => ({ name: ['x1', 'x2', 'y'][n], dim }))
    using empty = new Execution('cpu', plan, names)
    const inputs_ = [noise(8), new Float32Array(0)]
    expect(empty.evaluate(2, inputs_, { out: noise(12, 3), accumulate: true })).toEqual(noise(12, 3))
  })

  test('where out is an input', async () => {
    const [x, y] = inputs(0, 40)
    const expected = more(execution.evaluate(0, [x, y]), x)
    for (const make of [(length: number) => new Float32Array(length), (length: number) => allocate(length)]) {
      const both = make(x.length)
      both.set(x)
      expect(execution.evaluate(0, [both, y], { out: both, accumulate: true })).toEqual(expected)
      both.set(x)
      expect(await execution.evaluateAsync(0, [both, y], { out: both, accumulate: true })).toEqual(expected)
    }
    using both = DeviceArray.from(x, 'cpu')
    expect(execution.evaluate(0, [both, y], { out: both, accumulate: true }).toArray()).toEqual(expected)
    both.set(x)
    await execution.evaluateAsync(0, [both, y], { out: both, accumulate: true })
    expect(both.toArray()).toEqual(expected)
  })

  test('off the event loop', async () => {
    const [x, y] = inputs(2, 40)
    const value = execution.evaluate(2, [x, y])
    const before = noise(value.length, 7)
    for (const out of [new Float32Array(value.length), allocate(value.length)]) {
      out.set(before)
      expect(await execution.evaluateAsync(2, [x, y], { out, accumulate: true })).toBe(out)
      expect(out).toEqual(execution.evaluate(2, [x, y], { out: before.slice(), accumulate: true }))
    }
    using out = DeviceArray.from(before, 'cpu')
    await execution.evaluateAsync(2, [x, y], { out, accumulate: true })
    expect(maxDifference(out.toArray(), more(value, before))).toBeLessThan(2 ** -22)
  })

  test('needs something to add to', () => {
    const [x, y] = inputs(2, 1)
    expect(codeOf(() => execution.evaluate(2, [x, y], { accumulate: true }))).toBe('ERR_ARGUMENT')
  })
})

describe('bad arguments leave every buffer as it was', () => {
  const batch = 6
  const [x, y] = inputs(2, batch)

  /** The error's code and message; checks that `out` and the inputs are untouched. */
  function refusal(
    a: unknown,
    b: unknown,
    out: unknown = noise(batch * dims[2], 9),
  ): { code: unknown; message: string } {
    const arrays = [a, b, out].filter(
      (value) => value instanceof Float32Array && value.byteLength > 0,
    ) as Float32Array[]
    const before = arrays.map((array) => array.slice())
    let error: unknown
    try {
      execution.evaluate(2, [a as FloatArray, b as FloatArray], { out: out as FloatArray })
    } catch (thrown) {
      error = thrown
    }
    expect(error).toHaveProperty('name', 'GauntletError')
    expect(arrays).toEqual(before)
    return error as { code: unknown; message: string }
  }

  test('no Float32Array', () => {
    for (const wrong of [
      null,
      undefined,
      3,
      'x',
      [1, 2, 3],
      {},
      new Float64Array(18),
      new DataView(new ArrayBuffer(72)),
    ]) {
      expect(refusal(wrong, y).code).toBe('ERR_DTYPE')
      expect(refusal(x, wrong).code).toBe('ERR_DTYPE')
      if (wrong !== undefined) expect(refusal(x, y, wrong).code).toBe('ERR_DTYPE')
    }
    expect(refusal(new Float64Array(18), y).message).toBe(
      'Expected a Float32Array for x1 but received a Float64Array of length 18',
    )
  })

  test('a detached buffer', () => {
    const detached = x.slice()
    detach(detached.buffer)
    expect(refusal(detached, y).code).toBe('ERR_BUFFER')
    expect(refusal(x, detached).code).toBe('ERR_BUFFER')
    expect(refusal(x, y, detached).code).toBe('ERR_BUFFER')
    const empty = new Float32Array(0)
    detach(empty.buffer)
    expect(refusal(empty, new Float32Array(0), new Float32Array(0)).code).toBe('ERR_BUFFER')
  })

  test('a buffer that can change its size', () => {
    const options = { maxByteLength: 4 * x.length * 2 }
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer
    const Growable = SharedArrayBuffer as unknown as new (length: number, options: object) => SharedArrayBuffer
    for (const buffer of [new Resizable(4 * x.length, options), new Growable(4 * x.length, options)]) {
      for (const view of [new Float32Array(buffer), new Float32Array(buffer, 0, x.length)]) {
        expect(refusal(view, y).code).toBe('ERR_BUFFER')
        expect(refusal(x, view).code).toBe('ERR_BUFFER')
        expect(refusal(x, y, view).code).toBe('ERR_BUFFER')
      }
    }
  })

  test('a length that does not fit', () => {
    expect(refusal(noise(13), y)).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected a multiple of 15 (irreps 5x1o) for the length of x1 but received 13',
    })
    expect(refusal(noise(4 * 15), noise(5 * 15))).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected as many samples in x1 as in x2 but x1 holds 4 samples and x2 holds 5 (irreps 5x1o and 5x1o)',
    })
    expect(refusal(x, y, noise(5 * 20))).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected 120 (6 samples of irreps 5x0e + 5x1e) for the length of out but received 100',
    })
    expect(refusal(x, y, noise(119)).code).toBe('ERR_LENGTH')
    expect(refusal(x, y, new Float32Array(0)).code).toBe('ERR_LENGTH')
  })

  test('an array that lies about its length', () => {
    class Liar extends Float32Array {
      override get length(): number {
        return 6 * 15
      }
    }
    expect(refusal(new Liar(15), y).code).toBe('ERR_LENGTH')
    expect(refusal(x, new Liar(0)).code).toBe('ERR_LENGTH')
  })

  test('a disposed execution', () => {
    const disposed = new Execution('cpu', encode(), operands)
    disposed.dispose()
    disposed.dispose()
    expect(codeOf(() => disposed.evaluate(2, [x, y]))).toBe('ERR_DISPOSED')
  })
})
