import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Drift } from '../../lib/md/drift.js'
import { Dynamics, type ForceField } from '../../lib/md/dynamics.js'
import { Calculator, Evaluator, Mace, makeBatch, predict, type Precision } from '../../lib/mace/index.js'
import { readXyz, type Structure } from '../../lib/structures/index.js'
import { largest } from './compare.js'
import { publishedModel, solvent } from './published.js'
import { makeStructure, small } from './small.js'

const model = new Mace(small, { device: 'cpu' })
const weights = model.initialWeights(4)
const molecule = makeStructure(7, 3)
/** Smaller than the cutoff, so that atoms see images of themselves. */
const crystal: Structure = {
  numbers: Uint8Array.of(6, 8),
  positions: Float64Array.of(0.1, 0, 0.2, 1.2, 1.1, 0.9),
  cell: Float64Array.of(2.5, 0, 0, 0.4, 2.6, 0, -0.3, 0.5, 2.7),
  pbc: [true, true, true],
}
const alone: Structure = { numbers: Uint8Array.of(8), positions: Float64Array.of(1, 2, 3), pbc: [false, false, false] }

describe('a calculator', () => {
  const calculator = new Calculator(model, weights, { precision: 'float64' })

  it('has for forces the differences of its energies', () => {
    for (const structure of [molecule, crystal]) {
      const field = calculator.forceField(structure)
      const { forces } = field(structure.positions)
      const step = 1e-5
      forces.forEach((force, n) => {
        const at = (shift: number): number => field(structure.positions.with(n, structure.positions[n] + shift)).energy
        // The third derivative times 1e-10, and energies of 1e3 eV rounded at 1e-13, over 2e-5.
        expect(Math.abs((at(-step) - at(step)) / (2 * step) - force)).toBeLessThan(2e-7)
      })
    }
  })

  it('says of a cell that is repeated what it says of the cell, as often', () => {
    const { energy, forces } = calculator.compute(crystal)
    const twice = calculator.compute({
      numbers: Uint8Array.of(...crystal.numbers, ...crystal.numbers),
      positions: Float64Array.from([
        ...crystal.positions,
        ...crystal.positions.map((r, n) => r + crystal.cell![n % 3]),
      ]),
      cell: crystal.cell!.map((x, n) => (n < 3 ? 2 * x : x)),
      pbc: crystal.pbc,
    })
    expect(twice.energy / 2).toBeCloseTo(energy, 9)
    expect(largest(twice.forces, Float64Array.from([...forces, ...forces]))).toBeLessThan(1e-12)
  })

  it('knows an atom alone', () => {
    const { energy, forces } = calculator.compute(alone)
    expect(energy).toBeCloseTo(new Evaluator(model, weights).evaluate(makeBatch(model, [alone])).energies[0], 5)
    expect([...forces].map(Math.abs)).toEqual([0, 0, 0])
  })

  it('refuses what is no structure of the model', () => {
    expect(() => calculator.compute({ ...alone, numbers: Uint8Array.of(92) })).toThrow(
      /an element that the model knows (.*) for numbers.0. but received "U"/,
    )
    expect(() => calculator.compute({ ...alone, positions: Float64Array.of(1, 2, 3, 4, 5, 6) })).toThrow(/length/)
    expect(() => calculator.compute({ ...alone, positions: new Float64Array(2) })).toThrow(
      /numbers \(three for every atom\)/,
    )
    expect(() => calculator.compute({ ...alone, positions: Float64Array.of(NaN, 0, 0) })).toThrow(/no place/)
    const twins = { ...alone, numbers: Uint8Array.of(8, 8), positions: new Float64Array(6) }
    expect(() => calculator.compute(twins)).toThrow(/same place/)
    const huge = new Map([...weights].map(([name, values]) => [name, values.map((value) => 1e200 * value)]))
    const wild = new Calculator(model, huge, { precision: 'float64' })
    expect(() => wild.compute(molecule)).toThrow('Energy or forces are no numbers')
    const options = { timestep: 1, temperature: 300 }
    expect(() => new Dynamics(molecule, wild.forceField(molecule), options)).toThrow('no numbers after 0 fs')
  })
})

describe('predictions of structures one after the other', () => {
  const structures = [molecule, alone, crystal, makeStructure(4, 5), makeStructure(9, 6)]

  it.each([
    { structures: 1, edges: 1 },
    { structures: 2, edges: 1e9 },
    { structures: 100, edges: 40 },
    { structures: 100, edges: 1e9 },
  ])('are those of each alone, in batches of $structures and of $edges edges', async (limits) => {
    const evaluator = new Evaluator(model, weights, { precision: 'float64' })
    const calculator = new Calculator(model, weights, { precision: 'float64' })
    let seen = 0
    for await (const { structure, energy, forces } of predict(evaluator, structures, limits)) {
      expect(structure).toBe(structures[seen++])
      const known = calculator.compute(structure)
      expect(energy).toBeCloseTo(known.energy, 9)
      expect(largest(forces, known.forces)).toBeLessThan(1e-11)
    }
    expect(seen).toBe(structures.length)
  })

  it('name the structure that is at fault', async () => {
    const broken = [molecule, { ...alone, numbers: Uint8Array.of(79) }]
    const predictions = predict(new Evaluator(model, weights), broken, { structures: 9, edges: 1e9 })
    await expect(predictions.next()).rejects.toMatchObject({ code: 'ERR_ARGUMENT', message: /Structure 2 \(Au\)/ })
  })
})

interface Conservation {
  /** eV/atom, from the start. */
  largest: number
  /** eV/atom/ps */
  drift: number
}

function conservation(structure: Structure, field: ForceField, timestep: number, steps: number): Conservation {
  const dynamics = new Dynamics(structure, field, { timestep, temperature: 300, seed: 1 })
  const total = (): number => (dynamics.kineticEnergy + dynamics.potentialEnergy) / structure.numbers.length
  const start = total()
  const drift = new Drift()
  let most = 0
  for (let n = 0; n < steps; n++) {
    dynamics.step()
    drift.add(dynamics.time / 1000, total())
    most = Math.max(most, Math.abs(total() - start))
  }
  return { largest: most, drift: drift.slope }
}

describe.skipIf(!existsSync(solvent))(
  'dynamics at constant energy with the published model (needs the data folder)',
  () => {
    const calculator = async (precision: Precision): Promise<Calculator> => {
      const { model, weights } = await publishedModel()
      return new Calculator(model, weights, { precision })
    }
    const first = async (): Promise<Structure> => (await readXyz(join(solvent, 'md_mace01_swa.xyz')))[0]

    it('keeps the energy of dimethyl carbonate, with an error of second order in the time step', async () => {
      const structure = await first()
      const field = (await calculator('float32')).forceField(structure)
      const [coarse, fine] = [conservation(structure, field, 0.5, 1000), conservation(structure, field, 0.25, 2000)]
      // Half of 300 K is in modes of which the fastest, C-H of 11 fs, are off by (omega dt)^2 / 8 = 1 % of their energy: 0.01 kT.
      expect(coarse.largest).toBeLessThan(1e-3)
      // A quarter, give or take the higher orders and that trajectories part.
      expect(fine.largest / coarse.largest).toBeGreaterThan(0.18)
      expect(fine.largest / coarse.largest).toBeLessThan(0.35)
      // Over half a picosecond, deviations of 4e-4 eV/atom that come and go leave a tenth of themselves in the slope; rounding of
      // forces to 1e-5 eV/Angstrom at 0.03 Angstrom/fs would leave 1e-6 if it added up by chance.
      expect(Math.abs(coarse.drift)).toBeLessThan(1e-4)
      expect(Math.abs(fine.drift)).toBeLessThan(5e-5)
    })

    it('moves atoms in float32 as in float64', async () => {
      const structure = await first()
      const ends = []
      for (const precision of ['float32', 'float64'] as const) {
        const field = (await calculator(precision)).forceField(structure)
        const dynamics = new Dynamics(structure, field, { timestep: 0.5, temperature: 300, seed: 1 })
        for (let n = 0; n < 20; n++) dynamics.step()
        ends.push(dynamics)
      }
      // Forces 2e-5 eV/Angstrom apart on a proton for 10 fs: dr = F t^2 / 2m = 1e-5 Angstrom; and energies as forces in float32.
      expect(largest(ends[0].positions, ends[1].positions)).toBeLessThan(1e-5)
      const [a, b] = ends.map(({ kineticEnergy, potentialEnergy }) => kineticEnergy + potentialEnergy)
      expect(Math.abs(a - b)).toBeLessThan(1e-4)
    })
  },
)
