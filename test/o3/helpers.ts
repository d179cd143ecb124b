import { GauntletError } from '../../lib/runtime/errors.js'

/** The GauntletError that `action` throws; anything else fails the test. */
export function errorOf(action: () => unknown): GauntletError {
  try {
    action()
  } catch (error) {
    if (error instanceof GauntletError) return error
    throw error
  }
  throw new Error('Expected a GauntletError but nothing was thrown')
}

/** The largest |a_i - b_i|; NaN where the lengths differ or an entry is NaN, so that no comparison with it passes. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i])
    if (Number.isNaN(difference)) return NaN
    largest = Math.max(largest, difference)
  }
  return largest
}
