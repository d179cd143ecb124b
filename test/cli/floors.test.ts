import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { floor, nonZeroCoefficients, passFloor, type FloorName, type Shape } from '../../lib/cli/floors.js'

interface Limits {
  nonZero: Record<string, number>
  shapes: { lmax: number; lmaxOut: number; paths: number; work: Record<string, [flops: number, bytes: number]> }[]
}

/** Counted by another program, which evaluates Racah's formula in exact fractions. */
const limits = JSON.parse(readFileSync(join(__dirname, '../reference/limits.json'), 'utf8')) as Limits

const METHODS: [FloorName, string, odd: boolean][] = [
  ['sparse-kept', 'CG sparse, paths kept', true],
  ['sparse-summed', 'CG sparse, summed', true],
  ['sparse-summed', 'Gaunt sparse', false],
  ['dense-kept', 'CG dense (per path)', true],
  ['fourier', 'Fourier 2D direct', false],
  ['grid', 'S2 grid separable, folded', false],
  ['matrix', 'Matrix TP sparse', true],
]

function full(lmax: number, lmaxOut: number, odd: boolean): Shape {
  const upTo = (l: number): number[] => Array.from({ length: l + 1 }, (_, i) => i)
  const paths: [number, number, number][] = []
  for (const l1 of upTo(lmax))
    for (const l2 of upTo(lmax))
      for (const l3 of upTo(lmaxOut))
        if (l3 >= Math.abs(l1 - l2) && l3 <= l1 + l2 && (odd || (l1 + l2 + l3) % 2 === 0)) paths.push([l1, l2, l3])
  return { in1: upTo(lmax), in2: upTo(lmax), out: upTo(lmaxOut), paths }
}

test.each(limits.shapes)(
  'counts what the other program counts: lmax $lmax into $lmaxOut',
  ({ lmax, lmaxOut, paths, work }) => {
    expect(full(lmax, lmaxOut, true).paths).toHaveLength(paths)
    for (const [name, other, odd] of METHODS) {
      const { flops, bytes } = floor(name, full(lmax, lmaxOut, odd))
      expect([flops, bytes], other).toEqual(work[other])
    }
  },
)

test('counts the non-zero coefficients of single triples', () => {
  for (const [key, count] of Object.entries(limits.nonZero)) {
    const [l1, l2, l3] = key.split(',').map(Number)
    expect(nonZeroCoefficients(l1, l2, l3), key).toBe(count)
  }
})

test('one degree in and out is a part of the whole', () => {
  const shape: Shape = { in1: [2], in2: [2], out: [2], paths: [[2, 2, 2]] }
  // 25 products; 25 coefficients of (2 2 2) are not zero; 5 numbers in, in and out.
  expect(floor('sparse-kept', shape)).toEqual({ flops: 25 + 2 * 25, bytes: 60 })
  expect(floor('dense-kept', shape)).toEqual({ flops: 25 + 2 * 125, bytes: 60 })
  // Of a grid of 4 rings x 7 points 2 rings, for f(-r) = f(r): thrice Legendre 2*5, butterfly 2*5, Fourier 14*5, butterfly 14; and
  // 14 products.
  expect(floor('grid', shape)).toEqual({ flops: 3 * (10 + 10 + 70 + 14) + 14, bytes: 60 })
  // 0 + 2 has one parity as well: 3 rings x 5 points for degree 2 in, 0 in and 2 out, halved. With degree 1 it has none.
  const even: Shape = { in1: [0, 2], in2: [0], out: [2], paths: [[2, 0, 2]] }
  const legendre = 3 * (6 + 5) + 3 * (1 + 1) + 3 * (5 + 5)
  expect(floor('grid', even).flops).toBe((legendre + 15 * (6 + 2 + 6) + 15) / 2)
  const mixed: Shape = { ...even, in1: [1, 2] }
  expect(floor('grid', mixed).flops).toBe(legendre + 3 * 2 + 15 * (6 + 2 + 6) + 15)
})

test('gradients are evaluations of the same form', () => {
  const shape: Shape = { in1: [2], in2: [2], out: [2], paths: [[2, 2, 2]] }
  // Each gradient: 25 products of x and gradOut, 25 coefficients. Numbers moved: x1, x2, gradOut and two gradients.
  expect(passFloor('sparse-kept', shape, 'backward')).toEqual({ flops: 2 * (25 + 2 * 25), bytes: 4 * 5 * 5 })
  expect(passFloor('grid', shape, 'backward').flops).toBe(2 * floor('grid', shape).flops)
  // Both gradients once more, and the product along either direction.
  expect(passFloor('sparse-kept', shape, 'doubleBackward')).toEqual({ flops: 4 * (25 + 2 * 25), bytes: 4 * 8 * 5 })
  // (0, 2) -> 2: sums of gradOut for 5 pairs, of 1 coefficient each, then a multiply-add for either gradient. For one of them alone
  // 5 sums of products of x2 and gradOut would do.
  const scale: Shape = { in1: [0], in2: [2], out: [2], paths: [[0, 2, 2]] }
  expect(passFloor('sparse-kept', scale, 'backward').flops).toBe(2 * 5 + 2 * (2 * 5))
})
