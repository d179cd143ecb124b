import { Irreps } from '../o3/irreps.js'
import type { HarmonicsOptions } from '../o3/harmonics.js'
import { DeviceArray } from '../runtime/device-array.js'
import { checkObject, expected } from '../runtime/errors.js'
import type { FloatArray, ResultOf } from '../runtime/execute.js'
import { EdgeFunction, type EdgeFunctionOptions } from './edge-function.js'
import { harmonicsTable } from './harmonics-table.js'

export interface SphericalHarmonicsOptions extends HarmonicsOptions, EdgeFunctionOptions {}

/** The largest degree that the native kernels know. */
const MAX_DEGREE = 12

/**
 * Real spherical harmonics Y_lm of degree 0..lmax in e3nn's basis, of every vector: f(r) = Y(r / |r|), or with `normalize: false`
 * f(r) = Y(r), where degree l is a homogeneous polynomial, |r|^l Y(r / |r|). Everything is evaluated as polynomials in x, y and z,
 * derivatives too: exact at the poles, without angles.
 *
 * With `normalize` the zero vector has no direction: degree 0 is its constant there, all else, gradients included, is 0. (Vectors
 * shorter than 1e-12, which e3nn treats likewise, have one here.) Without, its derivatives are the polynomials'.
 *
 * Results agree with float64 to ||out - ref|| / ||ref|| < 2e-6, derivatives to 1e-5 (degree 12 alone, of single edges within some
 * milliradians of the poles, where its recursion loses most: 5e-6). Methods, shapes and errors are those of
 * EdgeFunction: `forward` [edges, 3] -> [edges, (lmax+1)^2] with (l, m) at l^2 + l + m, `backward`, `doubleBackward`.
 *
 * @example
 * using harmonics = new SphericalHarmonics(3, { normalization: 'component' })
 * const Y = harmonics.forward(vectors) // [edges, 16]
 * const gradVectors = harmonics.backward(gradY, vectors) // [edges, 3]
 */
export class SphericalHarmonics extends EdgeFunction<'vectors'> {
  readonly lmax: number
  /** One irrep of every degree, of parity (-1)^l. */
  readonly irrepsOut: Irreps

  /**
   * @param lmax 0 to 12
   * @param options.normalization `integral` (the default), `component` or `norm`
   * @param options.normalize whether to scale the vectors to length 1 first; default true
   * @throws GauntletError ERR_ARGUMENT, ERR_DEVICE
   */
  constructor(lmax: number, options: SphericalHarmonicsOptions = {}) {
    checkObject(options, 'options')
    const { normalization = 'integral', normalize = true } = options
    if (!Number.isInteger(lmax) || lmax < 0 || lmax > MAX_DEGREE) {
      throw expected(`an integer from 0 to ${MAX_DEGREE}`, 'lmax', lmax)
    }
    if (typeof normalize !== 'boolean') throw expected('true or false', 'normalize', normalize)
    const table = harmonicsTable(lmax, normalization, normalize)
    super({ input: 'vectors', inputDim: 3, dim: (lmax + 1) ** 2, table }, options)
    this.lmax = lmax
    this.irrepsOut = Irreps.sphericalHarmonics(lmax)
  }
}

/**
 * `SphericalHarmonics.forward`, for a single call.
 *
 * @param vectors [edges, 3]
 * @param options.device by default where `vectors` are, if that is a DeviceArray
 * @returns [edges, (lmax+1)^2]; (l, m) stands at l^2 + l + m
 * @throws GauntletError ERR_ARGUMENT, ERR_DTYPE, ERR_LENGTH, ERR_BUFFER, ERR_DEVICE before anything is written
 * @example
 * sphericalHarmonics(1, new Float32Array([0, 2, 0]), { normalization: 'norm' }) // [1, 0, 1, 0]
 */
export function sphericalHarmonics<Out extends FloatArray>(
  lmax: number,
  vectors: FloatArray,
  options: SphericalHarmonicsOptions & { out: Out },
): Out
export function sphericalHarmonics<A extends FloatArray>(
  lmax: number,
  vectors: A,
  options?: SphericalHarmonicsOptions & { out?: undefined },
): ResultOf<A>
export function sphericalHarmonics(
  lmax: number,
  vectors: FloatArray,
  options: SphericalHarmonicsOptions & { out?: FloatArray } = {},
): FloatArray {
  const { out, device = vectors instanceof DeviceArray ? vectors.device : 'auto' } = options
  using harmonics = new SphericalHarmonics(lmax, { ...options, device })
  return out === undefined ? harmonics.forward(vectors) : harmonics.forward(vectors, { out })
}
