import { afterAll, describe, expect, test } from 'vitest'
import { allocate, DeviceArray, Execution, free, type FloatArray } from '../../lib/runtime/index.js'
import { codeOf, codeOfRejection, detach, dims, encode, noise, operands, sameBits, wasmMemory } from './toy.js'

const execution = new Execution('cpu', encode(), operands)
afterAll(() => {
  execution.dispose()
})

/** Some milliseconds of work, so that what follows a call happens while it is in flight. */
const batch = 100_000
const x = noise(batch * dims[0], 1)
const y = noise(batch * dims[1], 2)
const expected = execution.evaluate(2, [x, y])

function allocated(values: Float32Array): Float32Array<ArrayBuffer> {
  const array = allocate(values.length)
  array.set(values)
  return array
}

describe('results', () => {
  test('are those of the synchronous call, whatever the arrays are', async () => {
    expect(sameBits(await execution.evaluateAsync(2, [x, y]), expected)).toBe(true)
    expect(sameBits(await execution.evaluateAsync(2, [allocated(x), y]), expected)).toBe(true)
    expect(sameBits(await execution.evaluateAsync(2, [allocated(x).subarray(0), allocated(y)]), expected)).toBe(true)
    for (const out of [new Float32Array(expected.length), allocate(expected.length)]) {
      expect(await execution.evaluateAsync(2, [x, y], { out })).toBe(out)
      expect(sameBits(out, expected)).toBe(true)
    }
    const shared = new Float32Array(new SharedArrayBuffer(4 * expected.length))
    expect(sameBits(await execution.evaluateAsync(2, [x, y], { out: shared }), expected)).toBe(true)
    expect(await execution.evaluateAsync(2, [new Float32Array(0), new Float32Array(0)])).toHaveLength(0)
  })

  test('of many calls at once do not mix', async () => {
    const few = 100
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, seed) => {
        const [a, b] = [noise(few * dims[0], seed), noise(few * dims[1], seed + 100)]
        return execution.evaluateAsync(2, [seed % 2 ? allocated(a) : a, b])
      }),
    )
    results.forEach((result, seed) => {
      expect(result).toEqual(execution.evaluate(2, [noise(few * dims[0], seed), noise(few * dims[1], seed + 100)]))
    })
  })

  test('go to views inside larger arrays', async () => {
    for (const make of [(length: number) => new Float32Array(length), (length: number) => allocate(length)]) {
      const room = make(expected.length + 9).fill(42)
      const out = room.subarray(5, 5 + expected.length)
      await execution.evaluateAsync(2, [x, y], { out })
      expect(sameBits(out, expected)).toBe(true)
      expect([...room.subarray(0, 5), ...room.subarray(-4)]).toEqual(Array(9).fill(42))
    }
  })

  test('are right where out is an input', async () => {
    const gradient = noise(batch * dims[2], 3)
    const want = execution.evaluate(0, [y, gradient])
    for (const both of [y.slice(), allocated(y)]) {
      expect(await execution.evaluateAsync(0, [both, gradient], { out: both })).toBe(both)
      expect(sameBits(both, want)).toBe(true)
    }
    using both = DeviceArray.from(y, 'cpu')
    expect(await execution.evaluateAsync(0, [both, gradient], { out: both })).toBe(both)
    expect(sameBits(both.toArray(), want)).toBe(true)
  })
})

describe('while a call is in flight', () => {
  test('copied inputs may change', async () => {
    const [a, b] = [x.slice(), y.slice()]
    const result = execution.evaluateAsync(2, [a, b])
    a.fill(NaN)
    detach(b.buffer)
    expect(sameBits(await result, expected)).toBe(true)
  })

  test('inputs from allocate may be freed', async () => {
    const [a, b] = [allocated(x), allocated(y)]
    const result = execution.evaluateAsync(2, [a, b])
    free(a)
    free(b)
    expect(a).toHaveLength(0)
    // Takes the freed memory, if it could be had.
    const others = Array.from({ length: 8 }, () => allocate(x.length).fill(NaN))
    expect(sameBits(await result, expected)).toBe(true)
    others.forEach(free)
  })

  test('the execution may be disposed of', async () => {
    const brief = new Execution('cpu', encode(), operands)
    const result = brief.evaluateAsync(2, [x, y])
    brief.dispose()
    expect(sameBits(await result, expected)).toBe(true)
    expect(await codeOfRejection(brief.evaluateAsync(2, [x, y]))).toBe('ERR_DISPOSED')
  })

  test('DeviceArrays may be disposed of', async () => {
    const [a, b] = [DeviceArray.from(x, 'cpu'), DeviceArray.from(y, 'cpu')]
    const result = execution.evaluateAsync(2, [a, b])
    a.dispose()
    b.dispose()
    using out = await result
    expect(sameBits(out.toArray(), expected)).toBe(true)
  })

  test('an out that goes away rejects', async () => {
    const foreign = new Float32Array(expected.length)
    const result = execution.evaluateAsync(2, [x, y], { out: foreign })
    detach(foreign.buffer)
    expect(await codeOfRejection(result)).toBe('ERR_BUFFER')

    const mine = allocate(expected.length)
    const freed = execution.evaluateAsync(2, [x, y], { out: mine })
    free(mine)
    expect(await codeOfRejection(freed)).toBe('ERR_BUFFER')

    const memory = wasmMemory(4 * expected.length)
    const grown = execution.evaluateAsync(2, [x, y], { out: new Float32Array(memory.buffer, 0, expected.length) })
    memory.grow(1)
    expect(await codeOfRejection(grown)).toBe('ERR_BUFFER')

    const onDevice = DeviceArray.from(expected, 'cpu')
    const disposed = execution.evaluateAsync(2, [x, y], { out: onDevice })
    onDevice.dispose()
    expect(await codeOfRejection(disposed)).toBe('ERR_DISPOSED')
  })
})

describe('rejections', () => {
  test('an aborted signal stops a call before it starts, with its reason', async () => {
    const out = new Float32Array(expected.length).fill(7)
    const reason = new Error('changed my mind')
    await expect(execution.evaluateAsync(2, [x, y], { out, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(out.every((value) => value === 7)).toBe(true)

    const controller = new AbortController()
    const running = execution.evaluateAsync(2, [x, y], { signal: controller.signal })
    controller.abort()
    expect(sameBits(await running, expected)).toBe(true)
  })

  test('bad arguments reject, and nothing is thrown', async () => {
    const call = (a: unknown, b: unknown, out?: unknown) =>
      codeOfRejection(execution.evaluateAsync(2, [a as FloatArray, b as FloatArray], { out: out as FloatArray }))
    expect(await call([1, 2, 3], y)).toBe('ERR_DTYPE')
    expect(await call(x, y.subarray(15))).toBe('ERR_LENGTH')
    expect(await call(x, y, new Float32Array(20))).toBe('ERR_LENGTH')
    const gone = x.slice()
    detach(gone.buffer)
    expect(await call(gone, y)).toBe('ERR_BUFFER')
    using disposed = DeviceArray.from(x, 'cpu')
    disposed.dispose()
    expect(await call(disposed, y)).toBe('ERR_DISPOSED')
    expect(codeOf(() => disposed.toArray())).toBe('ERR_DISPOSED')
  })
})
