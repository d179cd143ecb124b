/** Mathematics of O(3) in float64: irreps, couplings, harmonics, rotations, quadrature. Conventions are e3nn's. */
export { bracketCoefficients } from './bracket.js'
export { gauntCoefficients } from './gaunt.js'
export { harmonics, harmonicsOnGrid } from './harmonics.js'
export type { HarmonicsNormalization, HarmonicsOptions } from './harmonics.js'
export { Irrep, Irreps } from './irreps.js'
export type { IrrepLike, IrrepsLike, MulIr, MulIrLike, Parity } from './irreps.js'
export { lebedev } from './lebedev.js'
export type { SphereRule } from './lebedev.js'
export { legendre, legendreSlopes } from './legendre.js'
export { gaussLegendre } from './quadrature.js'
export type { IntervalRule } from './quadrature.js'
export { Random } from './random.js'
export { irrepMatrix, rotate, wignerD } from './representation.js'
export {
  anglesToAxisAngle,
  anglesToMatrix,
  anglesToQuaternion,
  axisAngleToAngles,
  axisAngleToMatrix,
  axisAngleToQuaternion,
  composeAngles,
  composeMatrices,
  composeQuaternions,
  inverseAngles,
  inverseMatrix,
  inverseQuaternion,
  matrixToAngles,
  matrixToAxisAngle,
  matrixToQuaternion,
  quaternionToAngles,
  quaternionToAxisAngle,
  quaternionToMatrix,
  randomRotation,
} from './rotation.js'
export type { Angles, AxisAngle } from './rotation.js'
export { wigner3j, wigner6j } from './wigner.js'
