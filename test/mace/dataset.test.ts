import { describe, expect, it } from 'vitest'
import { atomicEnergies, batches, elementsOf, labelled, shuffled, split, statistics } from '../../lib/mace/dataset.js'
import { parseXyz } from '../../lib/structures/index.js'

const DATA = `1
Properties=species:S:1:pos:R:3:forces:R:3 config_type=IsolatedAtom energy=-10 pbc="F F F"
H 0 0 0 0 0 0
1
Properties=species:S:1:pos:R:3:forces:R:3 config_type=IsolatedAtom energy=-30 pbc="F F F"
O 0 0 0 0 0 0
3
Properties=species:S:1:pos:R:3:forces:R:3 energy=-53 pbc="F F F"
O 0 0 0 0 0 3
H 1 0 0 0 0 -3
H 0 1 0 0 0 0
2
Properties=species:S:1:pos:R:3:forces:R:3 energy=-22 pbc="F F F"
H 0 0 0 1 0 0
H 1 0 0 -1 0 0
`

describe('labelled structures', () => {
  const { structures, isolated } = labelled(parseXyz(DATA), 'data', 1.2)
  const elements = elementsOf(structures)

  it('leave isolated atoms apart', () => {
    expect(structures).toHaveLength(2)
    expect(elements).toEqual([1, 8])
    expect(atomicEnergies('isolated', structures, isolated, elements)).toEqual([-10, -30])
  })

  it('give atomic energies by least squares and by name', () => {
    // 2 H + O = -53 and 2 H = -22 have the solution H = -11, O = -31.
    const [h, o] = atomicEnergies('average', structures, isolated, elements)
    expect(h).toBeCloseTo(-11, 10)
    expect(o).toBeCloseTo(-31, 10)
    expect(atomicEnergies({ H: -1, O: -2 }, structures, isolated, elements)).toEqual([-1, -2])
    expect(() => atomicEnergies({ H: -1 }, structures, isolated, elements)).toThrow('isolated O atom')
    expect(() => atomicEnergies('isolated', structures, new Map(), elements)).toThrow('config_type=IsolatedAtom')
  })

  it('have statistics', () => {
    const { meanEnergy, rmsForces } = statistics(structures, elements, [-10, -30])
    expect(meanEnergy).toBeCloseTo((-3 / 3 + -2 / 2) / 2, 12)
    expect(rmsForces).toBeCloseTo(Math.sqrt((9 + 9 + 1 + 1) / 15), 12)
  })

  it('need labels', () => {
    const bare = parseXyz('1\nProperties=species:S:1:pos:R:3\nH 0 0 0\n')
    expect(() => labelled(bare, 'bare.xyz', 3)).toThrow('bare.xyz, structure 1 (H): It has no energy')
    const half = parseXyz('1\nProperties=species:S:1:pos:R:3 energy=1\nH 0 0 0\n')
    expect(() => labelled(half, 'half.xyz', 3)).toThrow('half.xyz, structure 1 (H): It has no forces: data.forcesKey')
  })

  it('have edges, and weights that frames may give them', () => {
    expect(structures.map(({ edges }) => edges)).toEqual([4, 2])
    expect(structures[0]).toMatchObject({ energyWeight: 1, forcesWeight: 1 })
    const weighted = parseXyz(DATA.replace('energy=-53', 'energy=-53 config_weight=0.5 config_forces_weight=4'))
    expect(labelled(weighted, 'data', 3).structures[0]).toMatchObject({ energyWeight: 0.5, forcesWeight: 2 })
    for (const weight of ['-1', 'nan', 'much']) {
      const wrong = parseXyz(DATA.replace('energy=-22', `energy=-22 config_weight=${weight}`))
      expect(() => labelled(wrong, 'data', 3)).toThrow(/data, structure 4 \(H2\).*config_weight/)
    }
  })

  it('are refused by their place', () => {
    const frame = (...atoms: string[]) =>
      `${atoms.length}\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\n${atoms.join('\n')}\n`
    const of = (text: string, elements?: number[]) => () => labelled(parseXyz(text), 'a.xyz', 3, elements)
    expect(of('0\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\n')).toThrow('structure 1 (): It has no atoms')
    expect(of(frame('H 0 0 0 0 0 0', 'H 0 0 0 0 0 0'))).toThrow('a.xyz, structure 1 (H2): Atoms 1 and 2')
    expect(of(DATA + frame('Br 0 0 0 0 0 0'), [1, 8])).toThrow(
      'a.xyz, structure 5 (Br): Expected the elements that are trained on (H, O) for its atoms but received "Br"',
    )
  })
})

it('splits by a seed, every structure on one side', () => {
  const all = Array.from({ length: 50 }, (_, n) => n)
  const { train, valid } = split(all, 0.1, 7)
  expect(valid).toHaveLength(5)
  expect([...train, ...valid].sort((a, b) => a - b)).toEqual(all)
  expect(split(all, 0.1, 7)).toEqual({ train, valid })
  expect(split(all, 0.1, 8).valid).not.toEqual(valid)
  expect(split([1, 2], 0.01, 1).valid).toHaveLength(1)
})

it('shuffles fairly', () => {
  // Each of 5 first places 200 times of 1000, give or take 5 standard deviations of sqrt(160).
  const first = new Array<number>(5).fill(0)
  for (let seed = 0; seed < 1000; seed++) first[shuffled(5, seed)[0]]++
  for (const count of first) expect(Math.abs(count - 200)).toBeLessThan(64)
})

it('makes batches within limits', () => {
  const edges = [5, 5, 20, 1, 1, 1]
  const order = [0, 1, 2, 3, 4, 5]
  expect(batches(order, edges, { structures: 2, edges: Infinity })).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ])
  expect(batches(order, edges, { structures: 10, edges: 10 })).toEqual([[0, 1], [2], [3, 4, 5]])
  expect(batches([], edges, { structures: 2, edges: 10 })).toEqual([])
})
