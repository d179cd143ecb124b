import { describe, expect, it } from 'vitest'
import { Adam, clipFactor, ExponentialSchedule, MovingAverage, normOf, PlateauSchedule } from '../../lib/nn/index.js'

const f32 = (...values: number[]): Float32Array => Float32Array.from(values)

describe('Adam', () => {
  it('takes first steps of the size of the rate, whatever the gradient', () => {
    // m / (1 - beta1) = g and v / (1 - beta2) = g^2 at the first step, so that p moves by rate * sign(g).
    const values = f32(1, -2, 3)
    new Adam([{ name: 'p', values }]).step([f32(1e-3, -5, 700)], 0.1)
    // float32 carries 6e-8, epsilon / |g| is 1e-5.
    const wanted = [0.9, -1.9, 2.9]
    wanted.forEach((value, n) => expect(Math.abs(values[n] - value)).toBeLessThan(2e-6))
  })

  it('follows the formula step by step, in float64', () => {
    const gradients = [0.3, -0.2, 0.05, 0.9, -1.4]
    for (const amsgrad of [false, true]) {
      const values = f32(0.7)
      const adam = new Adam([{ name: 'p', values, weightDecay: 0.01 }], { amsgrad })
      let [p, m, v, largest] = [0.7, 0, 0, 0]
      gradients.forEach((gradient, n) => {
        const g = gradient + 0.01 * p
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        largest = amsgrad ? Math.max(largest, v) : v
        p -= (0.02 * m) / (1 - 0.9 ** (n + 1)) / (Math.sqrt(largest / (1 - 0.999 ** (n + 1))) + 1e-8)
        adam.step([f32(gradient)], 0.02)
        expect(Math.abs(values[0] - p)).toBeLessThan(1e-6) // state in float32, rounded five times
      })
    }
  })

  it('goes on from its state as if never interrupted', () => {
    const run = (interrupted: boolean): Float32Array => {
      const values = f32(1, 2)
      let adam = new Adam([{ name: 'p', values }], { amsgrad: true })
      for (let n = 0; n < 6; n++) {
        if (interrupted && n === 3) {
          const next = new Adam([{ name: 'p', values }], { amsgrad: true })
          for (const [name, array] of next.state) array.set(adam.state.get(name)!)
          next.steps = adam.steps
          adam = next
        }
        adam.step([f32(Math.sin(n), Math.cos(n))], 0.05)
      }
      return values
    }
    expect(run(true)).toEqual(run(false))
  })

  it('refuses what does not fit', () => {
    const adam = new Adam([{ name: 'p', values: f32(1) }])
    expect(() => adam.step([], 0.1)).toThrow('Expected 1 arrays for gradients')
    expect(() => adam.step([f32(1, 2)], 0.1)).toThrow('the length of the gradient of p')
    expect(() => adam.step([f32(1)], NaN)).toThrow('rate')
    expect(() => new Adam([], { betas: [1, 0.9] })).toThrow('betas')
  })
})

it('clips a norm', () => {
  expect(normOf([f32(3), f32(4)])).toBe(5)
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

describe('MovingAverage', () => {
  it('is the average of what was, recent values counting most', () => {
    const values = f32(0)
    const average = new MovingAverage([values], 0.99)
    values[0] = 1
    average.update()
    expect(average.averages[0][0]).toBeCloseTo(1 - 2 / 11, 6)
    average.during(() => expect(values[0]).toBeCloseTo(1 - 2 / 11, 6))
    expect(values[0]).toBe(1)
    for (let n = 0; n < 5000; n++) average.update()
    expect(average.averages[0][0]).toBeCloseTo(1, 5)
  })
})
