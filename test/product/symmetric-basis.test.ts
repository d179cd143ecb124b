import { describe, expect, test } from 'vitest'
import { Irrep, Irreps, Random, type IrrepsLike } from '../../lib/o3/index.js'
import { CouplingTree, symmetricBasis } from '../../lib/product/symmetric-basis.js'
import { symmetricPaths, type Polynomial } from '../../lib/product/symmetric-polynomials.js'
import { loadReference, type ReferenceCase } from '../reference/load.js'

const mace = loadReference('mace')

/** A tensor U of the reference, stored dense or by its non-zero entries. */
function storedBasis({ arrays }: ReferenceCase, key: string): { tensor: Float64Array; shape: number[] } {
  if (key in arrays) {
    const { data, shape } = mace.array(arrays[key])
    return { tensor: data, shape }
  }
  const shape = [...mace.array(arrays[`${key}.shape`]).data]
  const tensor = new Float64Array(shape.reduce((product, n) => product * n, 1))
  const { data: indices } = mace.array(arrays[`${key}.nz`])
  mace.array(arrays[`${key}.val`]).data.forEach((value, n) => {
    const at = shape.reduce((sum, size, axis) => sum * size + indices[n * shape.length + axis], 0)
    tensor[at] = value
  })
  return { tensor, shape }
}

test.each(mace.cases.map((reference) => [reference.name, reference] as const))(
  'is that of MACE: %s',
  (_, reference) => {
    const irreps = [...new Irreps(reference.irreps_in as string)].map(({ ir }) => ir)
    for (const [n, { ir }] of [...new Irreps(reference.irreps_out as string)].entries()) {
      for (let degree = 1; degree <= (reference.correlation as number); degree++) {
        const { tensor, shape } = storedBasis(reference, `contractions.${n}.U_matrix_${degree}`)
        const ours = symmetricBasis(irreps, ir, degree)
        expect(ours.paths).toBe(shape.at(-1))
        expect(ours.tensor.length).toBe(tensor.length)
        // Both are products of a few 3j symbols in float64.
        const worst = ours.tensor.reduce((most, value, i) => Math.max(most, Math.abs(value - tensor[i])), 0)
        expect(worst).toBeLessThan(1e-12)
      }
    }
  },
)

/** The irreps of a list, one of each block. */
function list(irreps: IrrepsLike): Irrep[] {
  return [...new Irreps(irreps)].map(({ ir }) => ir)
}

/**
 * How often `ir` occurs in the symmetric power V^n of `irreps`: the average over O(3) of their characters' product (the identity of
 * Frobenius for V^n). Rotations by an angle have the density 1 - cos, and equally spaced angles integrate it exactly.
 */
function multiplicityInPower(irreps: readonly Irrep[], ir: Irrep, n: number): number {
  const angles = 256
  let sum = 0
  for (let step = 0; step < angles; step++) {
    const angle = (2 * Math.PI * step) / angles
    for (const inverted of [false, true]) {
      const character = ({ l, p }: Irrep, power: number): number => {
        const turned = Array.from({ length: 2 * l + 1 }, (_, m) => Math.cos((m - l) * power * angle))
        return (inverted && power % 2 === 1 ? p : 1) * turned.reduce((a, b) => a + b)
      }
      const [, v1, v2, v3, v4] = [0, 1, 2, 3, 4].map((k) => irreps.reduce((all, one) => all + character(one, k), 0))
      const powers = [
        1,
        v1,
        (v1 ** 2 + v2) / 2,
        (v1 ** 3 + 3 * v1 * v2 + 2 * v3) / 6,
        (v1 ** 4 + 6 * v1 ** 2 * v2 + 3 * v2 ** 2 + 8 * v1 * v3 + 6 * v4) / 24,
      ]
      sum += (powers[n] * character(ir, 1) * (1 - Math.cos(angle))) / (2 * angles)
    }
  }
  return Math.round(sum) + 0 // never -0
}

function evaluate(polynomial: Polynomial, x: readonly number[]): number[] {
  return polynomial.map((terms) =>
    terms.reduce((sum, { indices, value }) => sum + indices.reduce((product, i) => product * x[i], value), 0),
  )
}

describe('equal factors', () => {
  test.each([
    ['0e+1o', '0e+1o', 4],
    ['0e+1o+2e', '0e+1o+2e', 4],
    ['0e+1o+2e+3o', '0e+1o+2e', 3],
    ['1e+1o', '0e+0o+1e', 3],
    ['1o+1o', '0e+2e', 3],
  ] as const)('leave as many independent couplings as there can be: %s to %s, %i factors', (from, to, correlation) => {
    const paths = symmetricPaths(list(from), list(to), correlation)
    list(to).forEach((ir, n) => {
      const found = paths[n].map(({ polynomials }) => polynomials.length)
      const known = found.map((_, degree) => multiplicityInPower(list(from), ir, degree + 1))
      expect(found).toEqual(known)
    })
  })

  test('give every path its value', () => {
    const irreps = list('0e+1o+2e')
    const x = [...new Random(3).normals(9)]
    const out = Irrep.parse('1o')
    for (const { degree, polynomials, mixing } of symmetricPaths(irreps, [out], 4)[0]) {
      const values = polynomials.map((polynomial) => evaluate(polynomial, x))
      const paths = new CouplingTree(irreps).paths(out, degree)
      const { tensor } = symmetricBasis(irreps, out, degree)
      paths.forEach((_, k) => {
        for (let m = 0; m < out.dim; m++) {
          let direct = 0
          for (let I = 0; I < 9 ** degree; I++) {
            let product = tensor[(m * 9 ** degree + I) * paths.length + k]
            if (product === 0) continue
            for (let f = 0, rest = I; f < degree; f++, rest = Math.floor(rest / 9)) product *= x[rest % 9]
            direct += product
          }
          const mixed = mixing
            .filter(({ path }) => path === k)
            .reduce((sum, { polynomial, value }) => sum + value * values[polynomial][m], 0)
          // Coordinates solve a few equations, well conditioned because the pivots are the largest there are.
          expect(mixed).toBeCloseTo(direct, 11)
        }
      })
    }
  })
})
