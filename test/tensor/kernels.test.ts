import { describe, expect, it, test } from 'vitest'
import { callNative, loadAddon } from '../../lib/runtime/native.js'
import { power, polynomialCutoff, type ScalarFunction, silu, sine, exponential } from '../../lib/tensor/index.js'
import { FAMILIES } from '../../lib/tensor/functions.js'
import { codeOf, detach } from '../native/toy.js'
import { randomNumbers } from './helpers.js'

const kernels = new (loadAddon().NativeKernels)('cpu')
const floats = (length: number, seed = 1) => Float32Array.from(randomNumbers(length, seed))
const none = new Float64Array(0)

function apply(f: ScalarFunction, x: Float32Array): Float32Array {
  const out = new Float32Array(x.length)
  kernels.elementwise(out, 1, FAMILIES.indexOf(f.family), Float64Array.from(f.coefficients), [x])
  return out
}

describe('functions', () => {
  /** Of every number on its own, to an error of so many times itself (or, where functions cross zero, of 1). */
  function compare(f: ScalarFunction, x: Float32Array, tolerance: number): void {
    apply(f, x).forEach((value, n) => {
      const wanted = f.at(x[n])
      if (Math.abs(wanted) < 1e-37) expect(Math.abs(value)).toBeLessThan(2e-37)
      else expect(Math.abs(value - wanted) / Math.max(Math.abs(wanted), 1e-3)).toBeLessThan(tolerance)
    })
  }
  const wide = (size: number) => floats(1003, 3).map((x) => x * size)

  test('exp to 2e-7 of itself, from where it vanishes to where it is the largest float', () => {
    // Half a unit of float32 is 6e-8; the reduced argument is off by as much, and the series by less.
    compare(exponential, wide(88), 2e-7)
    expect([...apply(exponential, Float32Array.of(0, -104.5, -1e30, 88.8, 1e30))]).toEqual([
      1,
      0,
      0,
      Infinity,
      Infinity,
    ])
  })
  test('sine to 1e-6, of arguments of any size', () => {
    for (const size of [1, 100, 1e5, 1e12]) {
      let f = sine
      for (let turns = 0; turns < 4; turns++, f = f.derivative()) compare(f, wide(size), 1e-6)
    }
  })
  test('silu and its derivatives', () => {
    let f = silu
    // Polynomials of s cancel: errors are those of their terms, which grow with every derivative.
    for (const tolerance of [3e-7, 2e-6, 1e-5]) {
      compare(f, wide(10), 1e3 * tolerance)
      f = f.derivative()
    }
    expect([...apply(silu, Float32Array.of(-200, -1e30, 200))]).toEqual([0, 0, 200])
  })
  test('powers: whole, halves, and any other', () => {
    const x = wide(3).map((value) => Math.abs(value) + 0.01)
    for (const exponent of [0, 1, 2, 3, 7, 64, -1, -2, -5, 0.5, -0.5, 1.5, -2.5, 0.3, -1.7]) {
      compare(power(exponent), x, 2e-7)
    }
    expect([...apply(power(3), Float32Array.of(-2, 0, Infinity))]).toEqual([-8, 0, Infinity])
    compare(polynomialCutoff(2, 6), x, 2e-7)
  })

  test('NaN and infinity stay within their own entries', () => {
    for (const f of [silu, silu.derivative(), sine, exponential, power(2), power(-3), polynomialCutoff(5, 6)]) {
      for (const poison of [NaN, Infinity, -Infinity]) {
        const x = floats(100).map((value) => value + 2)
        const clean = apply(f, x)
        for (const victim of [0, 15, 64, 99]) x[victim] = poison
        apply(f, x).forEach((value, n) => {
          if ([0, 15, 64, 99].includes(n)) expect(value).toEqual(Math.fround(f.at(poison)))
          else expect(value).toBe(clean[n])
        })
      }
    }
  })
})

describe('memory', () => {
  test('a result may be an input of elementwise and combine, and nothing around it is touched', () => {
    for (const length of [1, 15, 16, 63, 64, 65, 1000]) {
      const room = new Float32Array(length + 9).fill(42)
      const [x, y, out] = [floats(length), floats(length, 2), room.subarray(3, 3 + length)]
      out.set(x)
      kernels.elementwise(out, 2, -1, none, [out, y])
      expect(out).toEqual(x.map((value, n) => Math.fround(value * 2) * y[n]))
      out.set(x)
      kernels.combine(out, Float64Array.of(1, -1), [y, out])
      expect(out).toEqual(x.map((value, n) => y[n] - value))
      expect([...room.subarray(0, 3), ...room.subarray(3 + length)]).toEqual(Array(9).fill(42))
    }
  })

  test('products of matrices of any size, in memory of any alignment', () => {
    const sizes = [0, 1, 2, 5, 16, 17, 47, 65]
    for (const rows of [...sizes, 97]) {
      for (const columns of [...sizes, 130]) {
        for (const sums of [...sizes, 600]) checkProducts(rows, columns, sums)
      }
    }
    checkProducts(3, 5, 40_000)
    checkProducts(40_000, 5, 3)
  }, 60_000)

  function checkProducts(rows: number, columns: number, sums: number): void {
    for (const transposed of [0, 1, 2]) {
      const shifted = (length: number, seed: number) => floats(length + 1, seed).subarray(1)
      const [a, b] = [shifted(rows * sums, 1), shifted(sums * columns, 2)]
      const room = new Float32Array(rows * columns + 20).fill(42)
      const out = room.subarray(3, 3 + rows * columns)
      kernels.matmul(out, a, b, transposed, rows, columns, 0.5)
      const [rowA, sumA] = transposed === 2 ? [1, rows] : [sums, 1]
      const [sumB, columnB] = transposed === 1 ? [1, sums] : [columns, 1]
      let [error, size] = [0, 0]
      const step = Math.max(1, Math.floor((rows * columns) / 500)) // some entries say it all
      for (let at = 0; at < rows * columns; at += step) {
        const [r, c] = [Math.floor(at / columns), at % columns]
        let sum = 0
        for (let k = 0; k < sums; k++) {
          const product = a[r * rowA + k * sumA] * b[k * sumB + c * columnB]
          sum += product
          size += (product / 2) ** 2
        }
        error += (out[at] - sum / 2) ** 2
      }
      // Roundings of a sum of n random terms grow as the square root of n, measured by that of their squares.
      if (!(error <= size * (1e-7 * Math.sqrt(sums + 1)) ** 2)) {
        throw new Error(`[${rows}, ${columns}] of ${sums} terms, ${transposed}: ${Math.sqrt(error / size)}`)
      }
      expect([...room.subarray(0, 3), ...room.subarray(3 + rows * columns)]).toEqual(Array(20).fill(42))
    }
  }
})

describe('rows', () => {
  const dims = [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 288, 301]

  test.each(dims)('of %i floats: copied, repeated and summed', (dim) => {
    const rows = 403
    const x = floats(rows * dim)
    const of = Int32Array.from(randomNumbers(500, 2), (value) => Math.floor(((value + 1) / 2) * rows))
    const gathered = new Float32Array(of.length * dim)
    kernels.gather(gathered, x, dim, of)
    expect(gathered).toEqual(Float32Array.from(gathered, (_, n) => x[of[Math.floor(n / dim)] * dim + (n % dim)]))
    kernels.broadcastRows(gathered, x.subarray(0, dim), dim)
    expect(gathered).toEqual(Float32Array.from(gathered, (_, n) => x[n % dim]))

    const start = Int32Array.of(0, 3, 3, 4, 500)
    const sums = new Float32Array(4 * dim)
    kernels.scatter(sums, x, dim, start, of)
    close(sums, (s, k) => of.subarray(start[s], start[s + 1]).reduce((sum, row) => sum + x[row * dim + k], 0))
    const all = new Float32Array(dim)
    kernels.sumRows(all, x, dim)
    close(all, (_, k) => {
      let sum = 0
      for (let n = k; n < x.length; n += dim) sum += x[n]
      return sum
    })
    kernels.sumRows(all, new Float32Array(0), dim)
    expect(all).toEqual(new Float32Array(dim))

    /** At most 500 roundings, each by half a unit of sums below 32, or 1e-6, add up as the square root of their number does. */
    function close(got: Float32Array, wanted: (row: number, column: number) => number): void {
      const errors = got.map((value, n) => Math.abs(value - wanted(Math.floor(n / dim), n % dim)))
      expect(Math.max(...errors)).toBeLessThan(5e-5)
    }
  })

  test('columns, there and back', () => {
    for (const [rows, wide, narrow, from] of [
      [5, 7, 3, 2],
      [100, 40, 40, 0],
      [3, 1, 0, 1],
      [0, 3, 2, 1],
      [2000, 19, 9, 10],
    ]) {
      const x = floats(rows * wide)
      const part = new Float32Array(rows * narrow)
      kernels.columns(part, x, narrow, wide, from)
      expect(part).toEqual(Float32Array.from(part, (_, n) => x[Math.floor(n / narrow) * wide + from + (n % narrow)]))
      const back = new Float32Array(rows * wide).fill(NaN)
      kernels.pad(back, part, wide, narrow, from)
      expect(back).toEqual(x.map((value, n) => (n % wide >= from && n % wide < from + narrow ? value : 0)))
    }
  })

  test('fill', () => {
    const x = floats(100_003)
    kernels.fill(x.subarray(1), 0.1)
    expect(x[0]).toBe(floats(1)[0])
    expect(x.subarray(1).every((value) => value === Math.fround(0.1))).toBe(true)
  })
})

describe('arguments that do not fit are refused', () => {
  const code = (call: () => void) => codeOf(() => callNative(call))
  const [x, out] = [floats(12), new Float32Array(12)]
  const gone = new Float32Array(12)
  detach(gone.buffer)
  const of = Int32Array.of(0, 3, 1)
  const start = Int32Array.of(0, 1, 3)

  const wrong: [name: string, code: string, call: () => void][] = [
    ['no array', 'ERR_DTYPE', () => kernels.fill(undefined as never, 1)],
    ['float64', 'ERR_DTYPE', () => kernels.fill(new Float64Array(3) as never, 1)],
    ['no number', 'ERR_ARGUMENT', () => kernels.fill(out, 'one' as never)],
    ['no inputs', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, -1, none, [])],
    ['inputs that are no array', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, -1, none, x as never)],
    ['too many inputs', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, -1, none, Array<Float32Array>(257).fill(x))],
    ['an input too short', 'ERR_LENGTH', () => kernels.elementwise(out, 1, -1, none, [x, floats(11)])],
    ['an input that is gone', 'ERR_LENGTH', () => kernels.elementwise(out, 1, -1, none, [x, gone])],
    ['a family that is none', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 4, none, [x])],
    ['a family that is no number', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, NaN, none, [x])],
    ['no coefficients', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 0, none, [x])],
    ['coefficients in pieces', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 0, Float64Array.of(1, 2), [x])],
    ['more of P than there is', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 3, Float64Array.of(1, 9, 0), [x])],
    ['part of a coefficient', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 3, Float64Array.of(1, 0.5, 0), [x])],
    ['five turns', 'ERR_ARGUMENT', () => kernels.elementwise(out, 1, 1, Float64Array.of(5), [x])],
    ['coefficients of floats', 'ERR_DTYPE', () => kernels.elementwise(out, 1, 0, x as never, [x])],
    [
      'a result half over an input',
      'ERR_BUFFER',
      () => kernels.combine(x.subarray(1), Float64Array.of(1), [x.subarray(0, 11)]),
    ],
    ['factors missing', 'ERR_LENGTH', () => kernels.combine(out, Float64Array.of(1), [x, x])],
    ['matrices that do not fit', 'ERR_LENGTH', () => kernels.matmul(out, x, floats(11), 0, 3, 4, 1)],
    ['a result of another size', 'ERR_LENGTH', () => kernels.matmul(out, x, x, 0, 4, 4, 1)],
    ['sizes that wrap around', 'ERR_LENGTH', () => kernels.matmul(out, x, x, 0, 2 ** 31 - 1, 2 ** 31 - 1, 1)],
    ['sizes below zero', 'ERR_ARGUMENT', () => kernels.matmul(out, x, x, 0, -3, -4, 1)],
    ['parts of rows', 'ERR_ARGUMENT', () => kernels.matmul(out, x, x, 0, 1.5, 8, 1)],
    ['a fourth way to transpose', 'ERR_ARGUMENT', () => kernels.matmul(out, x, x, 3, 3, 4, 1)],
    ['a product in place', 'ERR_BUFFER', () => kernels.matmul(x, x, floats(9), 0, 4, 3, 1)],
    ['a row beyond the last', 'ERR_ARGUMENT', () => kernels.gather(out, x, 4, of)],
    ['a row before the first', 'ERR_ARGUMENT', () => kernels.gather(out, x, 4, Int32Array.of(0, -1, 1))],
    ['rows of floats', 'ERR_DTYPE', () => kernels.gather(out, x, 4, floats(3) as never)],
    ['fewer rows than wanted', 'ERR_LENGTH', () => kernels.gather(out, x, 4, of.subarray(1))],
    ['parts of a row', 'ERR_LENGTH', () => kernels.gather(new Float32Array(15), x, 5, of)],
    ['rows of nothing', 'ERR_LENGTH', () => kernels.gather(out, x, 0, of)],
    ['indices where results go', 'ERR_BUFFER', () => kernels.gather(out, x, 4, new Int32Array(out.buffer, 0, 3))],
    [
      'a scattered row beyond the last',
      'ERR_ARGUMENT',
      () => kernels.scatter(floats(8), x, 4, start, Int32Array.of(0, 3, 1)),
    ],
    ['segments that overrun', 'ERR_ARGUMENT', () => kernels.scatter(floats(8), x, 4, Int32Array.of(0, 1, 4), of)],
    ['segments that go back', 'ERR_ARGUMENT', () => kernels.scatter(out, x, 4, Int32Array.of(0, 9, 0, 3), of)],
    ['segments before the first', 'ERR_ARGUMENT', () => kernels.scatter(floats(8), x, 4, Int32Array.of(-1, 1, 3), of)],
    ['no segments at all', 'ERR_ARGUMENT', () => kernels.scatter(out, x, 4, new Int32Array(0), of)],
    ['two rows to repeat', 'ERR_LENGTH', () => kernels.broadcastRows(out, floats(8), 4)],
    ['a sum over parts of rows', 'ERR_LENGTH', () => kernels.sumRows(floats(5), x, 5)],
    ['columns beyond the last', 'ERR_ARGUMENT', () => kernels.columns(floats(6), x, 2, 4, 3)],
    ['columns of other rows', 'ERR_LENGTH', () => kernels.columns(floats(8), x, 2, 4, 1)],
    ['padding beyond the last', 'ERR_ARGUMENT', () => kernels.pad(floats(18), x, 6, 4, 3)],
    ['padding of other rows', 'ERR_LENGTH', () => kernels.pad(floats(12), x, 6, 4, 1)],
  ]
  it.each(wrong)('%s: %s', (_, wanted, call) => {
    expect(code(call)).toBe(wanted)
  })

  it('inputs whose memory is taken away while they are read', () => {
    const victim = new Float32Array(12)
    const inputs = [victim, x]
    Object.defineProperty(inputs, 1, {
      get: () => {
        if (victim.length > 0) detach(victim.buffer)
        return x
      },
    })
    expect(code(() => kernels.elementwise(out, 1, -1, none, inputs))).toBe('ERR_LENGTH')
  })
  it('a device that is not there', () => {
    expect(code(() => new (loadAddon().NativeKernels)('cuda:99'))).toBe('ERR_DEVICE')
  })
})
