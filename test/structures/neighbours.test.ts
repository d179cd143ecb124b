import { join } from 'node:path'
import { expect, test } from 'vitest'
import { neighbours, readStructures, type Structure } from '../../lib/structures/index.js'

/** Numbers in [0, 1) that are the same in every run. */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function random(atoms: number, cell: number[] | undefined, pbc: Structure['pbc'], seed: number, spread = 1): Structure {
  const next = generator(seed)
  const frame = cell ?? [5, 0, 0, 0, 5, 0, 0, 0, 5]
  const positions = new Float64Array(3 * atoms)
  for (let atom = 0; atom < atoms; atom++) {
    // `spread` > 1 puts atoms outside the cell as well.
    const fractional = [0, 1, 2].map(() => (next() - 0.5) * spread)
    for (let axis = 0; axis < 3; axis++) {
      positions[3 * atom + axis] = fractional.reduce((sum, f, row) => sum + f * frame[3 * row + axis], 0)
    }
  }
  return { numbers: new Uint8Array(atoms).fill(1), positions, cell: cell && Float64Array.from(cell), pbc }
}

/** Every image within `range` cells of either atom, with no thought at all. */
function bruteForce({ positions, cell, pbc }: Structure, cutoff: number, range: number): string[] {
  const found: string[] = []
  const reach = pbc.map((periodic) => (periodic ? range : 0))
  const atoms = positions.length / 3
  for (let r = 0; r < atoms; r++)
    for (let s = 0; s < atoms; s++)
      for (let a = -reach[0]; a <= reach[0]; a++)
        for (let b = -reach[1]; b <= reach[1]; b++)
          for (let c = -reach[2]; c <= reach[2]; c++) {
            if (r === s && a === 0 && b === 0 && c === 0) continue
            const vector = [0, 1, 2].map((axis) => {
              const shift = cell ? a * cell[axis] + b * cell[3 + axis] + c * cell[6 + axis] : 0
              return positions[3 * r + axis] + shift - positions[3 * s + axis]
            })
            if (Math.hypot(...vector) < cutoff) found.push([r, s, a, b, c].join())
          }
  return found
}

const edges = ({ receivers, senders, shifts }: ReturnType<typeof neighbours>): string[] =>
  [...receivers].map((r, e) => [r, senders[e], ...shifts.subarray(3 * e, 3 * e + 3)].join())

const cubic = [3, 0, 0, 0, 3, 0, 0, 0, 3]
const skewed = [2, 0, 0, 1.9, 1, 0, -1.5, 0.7, 1.4]
const sheared = [4, 0, 0, 11, 4, 0, -9, 13, 4]
const slab = [3, 0.5, 0, -1, 4, 0, 0, 0, 0]
const none = [false, false, false] as const
const all = [true, true, true] as const

test.each<[string, Structure, number, number]>([
  ['open', random(30, undefined, none, 1), 2.5, 0],
  ['a cell that is not periodic', random(20, cubic, none, 2), 2, 0],
  ['cubic', random(6, cubic, all, 3), 2.9, 2],
  ['a cutoff of many cells', random(2, cubic, all, 4), 8, 4],
  ['skewed and small', random(3, skewed, all, 5), 3, 14],
  ['far from reduced', random(3, sheared, all, 6), 4, 12],
  ['left-handed', random(4, [0, 3, 0, 3, 0, 0, 0, 0, 4], all, 7), 4, 3],
  ['a slab with no third vector', random(5, slab, [true, true, false], 8), 4, 4],
  ['a chain along the second vector', random(5, skewed, [false, true, false], 9), 5, 4],
  ['atoms far outside the cell', random(4, cubic, all, 10, 9), 3, 12],
])('finds what brute force finds: %s', (_, structure, cutoff, range) => {
  const found = neighbours(structure, cutoff)
  const expected = bruteForce(structure, cutoff, range)
  expect(expected.length).toBeGreaterThan(0)
  // The range of the brute force must not be what limits it.
  expect(
    expected.some((edge) =>
      edge
        .split(',')
        .slice(2)
        .map(Number)
        .some((shift) => range > 0 && Math.abs(shift) === range),
    ),
  ).toBe(false)
  expect(edges(found).sort()).toEqual(expected.sort())
})

test('vectors lead from sender to receiver, and every edge has its reverse', () => {
  const structure = random(5, skewed, all, 11)
  const { receivers, senders, shifts, vectors, distances } = neighbours(structure, 3)
  const reverse = new Set<string>()
  for (let e = 0; e < receivers.length; e++) {
    const [a, b, c] = shifts.subarray(3 * e, 3 * e + 3)
    for (let axis = 0; axis < 3; axis++) {
      const shift = a * skewed[axis] + b * skewed[3 + axis] + c * skewed[6 + axis]
      const expected = structure.positions[3 * receivers[e] + axis] + shift - structure.positions[3 * senders[e] + axis]
      expect(vectors[3 * e + axis]).toBeCloseTo(expected, 12)
    }
    expect(distances[e]).toBeCloseTo(Math.hypot(...vectors.subarray(3 * e, 3 * e + 3)), 12)
    reverse.add([senders[e], receivers[e], 0 - a, 0 - b, 0 - c].join())
  }
  expect([...reverse].sort()).toEqual(edges(neighbours(structure, 3)).sort())
})

test('an atom alone in a cubic cell has the six, twelve and eight neighbours of its lattice', () => {
  const atom = {
    numbers: Uint8Array.of(1),
    positions: Float64Array.of(0.2, 9, -4),
    cell: Float64Array.from(cubic),
    pbc: all,
  }
  for (const [cutoff, count] of [
    [2.99, 0],
    [3.01, 6],
    [4.25, 18],
    [5.2, 26],
  ]) {
    expect(neighbours(atom, cutoff).receivers).toHaveLength(count)
  }
})

test('edges come by receiver, then sender, then shift', () => {
  const { receivers, senders, shifts } = neighbours(random(6, skewed, all, 12, 3), 4)
  const keys = [...receivers].map((r, e) => [r, senders[e], ...shifts.subarray(3 * e, 3 * e + 3)])
  const sorted = [...keys].sort((x, y) => x.map((value, i) => value - y[i]).find((difference) => difference !== 0) ?? 0)
  expect(keys.length).toBeGreaterThan(1000)
  expect(keys).toEqual(sorted)
})

/** All neighbours of one atom among images -1..1, by definition; in the order of edges. */
function around(receiver: number, { positions, cell, pbc }: Structure, cutoff: number): string[] {
  const found: string[] = []
  const images = (axis: number): number[] => (pbc[axis] ? [-1, 0, 1] : [0])
  for (let sender = 0; sender < positions.length / 3; sender++) {
    for (const a of images(0))
      for (const b of images(1))
        for (const c of images(2)) {
          let square = 0
          for (let axis = 0; axis < 3; axis++) {
            const shift = a * cell![axis] + b * cell![3 + axis] + c * cell![6 + axis]
            square += (positions[3 * receiver + axis] + shift - positions[3 * sender + axis]) ** 2
          }
          if (square < cutoff ** 2 && square > 0) found.push([receiver, sender, a, b, c].join())
        }
  }
  return found
}

test.each([{ pbc: all }, { pbc: none }, { pbc: [true, false, true] as const }])(
  '100,000 atoms, against brute force on samples: %o',
  ({ pbc }) => {
    // Skewed, about as dense as water, and all atoms in the cell: images beyond the first are out of reach.
    const structure = random(100_000, [100, 0, 0, 20, 95, 0, -10, 15, 105], pbc, 13)
    const found = neighbours(structure, 4)
    let edge = 0
    for (let receiver = 0; receiver < 100_000; receiver++) {
      const begin = edge
      while (found.receivers[edge] === receiver) edge++
      if (receiver % 9091 !== 17) continue
      const mine = Array.from({ length: edge - begin }, (_, i) => {
        const e = begin + i
        return [receiver, found.senders[e], ...found.shifts.subarray(3 * e, 3 * e + 3)].join()
      })
      expect(mine).toEqual(around(receiver, structure, 4))
    }
    expect(edge).toBe(found.receivers.length)
  },
)

test('a cluster is as quick with a stray atom far away, or in a huge cell', () => {
  // Without bins that follow the atoms, all of them would share one: 10^10 pairs.
  const cluster = random(20_000, [60, 0, 0, 0, 60, 0, 0, 0, 60], none, 14)
  const stray = {
    numbers: new Uint8Array(20_001),
    positions: Float64Array.of(...cluster.positions, 1e7, -1e7, 1e7),
    pbc: none,
  }
  const { receivers } = neighbours(cluster, 4)
  expect(neighbours(stray, 4).receivers).toEqual(receivers)
  const inCell = { ...cluster, cell: Float64Array.of(500, 0, 0, 0, 500, 0, 0, 0, 500), pbc: all }
  expect(neighbours(inCell, 4).receivers).toEqual(receivers)
})

test('no atoms have no edges', () => {
  const nothing = { numbers: new Uint8Array(0), positions: new Float64Array(0), pbc: none }
  expect(neighbours(nothing, 3).receivers).toHaveLength(0)
})

test('bonds of ethanol are those of ethanol', async () => {
  const [ethanol] = await readStructures(join(__dirname, '../../examples/ethanol_pbe.npz'))
  const { receivers, senders } = neighbours(ethanol, 1.7)
  const heavy = [...receivers].filter((r, e) => ethanol.numbers[r] > 1 && ethanol.numbers[senders[e]] > 1)
  expect(heavy).toHaveLength(4) // C-C and C-O, both ways
})

test('refuses what has no answer', () => {
  const pair = { numbers: Uint8Array.of(1, 1), positions: new Float64Array(6), pbc: none }
  expect(() => neighbours(pair, 3)).toThrow(/Atoms 1 and 2 are in the same place/)
  for (const cutoff of [0, -1, NaN, Infinity])
    expect(() => neighbours(pair, cutoff)).toThrow(/positive number of Angstrom for cutoff/)
  expect(() => neighbours({ ...pair, positions: Float64Array.of(0, 0, 0, NaN, 0, 0) }, 3)).toThrow(/Atom 2 is at NaN/)
  expect(() => neighbours({ ...pair, positions: Float64Array.of(0, 0, 0, 1e9, 0, 0) }, 3)).toThrow(
    /no place in Angstrom/,
  )
  expect(() => neighbours({ ...pair, positions: new Float64Array(4) }, 3)).toThrow(/6 numbers \(three for every atom\)/)
  const one = random(1, cubic, all, 1)
  expect(() => neighbours(one, 1e6)).toThrow(/over 50000000 pairs/)
  expect(() => neighbours({ ...one, positions: Float64Array.of(1e7, 0, 0) }, 3)).toThrow(/Atom 1 is 3333333 cells away/)
  expect(() => neighbours({ ...one, cell: new Float64Array(9).fill(NaN) }, 3)).toThrow(/nine finite numbers for cell/)
  expect(() => neighbours({ ...one, cell: undefined }, 3)).toThrow(/vectors along which the structure repeats for cell/)
  const flat = { ...random(2, [1, 0, 0, 0, 1, 0, 1, 1, 0], all, 1) }
  expect(() => neighbours(flat, 1)).toThrow(/lie in one plane/)
})
