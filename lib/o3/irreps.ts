import { expected, GauntletError } from '../runtime/errors.js'
import { MAX_DEGREE, MAX_DIMENSION, parseSingle, parseTerms } from './notation.js'

/** `repeat` builds no longer list: beyond this a mistake is likelier than a wish. */
const MAX_BLOCKS = 2 ** 20

/** Parity under inversion: 1 is even ("e"), -1 is odd ("o"). */
export type Parity = 1 | -1

/** Anything that names one irrep. */
export type IrrepLike = Irrep | string

/** Anything that names a list of irreps: `"8x0e + 8x1o"`, one irrep, or a list of entries with or without multiplicity. */
export type IrrepsLike = Irreps | IrrepLike | Iterable<IrrepLike | MulIrLike>

/** An irrep with its multiplicity, as accepted: `{ mul: 8, ir: '1o' }` or `[8, '1o']`. */
export type MulIrLike = { readonly mul: number; readonly ir: IrrepLike } | readonly [mul: number, ir: IrrepLike]

/** One block of an `Irreps`: `mul` copies of the irrep `ir`, `dim = mul * ir.dim` numbers laid out as [mul, 2l+1]. */
export interface MulIr {
  readonly mul: number
  readonly ir: Irrep
  readonly dim: number
}

/**
 * An irreducible representation of O(3): degree l = 0, 1, ... and parity p, of dimension 2l+1.
 *
 * Immutable; compare with `equals` or by `toString`.
 *
 * @example
 * const vector = Irrep.parse('1o')   // l = 1, p = -1, dim = 3
 * vector.product('1o').join()        // '0e,1e,2e'
 */
export class Irrep {
  readonly l: number
  readonly p: Parity

  /** @throws GauntletError ERR_IRREPS where l is not an integer >= 0 or p is neither 1 nor -1 */
  constructor(l: number, p: Parity) {
    if (!Number.isInteger(l) || l < 0 || l > MAX_DEGREE) {
      throw expected(`an integer from 0 to ${MAX_DEGREE}`, 'degree l', l, 'ERR_IRREPS')
    }
    if (p !== 1 && p !== -1) throw expected('1 or -1', 'parity p', p, 'ERR_IRREPS')
    this.l = l
    this.p = p
    Object.freeze(this)
  }

  /**
   * Reads `"1o"`, `"2e"`, or `"3y"`, where y stands for the parity (-1)^l of spherical harmonics.
   *
   * @throws GauntletError ERR_IRREPS, pointing at the first character that does not fit
   */
  static parse(text: string): Irrep {
    if (typeof text !== 'string') throw expected('a string like "1o"', 'irrep', text, 'ERR_IRREPS')
    const { l, p } = parseSingle(text)
    return new Irrep(l, p)
  }

  /** The irrep that `value` names: itself, or a string to parse. */
  static from(value: IrrepLike): Irrep {
    return value instanceof Irrep ? value : Irrep.parse(value)
  }

  /** 2l+1. */
  get dim(): number {
    return 2 * this.l + 1
  }

  /** Selection rules: the irreps l = |l1-l2|, ..., l1+l2 of parity p1 p2 that make up the tensor product with `other`. */
  product(other: IrrepLike): Irrep[] {
    const { l, p } = Irrep.from(other)
    const lowest = Math.abs(this.l - l)
    const parity = this.p === p ? 1 : -1
    return Array.from({ length: this.l + l - lowest + 1 }, (_, i) => new Irrep(lowest + i, parity))
  }

  /** Whether degree and parity are the same. */
  equals(other: IrrepLike): boolean {
    const { l, p } = Irrep.from(other)
    return this.l === l && this.p === p
  }

  /** Negative, zero or positive: e3nn's order, by degree, then odd before even (0o 0e 1o 1e 2o 2e ...). */
  compare(other: IrrepLike): number {
    const { l, p } = Irrep.from(other)
    return this.l - l || this.p - p
  }

  /** `"1o"`. */
  toString(): string {
    return `${this.l}${this.p === 1 ? 'e' : 'o'}`
  }

  /** What JSON has of it: `'1o'`. */
  toJSON(): string {
    return this.toString()
  }
}

/**
 * A direct sum of irreps with multiplicities, `32x0e + 32x1o`: the meaning of one row of numbers, laid out mul_ir.
 *
 * Immutable and iterable; every method that changes something returns a new object. Accepts a string, an `Irrep`,
 * another `Irreps`, or a list of irreps, strings, `{ mul, ir }` and `[mul, ir]`; nothing or '' is the empty sum.
 * Throws GauntletError ERR_IRREPS for anything else, and where the dimension would exceed 2^31 - 1.
 *
 * @example
 * const irreps = new Irreps('2x0e + 1o')
 * irreps.dim        // 5
 * irreps.toString() // '2x0e+1x1o'
 * for (const { mul, ir } of irreps) console.log(mul, ir.l, ir.p)
 */
export class Irreps implements Iterable<MulIr> {
  readonly #blocks: readonly MulIr[]
  readonly #dim: number

  constructor(spec: IrrepsLike = '') {
    this.#blocks = Object.freeze(toBlocks(spec))
    this.#dim = this.#blocks.reduce((sum, { dim }) => sum + dim, 0)
    if (this.#dim > MAX_DIMENSION) {
      throw new GauntletError(
        'ERR_IRREPS',
        `Expected irreps of total dimension at most ${MAX_DIMENSION} but received one of ${this.#dim}`,
      )
    }
    Object.freeze(this)
  }

  /** `spec` itself where it is an `Irreps` already. */
  static from(spec: IrrepsLike): Irreps {
    return spec instanceof Irreps ? spec : new Irreps(spec)
  }

  /**
   * The irreps of the spherical harmonics of degree 0..lmax, one each, with parity p^l.
   *
   * @example
   * Irreps.sphericalHarmonics(3).toString()     // '1x0e+1x1o+1x2e+1x3o'
   * Irreps.sphericalHarmonics(2, 1).toString()  // '1x0e+1x1e+1x2e'
   */
  static sphericalHarmonics(lmax: number, p: Parity = -1): Irreps {
    if (!Number.isInteger(lmax) || lmax < 0 || lmax > MAX_DEGREE) {
      throw expected(`an integer from 0 to ${MAX_DEGREE}`, 'lmax', lmax)
    }
    return new Irreps(Array.from({ length: lmax + 1 }, (_, l) => new Irrep(l, l % 2 === 0 ? 1 : p)))
  }

  /** Total dimension, sum of mul (2l+1): the length of one row. */
  get dim(): number {
    return this.#dim
  }

  /** Total multiplicity, the sum of mul (e3nn's `num_irreps`). */
  get count(): number {
    return this.#blocks.reduce((sum, { mul }) => sum + mul, 0)
  }

  /** Number of blocks. */
  get length(): number {
    return this.#blocks.length
  }

  /** Highest degree of a block with mul > 0; -1 for the empty sum. */
  get lmax(): number {
    return this.#blocks.reduce((max, { mul, ir }) => (mul > 0 ? Math.max(max, ir.l) : max), -1)
  }

  [Symbol.iterator](): IterableIterator<MulIr> {
    return this.#blocks[Symbol.iterator]()
  }

  /**
   * The block at index i; negative i counts from the end.
   *
   * @throws GauntletError ERR_ARGUMENT outside the list
   */
  at(i: number): MulIr {
    const block = Number.isInteger(i) ? this.#blocks.at(i) : undefined
    if (block === undefined) {
      throw expected(
        `an integer from ${-this.length} to ${this.length - 1}`,
        `the index into irreps "${this.toString()}"`,
        i,
      )
    }
    return block
  }

  /** Total multiplicity of one irrep (e3nn's `count(ir)`). */
  multiplicity(irrep: IrrepLike): number {
    const wanted = Irrep.from(irrep)
    return this.#blocks.reduce((sum, { mul, ir }) => (ir.equals(wanted) ? sum + mul : sum), 0)
  }

  /** Whether one of the blocks, of any multiplicity, is this irrep. */
  has(irrep: IrrepLike): boolean {
    const wanted = Irrep.from(irrep)
    return this.#blocks.some(({ ir }) => ir.equals(wanted))
  }

  /** Where each block lies in a row: `'2x0e+1e'` gives [{ start: 0, end: 2 }, { start: 2, end: 5 }]. */
  slices(): { start: number; end: number }[] {
    let end = 0
    return this.#blocks.map(({ dim }) => ({ start: end, end: (end += dim) }))
  }

  /**
   * Sorts the blocks stably in e3nn's order (`Irrep.compare`).
   *
   * `permutation[i]` is where block i went (e3nn's `p`), `inverse[k]` is the block that stands at k now (e3nn's `inv`).
   *
   * @example
   * new Irreps('1o + 0e').sort()  // { irreps: 1x0e+1x1o, permutation: [1, 0], inverse: [1, 0] }
   */
  sort(): { irreps: Irreps; permutation: number[]; inverse: number[] } {
    const inverse = this.#blocks.map((_, i) => i).sort((i, j) => this.at(i).ir.compare(this.at(j).ir))
    const permutation = new Array<number>(inverse.length)
    inverse.forEach((from, to) => (permutation[from] = to))
    return { irreps: new Irreps(inverse.map((i) => this.at(i))), permutation, inverse }
  }

  /** Merges neighbours of the same irrep and drops empty blocks; does not sort: `'1e+1e+0e+1e'` gives `'2x1e+1x0e+1x1e'`. */
  simplify(): Irreps {
    const merged: { mul: number; ir: Irrep }[] = []
    for (const { mul, ir } of this.#blocks) {
      const last = merged.at(-1)
      if (last?.ir.equals(ir)) last.mul += mul
      else if (mul > 0) merged.push({ mul, ir })
    }
    return new Irreps(merged)
  }

  /**
   * Keeps the blocks whose irrep is among `keep`, or for which `keep(block)` is true.
   *
   * @example
   * new Irreps('4x0e + 2x1o + 1x2e').filter('0e + 2e')              // 4x0e+1x2e
   * new Irreps('4x0e + 2x1o + 1x2e').filter(({ ir }) => ir.l <= 1)  // 4x0e+2x1o
   */
  filter(keep: IrrepsLike | ((block: MulIr) => boolean)): Irreps {
    if (typeof keep === 'function') return new Irreps(this.#blocks.filter(keep))
    const wanted = Irreps.from(keep)
    return new Irreps(this.#blocks.filter(({ ir }) => wanted.has(ir)))
  }

  /** The blocks of this followed by those of `other` (a direct sum). */
  concat(other: IrrepsLike): Irreps {
    return new Irreps([...this.#blocks, ...Irreps.from(other)])
  }

  /**
   * The list of blocks `times` times over, as e3nn's `irreps * times`: `'0e+1o'` twice is `'1x0e+1x1o+1x0e+1x1o'`.
   *
   * @throws GauntletError ERR_ARGUMENT, or ERR_IRREPS where the result would be longer than MAX_BLOCKS
   */
  repeat(times: number): Irreps {
    if (!Number.isInteger(times) || times < 0) throw expected('an integer >= 0', 'times', times)
    if (this.length === 0) return this
    if (this.length * times > MAX_BLOCKS) {
      throw expected(`at most ${MAX_BLOCKS} blocks`, `"${this.toString()}" repeated`, times, 'ERR_IRREPS')
    }
    return new Irreps(Array.from({ length: times }, () => this.#blocks).flat())
  }

  /** Every irrep that the selection rules allow in the tensor product with `other`, once each, in e3nn's order. */
  product(other: IrrepsLike): Irrep[] {
    const reachable = new Map<string, Irrep>()
    const present = (irreps: Irreps): MulIr[] => [...irreps].filter(({ mul }) => mul > 0)
    const others = present(Irreps.from(other))
    for (const { ir: left } of present(this)) {
      for (const { ir: right } of others) for (const ir of left.product(right)) reachable.set(ir.toString(), ir)
    }
    return [...reachable.values()].sort((a, b) => a.compare(b))
  }

  /** Same blocks in the same order. `'2x0e'` and `'0e+0e'` differ; compare `simplify()`d irreps to see them equal. */
  equals(other: IrrepsLike): boolean {
    const blocks = [...Irreps.from(other)]
    return (
      blocks.length === this.length &&
      this.#blocks.every(({ mul, ir }, i) => mul === blocks[i]?.mul && ir.equals(blocks[i].ir))
    )
  }

  /** e3nn's form, `"32x0e+1x1o"`; it parses back to an equal object. */
  toString(): string {
    return this.#blocks.map(({ mul, ir }) => `${mul}x${ir.toString()}`).join('+')
  }

  /** What JSON has of them: `'2x0e+1o'`. */
  toJSON(): string {
    return this.toString()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Irreps(${this.toString()})`
  }
}

function block(mul: number, ir: Irrep, name: string): MulIr {
  if (!Number.isInteger(mul) || mul < 0 || mul * ir.dim > MAX_DIMENSION) {
    const most = Math.floor(MAX_DIMENSION / ir.dim)
    throw expected(`an integer from 0 to ${most}`, `the multiplicity of ${name}`, mul, 'ERR_IRREPS')
  }
  return Object.freeze({ mul, ir, dim: mul * ir.dim })
}

function toBlocks(spec: IrrepsLike): MulIr[] {
  if (typeof spec === 'string') return parseTerms(spec).map(({ mul, l, p }) => block(mul, new Irrep(l, p), 'irreps'))
  if (spec instanceof Irrep) return [block(1, spec, 'irreps')]
  if (spec instanceof Irreps) return [...spec]
  if (typeof spec !== 'object' || spec === null || !(Symbol.iterator in spec)) {
    throw expected('a string like "8x0e + 8x1o", an Irrep, an Irreps or a list', 'irreps', spec, 'ERR_IRREPS')
  }
  return Array.from(spec, toBlock)
}

function toBlock(entry: IrrepLike | MulIrLike, index: number): MulIr {
  const name = `irreps[${index}]`
  if (entry instanceof Irrep || typeof entry === 'string') return block(1, Irrep.from(entry), name)
  if (isPair(entry) && entry.length === 2) return block(entry[0], Irrep.from(entry[1]), name)
  if (typeof entry === 'object' && entry !== null && 'mul' in entry) return block(entry.mul, Irrep.from(entry.ir), name)
  throw expected('an irrep like "1o", { mul, ir } or [mul, ir]', name, entry, 'ERR_IRREPS')
}

function isPair(entry: MulIrLike): entry is readonly [number, IrrepLike] {
  return Array.isArray(entry)
}
