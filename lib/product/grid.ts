import type { Irrep, Irreps } from '../o3/irreps.js'
import { legendre } from '../o3/legendre.js'
import { gaussLegendre } from '../o3/quadrature.js'
import { expected } from '../runtime/errors.js'
import { dimensions } from './coupling.js'
import type { Path } from './path.js'
import type { GridBand, GridForm, Plan, Triple } from './plan.js'
import { channelwiseSides, cutInSectors, naturality, type Sector } from './sector.js'

/** A product grid of the sphere: `resBeta` Gauss-Legendre rings of `resAlpha` equally spaced meridians. */
export interface GridSize {
  resBeta: number
  resAlpha: number
}

/**
 * The smallest grid on which the product is exact: the integrand has degree S = l1 + l2 + l3 at most, Gauss-Legendre of n rings
 * is exact to degree 2n - 1 and n equally spaced meridians to order n - 1.
 */
export function smallestGrid(irreps: Triple<Irreps>): GridSize {
  const degree = irreps.reduce((sum, operand) => sum + Math.max(0, operand.lmax), 0)
  return { resBeta: Math.floor(degree / 2) + 1, resAlpha: degree + 1 }
}

/** The asked grid, or the smallest; refuses one that would alias. */
export function chooseGrid(irreps: Triple<Irreps>, asked: Partial<GridSize> | undefined): GridSize {
  const least = smallestGrid(irreps)
  const size = { ...least }
  for (const name of ['resBeta', 'resAlpha'] as const) {
    const value: unknown = asked?.[name]
    if (value === undefined) continue
    if (!Number.isInteger(value) || (value as number) < least[name] || (value as number) > 1024) {
      throw expected(`an integer from ${least[name]} (fewer would alias) to 1024`, `grid.${name}`, value)
    }
    size[name] = value as number
  }
  return size
}

/**
 * The pointwise product of two functions on the sphere, projected on harmonics: the integral of f g Y over a grid.
 *
 * A function is even plus odd about the equator (l - m even or odd) and cosines plus sines in azimuth, so the values of the
 * four parts on a quarter of the grid hold it whole. Ring and point weights count the mirror images of a point.
 */
export function gridPlan(irreps: Triple<Irreps>, paths: readonly Path[], size: GridSize): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const { sectors, terms } = cutInSectors(irreps, paths, naturality)
  const lmax = Math.max(...sectors.flat().flatMap((sector) => sector.irreps.map((ir) => ir.l)))
  const rings = northernRings(size.resBeta, lmax)
  const meridians = halfCircle(size.resAlpha, lmax)
  const rows = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  const fibers: Triple<number> = [0, 0, 0]
  const bands = sectors.map((list, o) =>
    list.map((sector) => {
      const band = makeBand(sector, fibers[o], rings, rows[o])
      fibers[o] += sector.irreps.reduce((sum, ir) => sum + ir.dim, 0)
      return band
    }),
  ) as Triple<GridBand[]>
  const form: GridForm = {
    kind: 'grid',
    rings: rings.weights.length,
    points: meridians.weights.length,
    order: lmax,
    ringWeights: rings.weights,
    pointWeights: meridians.weights,
    cosines: meridians.cosines,
    sines: meridians.sines,
    sectors: bands,
    terms,
  }
  const lanes = channelwiseSides(irreps, paths, fibers, (o, ir, m) => rows[o].get(rowKey(ir, m))!)
  return { dims: dimensions(irreps), groups: [{ ...lanes, form }] }
}

const rowKey = (ir: Irrep, m: number) => `${ir.toString()},${m}`

interface Rings {
  weights: Float64Array
  /** legendre(lmax, cos beta) of each ring. */
  legendre: Float64Array[]
}

/** The rings of the northern half, from the pole; the equator, where there is such a ring, comes last: kernels look for it there. */
function northernRings(resBeta: number, lmax: number): Rings {
  const { nodes, weights } = gaussLegendre(resBeta)
  const north = [...nodes.keys()].filter((r) => nodes[r] > -1e-12).reverse()
  return {
    weights: Float64Array.from(north, (r) => (Math.abs(nodes[r]) < 1e-12 ? 1 : 2) * weights[r]),
    legendre: north.map((r) => legendre(lmax, Math.abs(nodes[r]) < 1e-12 ? 0 : nodes[r])),
  }
}

/** The meridians 0 <= alpha <= pi of a full circle of equally spaced ones. */
function halfCircle(resAlpha: number, lmax: number) {
  const points = Math.floor(resAlpha / 2) + 1
  const weights = new Float64Array(points).fill((2 * 2 * Math.PI) / resAlpha)
  weights[0] /= 2
  if (resAlpha % 2 === 0) weights[points - 1] /= 2
  const table = (f: (x: number) => number) =>
    Float64Array.from({ length: (lmax + 1) * points }, (_, i) => {
      // The angle of m * j steps, reduced to one turn in integers.
      return f((2 * Math.PI * ((Math.floor(i / points) * (i % points)) % resAlpha)) / resAlpha)
    })
  return { weights, cosines: table(Math.cos), sines: table(Math.sin) }
}

/** Lays out one sector on the fiber from row `first`, noting in `rows` where each component went. */
function makeBand({ irreps }: Sector, first: number, rings: Rings, rows: Map<string, number>): GridBand {
  const band: GridBand = { first, order: Math.max(...irreps.map((ir) => ir.l)), counts: [], legendre: [] }
  let row = first
  for (let m = 0; m <= band.order; m++) {
    for (const parity of [0, 1]) {
      const here = irreps.filter((ir) => ir.l >= m && (ir.l - m) % 2 === parity)
      band.counts.push(here.length)
      for (const sign of m === 0 ? [1] : [1, -1]) for (const ir of here) rows.set(rowKey(ir, sign * m), row++)
      for (const { l } of here) {
        for (const values of rings.legendre)
          band.legendre.push((m === 0 ? 1 : Math.SQRT2) * values[(l * (l + 1)) / 2 + m])
      }
    }
  }
  return band
}
