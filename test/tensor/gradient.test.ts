import { describe, expect, it } from 'vitest'
import { gradient, Program } from '../../lib/tensor/index.js'
import { cases, given, score } from './cases.js'
import { differences } from './helpers.js'

/** Differences with step h = 1e-3 err by h^4 f^(5) / 30 ~ 3e-14 f^(5) and by rounding, 1e-16 / h of the numbers subtracted. */
const TOLERANCE = 1e-9

function close(got: Float64Array, wanted: Float64Array): void {
  const size = Math.max(1, ...wanted.map(Math.abs))
  const error = Math.max(...got.map((value, n) => Math.abs(value - wanted[n]))) / size
  expect(error).toBeLessThan(TOLERANCE)
}

describe.each(cases)('$name', ({ inputs, make, shift }) => {
  const run = given(inputs, shift)
  const first = score(make(inputs))

  it('has the gradients that finite differences give', () => {
    const program = new Program(gradient(first, inputs), { device: 'none' })
    const got = program.reference(run)
    inputs.forEach((by, n) => close(got[n], differences(first, by, run)))
  })

  it('has the gradients of its gradients, with respect to one of several arguments', () => {
    for (const by of inputs) {
      const [slope] = gradient(first, [by])
      const second = score(slope)
      const got = new Program(gradient(second, inputs), { device: 'none' }).reference(run)
      inputs.forEach((other, n) => close(got[n], differences(second, other, run)))
    }
  })

  it('has third derivatives', () => {
    const [slope] = gradient(first, [inputs[0]])
    const [curvature] = gradient(score(slope), [inputs.at(-1)!])
    const third = score(curvature)
    const got = new Program(gradient(third, inputs), { device: 'none' }).reference(run)
    inputs.forEach((other, n) => close(got[n], differences(third, other, run)))
  })
})
