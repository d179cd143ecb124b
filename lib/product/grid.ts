import type { Irrep, Irreps } from '../o3/irreps.js'
import { legendre, legendreSlopes } from '../o3/legendre.js'
import { gaussLegendre } from '../o3/quadrature.js'
import { expected } from '../runtime/errors.js'
import { dimensions } from './coupling.js'
import type { Path } from './path.js'
import type { GridBand, GridForm, GridKind, Plan, Term, Triple } from './plan.js'
import { channelwiseSides, cutInSectors, naturality, type Sector } from './sector.js'

/** A product grid of the sphere: `resBeta` Gauss-Legendre rings of `resAlpha` equally spaced meridians. */
export interface GridSize {
  resBeta: number
  resAlpha: number
}

/** How the operands are cut in sectors, and what is multiplied with what. */
interface Cut {
  sectors: Triple<Sector[]>
  terms: Term[]
  kinds: GridKind[]
}

/**
 * Paths with an even sum of degrees are those of the product of two functions and paths with an odd sum those of their bracket,
 * whatever is added up in one signal: integrals over the sphere see to that. Parity has to be kept apart, by sectors of equal
 * parity p or of equal naturality p (-1)^l. The cut that takes fewer multiplications is chosen; a bracket takes two.
 */
function chooseCut(irreps: Triple<Irreps>, paths: readonly Path[]): Cut {
  const cuts = [naturality, (ir: Irrep) => ir.p].map((sign): Cut => {
    const { sectors, termOf } = cutInSectors(irreps, paths, sign)
    const terms = new Map<string, { term: Term; kind: GridKind }>()
    for (const path of paths) {
      const term = termOf(path)
      const kind = (path.l1 + path.l2 + path.l3) % 2 === 0 ? 'product' : 'bracket'
      terms.set(`${kind} ${term.join()}`, { term, kind })
    }
    const list = [...terms.values()]
    return { sectors, terms: list.map(({ term }) => term), kinds: list.map(({ kind }) => kind) }
  })
  const multiplications = ({ kinds }: Cut) => kinds.reduce((sum, kind) => sum + (kind === 'product' ? 1 : 2), 0)
  return multiplications(cuts[1]) < multiplications(cuts[0]) ? cuts[1] : cuts[0]
}

const largestDegree = (sector: Sector): number => Math.max(...sector.irreps.map((ir) => ir.l))

/**
 * The smallest grid on which the product is exact. The integrand f g h of a product has degree S = l1 + l2 + l3 at most. That of a
 * bracket, {f, g} h, has degree S - 1, since {f, g} is a function of degree l1 + l2 - 1, although f_beta g_alpha / sin beta is
 * none by itself: values at a point are subtracted before they are added up over points. Gauss-Legendre quadrature of n rings
 * is exact to degree 2n - 1 and n equally spaced meridians are to order n - 1.
 */
function smallestGrid({ sectors, terms, kinds }: Cut): GridSize {
  const degrees = terms.map((term, t) => {
    const sum = term.reduce((total, sector, o) => total + largestDegree(sectors[o][sector]), 0)
    return kinds[t] === 'product' ? sum : sum - 1
  })
  const degree = Math.max(0, ...degrees)
  return { resBeta: Math.floor(degree / 2) + 1, resAlpha: degree + 1 }
}

/** The asked grid, or the smallest with an even number of meridians; refuses one that would alias. */
export function chooseGrid(
  irreps: Triple<Irreps>,
  paths: readonly Path[],
  asked: Partial<GridSize> | undefined,
): GridSize {
  const least = smallestGrid(chooseCut(irreps, paths))
  // An even number of meridians has no more points to compute on than the odd one before it, and is symmetric about pi / 2.
  const size = { ...least, resAlpha: 2 * Math.ceil(least.resAlpha / 2) }
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
 * The pointwise product of two functions on the sphere and their bracket r . (grad f x grad g), projected on harmonics: the
 * integrals of f g Y and {f, g} Y over a grid, for paths with an even and with an odd sum of degrees.
 *
 * A function is even plus odd about the equator (l - m even or odd) and cosines plus sines in azimuth, so the values of the
 * four parts on a quarter of the grid hold it whole. A derivative by beta exchanges even and odd, one by alpha cosines and sines.
 * Ring and point weights count the mirror images of a point.
 *
 * Integration by parts gives  integral {f, g} h = integral {g, h} f = integral {h, f} g.  So whatever operand is left out, the two
 * others are differentiated and their bracket is projected like any function.
 */
export function gridPlan(irreps: Triple<Irreps>, paths: readonly Path[], size: GridSize): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const { sectors, terms, kinds } = chooseCut(irreps, paths)
  const lmax = Math.max(...sectors.flat().map(largestDegree))
  const rings = northernRings(size.resBeta, lmax)
  const meridians = halfCircle(size.resAlpha, lmax)
  const rows = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  const fibers: Triple<number> = [0, 0, 0]
  const bands = sectors.map((list, o) =>
    list.map((sector, s) => {
      const bracketed = terms.some((term, t) => term[o] === s && kinds[t] === 'bracket')
      const band = makeBand(sector, fibers[o], rings, bracketed, rows[o])
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
    kinds,
  }
  const lanes = channelwiseSides(irreps, paths, fibers, (o, ir, m) => rows[o].get(rowKey(ir, m))!)
  return { dims: dimensions(irreps), groups: [{ ...lanes, form }] }
}

const rowKey = (ir: Irrep, m: number) => `${ir.toString()},${m}`

interface Rings {
  weights: Float64Array
  /** legendre(lmax, cos beta) of each ring. */
  legendre: Float64Array[]
  /** legendreSlopes(lmax, cos beta) / sin beta of each ring. */
  slopes: Float64Array[]
}

/** The rings of the northern half, from the pole; the equator, where there is such a ring, comes last: kernels look for it there. */
function northernRings(resBeta: number, lmax: number): Rings {
  const { nodes, weights } = gaussLegendre(resBeta)
  const north = [...nodes.keys()].filter((r) => nodes[r] > -1e-12).reverse()
  const heights = north.map((r) => (Math.abs(nodes[r]) < 1e-12 ? 0 : nodes[r]))
  return {
    weights: Float64Array.from(north, (r, n) => (heights[n] === 0 ? 1 : 2) * weights[r]),
    legendre: heights.map((y) => legendre(lmax, y)),
    slopes: heights.map((y) => legendreSlopes(lmax, y).map((slope) => slope / Math.sqrt((1 - y) * (1 + y)))),
  }
}

/** The meridians 0 < alpha <= pi of a full circle of equally spaced ones, of which the first is half a step from azimuth zero. */
function halfCircle(resAlpha: number, lmax: number) {
  const points = Math.ceil(resAlpha / 2)
  const weights = new Float64Array(points).fill((2 * 2 * Math.PI) / resAlpha)
  if (resAlpha % 2 === 1) weights[points - 1] /= 2
  const table = (f: (x: number) => number) =>
    Float64Array.from({ length: (lmax + 1) * points }, (_, i) => {
      // The angle of m (2 j + 1) half steps, reduced to one turn in integers.
      const halves = (Math.floor(i / points) * (2 * (i % points) + 1)) % (2 * resAlpha)
      return f((Math.PI * halves) / resAlpha)
    })
  return { weights, cosines: table(Math.cos), sines: table(Math.sin) }
}

/** Lays out one sector on the fiber from row `first`, noting in `rows` where each component went. */
function makeBand(
  { irreps }: Sector,
  first: number,
  rings: Rings,
  bracketed: boolean,
  rows: Map<string, number>,
): GridBand {
  const order = Math.max(...irreps.map((ir) => ir.l))
  const band: GridBand = { first, order, counts: [], legendre: [], slopes: [] }
  let row = first
  for (let m = 0; m <= order; m++) {
    const scale = m === 0 ? 1 : Math.SQRT2
    for (const parity of [0, 1]) {
      const here = irreps.filter((ir) => ir.l >= m && (ir.l - m) % 2 === parity)
      band.counts.push(here.length)
      for (const sign of m === 0 ? [1] : [1, -1]) for (const ir of here) rows.set(rowKey(ir, sign * m), row++)
      for (const { l } of here) {
        const at = (l * (l + 1)) / 2 + m
        for (const values of rings.legendre) band.legendre.push(scale * values[at])
        if (bracketed) for (const values of rings.slopes) band.slopes.push(scale * values[at])
      }
    }
  }
  return band
}
