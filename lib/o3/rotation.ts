import { expected } from '../runtime/errors.js'
import type { Random } from './random.js'

/**
 * Rotations of 3-space in four forms, with e3nn's conventions: y is the polar axis and
 *
 *     angles      R = Ry(alpha) Rx(beta) Ry(gamma), radians
 *     matrix      row-major [3, 3], acting on columns (x, y, z)
 *     quaternion  (w, x, y, z) of norm 1; q and -q are the same rotation
 *     axis-angle  right-handed turn by `angle` about the unit vector `axis`
 *
 * The matrix is the hub: other forms convert by way of it. Functions accept any array of numbers of the right length
 * and throw GauntletError ERR_ARGUMENT for anything else.
 */

export interface Angles {
  /** Turn about y, applied last; the azimuth of the image of the y axis. */
  alpha: number
  /** Turn about x, from 0 to pi where this package computes it; the polar angle of the image of the y axis. */
  beta: number
  /** Turn about y, applied first. */
  gamma: number
}

export interface AxisAngle {
  axis: Float64Array
  angle: number
}

/** How far a matrix may be from orthogonal: float32 data pass, a wrong matrix does not. */
const ORTHOGONALITY_TOLERANCE = 1e-5

/**
 * Ry(alpha) Rx(beta) Ry(gamma).
 *
 * @example
 * anglesToMatrix({ alpha: 0, beta: Math.PI / 2, gamma: 0 })  // takes y to z
 */
export function anglesToMatrix({ alpha, beta, gamma }: Angles): Float64Array {
  for (const [name, angle] of Object.entries({ alpha, beta, gamma })) {
    if (!Number.isFinite(angle)) throw expected('a finite number', name, angle)
  }
  return composeMatrices(composeMatrices(turnAboutY(alpha), turnAboutX(beta)), turnAboutY(gamma))
}

/** Inverse of `anglesToMatrix`, with 0 <= beta <= pi; at the poles (beta = 0 or pi) alpha is 0. */
export function matrixToAngles(matrix: ArrayLike<number>): Angles {
  checkRotation(matrix)
  // R takes the y axis to (sin beta sin alpha, cos beta, sin beta cos alpha).
  const [x, y, z] = [matrix[1], matrix[4], matrix[7]]
  const alpha = Math.atan2(x, z)
  const beta = Math.atan2(Math.hypot(x, z), y)
  const rest = composeMatrices(transpose(anglesToMatrix({ alpha, beta, gamma: 0 })), matrix)
  return { alpha, beta, gamma: Math.atan2(rest[2], rest[0]) }
}

/**
 * The turn by `angle` about `axis` (of any length but 0), by Rodrigues' formula.
 *
 * @example
 * axisAngleToMatrix([0, 1, 0], Math.PI / 2)  // takes z to x
 */
export function axisAngleToMatrix(axis: ArrayLike<number>, angle: number): Float64Array {
  return quaternionToMatrix(axisAngleToQuaternion(axis, angle))
}

/** Inverse of `axisAngleToMatrix`, with 0 <= angle <= pi; the axis of no turn at all is y. */
export function matrixToAxisAngle(matrix: ArrayLike<number>): AxisAngle {
  return quaternionToAxisAngle(matrixToQuaternion(matrix))
}

/** (cos(angle/2), sin(angle/2) axis), the axis being brought to length 1. */
export function axisAngleToQuaternion(axis: ArrayLike<number>, angle: number): Float64Array {
  checkNumbers(axis, 3, 'axis')
  if (!Number.isFinite(angle)) throw expected('a finite number', 'angle', angle)
  const length = Math.hypot(axis[0], axis[1], axis[2])
  if (length === 0) throw expected('a vector other than zero', 'axis', Array.from(axis))
  const sin = Math.sin(angle / 2)
  return Float64Array.of(Math.cos(angle / 2), ...Array.from(axis, (v) => (sin * v) / length))
}

/** Inverse of `axisAngleToQuaternion`, with 0 <= angle <= pi; the axis of no turn at all is y. */
export function quaternionToAxisAngle(quaternion: ArrayLike<number>): AxisAngle {
  const q = unitQuaternion(quaternion)
  const sign = q[0] < 0 ? -1 : 1
  const sin = Math.hypot(q[1], q[2], q[3])
  if (sin === 0) return { axis: Float64Array.of(0, 1, 0), angle: 0 }
  return { axis: q.subarray(1).map((v) => (sign * v) / sin), angle: 2 * Math.atan2(sin, Math.abs(q[0])) }
}

/** The rotation v -> q v q* as a matrix; q may have any norm but 0. */
export function quaternionToMatrix(quaternion: ArrayLike<number>): Float64Array {
  const [w, x, y, z] = unitQuaternion(quaternion)
  // prettier-ignore
  return Float64Array.of(
    1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
    2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
    2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
  )
}

/** Inverse of `quaternionToMatrix`, with w >= 0. */
export function matrixToQuaternion(matrix: ArrayLike<number>): Float64Array {
  checkRotation(matrix)
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = Array.from(matrix)
  // Rows of 4 q q^T; the one whose diagonal is largest keeps all its digits.
  const rows = [
    [1 + xx + yy + zz, zy - yz, xz - zx, yx - xy],
    [zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx],
    [xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy],
    [yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz],
  ]
  const best = rows.reduce((largest, row, i) => (row[i] > rows[largest][largest] ? i : largest), 0)
  const q = unitQuaternion(rows[best])
  return q[0] < 0 ? q.map((v) => -v) : q
}

/** [w, x, y, z], of length 1, of a rotation by Euler angles: Ry(alpha) Rx(beta) Ry(gamma). */
export function anglesToQuaternion(angles: Angles): Float64Array {
  const { alpha, beta, gamma } = angles
  const turns = [axisAngleToQuaternion([0, 1, 0], alpha), axisAngleToQuaternion([1, 0, 0], beta)]
  return [...turns, axisAngleToQuaternion([0, 1, 0], gamma)].reduce(composeQuaternions)
}

/** Euler angles of the rotation of a quaternion [w, x, y, z] of any length but 0. */
export function quaternionToAngles(quaternion: ArrayLike<number>): Angles {
  return matrixToAngles(quaternionToMatrix(quaternion))
}

/** The axis (a unit vector) and the angle from 0 to pi of a rotation by Euler angles. */
export function anglesToAxisAngle(angles: Angles): AxisAngle {
  return quaternionToAxisAngle(anglesToQuaternion(angles))
}

/** Euler angles of a rotation by `angle` (radians) about an axis of any length but 0. */
export function axisAngleToAngles(axis: ArrayLike<number>, angle: number): Angles {
  return matrixToAngles(axisAngleToMatrix(axis, angle))
}

/** The matrix product a b: b first, then a. */
export function composeMatrices(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  checkNumbers(a, 9, 'the first matrix')
  checkNumbers(b, 9, 'the second matrix')
  const row = (i: number, j: number): number => a[i] * b[j] + a[i + 1] * b[j + 3] + a[i + 2] * b[j + 6]
  return Float64Array.from({ length: 9 }, (_, n) => row(n - (n % 3), n % 3))
}

/** The inverse of an orthogonal matrix: its transpose. */
export function inverseMatrix(matrix: ArrayLike<number>): Float64Array {
  checkOrthogonal(matrix)
  return transpose(matrix)
}

/** The quaternion product a b: b first, then a. */
export function composeQuaternions(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  checkNumbers(a, 4, 'the first quaternion')
  checkNumbers(b, 4, 'the second quaternion')
  return Float64Array.of(
    a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
    a[1] * b[0] + a[0] * b[1] + a[2] * b[3] - a[3] * b[2],
    a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
    a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
  )
}

/** (w, -x, -y, -z), of the quaternion brought to norm 1. */
export function inverseQuaternion(quaternion: ArrayLike<number>): Float64Array {
  return unitQuaternion(quaternion).map((v, i) => (i === 0 ? v : -v))
}

/** a after b, as angles. */
export function composeAngles(a: Angles, b: Angles): Angles {
  return matrixToAngles(composeMatrices(anglesToMatrix(a), anglesToMatrix(b)))
}

/** Ry(-gamma) Rx(-beta) Ry(-alpha). */
export function inverseAngles({ alpha, beta, gamma }: Angles): Angles {
  return { alpha: -gamma, beta: -beta, gamma: -alpha }
}

/**
 * A matrix drawn uniformly from the rotations of 3-space (Haar measure), a normalized 4-vector of normals being a
 * uniform quaternion.
 *
 * @example
 * const matrix = randomRotation(new Random(1))
 */
export function randomRotation(random: Random): Float64Array {
  return quaternionToMatrix(random.normals(4))
}

/** +1 for a rotation, -1 for one with an inversion; throws where the matrix is neither. @internal */
export function checkOrthogonal(matrix: ArrayLike<number>): 1 | -1 {
  checkNumbers(matrix, 9, 'matrix')
  const gram = composeMatrices(transpose(matrix), matrix)
  const error = Math.max(...gram.map((v, n) => Math.abs(v - (n % 4 === 0 ? 1 : 0))))
  if (!(error < ORTHOGONALITY_TOLERANCE)) {
    throw expected('|R^T R - 1| below 1e-5 (an orthogonal 3x3 matrix)', 'matrix', error)
  }
  const [a, b, c, d, e, f, g, h, i] = Array.from(matrix)
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) > 0 ? 1 : -1
}

function checkRotation(matrix: ArrayLike<number>): void {
  if (checkOrthogonal(matrix) < 0) throw expected('determinant 1 (a rotation, no inversion)', 'matrix', -1)
}

function checkNumbers(value: ArrayLike<number>, length: number, name: string): void {
  if (typeof value !== 'object' || value?.length !== length) throw expected(`${length} numbers`, name, value)
  const wrong = Array.from(value).find((v) => !Number.isFinite(v))
  if (wrong !== undefined) throw expected('finite numbers', name, wrong)
}

function unitQuaternion(quaternion: ArrayLike<number>): Float64Array {
  checkNumbers(quaternion, 4, 'quaternion')
  const norm = Math.hypot(...Array.from(quaternion))
  if (norm === 0) throw expected('a quaternion other than zero', 'quaternion', Array.from(quaternion))
  return Float64Array.from(quaternion, (v) => v / norm)
}

function transpose(m: ArrayLike<number>): Float64Array {
  return Float64Array.of(m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8])
}

function turnAboutX(angle: number): Float64Array {
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  return Float64Array.of(1, 0, 0, 0, c, -s, 0, s, c)
}

function turnAboutY(angle: number): Float64Array {
  const [c, s] = [Math.cos(angle), Math.sin(angle)]
  return Float64Array.of(c, 0, s, 0, 1, 0, -s, 0, c)
}
