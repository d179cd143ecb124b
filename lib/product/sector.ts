import { Irrep, type Irreps } from '../o3/irreps.js'
import { channelwise, distinctIrreps, makeSide, usedBlocks } from './fiber.js'
import type { Path } from './path.js'
import type { Group, Side, Term, Triple } from './plan.js'

/**
 * The transforming forms (grid, Fourier, matrix) add all irreps of an operand into one signal, which would mix parities. So an
 * operand is cut in two sectors by a sign that multiplies along every path, and sectors are multiplied one by one.
 */
export interface Sector {
  sign: 1 | -1
  irreps: Irrep[]
}

/** The sectors of each operand that paths use, the products of sectors that paths ask for, and which one a path is part of. */
export function cutInSectors(
  irreps: Triple<Irreps>,
  paths: readonly Path[],
  sign: (ir: Irrep) => 1 | -1,
): { sectors: Triple<Sector[]>; terms: Term[]; termOf: (path: Path) => Term } {
  const used = usedBlocks(paths)
  const sectors = irreps.map((operand, o) => {
    const all = distinctIrreps(operand, used[o])
    const both = ([1, -1] as const).map((s): Sector => ({ sign: s, irreps: all.filter((ir) => sign(ir) === s) }))
    return both.filter((sector) => sector.irreps.length > 0)
  }) as Triple<Sector[]>
  const termOf = (path: Path): Term => {
    const signs = [sign(irreps[0].at(path.in1).ir), sign(irreps[1].at(path.in2).ir), sign(irreps[2].at(path.out).ir)]
    return signs.map((s, o) => sectors[o].findIndex((sector) => sector.sign === s)) as Term
  }
  const terms = new Map(paths.map(termOf).map((term) => [term.join(), term]))
  return { sectors, terms: [...terms.values()], termOf }
}

/** The sides of a channelwise group whose component m of irrep ir lies on fiber row rowOf(operand, ir, m). */
export function channelwiseSides(
  irreps: Triple<Irreps>,
  paths: readonly Path[],
  fibers: Triple<number>,
  rowOf: (operand: number, ir: Irrep, m: number) => number,
): Pick<Group, 'channels' | 'sides'> {
  const used = usedBlocks(paths)
  const channels = channelwise(irreps[2])
  const sides = irreps.map((operand, o): Side => {
    return makeSide(operand, used[o], fibers[o], (b, m) => rowOf(o, operand.at(b).ir, m), channels)
  }) as Triple<Side>
  return { channels: channels.modulo, sides }
}

/** +1 for the irreps of functions on the sphere, p = (-1)^l, and -1 for their pseudo counterparts. */
export function naturality(ir: Irrep): 1 | -1 {
  return ir.p === (ir.l % 2 === 0 ? 1 : -1) ? 1 : -1
}
