/** Functions of an edge: spherical harmonics of its vector, radial functions of its length; with derivatives, on any device. */
export { EdgeFunction, type EdgeFunctionOptions } from './edge-function.js'
export { SphericalHarmonics, sphericalHarmonics, type SphericalHarmonicsOptions } from './harmonics.js'
export { BesselBasis, PolynomialCutoff, SoftOneHot, type SoftOneHotBasis, type SoftOneHotOptions } from './radial.js'
