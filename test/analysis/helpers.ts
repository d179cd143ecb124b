import { Irreps } from '../../lib/o3/irreps.js'
import { Random } from '../../lib/o3/random.js'
import { type Product, referenceEvaluate, referenceForward, type WeightedPath } from '../../lib/product/index.js'

/** 0e + 1e + ... + lmax e: with one parity for all, every l3 between |l1-l2| and l1+l2 is one of these. */
export const even = (lmax: number): Irreps => new Irreps(Array.from({ length: lmax + 1 }, (_, l) => `${l}e`).join('+'))

/** Rank by Gaussian elimination with complete pivoting; pivots fall off a cliff where the rank ends. */
export function eliminationRank(matrix: readonly Float64Array[]): number {
  const rows = matrix.map((row) => row.slice())
  const largest = Math.max(...rows.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0)))
  let rank = 0
  for (;;) {
    let [pivot, at, column] = [0, -1, -1]
    for (let i = rank; i < rows.length; i++) {
      rows[i].forEach((value, j) => {
        if (Math.abs(value) > pivot) [pivot, at, column] = [Math.abs(value), i, j]
      })
    }
    if (pivot <= 1e-9 * largest) return rank
    ;[rows[rank], rows[at]] = [rows[at], rows[rank]]
    for (let i = rank + 1; i < rows.length; i++) {
      const factor = rows[i][column] / rows[rank][column]
      rows[rank].forEach((value, j) => (rows[i][j] -= factor * value))
      rows[i][column] = 0
    }
    rank++
  }
}

/** Every weight of a linear layer: from a channel of `from`, beginning at one place, into one of `to` at another. */
function layerWeights(from: Irreps, to: Irreps): { from: number; to: number; dim: number }[] {
  const channels = (irreps: Irreps) =>
    [...irreps].flatMap(({ mul, ir }, block) =>
      Array.from({ length: mul }, (_, u) => ({ ir, start: irreps.slices()[block].start + u * ir.dim })),
    )
  return channels(from).flatMap((a) =>
    channels(to)
      .filter(({ ir }) => ir.equals(a.ir))
      .map((b) => ({ from: a.start, to: b.start, dim: a.ir.dim })),
  )
}

/** x, [batch, from.dim], through the layer. */
function applyLayer(from: Irreps, to: Irreps, weights: ArrayLike<number>, x: Float64Array): Float64Array {
  const batch = x.length / from.dim
  const out = new Float64Array(batch * to.dim)
  layerWeights(from, to).forEach((place, n) => {
    for (let sample = 0; sample < batch; sample++) {
      for (let m = 0; m < place.dim; m++) {
        out[sample * to.dim + place.to + m] += weights[n] * x[sample * from.dim + place.from + m]
      }
    }
  })
  return out
}

/**
 * The same rank by what products and layers compute: the derivative of Lin_out(T(Lin_1(x1), Lin_2(x2))) by each weight, as the
 * map with that weight 1 and all others of its layer 0 (it is multilinear), at every pair of unit vectors x1 and x2.
 */
export function reachedByEvaluation(product: Product, in1: Irreps, in2: Irreps, out: Irreps): number {
  const random = new Random(99)
  const pairs = Array.from({ length: in1.dim * in2.dim }, (_, n) => [Math.floor(n / in2.dim), n % in2.dim])
  const units = (dim: number, which: number): Float64Array => {
    const x = new Float64Array(pairs.length * dim)
    pairs.forEach((pair, n) => (x[n * dim + pair[which]] = 1))
    return x
  }
  const [x1, x2] = [units(in1.dim, 0), units(in2.dim, 1)]
  const sizes = [
    layerWeights(in1, product.irrepsIn1).length,
    layerWeights(in2, product.irrepsIn2).length,
    layerWeights(product.irrepsOut, out).length,
    product.weightNumel,
  ]
  const weights = sizes.map((size) => random.normals(size))
  const evaluate = ([a, b, c, w]: Float64Array[], skipWeightless: boolean): Float64Array => {
    const y1 = applyLayer(in1, product.irrepsIn1, a, x1)
    const y2 = applyLayer(in2, product.irrepsIn2, b, x2)
    const z = product.channels === 'mixed' ? mixed(y1, y2, w, skipWeightless) : referenceForward(product, y1, y2)
    return applyLayer(product.irrepsOut, out, c, z)
  }
  const mixed = (y1: Float64Array, y2: Float64Array, w: Float64Array, skipWeightless: boolean): Float64Array => {
    const all = product.paths as readonly WeightedPath[]
    const paths = skipWeightless ? all.filter(({ hasWeight }) => hasWeight) : all
    const { irrepsIn1, irrepsIn2, irrepsOut, weightNumel } = product
    const definition = { irrepsIn1, irrepsIn2, irrepsOut, weightNumel, paths, sharedWeights: true }
    return referenceEvaluate(definition, 2, [y1, y2, [], w], pairs.length)
  }
  const columns = weights.flatMap((layer, o) =>
    Array.from(layer, (_, n) => {
      const unit = layer.map((_, k) => (k === n ? 1 : 0))
      // Paths without weights are constant in the weights of the others.
      return evaluate(weights.with(o, unit), o === 3)
    }),
  )
  return eliminationRank(columns)
}

/**
 * The same rank for one channel of every irrep, exactly: each number M is a monomial a[l1] b[l2] c[l3], so it is the rank of the
 * 0/1 matrix of paths by irreps; found over the field of a prime, where no pivot can be mistaken.
 */
export function reachedByIncidence(product: Product): number {
  const prime = 1_000_003
  const { irrepsIn1: in1, irrepsIn2: in2, irrepsOut: out } = product
  const rows = product.paths.map((path) => {
    const row = new Array<number>(in1.length + in2.length + out.length).fill(0)
    for (const at of [path.in1, in1.length + path.in2, in1.length + in2.length + path.out]) row[at] = 1
    return row
  })
  const inverse = (value: number): number => {
    let [result, base] = [1n, BigInt(value)]
    for (let power = BigInt(prime - 2); power > 0n; power >>= 1n, base = (base * base) % BigInt(prime)) {
      if (power & 1n) result = (result * base) % BigInt(prime)
    }
    return Number(result)
  }
  let rank = 0
  for (let column = 0; column < in1.length + in2.length + out.length; column++) {
    const at = rows.findIndex((row, i) => i >= rank && row[column] !== 0)
    if (at < 0) continue
    ;[rows[rank], rows[at]] = [rows[at], rows[rank]]
    const scale = inverse(rows[rank][column])
    for (const row of rows.slice(rank + 1)) {
      const factor = (row[column] * scale) % prime
      rows[rank].forEach((value, j) => (row[j] = (row[j] + (prime - factor) * value) % prime))
    }
    rank++
  }
  return rank
}
