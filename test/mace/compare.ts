/** The largest of absolute values, or of absolute differences. */
export function largest(a: Float64Array, b?: Float64Array): number {
  return a.reduce((most, value, n) => Math.max(most, Math.abs(value - (b?.[n] ?? 0))), 0)
}
