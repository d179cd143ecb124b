import { describe, expect, it } from 'vitest'
import { Random } from '../../lib/o3/random.js'
import { errorOf } from './helpers.js'

describe('Random', () => {
  // Computed by an implementation in C with uint32_t; from state (1, 2, 3, 4) it gives the published 11520, 0, 5927040.
  it.each([
    [0, [3809008728, 1133695204, 53579671, 2891528803, 139681546]],
    [1, [2442144158, 3238099751, 3819917871, 2104621829, 2021136066]],
    [4294967295, [835879718, 1921286648, 2356205009, 1885780724, 980451116]],
  ])('is xoshiro128** for seed %i', (seed, wanted) => {
    const random = new Random(seed)
    expect(wanted.map(() => random.uint32())).toEqual(wanted)
  })

  it('has the moments of the uniform distribution', () => {
    const count = 20000
    const values = new Random(11).uniforms(count)
    expect(values.every((v) => v >= 0 && v < 1)).toBe(true)
    const mean = values.reduce((sum, v) => sum + v, 0) / count
    const square = values.reduce((sum, v) => sum + v * v, 0) / count
    // Five sigma.
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / count))
    expect(Math.abs(square - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / count))
  })

  it('has the moments of the normal distribution', () => {
    const count = 20000
    const values = new Random(12).normals(count)
    // E[x^k] = 0, 1, 0, 3 and Var[x^k] = 1, 2, 15, 96 for k = 1..4. Five sigma.
    for (const [power, mean, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ]) {
      const moment = values.reduce((sum, v) => sum + v ** power, 0) / count
      expect(Math.abs(moment - mean)).toBeLessThan(5 * Math.sqrt(variance / count))
    }
  })

  it.each([-1, 0.5, NaN, 2 ** 32, '1', undefined])('refuses seed %s', (seed) => {
    expect(errorOf(() => new Random(seed as number)).code).toBe('ERR_ARGUMENT')
  })
})
