import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Evaluator, makeBatch } from '../../lib/mace/index.js'
import { readXyz } from '../../lib/structures/index.js'
import { largest } from './compare.js'
import { publishedModel, solvent } from './published.js'

/** What the authors' own program printed with eight decimals, from positions of as many. */
const TOLERANCE = 1e-6

describe.skipIf(!existsSync(solvent))('the published model of carbonate solvents (needs the data folder)', () => {
  const read = () =>
    readXyz(join(solvent, 'train_200_mace01_swa.xyz'), { energyKey: 'MACE_energy', forcesKey: 'MACE_forces' })

  it('gives the energies and forces that its authors published, in float64', async () => {
    const { model, weights } = await publishedModel()
    const frames = await read()
    // Isolated atoms, and the smallest molecules.
    const some = frames.filter(({ numbers }, n) => n < 3 || numbers.length < 12).slice(0, 6)
    const batch = makeBatch(model, some)
    const { energies, forces } = new Evaluator(model, weights, { precision: 'float64' }).evaluate(batch)
    some.forEach(({ energy }, n) => expect(energies[n]).toBeCloseTo(energy!, 5))
    const wanted = some.flatMap((frame) => [...frame.forces!])
    forces.forEach((force, n) => expect(Math.abs(force - wanted[n])).toBeLessThan(TOLERANCE))
  })

  it('gives them within 1e-4 eV and 1e-4 eV/Angstrom in float32', async () => {
    const { model, weights } = await publishedModel()
    const frames = await read()
    const { energies, forces } = new Evaluator(model, weights).evaluate(makeBatch(model, frames))
    const wanted = Float64Array.from(frames.flatMap((frame) => [...frame.forces!]))
    expect(
      largest(
        energies,
        Float64Array.from(frames, ({ energy }) => energy!),
      ),
    ).toBeLessThan(1e-4)
    expect(largest(forces, wanted)).toBeLessThan(1e-4)
  })
})
