import { describe, expect, test } from 'vitest'
import { SphericalHarmonics, sphericalHarmonics, type SphericalHarmonicsOptions } from '../../lib/edge/index.js'
import { edgeReference } from '../../lib/edge/reference.js'
import {
  harmonics,
  randomRotation,
  Random,
  wignerD,
  matrixToAngles,
  type HarmonicsNormalization,
} from '../../lib/o3/index.js'
import { loadReference } from '../reference/load.js'
import { DERIVATIVE_TOLERANCE, normals, poisoned, relativeError, repeat, TOLERANCE, worstRow } from './helpers.js'

const NORMALIZATIONS: HarmonicsNormalization[] = ['integral', 'component', 'norm']
const MODES = [true, false]
const AXES = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]
const cpu = { device: 'cpu' } as const

/** f and every pass of it on random input, where there must be no trace of what `out` held before. */
function passes(lmax: number, options: SphericalHarmonicsOptions, edges: number, seed = 1) {
  using f = new SphericalHarmonics(lmax, { ...cpu, ...options })
  const random = new Random(seed)
  const [vectors, v] = [normals(random, 3 * edges), normals(random, 3 * edges)]
  const gradOut = normals(random, f.dim * edges)
  return {
    dim: f.dim,
    vectors,
    v,
    gradOut,
    reference: edgeReference(f, options),
    values: f.forward(vectors, { out: poisoned(f.dim * edges) }),
    gradient: f.backward(gradOut, vectors, { out: poisoned(3 * edges) }),
    second: f.doubleBackward(v, gradOut, vectors, {
      out: { vectors: poisoned(3 * edges), gradOut: poisoned(f.dim * edges) },
    }),
  }
}

describe('against e3nn', () => {
  const e3nn = loadReference('e3nn')
  const { arrays } = e3nn.case('sh')
  const vectors = Float32Array.from(e3nn.array(arrays.vecs).data)
  const directions = Float32Array.from(e3nn.array(arrays.dirs_unit).data)

  // Rounding the reference's float64 vectors to float32 moves them by 6e-8, and degree l by l times that, within the promise.
  test.each(NORMALIZATIONS)('values, %s', (normalization) => {
    const check = (input: Float32Array, normalize: boolean, wanted: string) => {
      const out = sphericalHarmonics(10, input, { ...cpu, normalization, normalize })
      expect(worstRow(out, e3nn.array(wanted).data, 121)).toBeLessThan(TOLERANCE)
    }
    check(directions, true, arrays[`Y_${normalization}`])
    check(vectors, true, arrays[`Yvec_${normalization}_normTrue`])
    check(vectors, false, arrays[`Yvec_${normalization}_normFalse`])
  })

  test.each(MODES)('the zero vector, normalize %s', (normalize) => {
    const out = sphericalHarmonics(10, new Float32Array(3), { ...cpu, normalization: 'component', normalize })
    const wanted = e3nn.array(arrays[`Yzero_component_norm${normalize ? 'True' : 'False'}`]).data
    expect(out).toEqual(Float32Array.from(wanted))
  })

  test.each(MODES)('Jacobians, normalize %s', (normalize) => {
    const { data, shape } = e3nn.array(arrays[`J_vecs_component_norm${normalize ? 'True' : 'False'}`])
    const [edges, dim] = shape
    using f = new SphericalHarmonics(6, { ...cpu, normalization: 'component', normalize })
    // Every vector once for every value: the gradient of each value alone.
    const each = Float32Array.from(
      { length: 3 * edges * dim },
      (_, i) => vectors[3 * Math.floor(i / (3 * dim)) + (i % 3)],
    )
    const units = Float32Array.from({ length: edges * dim * dim }, (_, i) =>
      i % dim === Math.floor(i / dim) % dim ? 1 : 0,
    )
    expect(worstRow(f.backward(units, each), data, dim * 3)).toBeLessThan(DERIVATIVE_TOLERANCE)
    // And all of them along each axis.
    const columns = AXES.map(
      (axis) => f.doubleBackward(repeat(axis, edges), new Float32Array(edges * dim), vectors).gradOut,
    )
    const jacobian = data.map((_, i) => columns[i % 3][Math.floor(i / 3)])
    expect(worstRow(jacobian, data, dim * 3)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })
})

describe.each(MODES)('against float64, normalize %s', (normalize) => {
  test.each(Array.from({ length: 13 }, (_, lmax) => lmax))('lmax %i', (lmax) => {
    // Not a whole number of tiles.
    const { reference, vectors, v, gradOut, values, gradient, second } = passes(
      lmax,
      { normalize, normalization: 'norm' },
      75,
    )
    expect(relativeError(values, reference.forward(vectors))).toBeLessThan(TOLERANCE)
    expect(relativeError(gradient, reference.backward(gradOut, vectors))).toBeLessThan(DERIVATIVE_TOLERANCE)
    const wanted = reference.doubleBackward(v, gradOut, vectors)
    expect(relativeError(second.gradOut, wanted.gradOut)).toBeLessThan(DERIVATIVE_TOLERANCE)
    // Differences of something linear are zero but for rounding, where the polynomial's second derivative is just zero.
    const linear = lmax === 0 || (lmax === 1 && !normalize)
    if (linear) expect(second.vectors).toEqual(new Float32Array(vectors.length))
    else expect(relativeError(second.vectors, wanted.x)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })
})

describe('identities', () => {
  const lmax = 7
  const edges = 40
  const dim = (lmax + 1) ** 2
  const random = new Random(11)
  const vectors = normals(random, 3 * edges)
  const gradOut = normals(random, dim * edges)
  /** [i][edge, j]: the Hessian of <gradOut, Y>. */
  const hessian = (f: SphericalHarmonics) =>
    AXES.map((axis) => f.doubleBackward(repeat(axis, edges), gradOut, vectors).vectors)
  const scaleOf = (rows: Float32Array[]) => Math.hypot(...rows.flatMap((row) => [...row])) / Math.sqrt(9 * edges)

  test.each(MODES)('the Hessian is symmetric, normalize %s', (normalize) => {
    using f = new SphericalHarmonics(lmax, { ...cpu, normalize })
    const h = hessian(f)
    for (let edge = 0; edge < edges; edge++) {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < i; j++) {
          // Lengths from 0.2 to 4 spread the entries over some orders of magnitude; each is compared with its own edge's.
          const scale = Math.hypot(...h.flatMap((row) => [...row.subarray(3 * edge, 3 * edge + 3)]))
          expect(Math.abs(h[i][3 * edge + j] - h[j][3 * edge + i]) / scale).toBeLessThan(DERIVATIVE_TOLERANCE)
        }
      }
    }
  })

  test('solid harmonics are harmonic: the Laplacian is zero', () => {
    using f = new SphericalHarmonics(lmax, { ...cpu, normalize: false })
    const h = hessian(f)
    for (let edge = 0; edge < edges; edge++) {
      const trace = h[0][3 * edge] + h[1][3 * edge + 1] + h[2][3 * edge + 2]
      const scale = Math.hypot(...h.flatMap((row) => [...row.subarray(3 * edge, 3 * edge + 3)]))
      expect(Math.abs(trace) / scale).toBeLessThan(DERIVATIVE_TOLERANCE)
    }
    expect(scaleOf(h)).toBeGreaterThan(1)
  })

  test('Euler: r . grad Y_l = l Y_l without normalize, 0 with', () => {
    for (const normalize of MODES) {
      using f = new SphericalHarmonics(lmax, { ...cpu, normalize })
      const values = f.forward(vectors)
      const radial = f.doubleBackward(vectors, gradOut, vectors).gradOut
      const degree = (i: number) => Math.floor(Math.sqrt(i % dim))
      const wanted = values.map((value, i) => (normalize ? 0 : degree(i) * value))
      if (normalize) for (const value of radial) expect(Math.abs(value)).toBeLessThan(DERIVATIVE_TOLERANCE)
      else expect(worstRow(radial, wanted, dim)).toBeLessThan(DERIVATIVE_TOLERANCE)
    }
  })

  test.each(MODES)('turned vectors give turned values and gradients, normalize %s', (normalize) => {
    const rotation = randomRotation(new Random(5))
    const { alpha, beta, gamma } = matrixToAngles(rotation)
    const turn = (rows: Float32Array) =>
      Float32Array.from(rows, (_, i) => {
        const [edge, row] = [Math.floor(i / 3), i % 3]
        return [0, 1, 2].reduce((sum, j) => sum + rotation[3 * row + j] * rows[3 * edge + j], 0)
      })
    const blocks = Array.from({ length: lmax + 1 }, (_, l) => wignerD(l, alpha, beta, gamma))
    const turnValues = (rows: Float32Array) =>
      Float32Array.from(rows, (_, i) => {
        const [edge, at] = [Math.floor(i / dim), i % dim]
        const l = Math.floor(Math.sqrt(at))
        let sum = 0
        for (let m = 0; m <= 2 * l; m++) sum += blocks[l][(at - l * l) * (2 * l + 1) + m] * rows[edge * dim + l * l + m]
        return sum
      })
    using f = new SphericalHarmonics(lmax, { ...cpu, normalize })
    // Both sides round their turned inputs to float32, which degree 7 makes 7 times larger.
    expect(worstRow(f.forward(turn(vectors)), turnValues(f.forward(vectors)), dim)).toBeLessThan(2 * TOLERANCE)
    const turned = f.backward(turnValues(gradOut), turn(vectors))
    expect(relativeError(turned, turn(f.backward(gradOut, vectors)))).toBeLessThan(DERIVATIVE_TOLERANCE)
  })
})

describe('special vectors', () => {
  test('at the poles only m = 0 is there, exactly', () => {
    for (const y of [1, -1, 3, -0.01]) {
      const out = sphericalHarmonics(12, new Float32Array([0, y, 0]), { ...cpu, normalization: 'norm' })
      for (let l = 0; l <= 12; l++) {
        for (let m = -l; m <= l; m++) {
          if (m !== 0) expect(Math.abs(out[l * l + l + m])).toBe(0)
          // 12 steps of the recursion, each rounded.
          else expect(Math.abs(out[l * l + l] - Math.sign(y) ** l)).toBeLessThan(TOLERANCE)
        }
      }
    }
  })

  test('the zero vector with normalize: a constant, and no gradients', () => {
    const random = new Random(2)
    using f = new SphericalHarmonics(5, { ...cpu, normalization: 'component' })
    const zero = new Float32Array(3)
    expect(f.forward(zero)).toEqual(Float32Array.from({ length: 36 }, (_, i) => (i === 0 ? 1 : 0)))
    const [v, gradOut] = [normals(random, 3), normals(random, 36)]
    const zeros = (array: Float32Array) => array.every((value) => value === 0)
    expect(zeros(f.backward(gradOut, zero))).toBe(true)
    const second = f.doubleBackward(v, gradOut, zero)
    expect(zeros(second.vectors) && zeros(second.gradOut)).toBe(true)
  })

  test("the zero vector without normalize: the polynomials' derivatives", () => {
    using f = new SphericalHarmonics(4, { ...cpu, normalization: 'component', normalize: false })
    const random = new Random(3)
    const [zero, v, gradOut] = [new Float32Array(3), normals(random, 3), normals(random, 25)]
    // Degree 1 is sqrt(3) (x, y, z); of degree 2 the second derivatives are constant, and no other degree has any.
    const root = Math.fround(Math.sqrt(3))
    expect(
      relativeError(
        f.backward(gradOut, zero),
        gradOut.subarray(1, 4).map((g) => root * g),
      ),
    ).toBeLessThan(TOLERANCE)
    const reference = edgeReference(f, { normalization: 'component', normalize: false })
    const second = f.doubleBackward(v, gradOut, zero)
    const wanted = reference.doubleBackward(v, gradOut, zero)
    expect(relativeError(second.vectors, wanted.x)).toBeLessThan(DERIVATIVE_TOLERANCE)
    expect(relativeError(second.gradOut, wanted.gradOut)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })

  test('directions of very short and very long vectors', () => {
    const direction = [0.48, -0.6, 0.64]
    using f = new SphericalHarmonics(8, cpu)
    const wanted = harmonics(8, direction)
    // 1e-42 is denormal: three of its digits are left.
    for (const [length, tolerance] of [
      [1e-42, 2e-2],
      [1e-30, TOLERANCE],
      [1e-12, TOLERANCE],
      [1e12, TOLERANCE],
      [3e38, TOLERANCE],
    ]) {
      const out = f.forward(Float32Array.from(direction, (x) => x * length))
      expect(relativeError(out, wanted)).toBeLessThan(tolerance)
    }
  })

  test.each(MODES)('NaN and infinity stay in their own row, normalize %s', (normalize) => {
    const edges = 70
    const random = new Random(9)
    using f = new SphericalHarmonics(3, { ...cpu, normalize })
    const [vectors, v, gradOut] = [3, 3, f.dim].map((dim) => normals(random, dim * edges))
    const run = (x: Float32Array) => {
      const { vectors: bent, gradOut: along } = f.doubleBackward(v, gradOut, x)
      return [f.forward(x), f.backward(gradOut, x), bent, along]
    }
    const clean = run(vectors)
    for (const poison of [NaN, Infinity]) {
      for (const victim of [0, 17, 69]) {
        const x = vectors.slice()
        x[3 * victim + 1] = poison
        run(x).forEach((array, n) => {
          const dim = array.length / edges
          const own = array.subarray(victim * dim, (victim + 1) * dim)
          expect(own.some((value) => !Number.isFinite(value))).toBe(true)
          own.set(clean[n].subarray(victim * dim, (victim + 1) * dim))
          expect(array).toEqual(clean[n])
        })
      }
    }
  })
})

test('an edge does not depend on those around it', () => {
  const { vectors, v, gradOut, values, gradient, second, dim } = passes(3, {}, 200)
  using f = new SphericalHarmonics(3, cpu)
  for (const [first, count] of [
    [0, 1],
    [1, 15],
    [16, 16],
    [30, 17],
    [70, 64],
    [135, 65],
  ]) {
    const part = (array: Float32Array, size: number) => array.subarray(first * size, (first + count) * size)
    expect(f.forward(part(vectors, 3))).toEqual(part(values, dim))
    expect(f.backward(part(gradOut, dim), part(vectors, 3))).toEqual(part(gradient, 3))
    const own = f.doubleBackward(part(v, 3), part(gradOut, dim), part(vectors, 3))
    expect(own.vectors).toEqual(part(second.vectors, 3))
    expect(own.gradOut).toEqual(part(second.gradOut, dim))
  }
})

test('irreps and dimension', () => {
  using f = new SphericalHarmonics(2, cpu)
  expect(f.irrepsOut.toString()).toBe('1x0e+1x1o+1x2e')
  expect(f.dim).toBe(f.irrepsOut.dim)
})
