import type { Irreps } from '../o3/irreps.js'
import { legendre } from '../o3/legendre.js'
import { gaussLegendre } from '../o3/quadrature.js'
import { dimensions } from './coupling.js'
import { stack } from './fiber.js'
import type { Path } from './path.js'
import { addEntry, emptyMap, type LinearMap, type Plan, type Triple } from './plan.js'
import { channelwiseSides, cutInSectors, naturality, type Sector } from './sector.js'

/** Coefficients below this are rounding errors of zeros; the smallest true ones are far above. */
const ZERO = 1e-13

/**
 * The original Gaunt product: functions on the sphere, continued to the torus (beta, alpha) in [0, 2 pi)^2, are finite Fourier
 * series,
 *
 *     f = sum over |u|, |v| <= L of  F(u, v) exp(i u beta + i v alpha),   F(-u, -v) = conj F(u, v),
 *
 * multiplied by convolution of their coefficients and projected back by the integral over the sphere.
 *
 * Source: Luo, Chen, Krishnapriyan, "Enabling efficient equivariant operations in the Fourier basis via Gaunt tensor products",
 * ICLR 2024.
 */
export function fourierPlan(irreps: Triple<Irreps>, paths: readonly Path[]): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const { sectors, terms } = cutInSectors(irreps, paths, naturality)
  const stacks = sectors.map((list) => stack(list.flatMap((sector) => sector.irreps)))
  const degrees = sectors.map((list) =>
    Math.max(...list.flatMap((sector) => sector.irreps.map((ir) => ir.l))),
  ) as Triple<number>
  const maps = sectors.map((list, o) => {
    const product = degrees[(o + 1) % 3] + degrees[(o + 2) % 3]
    return {
      into: list.map((sector) => intoCoefficients(sector, stacks[o], degrees[o])),
      from: list.map((sector) => fromCoefficients(sector, stacks[o], product, Math.min(degrees[o], product))),
    }
  })
  const rowOf = (o: number, ir: { l: number; toString(): string }, m: number) =>
    stacks[o].start.get(ir.toString())! + ir.l + m
  const fibers = stacks.map(({ fiber }) => fiber) as Triple<number>
  const form = {
    kind: 'fourier' as const,
    degrees,
    into: maps.map(({ into }) => into) as Triple<LinearMap[]>,
    from: maps.map(({ from }) => from) as Triple<LinearMap[]>,
    terms,
  }
  return { dims: dimensions(irreps), groups: [{ ...channelwiseSides(irreps, paths, fibers, rowOf), form }] }
}

type Stack = ReturnType<typeof stack>

/** The row of the real (part 0) or imaginary (part 1) part of F(u, v), v >= 0. */
const coefficientRow = (degree: number, u: number, v: number, part: number) =>
  2 * (v * (2 * degree + 1) + u + degree) + part

/**
 * Fourier coefficients of the harmonics. For even m, Lambda_lm(cos beta) is a sum of cos(u beta) and its coefficients are real,
 * for odd m a sum of sin(u beta) and they are imaginary; cos(m alpha) and sin(m alpha) multiply them by 1/2 and -i/2 at v = m.
 */
function intoCoefficients({ irreps }: Sector, { fiber, start }: Stack, degree: number): LinearMap {
  const map = emptyMap(2 * (degree + 1) * (2 * degree + 1), fiber)
  for (const ir of irreps) {
    const column = start.get(ir.toString())! + ir.l
    for (let m = 0; m <= ir.l; m++) {
      const odd = m % 2
      for (const [index, value] of colatitudeSeries(ir.l, m).entries()) {
        if (Math.abs(value) < ZERO) continue
        const u = index - ir.l
        if (m === 0) {
          addEntry(map, coefficientRow(degree, u, 0, 0), column, value)
          continue
        }
        // value is real for even m, the factor of i for odd m; times (1/2) sqrt 2 for cosines, (-i/2) sqrt 2 for sines
        addEntry(map, coefficientRow(degree, u, m, odd), column + m, value / Math.SQRT2)
        addEntry(map, coefficientRow(degree, u, m, 1 - odd), column - m, (odd ? value : -value) / Math.SQRT2)
      }
    }
  }
  return map
}

/**
 * The coefficients at u = -l..l of Lambda_lm(cos beta) on the whole circle, where it is continued with parity (-1)^m: for odd m
 * they are imaginary, and their imaginary parts are returned.
 */
function colatitudeSeries(l: number, m: number): number[] {
  const n = 2 * l + 2
  const angles = Array.from({ length: n }, (_, k) => (2 * Math.PI * (k + 0.5)) / n)
  const at = (l * (l + 1)) / 2 + m
  const values = angles.map((beta) => (beta > Math.PI && m % 2 === 1 ? -1 : 1) * legendre(l, Math.cos(beta))[at])
  return Array.from({ length: 2 * l + 1 }, (_, index) => {
    const u = index - l
    const wave = m % 2 === 0 ? (x: number) => Math.cos(x) : (x: number) => -Math.sin(x)
    return values.reduce((sum, value, k) => sum + value * wave(u * angles[k]), 0) / n
  })
}

/**
 * Projection on the harmonics: the integral over the sphere of h Y_lm sin(beta), where only v = m survives the integral over
 * alpha and, of the coefficients at u, the part that shares the parity of Lambda_lm.
 */
function fromCoefficients({ irreps }: Sector, { fiber, start }: Stack, degree: number, orders: number): LinearMap {
  const map = emptyMap(fiber, 2 * (orders + 1) * (2 * degree + 1))
  for (const ir of irreps) {
    const row = start.get(ir.toString())! + ir.l
    for (let m = 0; m <= Math.min(ir.l, orders); m++) {
      for (const [index, value] of colatitudeIntegrals(ir.l, m, degree).entries()) {
        if (Math.abs(value) < ZERO) continue
        const u = index - degree
        const real = coefficientRow(degree, u, m, 0)
        const imaginary = real + 1
        if (m === 0) {
          addEntry(map, row, real, 2 * Math.PI * value)
          continue
        }
        const scale = 2 * Math.SQRT2 * Math.PI * value
        // Z = sum of F(u, m) I(u), I real for even m and i * value for odd m; cosines take Re Z, sines -Im Z
        if (m % 2 === 0) {
          addEntry(map, row + m, real, scale)
          addEntry(map, row - m, imaginary, -scale)
        } else {
          addEntry(map, row + m, imaginary, -scale)
          addEntry(map, row - m, real, -scale)
        }
      }
    }
  }
  return map
}

/** For u = -degree..degree the integral over 0..pi of Lambda_lm(cos b) sin(b) {cos(u b) for even m, sin(u b) for odd m}. */
function colatitudeIntegrals(l: number, m: number, degree: number): number[] {
  const { nodes, weights } = gaussLegendre(Math.ceil((l + degree) / 2) + 1)
  const values = Array.from(nodes, (x) => legendre(l, x)[(l * (l + 1)) / 2 + m])
  const wave = m % 2 === 0 ? Math.cos : Math.sin
  return Array.from({ length: 2 * degree + 1 }, (_, index) => {
    const u = index - degree
    return values.reduce((sum, value, r) => sum + weights[r] * value * wave(u * Math.acos(nodes[r])), 0)
  })
}
