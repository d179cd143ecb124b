import { describe, expect, test } from 'vitest'
import { type ReferenceOperands, referenceEvaluate } from '../../lib/product/weighted-reference.js'
import { relativeError } from './helpers.js'
import { arrayOf, definitionOf, type E3nnCase, numericCases, productCases } from './weighted-cases.js'

// Both sides are float64 sums of at most some thousand terms of either sign.
const EXACT = 1e-12

test('every mode is among the cases, with weights shared and per sample', () => {
  const modes = (shared: boolean) =>
    new Set(
      numericCases
        .filter(({ shared_weights, weight_numel }) => shared_weights === shared && weight_numel > 0)
        .flatMap(({ instructions }) => instructions.map(({ mode }) => mode)),
    )
  expect([...modes(true)].sort()).toEqual(['u<vw', 'uuu', 'uuw', 'uvu', 'uvu<v', 'uvuv', 'uvv', 'uvw'])
  expect([...modes(false)].sort()).toEqual(['uuu', 'uvu', 'uvv', 'uvw'])
})

test.each(productCases)('$name has the coefficients, shapes and weight order of e3nn', (reference) => {
  const { paths, weightNumel } = definitionOf(reference)
  expect(weightNumel).toBe(reference.weight_numel)
  for (const [n, instruction] of reference.instructions.entries()) {
    expect(paths[n].shape).toEqual(instruction.path_shape)
    expect(paths[n].coefficient).toBeCloseTo(instruction.coeff, 14)
    if (instruction.has_weight) expect(paths[n].weightOffset).toBe(instruction.weight_offset)
  }
})

describe.each(numericCases)('$name in float64', (reference) => {
  const product = definitionOf(reference)
  const [x1, x2, w, g] = ['x1', 'x2', 'w', 'g'].map((key) => arrayOf(reference, key))

  test('forward and first gradients', () => {
    const evaluate = (target: 0 | 1 | 2 | 3) => referenceEvaluate(product, target, [x1, x2, g, w], reference.batch)
    expectClose(evaluate(2), reference, 'out')
    expectClose(evaluate(0), reference, 'grad_x1')
    expectClose(evaluate(1), reference, 'grad_x2')
    expectClose(evaluate(3), reference, 'grad_w')
  })

  // Half of the cases have first gradients only.
  const second = reference.arrays.dblall_x1 === undefined ? [] : ['dblall', 'dbl1']

  test.each(second)('%s', (name) => {
    const v = [arrayOf(reference, 'v1'), name === 'dbl1' ? undefined : arrayOf(reference, 'v2')] as const
    const vw = name === 'dbl1' ? undefined : arrayOf(reference, 'vw')
    const [dx1, dx2, dw, dg] = doubleBackward(reference, [x1, x2, g, w], v, vw)
    expectClose(dx1, reference, `${name}_x1`)
    expectClose(dx2, reference, `${name}_x2`)
    expectClose(dw, reference, `${name}_w`)
    expectClose(dg, reference, `${name}_g`)
  })

  /** Sums of the same form with one operand replaced and another left out: gradients of the sum over o of <v_o, dL/do>. */
  function doubleBackward(
    { batch }: E3nnCase,
    operands: ReferenceOperands,
    [v1, v2]: readonly [Float64Array, Float64Array | undefined],
    vw: Float64Array | undefined,
  ): Float64Array[] {
    return ([0, 1, 3, 2] as const).map((target) => {
      const terms = [v1, v2, undefined, vw].flatMap((v, o) => {
        if (v === undefined || o === target) return []
        const replaced = operands.map((operand, n) => (n === o ? v : operand)) as unknown as ReferenceOperands
        // Weightless paths take no part in a derivative with respect to weights.
        const paths = o === 3 ? product.paths.filter(({ hasWeight }) => hasWeight) : product.paths
        return [referenceEvaluate({ ...product, paths }, target, replaced, batch)]
      })
      const zero = new Float64Array(referenceEvaluate({ ...product, paths: [] }, target, operands, batch).length)
      return terms.reduce((sum, term) => sum.map((value, n) => value + term[n]), zero)
    })
  }
})

function expectClose(got: Float64Array, reference: E3nnCase, key: string): void {
  const want = arrayOf(reference, key)
  expect(got, key).toHaveLength(want.length)
  if (want.every((value) => value === 0)) expect(got, key).toEqual(want)
  else expect(relativeError(got, want), key).toBeLessThan(EXACT)
}
