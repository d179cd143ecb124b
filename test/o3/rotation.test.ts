import { describe, expect, it } from 'vitest'
import { harmonics } from '../../lib/o3/harmonics.js'
import { Irreps } from '../../lib/o3/irreps.js'
import { Random } from '../../lib/o3/random.js'
import { irrepMatrix, rotate, wignerD } from '../../lib/o3/representation.js'
import * as rotation from '../../lib/o3/rotation.js'
import { loadReference } from '../reference/load.js'
import { errorOf, maxDifference } from './helpers.js'

const { anglesToMatrix, axisAngleToMatrix, composeMatrices, quaternionToMatrix, randomRotation } = rotation
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1]
const INVERSION = IDENTITY.map((v) => -v)
const e3nn = loadReference('e3nn')

/** Random rotations and every kind of degenerate one: none, half turns, the poles of the Euler angles, tiny turns. */
function rotations(): Float64Array[] {
  const random = new Random(7)
  const special = [
    axisAngleToMatrix([1, 0, 0], 0),
    axisAngleToMatrix([0, 1, 0], 2.5),
    ...[1, 2, 4, 3, 5, 6, 7].map((bits) => axisAngleToMatrix([bits & 1, bits & 2, bits & 4], Math.PI)),
    axisAngleToMatrix([1, 2, 3], 1e-9),
    axisAngleToMatrix([1, -2, 3], Math.PI - 1e-9),
    anglesToMatrix({ alpha: 1, beta: Math.PI, gamma: 0.4 }),
  ]
  return [...special, ...Array.from({ length: 20 }, () => randomRotation(random))]
}

/** The product of square matrices. */
function multiply(a: Float64Array, b: Float64Array): Float64Array {
  const n = Math.sqrt(a.length)
  return a.map((_, at) => {
    let sum = 0
    for (let k = 0; k < n; k++) sum += a[at - (at % n) + k] * b[k * n + (at % n)]
    return sum
  })
}

const transpose = (m: Float64Array): Float64Array => {
  const n = Math.sqrt(m.length)
  return m.map((_, at) => m[(at % n) * n + Math.floor(at / n)])
}

const identity = (n: number): Float64Array =>
  Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0))

describe('rotations', () => {
  it("has e3nn's angles", () => {
    const { arrays } = e3nn.case('wigner_D')
    const angles = e3nn.array(arrays.angles).data
    const matrices = e3nn.array(arrays.R).data
    for (let i = 0; i < angles.length / 3; i++) {
      const [alpha, beta, gamma] = angles.subarray(3 * i)
      const wanted = matrices.subarray(9 * i, 9 * i + 9)
      expect(maxDifference(anglesToMatrix({ alpha, beta, gamma }), wanted)).toBeLessThan(1e-15)
    }
  })

  // scipy 1.17.1, scipy.spatial.transform.Rotation: as_matrix, as_rotvec, as_euler('YXY').
  it('agrees with scipy', () => {
    const scipy = {
      // prettier-ignore
      matrix: [
        -0.2183908045977011, -0.942528735632184, 0.2528735632183908,
        -0.6666666666666666, 0.33333333333333326, 0.6666666666666667,
        -0.7126436781609196, -0.02298850574712641, -0.7011494252873564,
      ],
      axis: [-0.5661385170722979, 0.792593923901217, 0.22645540682891915],
      angle: 2.4866838012973442,
      angles: [-1.595181735967615, 1.2309594173407747, -2.356194490192345],
    }
    const quaternion = Float64Array.of(0.3, -0.5, 0.7, 0.2).map((v) => v / Math.sqrt(0.87))
    const matrix = quaternionToMatrix(quaternion)
    expect(maxDifference(matrix, scipy.matrix)).toBeLessThan(1e-15)
    expect(maxDifference(rotation.matrixToQuaternion(matrix), quaternion)).toBeLessThan(1e-15)
    const { axis, angle } = rotation.quaternionToAxisAngle(quaternion)
    expect(maxDifference(axis, scipy.axis)).toBeLessThan(1e-15)
    expect(Math.abs(angle - scipy.angle)).toBeLessThan(1e-15)
    const { alpha, beta, gamma } = rotation.quaternionToAngles(quaternion)
    expect(maxDifference([alpha, beta, gamma], scipy.angles)).toBeLessThan(1e-15)
  })

  it('turns the right way', () => {
    const image = (m: Float64Array, v: number): number[] => [m[v], m[3 + v], m[6 + v]]
    expect(maxDifference(image(axisAngleToMatrix([2, 0, 0], Math.PI / 2), 1), [0, 0, 1])).toBeLessThan(1e-15)
    expect(maxDifference(image(axisAngleToMatrix([0, 1, 0], Math.PI / 2), 2), [1, 0, 0])).toBeLessThan(1e-15)
    expect(maxDifference(image(axisAngleToMatrix([0, 0, 3], Math.PI / 2), 0), [0, 1, 0])).toBeLessThan(1e-15)
  })

  it('survives a trip through every other form', () => {
    for (const matrix of rotations()) {
      const angles = rotation.matrixToAngles(matrix)
      const quaternion = rotation.matrixToQuaternion(matrix)
      const { axis, angle } = rotation.matrixToAxisAngle(matrix)
      const trips = [
        anglesToMatrix(angles),
        quaternionToMatrix(quaternion),
        axisAngleToMatrix(axis, angle),
        quaternionToMatrix(rotation.anglesToQuaternion(angles)),
        anglesToMatrix(rotation.quaternionToAngles(quaternion)),
        quaternionToMatrix(rotation.axisAngleToQuaternion(axis, angle)),
        anglesToMatrix(rotation.axisAngleToAngles(axis, angle)),
        ...[rotation.anglesToAxisAngle(angles)].map((turn) => axisAngleToMatrix(turn.axis, turn.angle)),
      ]
      for (const trip of trips) expect(maxDifference(trip, matrix)).toBeLessThan(2e-15)
      expect(angles.beta).toBeGreaterThanOrEqual(0)
      expect(angle).toBeGreaterThanOrEqual(0)
      expect(angle).toBeLessThanOrEqual(Math.PI)
      expect(quaternion[0]).toBeGreaterThanOrEqual(0)
    }
  })

  it('composes alike in every form, and inverts', () => {
    const [a, b] = [new Random(1), new Random(2)].map(randomRotation)
    const product = composeMatrices(a, b)
    const [qa, qb] = [a, b].map(rotation.matrixToQuaternion)
    const [ea, eb] = [a, b].map(rotation.matrixToAngles)
    expect(maxDifference(quaternionToMatrix(rotation.composeQuaternions(qa, qb)), product)).toBeLessThan(1e-15)
    expect(maxDifference(anglesToMatrix(rotation.composeAngles(ea, eb)), product)).toBeLessThan(1e-15)
    for (const inverse of [
      rotation.inverseMatrix(a),
      quaternionToMatrix(rotation.inverseQuaternion(qa)),
      anglesToMatrix(rotation.inverseAngles(ea)),
    ]) {
      expect(maxDifference(composeMatrices(inverse, a), IDENTITY)).toBeLessThan(1e-15)
    }
  })

  it('draws rotations uniformly', () => {
    const random = new Random(3)
    const count = 4000
    const mean = new Float64Array(9)
    let trace2 = 0
    for (let i = 0; i < count; i++) {
      const matrix = randomRotation(random)
      matrix.forEach((v, n) => (mean[n] += v / count))
      trace2 += (matrix[0] + matrix[4] + matrix[8]) ** 2 / count
    }
    // Haar measure: every entry has mean 0 and variance 1/3, the character of l = 1 has mean square 1. Five sigma.
    expect(Math.max(...mean.map(Math.abs))).toBeLessThan(5 / Math.sqrt(3 * count))
    expect(Math.abs(trace2 - 1)).toBeLessThan((5 * Math.SQRT2) / Math.sqrt(count))
  })

  it.each([
    ['too short', () => rotation.matrixToAngles([1, 2, 3])],
    ['not orthogonal', () => rotation.matrixToQuaternion([1, 0, 0, 0, 2, 0, 0, 0, 1])],
    ['improper', () => rotation.matrixToAngles(INVERSION)],
    ['NaN', () => rotation.inverseMatrix([NaN, 0, 0, 0, 1, 0, 0, 0, 1])],
    ['null', () => composeMatrices(null as unknown as number[], IDENTITY)],
    ['zero axis', () => axisAngleToMatrix([0, 0, 0], 1)],
    ['infinite angle', () => axisAngleToMatrix([0, 0, 1], Infinity)],
    ['NaN angle', () => anglesToMatrix({ alpha: 0, beta: NaN, gamma: 0 })],
    ['missing angle', () => anglesToMatrix({ alpha: 0, beta: 0 } as rotation.Angles)],
    ['zero quaternion', () => quaternionToMatrix([0, 0, 0, 0])],
    ['long quaternion', () => rotation.composeQuaternions([1, 0, 0, 0, 0], [1, 0, 0, 0])],
  ])('refuses: %s', (_, action) => {
    expect(errorOf(action).code).toBe('ERR_ARGUMENT')
  })
})

describe('wignerD', () => {
  it('agrees with e3nn to l = 6', () => {
    const { arrays } = e3nn.case('wigner_D')
    const angles = e3nn.array(arrays.angles).data
    for (let l = 0; l <= 6; l++) {
      const { data } = e3nn.array(arrays[`D${l}`])
      const size = (2 * l + 1) ** 2
      for (let i = 0; i < angles.length / 3; i++) {
        const [alpha, beta, gamma] = angles.subarray(3 * i)
        const wanted = data.subarray(i * size, (i + 1) * size)
        expect(maxDifference(wignerD(l, alpha, beta, gamma), wanted)).toBeLessThan(1e-13)
      }
    }
  })

  it.each([0, 1, 2, 11, 20, 40])('is an orthogonal representation at l = %i', (l) => {
    const size = 2 * l + 1
    const random = new Random(l)
    const [a, b] = [randomRotation(random), randomRotation(random)]
    const D = (matrix: ArrayLike<number>): Float64Array => irrepMatrix(`${l}e`, matrix)
    expect(maxDifference(multiply(D(a), transpose(D(a))), identity(size))).toBeLessThan(1e-13)
    expect(maxDifference(D(composeMatrices(a, b)), multiply(D(a), D(b)))).toBeLessThan(1e-13)
  })

  it.each([1, 4, 20, 40])('turns harmonics of degree %i with their vectors', (l) => {
    const random = new Random(l)
    const vector = random.normals(3)
    for (const matrix of rotations()) {
      const { alpha, beta, gamma } = rotation.matrixToAngles(matrix)
      const turned = [0, 3, 6].map((i) => matrix[i] * vector[0] + matrix[i + 1] * vector[1] + matrix[i + 2] * vector[2])
      const [before, after] = [vector, turned].map((v) => harmonics(l, v).subarray(l * l))
      const D = wignerD(l, alpha, beta, gamma)
      const wanted = after.map((_, i) => before.reduce((sum, v, j) => sum + D[i * after.length + j] * v, 0))
      expect(maxDifference(after, wanted)).toBeLessThan(2e-13)
    }
  })

  it('has the character sin((l + 1/2) angle) / sin(angle / 2)', () => {
    for (const l of [3, 20]) {
      const D = irrepMatrix(`${l}e`, axisAngleToMatrix([1, 2, -2], 0.9))
      const trace = D.reduce((sum, v, at) => (at % (2 * l + 2) === 0 ? sum + v : sum), 0)
      expect(Math.abs(trace - Math.sin((l + 0.5) * 0.9) / Math.sin(0.45))).toBeLessThan(1e-12)
    }
  })

  it.each([
    [-1, 0, 0, 0],
    [1.5, 0, 0, 0],
    [256, 0, 0, 0],
    [1, NaN, 0, 0],
    [1, 0, Infinity, 0],
  ])('refuses (%s, %s, %s, %s)', (l, alpha, beta, gamma) => {
    expect(errorOf(() => wignerD(l, alpha, beta, gamma)).code).toBe('ERR_ARGUMENT')
  })
})

describe('rotate', () => {
  it('turns each copy of each irrep, sample by sample', () => {
    const irreps = new Irreps('2x0e+3x1o+0x4e+1x2e+2x3o')
    const random = new Random(5)
    const matrix = randomRotation(random)
    const data = random.normals(4 * irreps.dim)
    const out = rotate(irreps, matrix, data)
    const wanted = new Float64Array(data.length)
    for (let b = 0; b < 4; b++) {
      let at = b * irreps.dim
      for (const { mul, ir } of irreps) {
        const D = irrepMatrix(ir, matrix)
        for (let u = 0; u < mul; u++, at += ir.dim) {
          for (let n = 0; n < D.length; n++) wanted[at + Math.floor(n / ir.dim)] += D[n] * data[at + (n % ir.dim)]
        }
      }
    }
    expect(maxDifference(out, wanted)).toBeLessThan(1e-15)
    const back = rotate(irreps, rotation.inverseMatrix(matrix), out)
    expect(maxDifference(back, data)).toBeLessThan(1e-14)
  })

  it('applies the parity under inversion, alone and together with a rotation', () => {
    const irreps = '1x0e+1x0o+1x1e+1x1o+1x2e+1x2o'
    const signs = [1, -1, 1, 1, 1, -1, -1, -1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]
    const data = new Random(6).normals(18)
    expect(
      maxDifference(
        rotate(irreps, INVERSION, data),
        data.map((v, i) => signs[i] * v),
      ),
    ).toBeLessThan(1e-15)
    const matrix = randomRotation(new Random(8))
    const improper = matrix.map((v) => -v)
    const wanted = rotate(irreps, matrix, data).map((v, i) => signs[i] * v)
    expect(maxDifference(rotate(irreps, improper, data), wanted)).toBe(0)
  })

  it('turns harmonics as their irreps say, mirrors too', () => {
    const mirror = composeMatrices([-1, 0, 0, 0, 1, 0, 0, 0, 1], randomRotation(new Random(9)))
    const vector = [0.2, -0.5, 0.9]
    const turned = [0, 3, 6].map((i) => mirror[i] * vector[0] + mirror[i + 1] * vector[1] + mirror[i + 2] * vector[2])
    const rotated = rotate(Irreps.sphericalHarmonics(8), mirror, harmonics(8, vector))
    expect(maxDifference(rotated, harmonics(8, turned))).toBeLessThan(1e-13)
  })

  it('takes float32 data, leaves it as it is, and takes none at all', () => {
    const data = Float32Array.of(1, 2, 3)
    expect(maxDifference(rotate('1o', INVERSION, data), [-1, -2, -3])).toBe(0)
    expect([...data]).toEqual([1, 2, 3])
    expect(rotate('1o', IDENTITY, []).length).toBe(0)
    expect(rotate('', IDENTITY, []).length).toBe(0)
  })

  it('refuses what does not fit', () => {
    expect(errorOf(() => rotate('1o', IDENTITY, [1, 2])).code).toBe('ERR_LENGTH')
    expect(errorOf(() => rotate('', IDENTITY, [1])).code).toBe('ERR_LENGTH')
    expect(errorOf(() => rotate('1q', IDENTITY, [])).code).toBe('ERR_IRREPS')
    expect(errorOf(() => rotate('300e', IDENTITY, [])).code).toBe('ERR_ARGUMENT')
    expect(errorOf(() => rotate('1o', [1, 1, 0, 0, 1, 0, 0, 0, 1], [])).code).toBe('ERR_ARGUMENT')
    expect(errorOf(() => rotate('1o', IDENTITY, null as unknown as number[])).code).toBe('ERR_ARGUMENT')
  })
})
