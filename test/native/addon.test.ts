import { describe, expect, test } from 'vitest'
import { loadAddon, type Addon } from '../../lib/runtime/native.js'
import { codeOf, dims, encode, noise } from './toy.js'

// The layer above checks first, with better messages. Here the addon is called as no part of this package calls it: it must
// answer with an error and nothing worse.

const addon: Addon = loadAddon()
const junk: unknown[] = [
  undefined,
  null,
  true,
  -1,
  1.5,
  NaN,
  2 ** 53,
  'cpu',
  '',
  {},
  [],
  Symbol('x'),
  1n,
  () => 1,
  new Date(),
]

/** A method with its types forgotten, to be called on any receiver. */
function loose(object: object, name: string, receiver: unknown = object): (...values: unknown[]) => unknown {
  const method = (object as Record<string, (...values: unknown[]) => unknown>)[name]
  return (...values) => method.apply(receiver, values)
}

describe('the addon survives', () => {
  test('plans cut short, prolonged or with a number changed', () => {
    const { integers, reals } = encode()
    const construct = (a: Int32Array, b: Float64Array) => codeOf(() => new addon.NativeExecutor('cpu', a, b))
    for (let length = 0; length < integers.length; ++length) {
      expect(construct(integers.slice(0, length), reals)).toBe('ERR_ARGUMENT')
    }
    expect(construct(Int32Array.of(...integers, 0), reals)).toBe('ERR_ARGUMENT')
    expect(construct(integers, reals.slice(1))).toBe('ERR_ARGUMENT')
    for (let index = 0; index < integers.length; ++index) {
      for (const value of [-1, -(2 ** 31), 0, 2, 7, 10_000]) {
        const changed = integers.slice()
        changed[index] = value
        // This may still be a plan (of larger operands, say), but never one that reaches outside its arrays.
        const code = codeOf(() => {
          const executor = new addon.NativeExecutor('cpu', changed, reals)
          const [x1, x2, grad] = [...changed.subarray(0, 3)].map((dim) => noise(3 * dim))
          for (const target of [2, 1, 0]) executor.evaluate(3, [target, x1, x2, grad, undefined, false])
        })
        if (value < 0) expect(code).toBe('ERR_ARGUMENT')
        else expect(['ERR_ARGUMENT', 'nothing was thrown']).toContain(code)
      }
    }
  })

  test('executors given anything at all', () => {
    const { integers, reals } = encode()
    const construct = loose(
      { construct: (...values: unknown[]): unknown => Reflect.construct(addon.NativeExecutor, values) },
      'construct',
    )
    for (const value of junk) {
      expect(() => construct(value === 'cpu' ? 'gpu' : value, integers, reals)).toThrow()
      expect(codeOf(() => construct('cpu', value, reals))).toBe('ERR_ARGUMENT')
      expect(codeOf(() => construct('cpu', integers, value))).toBe('ERR_ARGUMENT')
    }
    const executor = new addon.NativeExecutor('cpu', integers, reals)
    const good: unknown[] = [2, noise(dims[0]), noise(dims[1]), new Float32Array(dims[2]), undefined, false]
    for (const method of ['evaluate', 'evaluateAsync']) {
      const call = loose(executor, method)
      for (const value of junk) {
        // What Node-API takes for a number is not junk: it rounds towards zero.
        if (value !== 1.5) expect(() => call(value, good)).toThrow()
        expect(() => call(1, value)).toThrow()
        expect(() => call(1, good, value)).toThrow()
        for (let position = 0; position < good.length; ++position) {
          if (position === 0 && typeof value === 'number') continue
          if (position === 5 && value === true) continue
          // Weights are not looked at in a plan without any.
          if (position === 4) continue
          expect(() => call(1, good.with(position, value))).toThrow()
          expect(() => call(1, good, good.with(position, value))).toThrow()
        }
      }
      expect(codeOf(() => call(2, good))).toBe('ERR_LENGTH')
      expect(codeOf(() => call(1, good.with(0, 3)))).toBe('ERR_ARGUMENT')
      expect(codeOf(() => call(1, good.slice(0, 5)))).toBe('ERR_ARGUMENT')
      expect(codeOf(() => call(1, good.with(1, new Uint8Array(60))))).toBe('ERR_DTYPE')
      expect(codeOf(() => call(1))).toBe('ERR_ARGUMENT')
      expect(() => call()).toThrow()
    }
  })

  test('methods called on objects of another kind', () => {
    const executor = new addon.NativeExecutor('cpu', encode().integers, encode().reals)
    const array = new addon.NativeDeviceArray('cpu', 3)
    const call = [1, [2, noise(15), noise(15), noise(20), undefined, false]]
    for (const wrong of [{}, null, array, addon]) {
      expect(() => loose(executor, 'evaluate', wrong)(...call)).toThrow()
    }
    for (const wrong of [{}, null, executor, addon]) {
      expect(() => loose(array, 'read', wrong)(noise(3))).toThrow()
    }
    // An object that wraps native memory of another kind is no operand.
    for (const wrong of [executor, addon, Object.create(array) as unknown]) {
      expect(codeOf(() => loose(executor, 'evaluate')(1, [2, wrong, noise(15), noise(20), undefined, false]))).toBe(
        'ERR_DTYPE',
      )
    }
  })

  test('device arrays given anything at all', () => {
    const array = new addon.NativeDeviceArray('cpu', 3)
    for (const method of ['read', 'write']) {
      for (const value of [...junk, new Float64Array(3)])
        expect(codeOf(() => loose(array, method)(value))).toBe('ERR_DTYPE')
      expect(codeOf(() => loose(array, method)(new Float32Array(4)))).toBe('ERR_LENGTH')
    }
    array.dispose()
    array.dispose()
    expect(
      codeOf(() => {
        array.read(new Float32Array(3))
      }),
    ).toBe('ERR_DISPOSED')
  })
})
