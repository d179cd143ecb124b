import { Irrep } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'

/**
 * One way to couple factors to an irrep: ((x[f1] x x[f2])_l x x[f3])_l' ... from left to right. Its numbers are those of
 *
 *     U[m, i1, ..., in],   out[m] = sum over i1..in of  U[m, i1, ..., in] x[f1][i1] ... x[fn][in]
 */
export interface CouplingPath {
  ir: Irrep
  /** The irrep of the list that each factor is. */
  factors: readonly number[]
  /** Row-major [ir.dim, dim of every factor]. */
  tensor: Float64Array
}

/**
 * The couplings of several factors, each of which is any irrep of one list, to an irrep: MACE's U, in its order and with its
 * normalization. Every step multiplies by sqrt(2l+1) wigner3j(l, l left, l right); paths are sorted by their irrep, stably, after
 * every step. Four factors go through irreps of natural parity, (-1)^l, alone.
 *
 * Source: Batatia et al., NeurIPS 2022 (arXiv 2206.07697), eq. 10, and the layout of that program's parameters.
 */
export class CouplingTree {
  readonly #levels = new Map<string, readonly CouplingPath[]>()

  constructor(readonly irreps: readonly Irrep[]) {}

  /**
   * Every path from `degree` factors to `ir`. The tensors are shared: nobody may write to them.
   *
   * @example
   * new CouplingTree([Irrep.parse('0e'), Irrep.parse('1o')]).paths(Irrep.parse('0e'), 2).length // 2: 0e x 0e and 1o x 1o
   */
  paths(ir: Irrep, degree: number): readonly CouplingPath[] {
    if (degree === 1) return this.#single().filter((path) => path.ir.equals(ir))
    const natural = degree === 4
    if (natural && !isNatural(ir)) return []
    return this.#extend(this.#level(degree - 1, natural), (out) => out.equals(ir))
  }

  #level(degree: number, natural: boolean): readonly CouplingPath[] {
    const key = `${degree},${natural}`
    let level = this.#levels.get(key)
    if (level === undefined) {
      const keep = (ir: Irrep): boolean => !natural || isNatural(ir)
      level = degree === 1 ? this.#single() : this.#extend(this.#level(degree - 1, natural), keep)
      level = [...level].sort((a, b) => a.ir.compare(b.ir))
      this.#levels.set(key, level)
    }
    return level
  }

  #single(): CouplingPath[] {
    return this.irreps.map((ir, n) => {
      const tensor = new Float64Array(ir.dim ** 2)
      for (let m = 0; m < ir.dim; m++) tensor[m * ir.dim + m] = 1
      return { ir, factors: [n], tensor }
    })
  }

  /** Every path of `level` with one more factor. */
  #extend(level: readonly CouplingPath[], keep: (ir: Irrep) => boolean): CouplingPath[] {
    return level.flatMap((left) =>
      this.irreps.flatMap((right, n) => {
        const outs = left.ir.product(right).filter(keep)
        return outs.map((ir) => ({ ir, factors: [...left.factors, n], tensor: couple(left, right, ir) }))
      }),
    )
  }
}

function isNatural({ l, p }: Irrep): boolean {
  return p === (l % 2 === 0 ? 1 : -1)
}

/** out[m, I, j] = sqrt(2l+1) sum over k of  w[m, k, j] left[k, I],  I the indices of all factors on the left. */
function couple({ ir: leftIr, tensor }: CouplingPath, right: Irrep, ir: Irrep): Float64Array {
  const w = sharedWigner3j(ir.l, leftIr.l, right.l)
  const count = tensor.length / leftIr.dim
  const out = new Float64Array(ir.dim * count * right.dim)
  for (let m = 0; m < ir.dim; m++) {
    for (let k = 0; k < leftIr.dim; k++) {
      for (let j = 0; j < right.dim; j++) {
        const coefficient = Math.sqrt(ir.dim) * w[(m * leftIr.dim + k) * right.dim + j]
        if (coefficient === 0) continue
        for (let I = 0; I < count; I++) {
          out[(m * count + I) * right.dim + j] += coefficient * tensor[k * count + I]
        }
      }
    }
  }
  return out
}

/**
 * MACE's tensor U of `degree` factors x, x any irreps one after another: out[m] = sum over k, i of weight[k] U[m, i1, ..., k] x[i1]...
 *
 * @returns row-major [ir.dim, dim, ..., dim, paths] with dim = sum of 2l+1 over `irreps`
 * @example
 * symmetricBasis([Irrep.parse('1o')], Irrep.parse('0e'), 2).tensor // [0.577, 0, 0,  0, 0.577, 0,  0, 0, 0.577]
 */
export function symmetricBasis(
  irreps: readonly Irrep[],
  ir: Irrep,
  degree: number,
): { tensor: Float64Array; paths: number } {
  const list = new CouplingTree(irreps).paths(ir, degree)
  const dim = irreps.reduce((sum, { dim }) => sum + dim, 0)
  const tensor = new Float64Array(ir.dim * dim ** degree * list.length)
  list.forEach((path, k) => {
    for (const { m, indices, value } of entriesOf(path, irreps)) {
      tensor[indices.reduce((at, i) => at * dim + i, m) * list.length + k] = value
    }
  })
  return { tensor, paths: list.length }
}

/** The non-zero numbers of a path, with indices among the components of all irreps. */
export function* entriesOf(
  { factors, tensor }: CouplingPath,
  irreps: readonly Irrep[],
): Generator<{ m: number; indices: number[]; value: number }> {
  const starts = irreps.map((_, n) => irreps.slice(0, n).reduce((sum, { dim }) => sum + dim, 0))
  for (const [at, value] of tensor.entries()) {
    if (value === 0) continue
    const indices: number[] = []
    let rest = at
    for (const n of factors.toReversed()) {
      indices.unshift(starts[n] + (rest % irreps[n].dim))
      rest = Math.floor(rest / irreps[n].dim)
    }
    yield { m: rest, indices, value }
  }
}
