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
import type { DeviceOption, FloatArray } from '../runtime/index.js'
import { type Errors, errorsOfRun, normals, type SelftestCase } from './selftest-case.js'

/** Harmonics up to degree 12 and radial functions, with edges on both sides of whole tiles and blocks. */
export function edgeCases(quick: boolean): SelftestCase[] {
  const cases: SelftestCase[] = []
  for (const lmax of quick ? [0, 1, 2] : [0, 1, 2, 3, 4, 6, 8, 10, 12]) {
    for (const normalize of [true, false]) {
      const options = { normalize, normalization: 'component' } as const
      cases.push({
        name: `spherical harmonics lmax ${lmax}, ${normalize ? 'of directions' : 'as polynomials'}`,
        errors: (device, random) => {
          using harmonics = new SphericalHarmonics(lmax, { ...options, device })
          return edgeErrors(harmonics, 67, random, options)
        },
      })
    }
  }
  const radial = (name: string, create: (device: DeviceOption) => ReferencedFunction, edges = 150): void => {
    cases.push({
      name,
      errors: (device, random) => {
        using edgeFunction = create(device)
        return edgeErrors(edgeFunction, edges, random)
      },
    })
  }
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

/** The errors of the values, the gradient, and the two results of the double backward pass. */
function edgeErrors(
  edgeFunction: ReferencedFunction,
  edges: number,
  random: Random,
  options?: SphericalHarmonicsOptions,
): Errors {
  const { dim, device } = edgeFunction
  const width = edgeFunction instanceof SphericalHarmonics ? 3 : 1
  const x = width === 3 ? normals(random, 3 * edges) : Float32Array.from(random.uniforms(edges), (u) => 7 * u)
  const inputs = [x, normals(random, dim * edges), normals(random, width * edges)]
  const [, gradOut, v] = inputs
  const reference = edgeReference(edgeFunction, options)
  const second = reference.doubleBackward(v, gradOut, x)
  const wanted = [reference.forward(x), reference.backward(gradOut, x), second.x, second.gradOut]
  const [values, ...derivatives] = errorsOfRun(device, inputs, wanted, (arrays, outs) => {
    runPasses(edgeFunction, arrays, outs)
  })
  return { values, derivatives: Math.max(...derivatives) }
}

function runPasses(f: ReferencedFunction, [x, gradOut, v]: readonly FloatArray[], outs: readonly FloatArray[]): void {
  const [values, gradient, curved, along] = outs
  f.forward(x, { out: values })
  f.backward(gradOut, x, { out: gradient })
  if (f instanceof SphericalHarmonics) f.doubleBackward(v, gradOut, x, { out: { vectors: curved, gradOut: along } })
  else f.doubleBackward(v, gradOut, x, { out: { lengths: curved, gradOut: along } })
}
