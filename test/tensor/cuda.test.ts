import { describe, expect, it } from 'vitest'
import { cudaStatus, DeviceArray, type FloatArray } from '../../lib/runtime/index.js'
import { apply, Axis, gradient, input, matmul, Program, silu, sumRows, type Tensor } from '../../lib/tensor/index.js'
import { casesOn, given, score } from './cases.js'
import { compare, onHost, systems, TOLERANCE, TOLERANCE_DERIVATIVE } from './compare.js'
import { randomNumbers } from './helpers.js'

// On a GPU, or on an emulated one (npm run test:cuda).
const { usable } = cudaStatus()

describe.skipIf(!usable)('on a GPU', () => {
  describe.each(usable ? casesOn('cuda') : [])('$name', ({ inputs, make, shift }) => {
    const value = make(inputs)
    const slopes = gradient(score(value), inputs)
    const seconds = inputs.flatMap((_, n) => gradient(score(slopes[n]), inputs))

    it.each(Object.entries(systems))('agrees with float64, with derivatives: %s', { timeout: 300_000 }, (_, on) => {
      const run = given(inputs, shift, on)
      compare([value], run, TOLERANCE, 'cuda')
      compare(slopes, run, TOLERANCE_DERIVATIVE, 'cuda')
      compare(seconds, run, TOLERANCE_DERIVATIVE, 'cuda')
    })
  })

  it('takes no more memory for a run that is no larger than one before', () => {
    const rows = new Axis('rows')
    const [x, w] = [input('x', rows, 7), input('w', 7, 5)]
    const program = new Program([sumRows(apply(silu, matmul(x, w)))], { device: 'cuda' })
    const weights = DeviceArray.from(Float32Array.from(randomNumbers(35, 9)), 'cuda')
    const run = (count: number): Float32Array => {
      const numbers = Float32Array.from(randomNumbers(7 * count, count))
      const inputs = new Map<Tensor, FloatArray>([
        [x, numbers],
        [w, weights],
      ])
      const [out] = program.run({ counts: new Map([[rows, count]]), inputs })
      expect(out).toBeInstanceOf(DeviceArray)
      return onHost(out)
    }
    const [small, large] = [run(3), run(90)]
    const { memory } = program
    expect([run(50), run(90), run(1), run(3)]).toEqual([run(50), large, run(1), small])
    expect(program.memory).toBe(memory)
  })
})
