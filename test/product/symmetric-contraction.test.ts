import { afterAll, describe, expect, test } from 'vitest'
import { Irreps, Random, randomRotation, rotate } from '../../lib/o3/index.js'
import { SymmetricContraction } from '../../lib/product/symmetric-contraction.js'
import { referenceSymmetricContraction, type ContractionArrays } from '../../lib/product/symmetric-reference.js'
import { DeviceArray, getNumThreads, setNumThreads } from '../../lib/runtime/index.js'
import { errorOf } from '../o3/helpers.js'
import { loadReference, type ReferenceCase } from '../reference/load.js'
import { relativeError, TOLERANCE } from './helpers.js'

/** What derivatives promise against float64. */
const DERIVATIVE_TOLERANCE = 1e-5

const mace = loadReference('mace')

/** A case of the reference in our layouts: x there is [nodes, channels, components]. */
function stored(reference: ReferenceCase) {
  const { arrays } = reference
  const irrepsIn = new Irreps(reference.irreps_in as string)
  const [correlation, elements] = [reference.correlation as number, reference.num_elements as number]
  const contraction = new SymmetricContraction(irrepsIn, reference.irreps_out as string, {
    correlation,
    elements,
    device: 'cpu',
  })
  const byBlocks = (name: string): Float64Array => {
    const { data, shape } = mace.array(arrays[name])
    const [nodes, channels, components] = shape
    const out: number[] = []
    for (let node = 0; node < nodes; node++) {
      let first = 0
      for (const { ir } of irrepsIn) {
        for (let c = 0; c < channels; c++) {
          for (let m = 0; m < ir.dim; m++) out.push(data[(node * channels + c) * components + first + m])
        }
        first += ir.dim
      }
    }
    return Float64Array.from(out)
  }
  const weights = (prefix: string): Float64Array =>
    Float64Array.from(contraction.weightParts.flatMap(({ name }) => [...mace.array(arrays[`${prefix}.${name}`]).data]))
  const oneHot = mace.array(arrays.y)
  return {
    contraction,
    operands: {
      x: byBlocks('x'),
      elements: Int32Array.from(
        { length: oneHot.shape[0] },
        (_, n) => oneHot.data.indexOf(1, n * elements) - n * elements,
      ),
      weight: weights('w'),
      gradOut: mace.array(arrays.g).data,
    },
    wanted: { out: mace.array(arrays.out).data, x: byBlocks('grad_x'), weight: weights('gw') },
  }
}

const cases = mace.cases.map((reference) => [reference.name, stored(reference)] as const)
afterAll(() => cases.forEach(([, { contraction }]) => contraction.dispose()))

describe('SymmetricContraction against MACE', () => {
  test.each(cases)('reference in float64: %s', (_, { contraction, operands, wanted }) => {
    const found = referenceSymmetricContraction(contraction, operands)
    // Both are sums of a thousand float64 terms at most.
    for (const name of ['out', 'x', 'weight'] as const)
      expect(relativeError(found[name], wanted[name])).toBeLessThan(1e-13)
  })

  test.each(cases)('native: %s', (_, { contraction, operands, wanted }) => {
    const { x, weight, gradOut } = floats(operands)
    expect(relativeError(contraction.forward(x, operands.elements, weight), wanted.out)).toBeLessThan(TOLERANCE)
    const gradients = contraction.backward(gradOut, x, operands.elements, weight)
    expect(relativeError(gradients.x, wanted.x)).toBeLessThan(DERIVATIVE_TOLERANCE)
    expect(relativeError(gradients.weight, wanted.weight)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })
})

function floats(operands: Pick<ContractionArrays, 'x' | 'weight' | 'gradOut'>) {
  return {
    x: Float32Array.from(operands.x),
    weight: Float32Array.from(operands.weight),
    gradOut: Float32Array.from(operands.gradOut),
  }
}

/** Random operands in float32, of elements 0 and 2 alone where there are three. */
function random(contraction: SymmetricContraction, nodes: number, seed: number) {
  const numbers = new Random(seed)
  const normals = (length: number): Float32Array => Float32Array.from(numbers.normals(length))
  return {
    x: normals(nodes * contraction.irrepsIn.dim),
    elements: Int32Array.from(numbers.uniforms(nodes), (u) => (u < 0.5 ? 0 : contraction.elements - 1)),
    weight: normals(contraction.weightNumel),
    gradOut: normals(nodes * contraction.irrepsOut.dim),
    v: { x: normals(nodes * contraction.irrepsIn.dim), weight: normals(contraction.weightNumel) },
  }
}

/** Weights of f(t) - f(-t) at t = 1, 2, 3, 4 in the central difference that is exact up to degree 8. */
const STENCIL = [4 / 5, -1 / 5, 4 / 105, -1 / 280]

/**
 * The gradients of <v.x, dL/dx> + <v.weight, dL/dweight>: since second derivatives commute, the slopes of L's gradients at
 * (x, weight) + t v, polynomials in t of degree 5 at most.
 */
function referenceSecond(
  contraction: SymmetricContraction,
  operands: ContractionArrays,
  v: { x?: Float32Array; weight?: Float32Array },
) {
  const moved = (from: ArrayLike<number>, along: Float32Array | undefined, t: number): Float64Array =>
    Float64Array.from(from, (value, n) => value + t * (along?.[n] ?? 0))
  const sum = { out: new Float64Array(0), x: new Float64Array(0), weight: new Float64Array(0) }
  STENCIL.forEach((weight, n) => {
    for (const sign of [1, -1]) {
      const t = sign * (n + 1)
      const at = { ...operands, x: moved(operands.x, v.x, t), weight: moved(operands.weight, v.weight, t) }
      const gradients = referenceSymmetricContraction(contraction, at)
      for (const name of ['out', 'x', 'weight'] as const) {
        sum[name] = Float64Array.from(gradients[name], (value, i) => (sum[name][i] ?? 0) + sign * weight * value)
      }
    }
  })
  return sum
}

const shapes = [
  { irrepsIn: '5x0e+5x1o', irrepsOut: '5x0e+5x1o', correlation: 1, elements: 1, nodes: 4 },
  { irrepsIn: '7x0e+7x1o+7x2e', irrepsOut: '7x0e+7x1o+7x2e', correlation: 2, elements: 3, nodes: 11 },
  { irrepsIn: '8x0e+8x1o+8x2e', irrepsOut: '8x1o', correlation: 3, elements: 3, nodes: 9 },
  { irrepsIn: '1x0e+1x1o', irrepsOut: '1x0e', correlation: 3, elements: 2, nodes: 70 },
  { irrepsIn: '16x1o+16x1e', irrepsOut: '16x0o+16x2o', correlation: 3, elements: 2, nodes: 5 },
  { irrepsIn: '66x0e+66x1o', irrepsOut: '66x1o+66x0e', correlation: 4, elements: 3, nodes: 3 },
  { irrepsIn: '3x0e+3x1o+3x2e', irrepsOut: '3x0e+3x1o', correlation: 4, elements: 2, nodes: 6 },
].map((shape) => [`${shape.irrepsIn} to ${shape.irrepsOut}, correlation ${shape.correlation}`, shape] as const)

describe.each(shapes)('%s', (_, { nodes, irrepsIn, irrepsOut, ...options }) => {
  const contraction = new SymmetricContraction(irrepsIn, irrepsOut, { ...options, device: 'cpu' })
  afterAll(() => contraction.dispose())
  const operands = random(contraction, nodes, 5)
  const { x, elements, weight, gradOut, v } = operands
  const poison = (array: Float32Array): Float32Array => new Float32Array(array.length).fill(NaN)

  test('out and gradients', () => {
    const wanted = referenceSymmetricContraction(contraction, operands)
    const out = contraction.forward(x, elements, weight, { out: poison(gradOut) })
    expect(relativeError(out, wanted.out)).toBeLessThan(TOLERANCE)
    const found = contraction.backward(gradOut, x, elements, weight, { out: { x: poison(x), weight: poison(weight) } })
    expect(relativeError(found.x, wanted.x)).toBeLessThan(DERIVATIVE_TOLERANCE)
    expect(relativeError(found.weight, wanted.weight)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })

  test.each([
    ['x and weight', v],
    ['x', { x: v.x }],
    ['weight', { weight: v.weight }],
  ])('second derivatives along %s', (_, along) => {
    const wanted = referenceSecond(contraction, operands, along)
    const out = { x: poison(x), weight: poison(weight), gradOut: poison(gradOut) }
    const found = contraction.doubleBackward(along, gradOut, x, elements, weight, { out })
    for (const [name, of] of [
      ['x', 'x'],
      ['weight', 'weight'],
      ['gradOut', 'out'],
    ] as const) {
      // Where the derivative is zero by theory (linear, no direction) differences leave rounding.
      if (Math.hypot(...wanted[of]) < 1e-9) expect(Math.hypot(...found[name])).toBe(0)
      else expect(relativeError(found[name], wanted[of])).toBeLessThan(DERIVATIVE_TOLERANCE)
    }
  })

  test('single results are those of all', () => {
    const both = contraction.backward(gradOut, x, elements, weight)
    expect(Object.keys(contraction.backward(gradOut, x, elements, weight, { only: ['x'] }))).toEqual(['x'])
    const alone = contraction.backward(gradOut, x, elements, weight, { only: ['weight'] })
    expect(relativeError(alone.weight, both.weight)).toBeLessThan(1e-6)
  })
})

describe('SymmetricContraction', () => {
  const contraction = new SymmetricContraction('8x0e+8x1o+8x2e', '8x0e+8x1o', {
    correlation: 3,
    elements: 3,
    device: 'cpu',
  })
  afterAll(() => contraction.dispose())
  const operands = random(contraction, 500, 8)
  const { x, elements, weight, gradOut, v } = operands

  test('is equivariant', () => {
    // A rotation times the inversion.
    const matrix = randomRotation(new Random(2)).map((value) => -value)
    const turn = (irreps: Irreps, rows: Float32Array): Float32Array => Float32Array.from(rotate(irreps, matrix, rows))
    const turned = contraction.forward(turn(contraction.irrepsIn, x), elements, weight)
    expect(relativeError(turned, turn(contraction.irrepsOut, contraction.forward(x, elements, weight)))).toBeLessThan(
      TOLERANCE,
    )
  })

  test('takes DeviceArrays, and gives them where all features are such', () => {
    const place = (array: Float32Array): DeviceArray => DeviceArray.from(array, contraction.device)
    const [a, w, g, along] = [x, weight, gradOut, v.x].map(place)
    const out = contraction.forward(a, elements, weight)
    expect(out).toBeInstanceOf(DeviceArray)
    expect(out.toArray()).toEqual(contraction.forward(x, elements, weight))
    expect(contraction.forward(x, elements, w)).toBeInstanceOf(Float32Array)
    const wanted = contraction.doubleBackward({ x: v.x }, gradOut, x, elements, weight)
    const found = contraction.doubleBackward({ x: along }, g, a, elements, w)
    for (const name of ['x', 'weight', 'gradOut'] as const) expect(found[name].toArray()).toEqual(wanted[name])
    const into = place(new Float32Array(weight.length).fill(NaN))
    contraction.backward(gradOut, a, elements, w, { only: ['weight'], out: { weight: into } })
    expect(into.toArray()).toEqual(contraction.backward(gradOut, x, elements, weight).weight)
    into.dispose()
    expect(errorOf(() => contraction.forward(a, elements, into)).code).toBe('ERR_DISPOSED')
  })

  test('gives the same floats on any number of threads', () => {
    const threads = getNumThreads()
    try {
      const all = [1, 2, 5].map((n) => {
        setNumThreads(n)
        return {
          out: contraction.forward(x, elements, weight),
          first: contraction.backward(gradOut, x, elements, weight),
          second: contraction.doubleBackward(v, gradOut, x, elements, weight),
        }
      })
      expect(all[1]).toEqual(all[0])
      expect(all[2]).toEqual(all[0])
    } finally {
      setNumThreads(threads)
    }
  })

  test('an element that no node is has no gradient', () => {
    const grad = contraction.weightViews(contraction.backward(gradOut, x, elements, weight).weight)
    for (const { name, shape } of contraction.weightParts) {
      const size = shape[1] * shape[2]
      expect(grad[name].subarray(size, 2 * size).every((value) => value === 0)).toBe(true)
      expect(grad[name].subarray(0, size).some((value) => value !== 0)).toBe(true)
    }
  })

  test('names weights as MACE does', () => {
    expect(contraction.weightParts.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['contractions.0.weights_max', 3, 11, 8],
      ['contractions.0.weights.0', 3, 3, 8],
      ['contractions.0.weights.1', 3, 1, 8],
      ['contractions.1.weights_max', 3, 21, 8],
      ['contractions.1.weights.0', 3, 4, 8],
      ['contractions.1.weights.1', 3, 1, 8],
    ])
    const views = contraction.weightViews(weight)
    expect(views['contractions.0.weights.0'].buffer).toBe(weight.buffer)
    expect(views['contractions.0.weights.0'][0]).toBe(weight[3 * 11 * 8])
  })

  test('no nodes', () => {
    const none = new Float32Array(0)
    expect(contraction.forward(none, new Int32Array(0), weight)).toEqual(none)
    const gradients = contraction.backward(none, none, new Int32Array(0), weight)
    expect(gradients).toEqual({ x: none, weight: new Float32Array(weight.length) })
  })

  test('results may share memory with inputs', () => {
    const wanted = contraction.backward(gradOut, x, elements, weight)
    const [sameX, sameWeight] = [x.slice(), weight.slice()]
    contraction.backward(gradOut, sameX, elements, sameWeight, { out: { x: sameX, weight: sameWeight } })
    expect({ x: sameX, weight: sameWeight }).toEqual(wanted)
  })

  test('refuses what does not fit', () => {
    const forward = (...args: unknown[]) =>
      errorOf(() => (contraction.forward as (...all: unknown[]) => unknown).apply(contraction, args))
    expect(forward([...x], elements, weight).code).toBe('ERR_DTYPE')
    expect(forward(x, [...elements], weight).code).toBe('ERR_DTYPE')
    expect(forward(x.subarray(1), elements, weight).code).toBe('ERR_LENGTH')
    expect(forward(x, elements.subarray(1), weight)).toMatchObject({
      code: 'ERR_LENGTH',
      message: 'Expected 500 (as many as x has nodes) for the length of elements but received 499',
    })
    expect(forward(x, elements, weight.subarray(1)).code).toBe('ERR_LENGTH')
    const out = new Float32Array(gradOut.length).fill(7)
    const message = 'Expected an integer from 0 to 2 for every element but received 3'
    expect(
      forward(
        x,
        elements.map(() => 3),
        weight,
        { out },
      ),
    ).toMatchObject({ code: 'ERR_ARGUMENT', message })
    expect(
      forward(
        x,
        elements.map(() => -1),
        weight,
        { out },
      ).code,
    ).toBe('ERR_ARGUMENT')
    expect(out.every((value) => value === 7)).toBe(true)
    const only = (names: unknown) =>
      errorOf(() => contraction.backward(gradOut, x, elements, weight, { only: names as 'x'[] })).code
    expect(only(['gradOut'])).toBe('ERR_ARGUMENT')
    expect(only('x')).toBe('ERR_ARGUMENT')
  })

  test('refuses what is none', () => {
    const make = (irrepsIn: string, irrepsOut: string, changes: object = {}) =>
      errorOf(
        () => new SymmetricContraction(irrepsIn, irrepsOut, { correlation: 2, elements: 2, device: 'cpu', ...changes }),
      ).code
    expect(make('2x0e+3x1o', '2x0e')).toBe('ERR_IRREPS')
    expect(make('2x0e', '3x0e')).toBe('ERR_IRREPS')
    expect(make('', '')).toBe('ERR_IRREPS')
    // The cross product of a vector with itself.
    expect(make('2x1o', '2x1e')).toBe('ERR_UNREACHABLE')
    for (const correlation of [0, 5, 1.5, '2']) expect(make('2x0e', '2x0e', { correlation })).toBe('ERR_ARGUMENT')
    expect(make('2x0e', '2x0e', { elements: 0 })).toBe('ERR_ARGUMENT')
    expect(make('2x0e', '2x0e', { device: 'gpu' })).toBe('ERR_ARGUMENT')
    // More than a machine has.
    expect(make('2x0e', '2x0e', { device: 'cuda:999' })).toBe('ERR_DEVICE')
  })

  test('after dispose', () => {
    const disposed = new SymmetricContraction('1x0e', '1x0e', { correlation: 2, elements: 1, device: 'cpu' })
    const one = new Float32Array([3])
    const views = new Float32Array(disposed.weightNumel).fill(1)
    // 1 * 3 * 3 + 1 * 3, in the order of its weights.
    expect([...disposed.forward(one, new Int32Array(1), views)]).toEqual([12])
    disposed.dispose()
    disposed.dispose()
    expect(errorOf(() => disposed.forward(one, new Int32Array(1), views)).code).toBe('ERR_DISPOSED')
  })
})
