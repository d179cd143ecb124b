import { describe, expect, test } from 'vitest'
import { allocate, cudaStatus, DeviceArray, Execution, free } from '../../lib/runtime/index.js'
import { codeOf, detach, dims, encode, noise, operands } from './toy.js'

describe('allocate', () => {
  test('gives zeros that can be written', () => {
    for (const length of [0, 1, 15, 16, 1000, 3_000_000]) {
      const array = allocate(length)
      expect(array).toBeInstanceOf(Float32Array)
      expect(array).toHaveLength(length)
      expect(array.every((value) => value === 0)).toBe(true)
      array.fill(1)
      // Memory that comes around again must be zero again.
      free(array)
    }
  })

  test('refuses what is no length', () => {
    for (const length of [-1, 1.5, NaN, Infinity, 2 ** 31, 2 ** 53, '4', null, undefined, {}]) {
      expect(codeOf(() => allocate(length as number))).toBe('ERR_ARGUMENT')
    }
    expect(codeOf(() => allocate(4, { pinned: 1 as unknown as boolean }))).toBe('ERR_ARGUMENT')
  })

  test('takes page-locked memory where it is asked for, or says that there is no GPU', () => {
    const result = codeOf(() => {
      free(allocate(1000, { pinned: true }))
    })
    expect(result).toBe(cudaStatus().usable ? 'nothing was thrown' : 'ERR_DEVICE')
  })
})

describe('free', () => {
  test('takes the memory away from every view', () => {
    const array = allocate(100)
    const view = array.subarray(10, 20)
    const bytes = new Uint8Array(array.buffer)
    free(array)
    expect([array.length, view.length, bytes.length]).toEqual([0, 0, 0])
  })

  test('works through a view', () => {
    const array = allocate(100)
    free(array.subarray(50))
    expect(array).toHaveLength(0)
    expect(
      codeOf(() => {
        free(array)
      }),
    ).toBe('ERR_DISPOSED')
  })

  test('a second time is an error, also when the address is in use again', () => {
    const array = allocate(1000)
    free(array)
    const next = allocate(1000).fill(3)
    expect(
      codeOf(() => {
        free(array)
      }),
    ).toBe('ERR_DISPOSED')
    expect(next.every((value) => value === 3)).toBe(true)
    free(next)
  })

  test('refuses arrays that are not from allocate', () => {
    for (const wrong of [new Float32Array(4), new Float64Array(4), Buffer.alloc(16), null, undefined, {}, 3]) {
      expect(
        codeOf(() => {
          free(wrong as Float32Array)
        }),
      ).toBe('ERR_BUFFER')
    }
  })

  test('cannot find what was moved away', () => {
    const array = allocate(100).fill(1)
    // Workers are never sent such memory: older versions of Node.js copy it instead, newer ones refuse...
    try {
      detach(array.buffer)
    } catch (error) {
      expect(error).toHaveProperty('name', 'DataCloneError')
    }
    expect(array).toHaveLength(100)
    // ...but those can move it within a thread.
    const buffer = array.buffer as ArrayBuffer & { transfer?: () => ArrayBuffer }
    if (buffer.transfer === undefined) return
    const moved = new Float32Array(buffer.transfer())
    expect(
      codeOf(() => {
        free(array)
      }),
    ).toBe('ERR_BUFFER')
    expect(moved.every((value) => value === 1)).toBe(true)
  })

  test('of nothing', () => {
    const empty = allocate(0)
    free(empty)
    expect(
      codeOf(() => {
        free(empty)
      }),
    ).toBe('ERR_DISPOSED')
  })
})

describe('DeviceArray on the CPU', () => {
  test('holds a copy', () => {
    const values = noise(100)
    using array = DeviceArray.from(values, 'cpu')
    expect(array).toMatchObject({ length: 100, device: 'cpu' })
    expect(array.toArray()).toEqual(values)
    const out = new Float32Array(100)
    expect(array.toArray(out)).toBe(out)
    expect(out).toEqual(values)
    expect(array.set(noise(100, 2))).toBe(array)
    expect(array.toArray()).toEqual(noise(100, 2))
    expect(values).toEqual(noise(100))
  })

  test('goes through products and stays one if both inputs are', () => {
    const batch = 7
    const [x, y] = [noise(batch * dims[0], 1), noise(batch * dims[1], 2)]
    using execution = new Execution('cpu', encode(), operands)
    const expected = execution.evaluate(2, [x, y])
    using a = DeviceArray.from(x, 'cpu')
    using b = DeviceArray.from(y, 'cpu')
    using out = execution.evaluate(2, [a, b])
    expect(out).toBeInstanceOf(DeviceArray)
    expect(out.toArray()).toEqual(expected)
    expect(execution.evaluate(2, [a, y])).toEqual(expected)
    expect(execution.evaluate(2, [x, b])).toEqual(expected)
    using given = DeviceArray.from(new Float32Array(expected.length), 'cpu')
    expect(execution.evaluate(2, [x, y], { out: given })).toBe(given)
    expect(given.toArray()).toEqual(expected)

    // out is an input
    const want = execution.evaluate(0, [y, expected])
    expect(execution.evaluate(0, [b, out], { out: b })).toBe(b)
    expect(b.toArray()).toEqual(want)
  })

  test('refuses other lengths, other types and any use after dispose', () => {
    const array = DeviceArray.from(noise(10), 'cpu')
    expect(codeOf(() => array.set(noise(9)))).toBe('ERR_LENGTH')
    expect(codeOf(() => array.toArray(noise(11)))).toBe('ERR_LENGTH')
    expect(codeOf(() => array.set([1] as unknown as Float32Array))).toBe('ERR_DTYPE')
    expect(codeOf(() => DeviceArray.from(new Float64Array(3) as unknown as Float32Array))).toBe('ERR_DTYPE')
    const gone = noise(10)
    detach(gone.buffer)
    expect(codeOf(() => array.set(gone))).toBe('ERR_BUFFER')
    array.dispose()
    array.dispose()
    expect(codeOf(() => array.toArray())).toBe('ERR_DISPOSED')
    expect(codeOf(() => array.set(noise(10)))).toBe('ERR_DISPOSED')
    using execution = new Execution('cpu', encode(), operands)
    expect(codeOf(() => execution.evaluate(2, [array, noise(15)]))).toBe('ERR_DISPOSED')
  })
})
