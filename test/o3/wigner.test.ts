import { describe, expect, it } from 'vitest'
import { gauntCoefficients } from '../../lib/o3/gaunt.js'
import { gaussLegendre } from '../../lib/o3/quadrature.js'
import { harmonicsOnGrid } from '../../lib/o3/harmonics.js'
import { wigner3j, wigner6j } from '../../lib/o3/wigner.js'
import { loadReference } from '../reference/load.js'
import { errorOf, maxDifference } from './helpers.js'

const e3nn = loadReference('e3nn')

/** All (l1, l2, l3) with l1, l2 <= lmax that obey the triangle rule. */
function triples(lmax: number): [number, number, number][] {
  const found: [number, number, number][] = []
  for (let l1 = 0; l1 <= lmax; l1++) {
    for (let l2 = 0; l2 <= lmax; l2++) for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3++) found.push([l1, l2, l3])
  }
  return found
}

const nonZeros = (block: Float64Array): number => block.reduce((count, value) => count + (value === 0 ? 0 : 1), 0)

/** The largest deviation of sum_ij a[i,j,k] b[i,j,k'] from `diagonal` times the identity, [n, n1] and [n, n2] arrays. */
function overlapError(a: Float64Array, n1: number, b: Float64Array, n2: number, diagonal: number): number {
  const overlap = new Float64Array(n1 * n2)
  for (let ij = 0; ij < a.length / n1; ij++) {
    for (let k1 = 0; k1 < n1; k1++) {
      const left = a[ij * n1 + k1]
      if (left !== 0) for (let k2 = 0; k2 < n2; k2++) overlap[k1 * n2 + k2] += left * b[ij * n2 + k2]
    }
  }
  return Math.max(...overlap.map((v, i) => Math.abs(v - (Math.floor(i / n2) === i % n2 ? diagonal : 0))))
}

describe('wigner3j', () => {
  it('agrees with e3nn to l = 6, signs included', () => {
    const { arrays, entries } = e3nn.case('wigner_3j')
    const { data } = e3nn.array(arrays.flat)
    for (const { l1, l2, l3, offset } of entries as Record<'l1' | 'l2' | 'l3' | 'offset', number>[]) {
      const block = wigner3j(l1, l2, l3)
      // e3nn's own table is float64 with a few rounding errors.
      expect(maxDifference(block, data.subarray(offset, offset + block.length))).toBeLessThan(1e-14)
    }
  })

  it('is orthogonal in every pair of couplings to l = 20', () => {
    const pairs = [
      [20, 20],
      [20, 19],
      [20, 7],
      [13, 13],
      [1, 20],
    ]
    for (const [l1, l2] of pairs) {
      for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3 += 3) {
        const block = wigner3j(l1, l2, l3)
        const n3 = 2 * l3 + 1
        expect(overlapError(block, n3, block, n3, 1 / n3)).toBeLessThan(1e-15)
        if (l3 < l1 + l2) expect(overlapError(block, n3, wigner3j(l1, l2, l3 + 1), n3 + 2, 0)).toBeLessThan(1e-15)
      }
    }
  })

  it('has Frobenius norm 1 far beyond the range of naive factorials', () => {
    for (const [l1, l2, l3] of [
      [20, 20, 20],
      [40, 31, 57],
      [255, 255, 0],
      [255, 2, 255],
    ]) {
      const norm = wigner3j(l1, l2, l3).reduce((sum, v) => sum + v * v, 0)
      // Thousands of squares are added, each rounded.
      expect(Math.abs(norm - 1)).toBeLessThan(1e-13)
    }
  })

  it('has closed forms: the dot product, the cross product, the identity', () => {
    const dot = wigner3j(1, 1, 0)
    expect(
      maxDifference(
        dot,
        [1, 0, 0, 0, 1, 0, 0, 0, 1].map((v) => v / Math.sqrt(3)),
      ),
    ).toBeLessThan(1e-15)
    const cross = wigner3j(1, 1, 1)
    const leviCivita = (i: number, j: number, k: number): number => ((i - j) * (j - k) * (k - i)) / 2
    const wanted = Array.from(
      cross,
      (_, n) => leviCivita(Math.floor(n / 9), Math.floor(n / 3) % 3, n % 3) / Math.sqrt(6),
    )
    expect(maxDifference(cross, wanted)).toBeLessThan(1e-15)
  })

  it('changes by (-1)^(l1+l2+l3) when two irreps are exchanged', () => {
    for (const [l1, l2, l3] of triples(5)) {
      const sign = (l1 + l2 + l3) % 2 === 0 ? 1 : -1
      const [n1, n2, n3] = [2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1]
      const swapped = wigner3j(l2, l1, l3)
      const wanted = wigner3j(l1, l2, l3).map((_, n) => {
        const [i, j, k] = [Math.floor(n / (n2 * n3)), Math.floor(n / n3) % n2, n % n3]
        return sign * swapped[(j * n1 + i) * n3 + k]
      })
      expect(maxDifference(wigner3j(l1, l2, l3), wanted)).toBeLessThan(1e-15)
    }
  })

  // Counted by an independent program in rational arithmetic: sums over all l1, l2 <= L and allowed l3.
  it.each([
    [2, 244, 162],
    [4, 3741, 2229],
    [6, 21762, 12322],
    [8, 80369, 44287],
    [10, 226122, 122442],
  ])('has no spurious non-zeros at lmax %i', (lmax, all, even) => {
    const counts = triples(lmax).map(([l1, l2, l3]) => [nonZeros(wigner3j(l1, l2, l3)), (l1 + l2 + l3) % 2])
    expect(counts.reduce((sum, [count]) => sum + count, 0)).toBe(all)
    expect(counts.reduce((sum, [count, odd]) => sum + (odd === 0 ? count : 0), 0)).toBe(even)
  })

  it.each([
    [1, 1, 3],
    [4, 1, 2],
    [-1, 0, 1],
    [1, 0.5, 1],
    [NaN, 0, 0],
    [256, 256, 0],
    ['1', '1', '0'],
    [undefined, 0, 0],
  ])('refuses (%s, %s, %s)', (l1, l2, l3) => {
    expect(errorOf(() => wigner3j(l1 as number, l2 as number, l3 as number)).code).toBe('ERR_ARGUMENT')
  })

  it('hands out copies', () => {
    wigner3j(1, 1, 2).fill(7)
    expect(wigner3j(1, 1, 2).includes(7)).toBe(false)
  })
})

describe('wigner6j', () => {
  // sympy 1.14, sympy.physics.wigner.wigner_6j, 20 digits.
  it.each([
    [[1, 1, 1, 1, 1, 1], 0.16666666666666666667],
    [[2, 3, 4, 3, 2, 4], 0.023543487260621152218],
    [[5, 6, 7, 8, 9, 10], -0.0082420427296856686861],
    [[20, 20, 20, 20, 20, 20], -0.0050294064568679567481],
    [[12, 15, 9, 20, 11, 18], -0.014164144019956169263],
    [[40, 35, 30, 25, 45, 33], 0.0026602398092545370471],
  ] as [[number, number, number, number, number, number], number][])('%j', (degrees, wanted) => {
    expect(Math.abs(wigner6j(...degrees) / wanted - 1)).toBeLessThan(1e-15)
  })

  it('is orthogonal', () => {
    const [a, b, d, e] = [6, 7, 5, 8]
    for (let f = 2; f <= 12; f++) {
      for (let g = 2; g <= 12; g++) {
        let sum = 0
        for (let c = 1; c <= 13; c++) sum += (2 * c + 1) * wigner6j(a, b, c, d, e, f) * wigner6j(a, b, c, d, e, g)
        const allowed = f === g && f <= Math.min(a + e, b + d) && f >= Math.max(Math.abs(a - e), Math.abs(b - d))
        expect(Math.abs((2 * f + 1) * sum - (allowed ? 1 : 0))).toBeLessThan(1e-14)
      }
    }
  })

  it('is zero off the triangles and refuses what is no degree', () => {
    expect(wigner6j(1, 1, 3, 1, 1, 1)).toBe(0)
    expect(wigner6j(2, 2, 2, 1, 1, 5)).toBe(0)
    expect(errorOf(() => wigner6j(1, 1, 0.5, 1, 1, 1)).code).toBe('ERR_ARGUMENT')
  })
})

describe('gauntCoefficients', () => {
  it.each(['gaunt_3_3_6', 'gaunt_4_4_8'])('agrees with %s, entry by entry', (name) => {
    const {
      arrays,
      lmax_in: lmaxIn,
      lmax_out: lmaxOut,
    } = e3nn.case(name) as ReturnType<typeof e3nn.case> & {
      lmax_in: number
      lmax_out: number
    }
    const indices = e3nn.array(arrays.nz_ijk).data
    const { data: values } = e3nn.array(arrays.nz_val)
    let nonZero = 0
    for (const [l1, l2, l3] of triples(lmaxIn)) if (l3 <= lmaxOut) nonZero += nonZeros(gauntCoefficients(l1, l2, l3))
    expect(nonZero).toBe(values.length)
    const difference = values.map((value, n) => {
      const [i, j, k] = indices.subarray(3 * n, 3 * n + 3)
      const [l1, l2, l3] = [i, j, k].map((index) => Math.floor(Math.sqrt(index)))
      const place = ((i - l1 * l1) * (2 * l2 + 1) + j - l2 * l2) * (2 * l3 + 1) + k - l3 * l3
      return gauntCoefficients(l1, l2, l3)[place] - value
    })
    // The reference was integrated numerically.
    expect(Math.max(...difference.map(Math.abs))).toBeLessThan(1e-13)
  })

  it('is the integral of three harmonics', () => {
    const lmax = 5
    const { nodes, weights } = gaussLegendre(8)
    const meridians = 16
    const alphas = Array.from({ length: meridians }, (_, i) => (2 * Math.PI * i) / meridians)
    const grid = harmonicsOnGrid(lmax, Float64Array.from(nodes, Math.acos), alphas)
    const size = (lmax + 1) ** 2
    for (const [l1, l2, l3] of [
      [2, 3, 5],
      [4, 4, 4],
      [1, 5, 4],
      [5, 5, 2],
      [3, 3, 3],
      [1, 1, 3],
    ]) {
      const [n1, n2, n3] = [2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1]
      const wanted = new Float64Array(n1 * n2 * n3)
      for (let point = 0; point < grid.length / size; point++) {
        const weight = (weights[Math.floor(point / meridians)] * 2 * Math.PI) / meridians
        const y = grid.subarray(point * size, (point + 1) * size)
        wanted.forEach((_, n) => {
          const [i, j, k] = [Math.floor(n / (n2 * n3)), Math.floor(n / n3) % n2, n % n3]
          wanted[n] += weight * y[l1 * l1 + i] * y[l2 * l2 + j] * y[l3 * l3 + k]
        })
      }
      expect(maxDifference(gauntCoefficients(l1, l2, l3), wanted)).toBeLessThan(1e-14)
    }
  })

  it('hands out copies and refuses what is no degree', () => {
    gauntCoefficients(1, 1, 2).fill(7)
    expect(gauntCoefficients(1, 1, 2).includes(7)).toBe(false)
    expect(errorOf(() => gauntCoefficients(1, 1, -1)).code).toBe('ERR_ARGUMENT')
    expect(errorOf(() => gauntCoefficients(300, 1, 1)).code).toBe('ERR_ARGUMENT')
  })
})
