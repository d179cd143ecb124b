import { afterAll, describe, expect, test } from 'vitest'
import { Irreps, Random, randomRotation, rotate } from '../../lib/o3/index.js'
import { GridContraction } from '../../lib/product/grid-contraction.js'
import { referenceGridContraction } from '../../lib/product/grid-reference.js'
import { errorOf } from '../o3/helpers.js'
import { relativeError, TOLERANCE } from './helpers.js'

/** What derivatives promise against float64. */
const DERIVATIVE_TOLERANCE = 1e-5

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0
  for (let n = 0; n < a.length; n++) sum += a[n] * b[n]
  return sum
}

/** Weights of f(t) - f(-t) in the central difference that is exact up to degree 8; L has degree 2 correlation + 1 in t. */
const STENCIL = [4 / 5, -1 / 5, 4 / 105, -1 / 280]

function slope(f: (t: number) => number): number {
  // Steps of 1/4 keep the values of a high degree alike.
  return STENCIL.reduce((sum, weight, n) => sum + 4 * weight * (f((n + 1) / 4) - f(-(n + 1) / 4)), 0)
}

const shapes = [
  { irrepsIn: '4x0e+4x1o', irrepsOut: '4x0e+4x1o+4x2e', correlation: 2, elements: 3, nodes: 6 },
  { irrepsIn: '5x0e+5x1o+5x2e', irrepsOut: '5x0e+5x1o', correlation: 3, elements: 2, nodes: 4 },
  { irrepsIn: '3x1o+3x1o', irrepsOut: '3x1o+3x3o', correlation: 3, elements: 1, nodes: 5 },
  { irrepsIn: '17x0e+17x1o', irrepsOut: '17x1o', correlation: 1, elements: 2, nodes: 3 },
].map((shape) => [`${shape.irrepsIn} to ${shape.irrepsOut}, correlation ${shape.correlation}`, shape] as const)

describe.each(shapes)('GridContraction %s', (_, { irrepsIn, irrepsOut, nodes, ...options }) => {
  const contraction = new GridContraction(irrepsIn, irrepsOut, { ...options, device: 'cpu' })
  afterAll(() => contraction.dispose())
  const random = new Random(4)
  const normals = (length: number): Float32Array => Float32Array.from(random.normals(length))
  const shapesOf = () => ({ x: normals(nodes * contraction.irrepsIn.dim), weight: normals(contraction.weightNumel) })
  const { x, weight } = shapesOf()
  const [u, v] = [shapesOf(), shapesOf()]
  const gradOut = normals(nodes * contraction.irrepsOut.dim)
  const elements = Int32Array.from({ length: nodes }, (_, n) => n % options.elements)

  /** L at (x, weight) + s u + t v. */
  const L = (s: number, t: number, g: ArrayLike<number> = gradOut): number => {
    const moved = (name: 'x' | 'weight'): Float64Array =>
      Float64Array.from({ x, weight }[name], (value, n) => value + s * u[name][n] + t * v[name][n])
    return dot(g, referenceGridContraction(contraction, { x: moved('x'), weight: moved('weight'), elements }).out)
  }

  test('out', () => {
    const out = contraction.forward(x, elements, weight, { out: new Float32Array(gradOut.length).fill(NaN) })
    expect(relativeError(out, referenceGridContraction(contraction, { x, weight, elements }).out)).toBeLessThan(
      TOLERANCE,
    )
  })

  test('gradients along a direction', () => {
    const found = contraction.backward(gradOut, x, elements, weight)
    const along = dot(found.x, u.x) + dot(found.weight, u.weight)
    const size = Math.hypot(...found.x) * Math.hypot(...u.x) + Math.hypot(...found.weight) * Math.hypot(...u.weight)
    expect(Math.abs(along - slope((s) => L(s, 0))) / size).toBeLessThan(DERIVATIVE_TOLERANCE)
  })

  test('second derivatives along two directions', () => {
    const found = contraction.doubleBackward(v, gradOut, x, elements, weight)
    const along = dot(found.x, u.x) + dot(found.weight, u.weight)
    const size = Math.hypot(...found.x) * Math.hypot(...u.x) + Math.hypot(...found.weight) * Math.hypot(...u.weight)
    expect(Math.abs(along - slope((s) => slope((t) => L(s, t)))) / size).toBeLessThan(DERIVATIVE_TOLERANCE)
    const other = normals(gradOut.length)
    const across = Math.hypot(...found.gradOut) * Math.hypot(...other)
    expect(Math.abs(dot(found.gradOut, other) - slope((t) => L(0, t, other))) / across).toBeLessThan(
      DERIVATIVE_TOLERANCE,
    )
  })

  test('is equivariant', () => {
    const matrix = randomRotation(random).map((value) => -value)
    const turn = (irreps: Irreps, rows: Float32Array): Float32Array => Float32Array.from(rotate(irreps, matrix, rows))
    const turned = contraction.forward(turn(contraction.irrepsIn, x), elements, weight)
    const expected = turn(contraction.irrepsOut, contraction.forward(x, elements, weight))
    expect(relativeError(turned, expected)).toBeLessThan(TOLERANCE)
  })
})

test('GridContraction is the same at more points than it needs', () => {
  const shape = { correlation: 2, elements: 2, device: 'cpu' } as const
  using least = new GridContraction('2x0e+2x1o+2x2e', '2x0e+2x1o', shape)
  using more = new GridContraction('2x0e+2x1o+2x2e', '2x0e+2x1o', { ...shape, precision: 15 })
  expect([least.points, more.points]).toEqual([14, 86])
  const random = new Random(8)
  const x = Float32Array.from(random.normals(3 * least.irrepsIn.dim))
  const weight = Float32Array.from(random.normals(least.weightNumel))
  const [a, b] = [least, more].map((contraction) => contraction.forward(x, Int32Array.of(0, 1, 1), weight))
  expect(relativeError(b, a)).toBeLessThan(TOLERANCE)
})

test('GridContraction refuses what is none', () => {
  const make = (irrepsIn: string, irrepsOut: string, correlation = 2) =>
    errorOf(() => new GridContraction(irrepsIn, irrepsOut, { correlation, elements: 2, device: 'cpu' })).code
  expect(make('2x0e+3x1o', '2x0e')).toBe('ERR_IRREPS')
  expect(make('2x1e', '2x0e')).toBe('ERR_IRREPS')
  expect(make('2x0e+2x1o', '2x3o')).toBe('ERR_UNREACHABLE')
  expect(make('2x2e', '2x1o')).toBe('ERR_UNREACHABLE')
  expect(make('2x10e', '2x10e', 4)).toBe('ERR_ARGUMENT')
  expect(make('2x0e', '2x0e', 5)).toBe('ERR_ARGUMENT')
  const few = { correlation: 2, elements: 1, precision: 4 }
  expect(errorOf(() => new GridContraction('2x0e+2x1o+2x2e', '2x0e+2x1o', few)).message).toContain(
    'from 5 to 41 for precision',
  )
})
