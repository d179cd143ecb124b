import { describe, expect, it } from 'vitest'
import { DeviceArray } from '../../lib/runtime/index.js'
import {
  add,
  apply,
  Axis,
  broadcastRows,
  concatenate,
  fill,
  gradient,
  input,
  multiply,
  power,
  Program,
  scale,
  sumRows,
} from '../../lib/tensor/index.js'
import { errorOf } from '../o3/helpers.js'

describe('axes', () => {
  const [a, b, three] = [new Axis('n'), new Axis('n'), new Axis('3')]
  const counts = new Map([
    [a, 3],
    [b, 5],
    [three, 7],
  ])
  const x = input('x', 1, 2)
  const inputs = new Map([[x, Float32Array.of(1, 2)]])

  it('of one name are different ones', () => {
    const outputs = [
      ...[sumRows(fill(a, 1, 1)), sumRows(fill(b, 1, 1))],
      ...[broadcastRows(x, a), broadcastRows(x, b), fill(three, 1, 1), fill(3, 1, 1)],
    ]
    const program = new Program(outputs, { device: 'cpu' })
    for (const [sumA, sumB, ...rest] of [
      program.run({ counts, inputs }),
      program.reference({ counts, inputs: wide(inputs) }),
    ]) {
      expect([sumA, sumB].map((sum) => [...(sum as Float32Array)])).toEqual([[3], [5]])
      expect(rest.map(({ length }) => length)).toEqual([6, 10, 7, 3])
    }
  })

  it('have whole numbers of rows', () => {
    const program = new Program([fill(a, 1, 1)], { device: 'cpu' })
    for (const count of [-1, NaN, 1.5, 2 ** 40]) {
      expect(errorOf(() => program.run({ counts: new Map([[a, count]]), inputs: new Map() })).message).toContain(
        'axis n',
      )
    }
  })
})

function wide<K>(arrays: ReadonlyMap<K, Float32Array>): Map<K, Float64Array> {
  return new Map([...arrays].map(([key, array]) => [key, Float64Array.from(array)]))
}

describe('sums, products and pieces of more arrays than a kernel takes', () => {
  const count = 300
  const x = input('x', 1, 3)
  const inputs = new Map([[x, Float32Array.of(1, -2, 0.5)]])
  const only = (program: Program): number[][] => {
    return program.run({ counts: new Map(), inputs }).map((array) => [...(array as Float32Array)])
  }

  it('are made in parts', () => {
    const many = Array.from({ length: count }, (_, n) => scale(x, n + 2))
    const sum = add(many)
    const whole = concatenate(many)
    const ones = Array.from({ length: count }, (_, n) => add([x, fill(1, 3, n + 2)], [0, 1 / (n + 2)]))
    const [sums, slopes, pieces, product] = only(
      new Program([sum, ...gradient(multiply([sum, fill(1, 3, 1)]), [x]), whole, multiply([x, ...ones], 2)], {
        device: 'cpu',
      }),
    )
    const total = (count * (count + 3)) / 2
    expect(sums).toEqual([total, -2 * total, 0.5 * total])
    expect(slopes).toEqual([total, total, total])
    for (let n = 0; n < count; n++)
      expect(pieces.slice(16 * n, 16 * n + 4)).toEqual([n + 2, -2 * (n + 2), (n + 2) / 2, 0])
    // 300 roundings of 1 / n times n.
    product.forEach((value, n) => expect(Math.abs(value / (2 * [1, -2, 0.5][n]) - 1)).toBeLessThan(300 * 2 ** -24))
  })

  it('are none of no arrays', () => {
    for (const make of [() => add([]), () => multiply([]), () => concatenate([])]) {
      expect(errorOf(make).message).toContain('at least one tensor')
    }
  })
})

it('reads no input from its own memory, which it writes over', () => {
  const x = input('x', 1, 4)
  const program = new Program([scale(x, 2), apply(power(2), x)], { device: 'cpu' })
  const run = (array: Float32Array | DeviceArray) => program.run({ counts: new Map(), inputs: new Map([[x, array]]) })
  const [twice] = run(Float32Array.of(1, 2, 3, 4)) as Float32Array[]
  expect(errorOf(() => run(twice)).code).toBe('ERR_BUFFER')
  expect(errorOf(() => run(twice.subarray(0, 4))).code).toBe('ERR_BUFFER')
  expect(run(twice.slice()).map((array) => [...(array as Float32Array)])).toEqual([
    [4, 8, 12, 16],
    [4, 16, 36, 64],
  ])
})
