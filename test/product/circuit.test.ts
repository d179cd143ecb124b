import { describe, expect, test } from 'vitest'
import { Circuit, compile, type Program } from '../../lib/product/circuit.js'
import { GridContraction } from '../../lib/product/grid-contraction.js'
import { SymmetricContraction } from '../../lib/product/symmetric-contraction.js'

/** Rows of a run that are read there after they were written there. */
function readWithinRun(program: Program): number[] {
  const found: number[] = []
  let [sum, product, multiple] = [0, 0, 0]
  for (const { rows, products, multiples } of program.runs) {
    const written = new Set<number>()
    for (let row = 0; row < rows; row++) {
      const read = [
        ...program.factors.slice(2 * product, 2 * (product + products)),
        ...program.multiples.slice(multiple, multiple + multiples).map(({ row }) => row),
      ]
      found.push(...read.filter((one) => written.has(one)))
      written.add(program.targets[sum++])
      product += products
      multiple += multiples
    }
  }
  return found
}

describe('compile', () => {
  test('ends a run where the next row needs one of its own', () => {
    const circuit = new Circuit()
    const x = circuit.input()
    const double = circuit.sum([], [{ of: x, factor: 2 }])
    const triple = circuit.sum([], [{ of: x, factor: 3 }])
    const six = circuit.sum([], [{ of: double, factor: 3 }])
    const { runs } = compile(circuit, [x], [triple, six])
    expect(runs).toEqual([
      { rows: 2, products: 0, multiples: 1 },
      { rows: 1, products: 0, multiples: 1 },
    ])
  })

  test.each([SymmetricContraction, GridContraction])('keeps rows of a run apart: %o', (Kind) => {
    using contraction = new Kind('1x0e+1x1o+1x2e', '1x0e+1x1o', { correlation: 3, elements: 1, device: 'cpu' })
    const { scalar } = contraction
    for (const { program } of [scalar.compile([2]), scalar.compile([0, 1]), scalar.along([0, 1]).compile([0, 1, 2])]) {
      expect(readWithinRun(program)).toEqual([])
    }
  })
})

test('GridContraction takes half of the operations that points one by one take', () => {
  using contraction = new GridContraction('1x0e+1x1o+1x2e+1x3o', '1x0e+1x1o', {
    correlation: 3,
    elements: 1,
    device: 'cpu',
  })
  const { multiples } = contraction.scalar.compile([2]).program
  // 16 coefficients of three factors and 4 of the result, each at 50 points, were no two of them opposite; and those of f (1 + g).
  expect(multiples.length).toBe((50 / 2) * (3 * 16 + 4) + 2 * 2 * (50 / 2))
})
