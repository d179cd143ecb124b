import { describe, expect, it } from 'vitest'
import {
  Adam,
  clipFactor,
  ExponentialSchedule,
  GradientNorm,
  MovingAverage,
  ParameterSet,
  PlateauSchedule,
} from '../../lib/nn/index.js'
import { cudaStatus } from '../../lib/runtime/index.js'

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)

/** A GPU too where there is one, or an emulated one. */
const devices = cudaStatus().usable ? (['cpu', 'cuda'] as const) : (['cpu'] as const)

describe.each(devices)('parameters on %s', (device) => {
  const make = (values: Float32Array, weightDecay?: number) =>
    new ParameterSet([{ name: 'p', values, weightDecay }], device)
  const valuesOf = (parameters: ParameterSet): Float32Array => parameters.read(parameters.values).get('p')!

  it('lie one after another, apart and changed apart', () => {
    const [a, b] = [f32(...Array.from({ length: 17 }, (_, n) => n)), f32(-1)]
    const parameters = new ParameterSet(
      [
        { name: 'a', values: a },
        { name: 'empty', values: f32() },
        { name: 'b', values: b, weightDecay: 0.5 },
      ],
      device,
    )
    const other = parameters.from([a, f32(), f32(5)])
    parameters.during(other, () => expect(parameters.read(parameters.values).get('b')).toEqual(f32(5)))
    expect(parameters.read(parameters.values)).toEqual(
      new Map([
        ['a', a],
        ['empty', f32()],
        ['b', b],
      ]),
    )
    expect(parameters.arrays.map(({ length }) => length)).toEqual([17, 0, 1])
    expect(parameters.read(parameters.decay).get('b')).toEqual(f32(0.5))
    expect(() => parameters.write(other, new Map([['a', a]]))).toThrow('an array for empty')
  })

  it('Adam takes first steps of the size of the rate, whatever the gradient', () => {
    // m / (1 - beta1) = g and v / (1 - beta2) = g^2 at the first step, so that p moves by rate * sign(g).
    const parameters = make(f32(1, -2, 3))
    new Adam(parameters).step(parameters.from([f32(1e-3, -5, 700)]), 0.1)
    // float32 carries 6e-8, epsilon / |g| is 1e-5.
    const wanted = [0.9, -1.9, 2.9]
    const values = valuesOf(parameters)
    wanted.forEach((value, n) => expect(Math.abs(values[n] - value)).toBeLessThan(2e-6))
  })

  it('Adam follows the formula step by step, in float64', () => {
    const gradients = [0.3, -0.2, 0.05, 0.9, -1.4]
    for (const amsgrad of [false, true]) {
      const parameters = make(f32(0.7), 0.01)
      const adam = new Adam(parameters, { amsgrad })
      let [p, m, v, largest] = [0.7, 0, 0, 0]
      gradients.forEach((gradient, n) => {
        const g = gradient + 0.01 * p
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        largest = amsgrad ? Math.max(largest, v) : v
        p -= (0.02 * m) / (1 - 0.9 ** (n + 1)) / (Math.sqrt(largest / (1 - 0.999 ** (n + 1))) + 1e-8)
        adam.step(parameters.from([f32(gradient)]), 0.02)
        expect(Math.abs(valuesOf(parameters)[0] - p)).toBeLessThan(1e-6) // state in float32, rounded five times
      })
    }
  })

  it('Adam goes on from its state as if never interrupted', () => {
    const run = (interrupted: boolean): Float32Array => {
      const parameters = make(f32(1, 2))
      let adam = new Adam(parameters, { amsgrad: true })
      for (let n = 0; n < 6; n++) {
        if (interrupted && n === 3) {
          const next = new Adam(parameters, { amsgrad: true })
          next.restore(adam.state)
          next.steps = adam.steps
          adam = next
        }
        adam.step(parameters.from([f32(Math.sin(n), Math.cos(n))]), 0.05)
      }
      return valuesOf(parameters)
    }
    expect(run(true)).toEqual(run(false))
  })

  it('Adam refuses what does not fit', () => {
    const parameters = make(f32(1))
    const adam = new Adam(parameters)
    expect(() => adam.step(f32(1, 2), 0.1)).toThrow('the length of the gradient')
    expect(() => adam.step(parameters.zeros(), NaN)).toThrow('rate')
    expect(() => adam.restore(new Map())).toThrow('an array for p')
    expect(() => new Adam(parameters, { betas: [1, 0.9] })).toThrow('betas')
  })

  it('a gradient has the norm of all numbers together', () => {
    const parameters = new ParameterSet(
      [f32(0), f32(0)].map((values, n) => ({ name: `p${n}`, values })),
      device,
    )
    const norm = new GradientNorm(parameters)
    expect(norm.of(parameters.from([f32(3), f32(4)]))).toBe(5)
    expect(norm.of(parameters.from([f32(NaN), f32(4)]))).toBeNaN()
  })

  it('a moving average is the average of what was, recent values counting most', () => {
    const parameters = make(f32(0))
    const average = new MovingAverage(parameters, 0.99)
    const averaged = (): number => parameters.read(average.average).get('p')![0]
    parameters.write(parameters.values, new Map([['p', f32(1)]]))
    average.update()
    expect(averaged()).toBeCloseTo(1 - 2 / 11, 6)
    average.during(() => expect(valuesOf(parameters)[0]).toBeCloseTo(1 - 2 / 11, 6))
    expect(valuesOf(parameters)[0]).toBe(1)
    for (let n = 0; n < 5000; n++) average.update()
    expect(averaged()).toBeCloseTo(1, 5)
  })
})

it('clips a norm', () => {
  expect(clipFactor(5, 10)).toBe(1)
  expect(clipFactor(20, 10)).toBeCloseTo(0.5, 6)
})

describe('schedules', () => {
  it('lower the rate on a plateau, and only there', () => {
    const schedule = new PlateauSchedule(0.01, 0.5, 2)
    for (const loss of [5, 4, 3]) schedule.step(loss)
    expect(schedule.rate).toBe(0.01)
    for (const loss of [3, 2.99995, 3]) schedule.step(loss)
    expect(schedule.rate).toBe(0.005)
  })

  it('go on from their state', () => {
    for (const make of [() => new PlateauSchedule(0.01, 0.5, 1), () => new ExponentialSchedule(0.01, 0.9)]) {
      const [whole, first, second] = [make(), make(), make()]
      const losses = [3, 3, 3, 3, 2, 2, 2, 2]
      losses.forEach((loss) => whole.step(loss))
      losses.slice(0, 3).forEach((loss) => first.step(loss))
      second.restore(JSON.parse(JSON.stringify(first.state)) as typeof first.state)
      losses.slice(3).forEach((loss) => second.step(loss))
      expect(second.rate).toBe(whole.rate)
    }
  })
})
