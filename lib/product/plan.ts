import type { EncodedPlan } from '../runtime/execute.js'

/**
 * A product as data: the factored form of one multilinear map
 *
 *     F(x1, x2, y, w) = sum over components of  coefficient * x1[i] * x2[j] * y[k] * w[n]
 *
 * of which leaving out `y` is the forward pass and leaving out any other operand a gradient; w, the weights, is there only in
 * products that have any. Executors (native/core, cuda) know only this; they never hear of irreps. native/core/plan.h says the
 * same in C++.
 */
export interface Plan {
  /** Floats per sample of in1, in2 and out. */
  dims: Triple<number>
  /** Weights of a sample, or with `shared` of all samples; every group is linear in them. None where undefined. */
  weights?: { numel: number; shared: boolean }
  /** Summed. */
  groups: Group[]
}

export type Triple<T> = [T, T, T]

/** One set of lanes: every channel of every sample couples a fiber of in1 with a fiber of in2 into a fiber of out. */
export interface Group {
  /** Lanes per sample. */
  channels: number
  sides: Triple<Side>
  form: Form
}

/** One operand of a group. Lane channel c reads and writes block channel floor(c / divide) % modulo, where the block has it. */
export interface Side {
  fiber: number
  divide: number
  modulo: number
  blocks: Block[]
  /** The fiber row of every component, block after block; blocks that share a row are summed. */
  rows: number[]
}

/** `channels` copies of `size` components, row-major at `offset` within a sample. */
export interface Block {
  offset: number
  channels: number
  size: number
}

export type Form = SparseForm | DenseForm | GridForm | FourierForm | MatrixForm | MixedForm

/** `y[k] += c * x1[i] * x2[j]` over a list of non-zero coefficients. */
export interface SparseForm {
  kind: 'sparse'
  index: Triple<number[]>
  coefficient: number[]
}

/** The same couplings path by path, zeros included: row-major blocks [size1, size2, size3]. */
export interface DenseForm {
  kind: 'dense'
  paths: { row: Triple<number>; size: Triple<number> }[]
  coefficient: number[]
}

/** Sector s1 of in1 times sector s2 of in2 belongs to sector s3 of out. */
export type Term = Triple<number>

/** Values on a product grid of the sphere, folded at the equator and at azimuth zero; see grid.ts. */
export interface GridForm {
  kind: 'grid'
  rings: number
  points: number
  /** Largest order m of any band. */
  order: number
  ringWeights: Float64Array
  pointWeights: Float64Array
  /** [order + 1, points] */
  cosines: Float64Array
  sines: Float64Array
  sectors: Triple<GridBand[]>
  terms: Term[]
  /** What each term does with its two factors; the bracket is that of the two operands after the target, cyclically. */
  kinds: GridKind[]
}

/** f g, or {f, g} = (f_beta g_alpha - f_alpha g_beta) / sin beta. */
export type GridKind = 'product' | 'bracket'

/** One operand's irreps of one sector: fiber rows by m, then parity of l - m, then cosines before sines, then l. */
export interface GridBand {
  first: number
  order: number
  /** [order + 1, 2]: how many l at (m, parity). */
  counts: number[]
  /** For each (m, parity): [count, rings]. */
  legendre: number[]
  /** Their derivatives by beta over sin beta, in the same order; empty where no bracket needs them. */
  slopes: number[]
}

/** `y[row] += value * x[column]` */
export interface LinearMap {
  rows: number
  columns: number
  row: number[]
  column: number[]
  value: number[]
}

export function emptyMap(rows: number, columns: number): LinearMap {
  return { rows, columns, row: [], column: [], value: [] }
}

export function addEntry(map: LinearMap, row: number, column: number, value: number): void {
  map.row.push(row)
  map.column.push(column)
  map.value.push(value)
}

/** Fourier coefficients on the torus, multiplied by convolution; see fourier.ts. */
export interface FourierForm {
  kind: 'fourier'
  degrees: Triple<number>
  /** Per sector: fiber -> coefficients. */
  into: Triple<LinearMap[]>
  /** Per sector: coefficients of the product of the two others -> fiber. */
  from: Triple<LinearMap[]>
  terms: Term[]
}

/** Irreps as size x size matrices: the sum over terms of trace((X1 X2 + sign X2 X1) X3^T) / 2; see matrix-form.ts. */
export interface MatrixForm {
  kind: 'matrix'
  size: number
  /** Per sector: fiber -> matrix entries, row a * size + b. */
  maps: Triple<LinearMap[]>
  terms: Term[]
  /** Of each term: +1, -1, or 0 for X1 X2 alone. */
  signs: (1 | -1 | 0)[]
}

/**
 * Couplings whose channels are connected by weights: the sum over pairs (u, v), w, i, j, k of
 * W[pair, w] * coefficient * table[i, j, k] * x1[u, i] * x2[v, j] * y[w, k]; see mixed.ts.
 */
export interface MixedForm {
  kind: 'mixed'
  /** Of the weights, what a lane sees. */
  weights: Side
  /** Row-major. */
  tables: { size: Triple<number>; values: ArrayLike<number> }[]
  paths: MixedPath[]
}

export interface MixedPath {
  /** First fiber rows: component i of channel u is on row + u * size + i. That of x1 or x2 is -1 where it is the constant 1. */
  row: Triple<number>
  /** Channels of x1, x2 and y that a lane has. */
  count: Triple<number>
  /** u < count[0] and v < count[1]; or u = v only; or u < v only. */
  pairs: 'all' | 'same' | 'upper'
  /** w < count[2], each with a weight of its own; or only w = u, w = v or w = the number of the pair. */
  out: 'every' | 'first' | 'second' | 'pair'
  /** First fiber row of the weights; -1 where all are 1. */
  weight: number
  table: number
  coefficient: number
}

const FORMS: Form['kind'][] = ['sparse', 'dense', 'grid', 'fourier', 'matrix', 'mixed']
const PAIRS: MixedPath['pairs'][] = ['all', 'same', 'upper']
const OUTS: MixedPath['out'][] = ['every', 'first', 'second', 'pair']

/** A plan as the two arrays that cross into native code; native/core/plan.cc reads them in this order. */
export function encodePlan(plan: Plan): EncodedPlan {
  const out = new Writer()
  const { numel, shared } = plan.weights ?? { numel: 0, shared: false }
  out.integers([...plan.dims, numel, Number(shared)])
  out.integer(plan.groups.length)
  for (const group of plan.groups) {
    out.integer(group.channels)
    for (const side of group.sides) writeSide(out, side)
    out.integer(FORMS.indexOf(group.form.kind))
    writeForm(out, group.form)
  }
  return out.finish()
}

/** Gathers numbers in pieces: a plan may hold millions. */
class Writer {
  private readonly integerParts: ArrayLike<number>[] = []
  private readonly realParts: ArrayLike<number>[] = []

  integer(value: number): void {
    this.integerParts.push([value])
  }
  integers(values: ArrayLike<number>): void {
    this.integerParts.push(values)
  }
  reals(values: ArrayLike<number>): void {
    this.realParts.push(values)
  }
  finish(): EncodedPlan {
    return {
      integers: concatenate(this.integerParts, (length) => new Int32Array(length)),
      reals: concatenate(this.realParts, (length) => new Float64Array(length)),
    }
  }
}

function concatenate<T extends Int32Array | Float64Array>(parts: ArrayLike<number>[], make: (length: number) => T): T {
  const whole = make(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function writeSide(out: Writer, side: Side): void {
  out.integers([side.fiber, side.divide, side.modulo, side.blocks.length])
  let row = 0
  for (const block of side.blocks) {
    out.integers([block.offset, block.channels, block.size])
    out.integers(side.rows.slice(row, row + block.size))
    row += block.size
  }
}

function writeForm(out: Writer, form: Form): void {
  switch (form.kind) {
    case 'sparse':
      out.integer(form.coefficient.length)
      for (const index of form.index) out.integers(index)
      out.reals(form.coefficient)
      return
    case 'dense':
      out.integer(form.paths.length)
      for (const { row, size } of form.paths) out.integers([row[0], size[0], row[1], size[1], row[2], size[2]])
      out.reals(form.coefficient)
      return
    case 'grid':
      out.integers([form.rings, form.points, form.order])
      for (const values of [form.ringWeights, form.pointWeights, form.cosines, form.sines]) out.reals(values)
      for (const bands of form.sectors) {
        out.integer(bands.length)
        for (const band of bands) {
          out.integers([band.first, band.order])
          out.integers(band.counts)
          out.reals(band.legendre)
          out.integer(band.slopes.length > 0 ? 1 : 0)
          out.reals(band.slopes)
        }
      }
      writeTerms(out, form.terms)
      out.integers(form.kinds.map((kind) => (kind === 'bracket' ? 1 : 0)))
      return
    case 'fourier':
      out.integers(form.degrees)
      for (let o = 0; o < 3; o++) {
        writeMaps(out, form.into[o])
        writeMaps(out, form.from[o])
      }
      writeTerms(out, form.terms)
      return
    case 'matrix':
      out.integer(form.size)
      for (const maps of form.maps) writeMaps(out, maps)
      writeTerms(out, form.terms)
      out.integers(form.signs)
      return
    case 'mixed':
      writeSide(out, form.weights)
      out.integer(form.tables.length)
      for (const { size, values } of form.tables) {
        out.integers(size)
        out.reals(values)
      }
      out.integer(form.paths.length)
      for (const path of form.paths) {
        out.integers([...path.row, ...path.count, PAIRS.indexOf(path.pairs), OUTS.indexOf(path.out)])
        out.integers([path.weight, path.table])
        out.reals([path.coefficient])
      }
      return
  }
}

function writeTerms(out: Writer, terms: Term[]): void {
  out.integer(terms.length)
  for (const term of terms) out.integers(term)
}

function writeMaps(out: Writer, maps: LinearMap[]): void {
  out.integer(maps.length)
  for (const map of maps) {
    out.integers([map.rows, map.columns, map.row.length])
    out.integers(map.row)
    out.integers(map.column)
    out.reals(map.value)
  }
}
