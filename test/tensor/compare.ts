import { expect } from 'vitest'
import type { DeviceOption, FloatArray } from '../../lib/runtime/index.js'
import { DeviceArray } from '../../lib/runtime/index.js'
import { Program, type RunArguments, type Tensor } from '../../lib/tensor/index.js'
import type { System } from './cases.js'
import { randomNumbers } from './helpers.js'

/** Relative error ||got - wanted|| / ||wanted|| of float32 kernels: of a value, and of its derivatives. */
export const TOLERANCE = 2e-6
export const TOLERANCE_DERIVATIVE = 1e-5

/** No size a multiple of a vector's, nodes without edges among them. */
export function system(nodes: number, edges: number): System {
  const pick = (seed: number, end: number) => (x: number) => Math.min(end - 1, Math.floor(((x + 1) / 2) * end * seed))
  return {
    senders: [...randomNumbers(edges, 5)].map(pick(1, nodes)),
    receivers: [...randomNumbers(edges, 6)].map(pick(0.9, nodes)),
    elements: [...randomNumbers(nodes, 7)].map(pick(1, 2)),
  }
}

/** The same in float32, and float64 copies of exactly those numbers. */
export function rounded(run: RunArguments): { single: RunArguments; double: RunArguments } {
  const single = new Map([...run.inputs].map(([tensor, x]) => [tensor, Float32Array.from(x as Float64Array)]))
  const double = new Map([...single].map(([tensor, x]) => [tensor, Float64Array.from(x)]))
  return { single: { ...run, inputs: single }, double: { ...run, inputs: double } }
}

export function relativeError(got: ArrayLike<number>, wanted: Float64Array): number {
  let [error, size] = [0, 0]
  wanted.forEach((value, n) => {
    error += (got[n] - value) ** 2
    size += value ** 2
  })
  return size === 0 ? Math.sqrt(error) : Math.sqrt(error / size)
}

/** Outputs on a device against float64. */
export function compare(outputs: Tensor[], run: RunArguments, tolerance: number, device: DeviceOption = 'cpu'): void {
  const program = new Program(outputs, { device })
  const { single, double } = rounded(run)
  const [got, wanted] = [program.run(single), program.reference(double)]
  wanted.forEach((values, n) => {
    expect(got[n]).toHaveLength(values.length)
    expect(relativeError(onHost(got[n]), values)).toBeLessThan(tolerance)
  })
}

export const systems = { small: system(3, 5), odd: system(37, 213), empty: system(0, 0), 'without edges': system(5, 0) }

export function onHost(array: FloatArray): Float32Array {
  return array instanceof DeviceArray ? array.toArray() : array
}
