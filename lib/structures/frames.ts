import { expected } from '../runtime/errors.js'

/** `wanted` indices below `count`, spread evenly; all of them where there are no more. */
export function spread(count: number, wanted = count): number[] {
  if (wanted !== count && !(Number.isInteger(wanted) && wanted > 0))
    throw expected('a positive integer', 'frames', wanted)
  const length = Math.min(count, wanted)
  return Array.from({ length }, (_, i) => Math.floor((i * count) / length))
}
