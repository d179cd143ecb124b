import { describe, expect, test } from 'vitest'
import { BesselBasis, PolynomialCutoff, SoftOneHot, type SoftOneHotBasis } from '../../lib/edge/index.js'
import { edgeReference, type ReferencedFunction } from '../../lib/edge/reference.js'
import { gaussLegendre, Random } from '../../lib/o3/index.js'
import { DERIVATIVE_TOLERANCE, normals, poisoned, relativeError, TOLERANCE } from './helpers.js'

const BASES: SoftOneHotBasis[] = ['gaussian', 'cosine', 'smooth_finite', 'fourier', 'bessel']
const cpu = { device: 'cpu' } as const
const soft = (basis: SoftOneHotBasis, cutoff: boolean, count = 9) =>
  new SoftOneHot({ ...cpu, start: 0.5, end: 5, count, basis, cutoff })

type Radial = Exclude<ReferencedFunction, { lmax: number }>
const FUNCTIONS: Record<string, () => Radial> = {
  'Bessel, 8': () => new BesselBasis({ ...cpu, cutoff: 5, count: 8 }),
  'Bessel, 100': () => new BesselBasis({ ...cpu, cutoff: 5, count: 100 }),
  'cutoff, p 6': () => new PolynomialCutoff({ ...cpu, cutoff: 5 }),
  'cutoff, p 2': () => new PolynomialCutoff({ ...cpu, cutoff: 5, p: 2 }),
  'cutoff, p 64': () => new PolynomialCutoff({ ...cpu, cutoff: 5, p: 64 }),
  'one gaussian': () => soft('gaussian', true, 1),
  'many gaussians': () => soft('gaussian', false, 320),
}
for (const basis of BASES) {
  for (const cutoff of [true, false]) FUNCTIONS[`${basis}, cutoff ${cutoff}`] = () => soft(basis, cutoff)
}

describe.each(Object.entries(FUNCTIONS))('%s', (_name, make) => {
  test('agrees with its formula and the derivatives of that', () => {
    using f = make()
    const random = new Random(1)
    const edges = 333
    const lengths = Float32Array.from(random.uniforms(edges), (u) => 7 * u)
    const [v, gradOut] = [normals(random, edges), normals(random, edges * f.dim)]
    const reference = edgeReference(f)
    const values = f.forward(lengths, { out: poisoned(edges * f.dim) })
    expect(relativeError(values, reference.forward(lengths))).toBeLessThan(TOLERANCE)
    const gradient = f.backward(gradOut, lengths, { out: poisoned(edges) })
    expect(relativeError(gradient, reference.backward(gradOut, lengths))).toBeLessThan(DERIVATIVE_TOLERANCE)
    const out = { lengths: poisoned(edges), gradOut: poisoned(edges * f.dim) }
    f.doubleBackward(v, gradOut, lengths, { out })
    const wanted = reference.doubleBackward(v, gradOut, lengths)
    expect(relativeError(out.lengths, wanted.x)).toBeLessThan(DERIVATIVE_TOLERANCE)
    expect(relativeError(out.gradOut, wanted.gradOut)).toBeLessThan(DERIVATIVE_TOLERANCE)
  })

  test('the derivatives of the formula are those of differences', () => {
    using f = make()
    const reference = edgeReference(f)
    const one = [1]
    for (const r of [0.3, 0.83, 2.47, 3.91, 4.77, 6.2]) {
      for (let k = 0; k < Math.min(f.dim, 8); k++) {
        const unit = Float64Array.from({ length: f.dim }, (_, i) => (i === k ? 1 : 0))
        const value = (at: number) => reference.forward([at])[k]
        const slope = (at: number) => reference.backward(unit, [at])[0]
        // Of order 4 in h: (h n)^4 / 30 of the derivative, n < 70 waves or powers over the range; and 1e-16 / h of rounding.
        const h = 1e-4
        const differ = (of: (at: number) => number) =>
          (8 * (of(r + h) - of(r - h)) - (of(r + 2 * h) - of(r - 2 * h))) / (12 * h)
        const size = 1 + Math.abs(slope(r))
        expect(Math.abs(differ(value) - slope(r)) / size).toBeLessThan(1e-7)
        const curvature = reference.doubleBackward(one, unit, [r]).x[0]
        expect(Math.abs(differ(slope) - curvature) / (size + Math.abs(curvature))).toBeLessThan(1e-7)
      }
    }
  })

  test('NaN and infinity stay in their own row, and a length does not depend on those around it', () => {
    using f = make()
    const edges = 70
    const lengths = Float32Array.from(new Random(2).uniforms(edges), (u) => 7 * u)
    const clean = f.forward(lengths)
    for (const victim of [0, 17, 69]) {
      for (const poison of [NaN, Infinity]) {
        const out = f.forward(lengths.with(victim, poison))
        const own = out.subarray(victim * f.dim, (victim + 1) * f.dim)
        if (Number.isNaN(poison)) expect(own.every((value) => Number.isNaN(value))).toBe(true)
        own.set(clean.subarray(victim * f.dim, (victim + 1) * f.dim))
        expect(out).toEqual(clean)
      }
      expect(f.forward(lengths.subarray(victim, victim + 1))).toEqual(
        clean.subarray(victim * f.dim, (victim + 1) * f.dim),
      )
    }
  })
})

describe('Bessel', () => {
  test('its functions are orthonormal in the ball of the cutoff', () => {
    const [cutoff, count] = [3, 12]
    using basis = new BesselBasis({ ...cpu, cutoff, count })
    // sin(n x) sin(m x) has 24 waves over the interval: 60 nodes see them to rounding.
    const { nodes, weights } = gaussLegendre(60)
    const r = Float32Array.from(nodes, (x) => (cutoff / 2) * (x + 1))
    const values = basis.forward(r)
    for (let n = 0; n < count; n++) {
      for (let m = 0; m <= n; m++) {
        let integral = 0
        for (let i = 0; i < r.length; i++) {
          integral += weights[i] * (cutoff / 2) * r[i] ** 2 * values[i * count + n] * values[i * count + m]
        }
        // The nodes are rounded to float32.
        expect(integral).toBeCloseTo(n === m ? 1 : 0, 5)
      }
    }
  })

  test('has its limit at 0, and no jump on the way there', () => {
    using basis = new BesselBasis({ ...cpu, cutoff: 5, count: 20 })
    const limit = Float64Array.from({ length: 20 }, (_, k) => (Math.sqrt(2 / 5) * (k + 1) * Math.PI) / 5)
    const third = limit.map((value, k) => (-value * (((k + 1) * Math.PI) / 5) ** 2) / 3)
    // f = limit + third r^2 / 2 + ..., and the next term is 0.05 (n pi r / 5)^4 of the first.
    for (const r of [0, 1e-40, 1e-20, 1e-7, 1e-5, 1e-4]) {
      const lengths = new Float32Array([r])
      expect(relativeError(basis.forward(lengths), limit)).toBeLessThan(TOLERANCE)
      const along = basis.doubleBackward(new Float32Array([1]), new Float32Array(20).fill(1), lengths)
      const slope = third.map((value) => value * lengths[0])
      for (let k = 0; k < 20; k++) expect(Math.abs(along.gradOut[k] - slope[k])).toBeLessThan(1e-5 * Math.abs(third[k]))
      expect(along.lengths[0] / third.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    }
  })

  test('goes on beyond the cutoff, as waves, however far', () => {
    using basis = new BesselBasis({ ...cpu, cutoff: 5, count: 4 })
    const lengths = Float32Array.from([7.3, 1234.567, 1e6 + 0.25])
    expect(relativeError(basis.forward(lengths), edgeReference(basis).forward(lengths))).toBeLessThan(TOLERANCE)
    expect(basis.forward(new Float32Array([3e38])).every((value) => Math.abs(value) < 1e-37)).toBe(true)
  })
})

describe('the polynomial cutoff', () => {
  test.each([2, 3, 6, 64])('p %i: from 1 to 0, flat at both ends, nothing beyond', (p) => {
    using envelope = new PolynomialCutoff({ ...cpu, cutoff: 4, p })
    const lengths = new Float32Array([0, 4, 4.0001, 9, Infinity])
    const one = new Float32Array(5).fill(1)
    expect([...envelope.forward(lengths)]).toEqual([1, 0, 0, 0, 0])
    expect([...envelope.backward(one, lengths)].map(Math.abs)).toEqual([0, 0, 0, 0, 0])
    const curvature = envelope.doubleBackward(one, one, lengths).lengths
    expect(curvature[0]).toBeCloseTo(p === 2 ? -12 / 16 : 0, 6) // of 1 - 6 t^2
    expect([...curvature.subarray(1)]).toEqual([0, 0, 0, 0])
  })
})

describe('soft one-hot', () => {
  test('squares of cosines add up to 1 between the first and the last center', () => {
    using basis = soft('cosine', false, 7)
    const lengths = Float32Array.from(new Random(4).uniforms(100), (u) => 0.5 + 4.5 * u)
    const values = basis.forward(lengths)
    for (let i = 0; i < 100; i++) {
      const row = values.subarray(7 * i, 7 * i + 7)
      expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 6)
    }
  })

  test('with cutoff nothing is left outside', () => {
    const outside = new Float32Array([-3, 0.4999, 0.5, 5, 5.01, 100])
    for (const basis of BASES) {
      using f = soft(basis, true)
      // Gaussians never end: at d = 1 from the nearest center they have come down to this. Where d = 1 is a matter of rounding.
      const bound = basis === 'gaussian' ? Math.exp(-1) / 1.12 : 0
      for (const value of f.forward(outside)) expect(Math.abs(value)).toBeLessThan(bound + 1e-7)
    }
  })

  test('centers are where e3nn has them', () => {
    for (const basis of ['gaussian', 'cosine', 'smooth_finite'] as const) {
      const peak = { gaussian: 1 / 1.12, cosine: 1, smooth_finite: 1.14136 }[basis]
      using inner = new SoftOneHot({ ...cpu, start: 0, end: 4, count: 3, basis, cutoff: true })
      using all = new SoftOneHot({ ...cpu, start: 0, end: 4, count: 5, basis, cutoff: false })
      for (const [f, centers] of [
        [inner, [1, 2, 3]],
        [all, [0, 1, 2, 3, 4]],
      ] as const) {
        const values = f.forward(Float32Array.from(centers))
        centers.forEach((_, k) => expect(values[k * f.count + k]).toBeCloseTo(peak, 6))
      }
    }
  })
})
