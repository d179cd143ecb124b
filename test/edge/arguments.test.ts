import { afterAll, describe, expect, test } from 'vitest'
import {
  BesselBasis,
  PolynomialCutoff,
  SoftOneHot,
  SphericalHarmonics,
  sphericalHarmonics,
  type SoftOneHotOptions,
} from '../../lib/edge/index.js'
import { Random } from '../../lib/o3/index.js'
import { cudaStatus, DeviceArray, getNumThreads, setNumThreads } from '../../lib/runtime/index.js'
import { detach } from '../native/toy.js'
import { errorOf } from '../o3/helpers.js'
import { normals } from './helpers.js'

const cpu = { device: 'cpu' } as const
const f = new SphericalHarmonics(2, cpu)
const basis = new BesselBasis({ ...cpu, cutoff: 5, count: 4 })
afterAll(() => {
  f.dispose()
  basis.dispose()
})

const random = new Random(1)
const edges = 5
const [vectors, v, gradOut] = [3 * edges, 3 * edges, 9 * edges].map((length) => normals(random, length))

describe('arguments that no kernel may see', () => {
  // Through `unknown`, as plain JavaScript would pass them.
  const forward = (...args: unknown[]) => errorOf(() => (f.forward as (...all: unknown[]) => unknown).apply(f, args))
  const backward = (...args: unknown[]) => errorOf(() => (f.backward as (...all: unknown[]) => unknown).apply(f, args))
  const double = (...args: unknown[]) =>
    errorOf(() => (f.doubleBackward as (...all: unknown[]) => unknown).apply(f, args))

  test('what is no Float32Array', () => {
    for (const bad of [undefined, null, [1, 2, 3], new Float64Array(15), 'vectors', new Uint8Array(15), {}]) {
      expect(forward(bad).code).toBe('ERR_DTYPE')
      expect(forward(vectors, { out: bad ?? 1 }).code).toBe('ERR_DTYPE')
      expect(backward(bad, vectors).code).toBe('ERR_DTYPE')
      expect(double(bad, gradOut, vectors).code).toBe('ERR_DTYPE')
      expect(double(v, bad, vectors).code).toBe('ERR_DTYPE')
    }
    expect(double(v, gradOut, vectors, { out: { vectors: 1, gradOut: 1 } }).code).toBe('ERR_DTYPE')
    expect(double(v, gradOut, vectors, { out: 7 }).code).toBe('ERR_ARGUMENT')
  })

  test('lengths that do not fit', () => {
    expect(forward(new Float32Array(16))).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected a multiple of 3 for the length of vectors but received 16',
    })
    expect(backward(gradOut.subarray(1), vectors)).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected 45 (5 edges of 9) for the length of gradOut but received 44',
    })
    expect(forward(vectors, { out: new Float32Array(44) }).code).toBe('ERR_LENGTH')
    expect(backward(gradOut, vectors, { out: new Float32Array(14) }).code).toBe('ERR_LENGTH')
    expect(double(v.subarray(3), gradOut, vectors).code).toBe('ERR_LENGTH')
    expect(double(v, gradOut, vectors, { out: { vectors: v.slice(1), gradOut: gradOut.slice() } }).code).toBe(
      'ERR_LENGTH',
    )
    expect(double(v, gradOut, vectors, { out: { vectors: v.slice(), gradOut: v.slice() } }).code).toBe('ERR_LENGTH')
    expect(errorOf(() => basis.backward(new Float32Array(9), new Float32Array(2))).code).toBe('ERR_LENGTH')
  })

  test('an array that lies about its length', () => {
    class Liar extends Float32Array {
      override get length(): number {
        return 15
      }
    }
    expect(forward(new Liar(3)).code).toBe('ERR_LENGTH')
  })

  test('memory that may move or is gone', () => {
    const gone = new Float32Array(15)
    detach(gone.buffer)
    const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
    const resizable = new Float32Array(new Resizable(60, { maxByteLength: 120 }))
    for (const bad of [gone, resizable]) {
      expect(forward(bad).code).toBe('ERR_BUFFER')
      expect(backward(gradOut, vectors, { out: bad }).code).toBe('ERR_BUFFER')
      expect(double(bad, gradOut, vectors).code).toBe('ERR_BUFFER')
    }
  })

  test('a refused call writes nothing', () => {
    const out = { vectors: new Float32Array(15).fill(7), gradOut: new Float32Array(44).fill(7) }
    double(v, gradOut, vectors, { out })
    expect(out.vectors.every((value) => value === 7) && out.gradOut.every((value) => value === 7)).toBe(true)
  })

  test('after dispose', () => {
    const disposed = new SphericalHarmonics(1, cpu)
    disposed.dispose()
    disposed.dispose()
    expect(errorOf(() => disposed.forward(vectors)).code).toBe('ERR_DISPOSED')
    const gone = DeviceArray.from(vectors, 'cpu')
    gone.dispose()
    expect(errorOf(() => f.forward(gone)).code).toBe('ERR_DISPOSED')
  })
})

describe('options that make no function', () => {
  test.each([-1, 13, 1.5, NaN, '2', undefined])('lmax %s', (lmax) => {
    expect(errorOf(() => new SphericalHarmonics(lmax as number, cpu))).toMatchObject({ code: 'ERR_ARGUMENT' })
    expect(errorOf(() => sphericalHarmonics(lmax as number, vectors, cpu)).message).toContain('0 to 12 for lmax')
  })

  test('normalization, normalize and device', () => {
    const make = (options: object) => errorOf(() => new SphericalHarmonics(2, options)).code
    expect(make({ ...cpu, normalization: 'unit' })).toBe('ERR_ARGUMENT')
    expect(make({ ...cpu, normalize: 1 })).toBe('ERR_ARGUMENT')
    expect(make({ device: 'gpu' })).toBe('ERR_ARGUMENT')
    if (!cudaStatus().usable) expect(make({ device: 'cuda' })).toBe('ERR_DEVICE')
  })

  test('radial', () => {
    const bessel = (cutoff: number, count: number) => errorOf(() => new BesselBasis({ ...cpu, cutoff, count })).code
    for (const cutoff of [0, -1, NaN, Infinity]) expect(bessel(cutoff, 8)).toBe('ERR_ARGUMENT')
    for (const count of [0, 321, 1.5, NaN]) expect(bessel(5, count)).toBe('ERR_ARGUMENT')
    for (const p of [1, 65, 2.5])
      expect(errorOf(() => new PolynomialCutoff({ ...cpu, cutoff: 5, p })).code).toBe('ERR_ARGUMENT')
    const soft = (changes: object) => {
      const options = { ...cpu, start: 0, end: 5, count: 8, basis: 'gaussian', cutoff: true, ...changes }
      return errorOf(() => new SoftOneHot(options as SoftOneHotOptions)).message
    }
    expect(soft({ start: NaN })).toContain('for start')
    expect(soft({ end: 0 })).toContain('above start (0) for end')
    expect(soft({ basis: 'chebyshev' })).toContain("'gaussian', 'cosine'")
    expect(soft({ cutoff: undefined })).toContain('true or false for cutoff')
    expect(soft({ cutoff: false, count: 1 })).toContain('from 2 to 320 for count')
  })
})

describe('arrays', () => {
  const wanted = f.doubleBackward(v, gradOut, vectors)

  test('no edges', () => {
    const none = new Float32Array(0)
    expect(f.forward(none)).toEqual(none)
    expect(f.backward(none, none)).toEqual(none)
    expect(basis.doubleBackward(none, none, none)).toEqual({ lengths: none, gradOut: none })
  })

  test('views at an offset', () => {
    const inside = new Float32Array(60).fill(NaN)
    inside.set(vectors, 7)
    expect(f.forward(inside.subarray(7, 22))).toEqual(f.forward(vectors))
  })

  test('out may be an input, or overlap one', () => {
    const own = vectors.slice()
    expect(f.backward(gradOut, own, { out: own })).toBe(own)
    expect(own).toEqual(f.backward(gradOut, vectors))
    const shared = new Float32Array(45 + 7)
    shared.set(gradOut, 7)
    const lengths = { vectors: new Float32Array(15), gradOut: shared.subarray(0, 45) }
    f.doubleBackward(v, shared.subarray(7), vectors, { out: lengths })
    expect(lengths.gradOut).toEqual(wanted.gradOut)
    expect(lengths.vectors).toEqual(wanted.vectors)
  })

  test('DeviceArrays stay DeviceArrays, mixed calls come back', () => {
    const [x, direction, g] = [vectors, v, gradOut].map((array) => DeviceArray.from(array, 'cpu'))
    const values = f.forward(x)
    expect(values).toBeInstanceOf(DeviceArray)
    expect(values.toArray()).toEqual(f.forward(vectors))
    expect(sphericalHarmonics(2, x).toArray()).toEqual(f.forward(vectors))
    const second = f.doubleBackward(direction, g, x)
    expect(second.vectors.toArray()).toEqual(wanted.vectors)
    expect(second.gradOut.toArray()).toEqual(wanted.gradOut)
    expect(f.backward(gradOut, x)).toBeInstanceOf(Float32Array)
    // In place too.
    expect(f.backward(g, x, { out: x }).toArray()).toEqual(f.backward(gradOut, vectors))
  })

  test('any number of threads gives the same', () => {
    const many = normals(new Random(8), 3 * 30_000)
    const before = getNumThreads()
    try {
      setNumThreads(1)
      const one = f.forward(many)
      setNumThreads(3)
      expect(Buffer.from(f.forward(many).buffer).equals(Buffer.from(one.buffer))).toBe(true)
    } finally {
      setNumThreads(before)
    }
  })
})
