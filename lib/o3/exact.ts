/**
 * Exact integers, and their ratios in float64.
 *
 * Racah's sums alternate in sign: in floating point they lose all digits near l = 20, in integers they lose none.
 */

const factorials: bigint[] = [1n]

/** n!, n >= 0. */
export function factorial(n: number): bigint {
  for (let i = factorials.length; i <= n; i++) factorials.push(factorials[i - 1] * BigInt(i))
  return factorials[n]
}

const pascal: bigint[][] = [[1n]]

/** The row C(n, 0), ..., C(n, n) of Pascal's triangle. */
export function binomials(n: number): readonly bigint[] {
  for (let i = pascal.length; i <= n; i++) {
    const above = pascal[i - 1]
    pascal.push([1n, ...above.slice(1).map((value, k) => above[k] + value), 1n])
  }
  return pascal[n]
}

/** numerator / denominator (both positive) to float64 accuracy, also where each of them overflows float64. */
export function ratio(numerator: bigint, denominator: bigint): number {
  // A quotient of 64 bits or more is cut off below the rounding of float64.
  const shift = 68 + bitLength(denominator) - bitLength(numerator)
  return Number((numerator << BigInt(shift)) / denominator) * 2 ** -shift
}

/** An upper bound, at most 3 too large. */
function bitLength(value: bigint): number {
  return 4 * value.toString(16).length
}
