import type { Irrep } from '../o3/irreps.js'
import { type CouplingPath, CouplingTree, entriesOf } from './symmetric-basis.js'

/** One term of a polynomial in the components of x: value * x[i1] * x[i2] * ..., i1 <= i2 <= ... */
export interface Monomial {
  indices: readonly number[]
  value: number
}

/** An equivariant polynomial of x: the terms of each component. */
export type Polynomial = readonly (readonly Monomial[])[]

/**
 * All couplings of `degree` equal factors to an irrep. Exchanging factors makes most of the paths equal, or zero; so what they
 * compute is written in linearly independent ones,
 *
 *     path[k] = sum over r of  mixing[k, r] * polynomials[r]
 */
export interface SymmetricPaths {
  degree: number
  /** How many paths, that is weights, there are. */
  paths: number
  polynomials: readonly Polynomial[]
  mixing: readonly { path: number; polynomial: number; value: number }[]
}

/** What is left of a path once others are taken off, against its own size, where it depends on them: rounding alone. */
const DEPENDENT = 1e-9

const cache = new Map<string, SymmetricPaths[]>()
const CACHED = 64

/** The paths of degree 1..correlation from one copy of each of `irreps` to each irrep of `outs`: [out][degree - 1]. Cached. */
export function symmetricPaths(
  irreps: readonly Irrep[],
  outs: readonly Irrep[],
  correlation: number,
): SymmetricPaths[][] {
  const tree = new CouplingTree(irreps)
  return outs.map((ir) => {
    const key = `${irreps.join()} ${ir.toString()} ${correlation}`
    let known = cache.get(key)
    if (known === undefined) {
      known = Array.from({ length: correlation }, (_, n) => reduce(tree.paths(ir, n + 1), irreps, n + 1))
      if (cache.size >= CACHED) cache.delete(cache.keys().next().value!)
      cache.set(key, known)
    }
    return known
  })
}

function reduce(paths: readonly CouplingPath[], irreps: readonly Irrep[], degree: number): SymmetricPaths {
  // Paths whose factors are other irreps have no monomial in common.
  const families = new Map<string, number[]>()
  paths.forEach(({ factors }, k) => {
    const key = [...factors].sort((a, b) => a - b).join()
    families.set(key, [...(families.get(key) ?? []), k])
  })
  const polynomials: Polynomial[] = []
  const mixing: SymmetricPaths['mixing'][number][] = []
  for (const members of families.values()) {
    const symmetric = members.map((k) => symmetrize(paths[k], irreps))
    const { chosen, coordinates } = chooseIndependent(symmetric.map(flatten))
    coordinates.forEach((row, n) => {
      row.forEach((value, r) => {
        if (value !== 0) mixing.push({ path: members[n], polynomial: polynomials.length + r, value })
      })
    })
    polynomials.push(...chosen.map((n) => symmetric[n]))
  }
  return { degree, paths: paths.length, polynomials, mixing }
}

/** A path with all factors equal: terms of the same monomial are added, and those that cancel dropped. */
function symmetrize(path: CouplingPath, irreps: readonly Irrep[]): Polynomial {
  const components = Array.from({ length: path.ir.dim }, () => new Map<string, { indices: number[]; value: number }>())
  for (const { m, indices, value } of entriesOf(path, irreps)) {
    indices.sort((a, b) => a - b)
    const key = indices.join()
    const known = components[m].get(key)
    if (known) known.value += value
    else components[m].set(key, { indices, value })
  }
  // The entries of a path are at most 1, and their sums are exact to a few units in the last place.
  return components.map((terms) => [...terms.values()].filter(({ value }) => Math.abs(value) > 1e-13))
}

type Vector = ReadonlyMap<string, number>

function flatten(polynomial: Polynomial): Vector {
  return new Map(polynomial.flatMap((terms, m) => terms.map(({ indices, value }) => [`${m}:${indices.join()}`, value])))
}

function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (const [key, value] of a) sum += value * (b.get(key) ?? 0)
  return sum
}

/**
 * A basis among the vectors, each next one that which is farthest from the span of those before, and the coordinates of every
 * vector in it: by Cholesky factorization with pivoting of their Gram matrix.
 */
function chooseIndependent(vectors: readonly Vector[]): { chosen: number[]; coordinates: number[][] } {
  const gram = vectors.map((a) => vectors.map((b) => dot(a, b)))
  const left = gram.map((row, n) => row[n])
  const chosen: number[] = []
  /** lower[r][n]: vector n along the r-th direction. */
  const lower: number[][] = []
  const most = Math.max(...left)
  for (;;) {
    const pivot = left.reduce((best, value, n) => (value > left[best] ? n : best), 0)
    if (!(left[pivot] > DEPENDENT * most) || chosen.length === vectors.length) break
    const scale = Math.sqrt(left[pivot])
    const direction = vectors.map((_, n) => {
      return lower.reduce((rest, row) => rest - row[pivot] * row[n], gram[pivot][n]) / scale
    })
    direction.forEach((value, n) => (left[n] = chosen.includes(n) ? 0 : left[n] - value * value))
    left[pivot] = 0
    chosen.push(pivot)
    lower.push(direction)
  }
  const coordinates = vectors.map((_, n) => {
    const at = chosen.indexOf(n)
    if (at >= 0) return chosen.map((_, r) => (r === at ? 1 : 0))
    const row = new Array<number>(chosen.length).fill(0)
    for (let r = chosen.length - 1; r >= 0; r--) {
      const known = row.reduce((sum, value, q) => (q > r ? sum + lower[r][chosen[q]] * value : sum), 0)
      row[r] = (lower[r][n] - known) / lower[r][chosen[r]]
      if (Math.abs(row[r]) < 1e-13) row[r] = 0
    }
    return row
  })
  return { chosen, coordinates }
}
