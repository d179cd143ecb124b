/** sqrt(sum of squares), of arrays of any length (which Math.hypot's arguments are not). */
export function norm(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] ** 2
  return Math.sqrt(sum)
}
