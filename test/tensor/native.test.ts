import { afterEach, describe, expect, it } from 'vitest'
import { getNumThreads, setNumThreads } from '../../lib/runtime/index.js'
import { gradient, Program, type RunArguments, type Tensor } from '../../lib/tensor/index.js'
import { cases, given, score, type System } from './cases.js'
import { randomNumbers } from './helpers.js'

/** Relative error ||got - wanted|| / ||wanted|| of float32 kernels: of a value, and of its derivatives. */
const TOLERANCE = 2e-6
const TOLERANCE_DERIVATIVE = 1e-5

const threads = getNumThreads()
afterEach(() => setNumThreads(threads))

/** No size a multiple of a vector's, nodes without edges among them. */
function system(nodes: number, edges: number): System {
  const pick = (seed: number, end: number) => (x: number) => Math.min(end - 1, Math.floor(((x + 1) / 2) * end * seed))
  return {
    senders: [...randomNumbers(edges, 5)].map(pick(1, nodes)),
    receivers: [...randomNumbers(edges, 6)].map(pick(0.9, nodes)),
    elements: [...randomNumbers(nodes, 7)].map(pick(1, 2)),
  }
}

/** The same in float32, and float64 copies of exactly those numbers. */
function rounded(run: RunArguments): { single: RunArguments; double: RunArguments } {
  const single = new Map([...run.inputs].map(([tensor, x]) => [tensor, Float32Array.from(x as Float64Array)]))
  const double = new Map([...single].map(([tensor, x]) => [tensor, Float64Array.from(x)]))
  return { single: { ...run, inputs: single }, double: { ...run, inputs: double } }
}

function relativeError(got: ArrayLike<number>, wanted: Float64Array): number {
  let [error, size] = [0, 0]
  wanted.forEach((value, n) => {
    error += (got[n] - value) ** 2
    size += value ** 2
  })
  return size === 0 ? Math.sqrt(error) : Math.sqrt(error / size)
}

function compare(outputs: Tensor[], run: RunArguments, tolerance: number): void {
  const program = new Program(outputs, { device: 'cpu' })
  const { single, double } = rounded(run)
  const [got, wanted] = [program.run(single), program.reference(double)]
  wanted.forEach((values, n) => {
    expect(got[n]).toHaveLength(values.length)
    expect(relativeError(got[n] as Float32Array, values)).toBeLessThan(tolerance)
  })
}

const systems = { small: system(3, 5), odd: system(37, 213), empty: system(0, 0), 'without edges': system(5, 0) }

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
