import type { Irreps } from '../o3/irreps.js'
import { Random } from '../o3/random.js'
import { rotate } from '../o3/representation.js'
import { randomRotation } from '../o3/rotation.js'
import type { Path, Product } from '../product/index.js'
import { allocate, free, type DeviceOption } from '../runtime/index.js'
import type { Structure } from '../structures/index.js'
import { density, densityIrreps, type DensityOptions } from './density.js'
import type { Method, MethodName } from './methods.js'
import { time, type Timing } from './timing.js'

/** What every product is given. */
export interface Comparison {
  options: DensityOptions
  device: DeviceOption
  seed: number
  atoms: number
  pairs: number
  /** [atoms, dim] of the densities. */
  densities: Float32Array
  /** For the equivariance error: densities of the first structures as they are, and turned by each matrix. */
  probe: Float32Array
  turned: { matrix: Float64Array; densities: Float32Array }[]
}

/** What came of one product. */
export interface Result {
  method: MethodName
  secondsPerAtom: Timing
  equivarianceError: number
  /** Couplings l1 x l2 -> l3, however many blocks they have. */
  coupled: number
  lost: string[]
  outputDimension: number
}

/** Atoms on which equivariance is tested, about. */
const PROBE_ATOMS = 64
/** The output is made in pieces of about so many bytes. */
const PIECE_BYTES = 2 ** 26

/** Densities of all structures, and of a few of them turned. */
export function prepare(
  structures: readonly Structure[],
  { lmax, channels, cutoff }: DensityOptions,
  device: DeviceOption,
  seed: number,
): Comparison {
  const options = { lmax, channels, cutoff }
  const all = densitiesOf(structures, options)
  const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0)
  let probeAtoms = 0
  const few = structures.filter(({ numbers }) => {
    const take = probeAtoms < PROBE_ATOMS
    if (take) probeAtoms += numbers.length
    return take
  })
  const random = new Random(seed)
  const rotation = randomRotation(random)
  const inversion = randomRotation(random).map((value) => -value)
  const turned = [rotation, inversion].map((matrix) => ({
    matrix,
    densities: densitiesOf(
      few.map((structure) => turn(structure, matrix)),
      options,
    ).values,
  }))
  const probe = all.values.subarray(0, probeAtoms * densityIrreps(options).dim)
  return { options, device, seed, atoms, pairs: all.pairs, densities: all.values, probe, turned }
}

function densitiesOf(
  structures: readonly Structure[],
  options: DensityOptions,
): { values: Float32Array; pairs: number } {
  const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0)
  const values = allocate(atoms * densityIrreps(options).dim)
  let at = 0
  let pairs = 0
  for (const structure of structures) {
    const one = density(structure, options)
    values.set(one.values, at)
    at += one.values.length
    pairs += one.pairs
  }
  return { values, pairs }
}

/** The structure under an orthogonal matrix: positions and cell vectors. */
function turn(structure: Structure, matrix: Float64Array): Structure {
  const apply = (vectors: Float64Array): Float64Array =>
    vectors.map((_, i) => {
      const [start, row] = [i - (i % 3), i % 3]
      return [0, 1, 2].reduce((sum, column) => sum + matrix[3 * row + column] * vectors[start + column], 0)
    })
  return { ...structure, positions: apply(structure.positions), cell: structure.cell && apply(structure.cell) }
}

/** Squares the densities by one product: times it, turns it, and lists what it couples. */
export function runProduct(method: Method, comparison: Comparison): Result {
  const irreps = densityIrreps(comparison.options)
  const product = method.create(irreps, irreps, 'all', comparison.device)
  try {
    const has = new Set(product.paths.map(describePath))
    const lost = couplings(irreps).filter((coupling) => !has.has(coupling))
    return {
      method: method.name,
      secondsPerAtom: timePerAtom(product, comparison),
      equivarianceError: equivarianceError(product, comparison),
      coupled: has.size,
      lost,
      outputDimension: product.irrepsOut.dim,
    }
  } finally {
    product.dispose()
  }
}

function timePerAtom(product: Product, { atoms, densities }: Comparison): Timing {
  const [dimIn, dimOut] = [product.irrepsIn1.dim, product.irrepsOut.dim]
  const piece = Math.min(atoms, Math.max(1, Math.floor(PIECE_BYTES / (4 * dimOut))))
  const out = allocate(piece * dimOut)
  const seconds = time(
    () => {
      for (let first = 0; first < atoms; first += piece) {
        const count = Math.min(piece, atoms - first)
        const x = densities.subarray(first * dimIn, (first + count) * dimIn)
        product.forward(x, x, { out: out.subarray(0, count * dimOut) })
      }
    },
    { budget: 0.25, least: 5 },
  )
  free(out)
  const scale = (value: number): number => value / atoms
  return { ...seconds, median: scale(seconds.median), p10: scale(seconds.p10), p90: scale(seconds.p90) }
}

/** The largest || P(D x) - D P(x) || / || P(x) || of the turns, where D x is the density of the turned structures. */
function equivarianceError(product: Product, { probe, turned }: Comparison): number {
  const straight = product.forward(probe, probe)
  const errors = turned.map(({ matrix, densities }) => {
    const expected = rotate(product.irrepsOut, matrix, straight)
    const found = product.forward(densities, densities)
    return relativeError(found, expected)
  })
  return Math.max(...errors)
}

/** || a - b || / || b ||; NaN where a is not finite. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2
    norm += b[i] ** 2
  }
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm)
}

/** Every coupling of the irreps with themselves that triangle and parity rule allow. */
export function couplings(irreps: Irreps): string[] {
  const all: string[] = []
  for (const { ir: a } of irreps) {
    for (const { ir: b } of irreps) {
      for (const c of a.product(b)) all.push(describePath({ l1: a.l, p1: a.p, l2: b.l, p2: b.p, l3: c.l, p3: c.p }))
    }
  }
  return all
}

function describePath({ l1, p1, l2, p2, l3, p3 }: Pick<Path, 'l1' | 'p1' | 'l2' | 'p2' | 'l3' | 'p3'>): string {
  const name = (l: number, p: number): string => `${l}${p === 1 ? 'e' : 'o'}`
  return `${name(l1, p1)} x ${name(l2, p2)} -> ${name(l3, p3)}`
}
