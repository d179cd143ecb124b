import { Mace, writeModel } from '../../lib/mace/index.js'
import type { Structure } from '../../lib/structures/index.js'
import { missing } from '../files/temporary.js'
import { makeStructure, small } from '../mace/small.js'

const model = new Mace(small, { device: 'cpu' })
const weights = model.initialWeights(4)

/** A small model of H, C and O with random weights, and as a file. */
export async function smallModel(): Promise<{ path: string; model: Mace; weights: typeof weights }> {
  const path = missing('.safetensors')
  await writeModel(path, model, weights)
  return { path, model, weights }
}

/** Two atoms, one and seven, the last of them in a cell that repeats. */
export function someStructures(): Structure[] {
  const cell = Float64Array.of(9, 0, 0, 0.5, 4, 0, 0, 0, 4)
  return [
    makeStructure(2, 1),
    { numbers: Uint8Array.of(8), positions: new Float64Array(3), pbc: [false, false, false] },
    { ...makeStructure(7, 3), cell, pbc: [true, true, false] },
  ]
}
