import type {
  FourierForm,
  GridBand,
  GridForm,
  Group,
  LinearMap,
  MatrixForm,
  MixedForm,
  MixedPath,
  Plan,
  SparseForm,
} from './plan.js'

/** What one call takes. */
export interface Cost {
  /** Floating-point operations of the factored form, a multiply-add counted as two. */
  flops: number
  /** Bytes of memory that it must move: both inputs once, the output once. */
  bytes: number
  /** Learnable weights of the product. */
  weights: number
}

/** The operations of one sample. */
export function countFlops(plan: Plan): number {
  return plan.groups.reduce((sum, group) => sum + group.channels * flopsPerLane(group), 0)
}

function flopsPerLane({ form }: Group): number {
  switch (form.kind) {
    case 'sparse':
      return tableFlops(form.index)
    case 'dense': {
      const index: SparseForm['index'] = [[], [], []]
      for (const { row, size } of form.paths) {
        for (let at = 0; at < size[0] * size[1] * size[2]; at++) {
          index[0].push(row[0] + Math.floor(at / (size[1] * size[2])))
          index[1].push(row[1] + (Math.floor(at / size[2]) % size[1]))
          index[2].push(row[2] + (at % size[2]))
        }
      }
      return tableFlops(index)
    }
    case 'grid':
      return gridFlops(form)
    case 'fourier':
      return fourierFlops(form)
    case 'matrix':
      return matrixFlops(form)
    case 'mixed':
      return mixedFlops(form)
  }
}

/** A multiply-add for every coefficient and a multiplication for every pair of inputs that some coefficient couples. */
function tableFlops([left, right, out]: SparseForm['index']): number {
  const pairs = new Set<number>()
  for (let e = 0; e < out.length; e++) pairs.add(left[e] * 2 ** 26 + right[e])
  return 2 * out.length + pairs.size
}

/**
 * Legendre stages of every sector (twice where slopes are needed too), Fourier stages of both factors of every multiplication and
 * of every sector of the result, and 16 multiply-adds for the multiplication at every point of a quarter of the grid. A product
 * is one multiplication, a bracket two. Folding at azimuth pi / 2, which not every executor does, is not counted.
 */
function gridFlops({ rings, points, sectors, terms, kinds }: GridForm): number {
  const components = (band: GridBand) => band.counts.reduce((sum, n, i) => sum + n * (i < 2 ? 1 : 2), 0)
  // Cosines and sines up to the largest order that a parity of l - m has.
  const waves = (band: GridBand, parity: number) => {
    const last = band.counts.findLastIndex((count, i) => i % 2 === parity && count > 0)
    return last < 0 ? 0 : 2 * Math.floor(last / 2) + 1
  }
  const signals = (band: GridBand, operand: number) => (operand < 2 && band.slopes.length > 0 ? 2 : 1)
  const legendre = sectors.flatMap((bands, o) => bands.map((band) => components(band) * signals(band, o)))
  const multiplications = kinds.map((kind) => (kind === 'product' ? 1 : 2))
  const into = terms.map(([s1, s2], t) => 4 * (sectors[0][s1].order + sectors[1][s2].order) * multiplications[t])
  const from = sectors[2].map((band) => waves(band, 0) + waves(band, 1))
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
  return 2 * rings * (sum(legendre) + points * (sum(into) + sum(from) + 16 * sum(multiplications)))
}

const entries = (maps: LinearMap[]) => maps.reduce((sum, map) => sum + map.value.length, 0)

function fourierFlops({ degrees: [a, b, c], into, from, terms }: FourierForm): number {
  // Coefficients at v < 0 are made too; those at v = 0 are their own mirror images.
  const mirrored = (map: LinearMap, degree: number) => map.row.filter((row) => row >= 2 * (2 * degree + 1)).length
  const spread = [a, b].map((degree, o) => {
    return entries(into[o]) + into[o].reduce((sum, map) => sum + mirrored(map, degree), 0)
  })
  const pairs = (orders: number[]) =>
    orders.reduce((sum, v) => sum + Math.max(0, Math.min(a, v + b) - Math.max(-a, v - b) + 1), 0)
  const from0 = (n: number, first: number) => Array.from({ length: n }, (_, i) => first + i)
  const multiplications = pairs(from0(2 * (a + b) + 1, -a - b)) * pairs(from0(Math.min(c, a + b) + 1, 0))
  return 2 * (spread[0] + spread[1] + entries(from[2])) + 8 * multiplications * terms.length
}

function matrixFlops({ size, maps, signs }: MatrixForm): number {
  const products = signs.reduce<number>((sum, sign) => sum + (sign === 0 ? 1 : 2), 0)
  return 2 * maps.reduce((sum, map) => sum + entries(map), 0) + 2 * size ** 3 * products
}

/**
 * For every pair of channels its products and a multiply-add for every coefficient; paths that couple the same pairs share
 * products. Then a multiply-add for every weight and component.
 */
function mixedFlops({ tables, paths }: MixedForm): number {
  const products = new Map<string, Set<number>>()
  let flops = 0
  for (const path of paths) {
    const { size, values } = tables[path.table]
    const pairs = pairsOfChannels(path)
    const key = [path.row[0], path.row[1], path.pairs, pairs].join()
    const shared = products.get(key) ?? new Set<number>()
    products.set(key, shared)
    const known = shared.size
    let coefficients = 0
    for (let at = 0; at < values.length; at++) {
      if (values[at] === 0) continue
      coefficients++
      shared.add(Math.floor(at / size[2]))
    }
    const weights = path.weight < 0 ? 0 : path.out === 'every' ? path.count[2] : 1
    flops += pairs * (2 * coefficients + (shared.size - known) + 2 * weights * size[2])
  }
  return flops
}

function pairsOfChannels({ pairs, count: [m1, m2] }: MixedPath): number {
  return pairs === 'all' ? m1 * m2 : pairs === 'same' ? m1 : (m1 * (m1 - 1)) / 2
}
