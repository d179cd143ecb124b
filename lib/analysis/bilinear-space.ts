import { Irreps, type IrrepsLike, type MulIr } from '../o3/irreps.js'
import { mayCouple, toIrreps } from '../product/path.js'

/** All equivariant bilinear maps of two sets of irreps into a third. */
export interface BilinearSpace {
  /** Its dimension: the parameters of a fully connected Clebsch-Gordan product. */
  mapSpace: number
  /** How many (irrep of in1, irrep of in2, irrep of out) triangle and parity allow, whatever their multiplicities. */
  triples: number
  /** Sum of 2 l3 + 1 over those: the numbers that come out where every coupling is kept apart. */
  outputDimension: number
}

/** Irreps of in1, in2 and out, with the channels that each has there in all of its blocks. */
export type Triple = readonly [in1: MulIr, in2: MulIr, out: MulIr]

/**
 * The space of equivariant bilinear maps in1 x in2 -> out. By Schur's lemma each is, uniquely,
 *
 *     out[c, k] = sum over irreps, a, b, i, j of  M[a, b, c] * wigner3j(l1, l2, l3)[i, j, k] * x1[a, i] * x2[b, j]
 *
 * with one number M for every channel a of l1 p1, b of l2 p2 and c of l3 p3 where |l1-l2| <= l3 <= l1+l2 and p3 = p1 p2.
 *
 * @throws GauntletError ERR_IRREPS
 * @example
 * bilinearSpace('2x1o', '1o', '0e+1e+2e') // { mapSpace: 6, triples: 3, outputDimension: 9 }
 */
export function bilinearSpace(in1: IrrepsLike, in2: IrrepsLike, out: IrrepsLike): BilinearSpace {
  const triples = allowedTriples(toIrreps('in1', in1), toIrreps('in2', in2), toIrreps('out', out))
  return {
    mapSpace: triples.reduce((sum, triple) => sum + countMaps(triple), 0),
    triples: triples.length,
    outputDimension: triples.reduce((sum, [, , { ir }]) => sum + ir.dim, 0),
  }
}

/** Every triple of irreps that triangle and parity allow, in e3nn's order. */
export function allowedTriples(in1: Irreps, in2: Irreps, out: Irreps): Triple[] {
  return allTriples(in1, in2, out).filter(([a, b, c]) => mayCouple(a.ir, b.ir, c.ir))
}

/** Every triple of irreps, allowed or not. */
export function allTriples(in1: Irreps, in2: Irreps, out: Irreps): Triple[] {
  const [first, second, third] = [in1, in2, out].map(isotypic)
  return first.flatMap((a) => second.flatMap((b) => third.map((c) => [a, b, c] as const)))
}

/** Each irrep once, with the channels that it has in all blocks together. */
export function isotypic(irreps: Irreps): MulIr[] {
  return [...irreps.sort().irreps.simplify()]
}

/** Dimension of the maps of one triple. */
export function countMaps([a, b, c]: Triple): number {
  return a.mul * b.mul * c.mul
}
