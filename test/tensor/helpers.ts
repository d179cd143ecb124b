import { type RunArguments, Program, type Tensor } from '../../lib/tensor/index.js'

/** Numbers between -1 and 1 by a seed. */
export function randomNumbers(length: number, seed = 1): Float64Array {
  let state = seed * 2654435761
  return Float64Array.from({ length }, () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) | 0
    return ((state >>> 8) & 0xffffff) / 0x800000 - 1
  })
}

/** The single number that a tensor is, in float64. */
export function value(program: Program, given: RunArguments): number {
  return program.reference(given)[0][0]
}

/** The derivative of a number by all entries of an input, by central differences of fourth order. */
export function differences(of: Tensor, by: Tensor, given: RunArguments, step = 1e-3): Float64Array {
  const program = new Program([of], { device: 'none' })
  const x = given.inputs.get(by) as Float64Array
  return x.map((_, n) => {
    const at = (shift: number): number => {
      const moved = x.slice()
      moved[n] += shift
      return value(program, { ...given, inputs: new Map(given.inputs).set(by, moved) })
    }
    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)
  })
}
