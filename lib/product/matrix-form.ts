import type { Irrep, Irreps } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'
import { dimensions } from './coupling.js'
import { stack } from './fiber.js'
import type { Path } from './path.js'
import { addEntry, emptyMap, type LinearMap, type Plan, type Triple } from './plan.js'
import { channelwiseSides, cutInSectors, naturality } from './sector.js'

/**
 * Irreps as matrices: X = sum over l, m of x[l, m] T[l, m] with the size x size matrices
 *
 *     T[l, m][a, b] = sqrt(2l+1) wigner3j(j, j, l)[a, b, m],   size = 2j + 1,   l <= 2j,
 *
 * orthonormal under trace(A^T B). The product of two such matrices is projected back and scaled by sqrt(size / 4 pi), so that
 * coefficients do not depend on j for large j.
 *
 * The product X1 X2 of whole operands would mix parities. There are two ways to keep them apart, and the one that takes fewer
 * multiplications is chosen. With sectors by parity p, every pair of sectors takes one. With sectors by naturality s = p (-1)^l,
 * note that exchanging the factors multiplies a path by (-1)^(l1+l2+l3): X1 X2 + X2 X1 holds its even paths and X1 X2 - X2 X1 its
 * odd ones, twice each, and even paths are those with s3 = s1 s2; so every pair of sectors takes two for each parity wanted.
 */
export function matrixPlan(irreps: Triple<Irreps>, paths: readonly Path[], j: number): Plan {
  if (paths.length === 0) return { dims: dimensions(irreps), groups: [] }
  const byParity = cutInSectors(irreps, paths, (ir) => ir.p)
  const byNaturality = cutInSectors(irreps, paths, naturality)
  const plain = byParity.terms.length <= 2 * byNaturality.terms.length
  const { sectors, terms } = plain ? byParity : byNaturality
  const stacks = sectors.map((list) => stack(list.flatMap((sector) => sector.irreps)))
  const size = 2 * j + 1
  const maps = sectors.map((list, o) =>
    list.map(({ irreps: members }) => {
      // The scale of the product rides on the first operand; the form halves what it is given.
      return matrixMap(members, stacks[o], j, o === 0 ? (plain ? 2 : 1) * Math.sqrt(size / (4 * Math.PI)) : 1)
    }),
  ) as Triple<LinearMap[]>
  const rowOf = (o: number, ir: Irrep, m: number) => stacks[o].start.get(ir.toString())! + ir.l + m
  const fibers = stacks.map(({ fiber }) => fiber) as Triple<number>
  const signs = terms.map((term) => {
    if (plain) return 0
    const [s1, s2, s3] = term.map((sector, o) => sectors[o][sector].sign)
    return s3 === s1 * s2 ? 1 : -1
  })
  const lanes = channelwiseSides(irreps, paths, fibers, rowOf)
  return { dims: dimensions(irreps), groups: [{ ...lanes, form: { kind: 'matrix', size, maps, terms, signs } }] }
}

function matrixMap(irreps: Irrep[], { fiber, start }: ReturnType<typeof stack>, j: number, scale: number): LinearMap {
  const size = 2 * j + 1
  const map = emptyMap(size * size, fiber)
  for (const ir of irreps) {
    const first = start.get(ir.toString())!
    for (const [at, value] of sharedWigner3j(j, j, ir.l).entries()) {
      if (value === 0) continue
      addEntry(map, Math.floor(at / ir.dim), first + (at % ir.dim), scale * Math.sqrt(ir.dim) * value)
    }
  }
  return map
}
