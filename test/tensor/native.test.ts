import { afterEach, describe, expect, it } from 'vitest'
import { getNumThreads, setNumThreads } from '../../lib/runtime/index.js'
import { gradient, Program } from '../../lib/tensor/index.js'
import { cases, given, score } from './cases.js'
import { compare, rounded, system, systems, TOLERANCE, TOLERANCE_DERIVATIVE } from './compare.js'

const threads = getNumThreads()
afterEach(() => setNumThreads(threads))

describe.each(cases)('$name', ({ inputs, make, shift }) => {
  const value = make(inputs)
  const slopes = gradient(score(value), inputs)
  const seconds = inputs.flatMap((_, n) => gradient(score(slopes[n]), inputs))

  it.each(Object.entries(systems))('agrees with float64, with derivatives: %s', (_, on) => {
    const run = given(inputs, shift, on)
    compare([value], run, TOLERANCE)
    compare(slopes, run, TOLERANCE_DERIVATIVE)
    compare(seconds, run, TOLERANCE_DERIVATIVE)
  })

  it('gives the same floats for any number of threads, and takes no more memory for it', () => {
    const { single } = rounded(given(inputs, shift, system(1500, 9001)))
    const program = new Program([value, ...slopes], { device: 'cpu' })
    const runs = [1, 2, 3].map((count) => {
      setNumThreads(count)
      const results = program.run(single).map((array) => (array as Float32Array).slice())
      return { results, memory: program.memory }
    })
    expect(runs[1]).toEqual(runs[0])
    expect(runs[2]).toEqual(runs[0])
  })
})
