import {
  BesselBasis,
  PolynomialCutoff,
  SoftOneHot,
  SphericalHarmonics,
  type SoftOneHotBasis,
  type SphericalHarmonicsOptions,
} from '../edge/index.js'
import { edgeReference, type ReferencedFunction } from '../edge/reference.js'
import type { Random } from '../o3/random.js'
import { DeviceArray, type DeviceOption } from '../runtime/index.js'
import { relativeError } from './comparison.js'

/** An edge function with all of its passes. */
export interface EdgeCase {
  name: string
  edges: number
  create: (device: DeviceOption) => ReferencedFunction
  /** Of harmonics: for their reference. */
  options?: SphericalHarmonicsOptions
}

/** Harmonics up to degree 12 and radial functions, with edges on both sides of whole tiles and blocks. */
export function edgeCases(quick: boolean): EdgeCase[] {
  const cases: EdgeCase[] = []
  for (const lmax of quick ? [0, 1, 2] : [0, 1, 2, 3, 4, 6, 8, 10, 12]) {
    for (const normalize of [true, false]) {
      const options = { normalize, normalization: 'component' } as const
      cases.push({
        name: `spherical harmonics lmax ${lmax}, ${normalize ? 'of directions' : 'as polynomials'}`,
        edges: 67,
        options,
        create: (device) => new SphericalHarmonics(lmax, { ...options, device }),
      })
    }
  }
  const radial = (name: string, create: EdgeCase['create'], edges = 150): void =>
    void cases.push({ name, edges, create })
  radial('Bessel basis', (device) => new BesselBasis({ cutoff: 5, count: 8, device }))
  radial('Bessel basis, 100', (device) => new BesselBasis({ cutoff: 5, count: 100, device }), 35)
  radial('polynomial cutoff', (device) => new PolynomialCutoff({ cutoff: 5, device }))
  for (const basis of ['gaussian', 'cosine', 'smooth_finite', 'fourier', 'bessel'] satisfies SoftOneHotBasis[]) {
    for (const cutoff of [true, false]) {
      const shape = { start: 0.5, end: 5, count: 9, basis, cutoff }
      const name = `soft one-hot ${basis} ${cutoff ? 'with' : 'without'} cutoff`
      radial(name, (device) => new SoftOneHot({ ...shape, device }))
    }
  }
  return cases
}

/**
 * || out - reference || / || reference || of the values and of each derivative, from host and from device memory; NaN where
 * anything is NaN or was not written.
 */
export function edgeErrors(
  edgeFunction: ReferencedFunction,
  { edges, options }: EdgeCase,
  random: Random,
): { values: number; derivatives: number } {
  const { dim, device } = edgeFunction
  const vectors = edgeFunction instanceof SphericalHarmonics
  const width = vectors ? 3 : 1
  const normals = (length: number): Float32Array => Float32Array.from(random.normals(length))
  const x = vectors ? normals(3 * edges) : Float32Array.from(random.uniforms(edges), (u) => 7 * u)
  const [v, gradOut] = [normals(width * edges), normals(dim * edges)]
  const reference = edgeReference(edgeFunction, options)
  const second = reference.doubleBackward(v, gradOut, x)
  const wanted = [reference.forward(x), reference.backward(gradOut, x), second.x, second.gradOut]

  const errors = [0, 0, 0, 0]
  for (const onDevice of device === 'cpu' ? [false] : [false, true]) {
    passes(edgeFunction, onDevice, [x, gradOut, v]).forEach((out, n) => {
      // Derivatives of a constant, and second ones of something linear, are 0, in the reference up to rounding.
      const vanishes = Math.hypot(...wanted[n]) < 1e-9
      const error = vanishes ? Math.hypot(...out) : relativeError(out, wanted[n])
      errors[n] = Number.isNaN(error) ? NaN : Math.max(errors[n], error)
    })
  }
  return { values: errors[0], derivatives: Math.max(...errors.slice(1)) }
}

/** Values, gradient, and the two results of the double backward pass, each into memory that was filled with NaN. */
function passes(f: ReferencedFunction, onDevice: boolean, inputs: Float32Array[]): Float32Array[] {
  const held: DeviceArray[] = []
  const place = <A extends Float32Array>(array: A): A | DeviceArray => {
    if (!onDevice) return array
    held.push(DeviceArray.from(array, f.device))
    return held.at(-1)!
  }
  const fetch = (array: Float32Array | DeviceArray): Float32Array =>
    array instanceof DeviceArray ? array.toArray() : array
  try {
    const [x, gradOut, v] = inputs.map(place)
    const [values, gradient, curved, along] = [inputs[1], inputs[0], inputs[0], inputs[1]].map((like) =>
      place(new Float32Array(like.length).fill(NaN)),
    )
    f.forward(x, { out: values })
    f.backward(gradOut, x, { out: gradient })
    if (f instanceof SphericalHarmonics) f.doubleBackward(v, gradOut, x, { out: { vectors: curved, gradOut: along } })
    else f.doubleBackward(v, gradOut, x, { out: { lengths: curved, gradOut: along } })
    return [values, gradient, curved, along].map(fetch)
  } finally {
    for (const array of held) array.dispose()
  }
}
