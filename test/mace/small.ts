import type { MaceOptions } from '../../lib/mace/index.js'
import { Random } from '../../lib/o3/index.js'
import type { Structure } from '../../lib/structures/index.js'

/** A small network for short tests. */
export const small: MaceOptions = {
  atomicNumbers: [1, 6, 8],
  atomicEnergies: [-13, -1029, -2042],
  cutoff: 3,
  numBessel: 3,
  radialMlp: [4],
  mlpIrreps: '2x0e',
  hiddenIrreps: '2x0e+2x1o',
  maxEll: 2,
  avgNumNeighbors: 3,
  scale: 0.7,
  shift: 0.1,
}

/** Some atoms in a row, each displaced by chance. */
export function makeStructure(atoms: number, seed: number): Structure {
  const random = new Random(seed)
  const numbers = Uint8Array.from({ length: atoms }, (_, n) => [6, 8, 1, 1, 6][n % 5])
  // Far enough from each other for functions of 1/r to be tame.
  const positions = Float64Array.from({ length: 3 * atoms }, (_, n) => {
    return [1.3 * Math.floor(n / 3), 0, 0][n % 3] + 0.6 * random.normal()
  })
  return { numbers, positions, pbc: [false, false, false] }
}
