import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Calculator } from '../../lib/mace/index.js'
import { readXyz, type Structure, writeXyz } from '../../lib/structures/index.js'
import { missing, temporary } from '../files/temporary.js'
import { solvent } from '../mace/published.js'
import { gauntlet } from './capture.js'
import { smallModel, someStructures } from './models.js'

interface Report {
  structures: number
  errors: { set: string; errors: Record<string, number | null> }[]
}

let path: string
let calculator: Calculator
beforeAll(async () => {
  const made = await smallModel()
  path = made.path
  calculator = new Calculator(made.model, made.weights, { precision: 'float64' })
})

/** With what the model says, off by some meV and meV/Angstrom. */
function labelled(structure: Structure, energyError: number, forceError: number, set?: string): Structure {
  const { energy, forces } = calculator.compute(structure)
  const atoms = structure.numbers.length
  return {
    ...structure,
    energy: energy + energyError * atoms,
    forces: forces.map((force) => force + forceError),
    ...(set !== undefined && { info: new Map([['config_type', set]]) }),
  }
}

async function written(structures: Structure[]): Promise<string> {
  const file = missing('.xyz')
  await writeXyz(file, structures)
  return file
}

async function evaluated(...args: string[]): Promise<Report> {
  const { status, out, err } = await gauntlet('eval', path, ...args, '--json', '--precision', 'float64')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  return JSON.parse(out) as Report
}

describe('errors', () => {
  test('are not those of structures without atoms', async () => {
    const none = { numbers: new Uint8Array(0), positions: new Float64Array(0), pbc: [false, false, false] as const }
    const { structures, errors } = await evaluated(
      await written([{ ...none, energy: 1 }, labelled(someStructures()[0], 0.001, 0.02)]),
    )
    expect(structures).toBe(2)
    expect(errors[0].errors.energyMae).toBeCloseTo(0.001, 6)
  })

  test('are means over structures and over components, of each config_type apart', async () => {
    const [a, b, c] = someStructures()
    const file = await written([
      labelled(a, 0.001, 0.02, 'near'),
      labelled(b, -0.003, 0),
      labelled(c, 0.004, -0.05, 'near'),
    ])
    const { structures, errors } = await evaluated(file)
    expect(structures).toBe(3)
    expect(errors.map(({ set }) => set)).toEqual(['near', 'Default', 'all'])
    const [near, rest, all] = errors.map(({ errors }) => errors)
    expect(near).toMatchObject({ structures: 2 })
    expect(near.energyMae).toBeCloseTo(0.0025, 8)
    expect(near.energyRmse).toBeCloseTo(Math.sqrt((0.001 ** 2 + 0.004 ** 2) / 2), 8)
    expect(near.forcesMae).toBeCloseTo((2 * 0.02 + 7 * 0.05) / 9, 8)
    expect(rest.energyMae).toBeCloseTo(0.003, 8)
    expect(rest.forcesMae).toBeCloseTo(0, 8)
    expect(all.energyMae).toBeCloseTo(0.008 / 3, 8)
    expect(all.forcesRmse).toBeCloseTo(Math.sqrt((2 * 0.02 ** 2 + 7 * 0.05 ** 2) / 10), 8)
  })

  test('count only what is known', async () => {
    const [a, b, c] = someStructures()
    const energyAlone = { ...labelled(a, 0.002, 0), forces: undefined }
    const forcesAlone = { ...labelled(b, 0, 0.03), energy: undefined }
    const { structures, errors } = await evaluated(await written([energyAlone, forcesAlone, c]))
    expect(structures).toBe(3)
    expect(errors).toHaveLength(1)
    expect(errors[0].errors).toMatchObject({ structures: 1 })
    expect(errors[0].errors.energyMae).toBeCloseTo(0.002, 8)
    expect(errors[0].errors.forcesMae).toBeCloseTo(0.03, 8)
  })

  test('are not there where nothing is known', async () => {
    const file = await written(someStructures())
    expect((await evaluated(file)).errors).toEqual([])
    const { status, out, err } = await gauntlet('eval', path, file)
    expect({ status, out }).toEqual({ status: 0, out: '' })
    expect(err).toContain('3 structures in ')
    expect(err).toContain('no energies or forces are known: no errors')
  })

  test('are a table, in meV', async () => {
    const [a] = someStructures()
    const { out } = await gauntlet('eval', path, await written([labelled(a, 0.001, 0.02)]), '--precision', 'float64')
    const [head, , row] = out.split('\n')
    expect(head).toMatch(/RMSE E meV\/atom +MAE E meV\/atom +RMSE F meV\/A +MAE F meV\/A/)
    expect(row).toMatch(/^all +1 +1\.0 +1\.0 +20\.0 +20\.0 /)
  })

  test('are of the keys that are asked for', async () => {
    const [a] = someStructures()
    const file = missing('.xyz')
    await writeXyz(file, [labelled(a, 0.005, 0.01)], { energyKey: 'REF_energy', forcesKey: 'REF_forces' })
    expect((await evaluated(file)).errors).toEqual([])
    const { errors } = await evaluated(file, '--energy-key', 'REF_energy', '--forces-key', 'REF_forces')
    expect(errors[0].errors.energyMae).toBeCloseTo(0.005, 8)
    const { status, err } = await gauntlet('eval', path, file, '--energy-key', 'REF_enrgy')
    expect(status).toBe(1)
    expect(err).toContain('REF_enrgy')
  })
})

test('predictions are written beside what was known, whatever the batches are', async () => {
  const known = someStructures().map((structure, n) => labelled(structure, 0.001 * n, 0.01, `set ${n}`))
  const file = await written(known)
  const out = missing('.xyz')
  await evaluated(file, '-o', out, '--batch-size', '2', '--batch-edges', '1')
  const [again, read] = [await readXyz(out), await readXyz(out, { energyKey: 'MACE_energy', forcesKey: 'MACE_forces' })]
  expect(read).toHaveLength(3)
  known.forEach((structure, n) => {
    const { energy, forces } = calculator.compute(structure)
    expect(read[n].energy).toBeCloseTo(energy, 9)
    read[n].forces!.forEach((force, i) => expect(Math.abs(force - forces[i])).toBeLessThan(1e-11))
    expect(again[n].energy).toBe(structure.energy)
    expect(again[n].forces).toEqual(structure.forces)
    expect(again[n].cell).toEqual(structure.cell)
    expect(again[n].info!.get('config_type')).toBe(`set ${n}`)
  })
  // In place of its own file, and of predictions that are there already.
  await evaluated(out, '-o', out)
  expect((await readXyz(out)).map(({ energy }) => energy)).toEqual(known.map(({ energy }) => energy))
  await evaluated(file, '-o', out, '--prefix', 'new_')
  expect(readFileSync(out, 'utf8')).toMatch(/new_forces:R:3.* new_energy=/)
})

describe('refused', () => {
  test.each([
    ['a checkpoint', 'model.pt', /gauntlet convert model.pt -o model.safetensors/],
    ['no model', 'no-such.safetensors', /there is no such file/],
    ['text', () => temporary('nothing', '.safetensors'), /safetensors/],
  ])('%s for a model', async (_, model, message) => {
    const xyz = await written(someStructures())
    const { status, err } = await gauntlet('eval', typeof model === 'string' ? model : model(), xyz)
    expect(status).toBe(1)
    expect(err).toMatch(message)
  })

  test('weights of no model, or cut short', async () => {
    const bytes = readFileSync(path)
    const xyz = await written(someStructures())
    for (const length of [4, 100, bytes.length - 8]) {
      const { status } = await gauntlet('eval', temporary(bytes.subarray(0, length), '.safetensors'), xyz)
      expect(status).toBe(1)
    }
  })

  test('elements that the model does not know; what was written before stays', async () => {
    const file = temporary('1\n\nO 0 0 0\n1\n\nAu 0 0 0\n', '.xyz')
    const out = temporary('older', '.xyz')
    const { status, err } = await gauntlet('eval', path, file, '-o', out, '--batch-size', '1')
    expect(status).toBe(1)
    expect(err).toContain('Structure 2 (Au): Expected an element that the model knows')
    expect(readFileSync(out, 'utf8')).toBe('older')
  })

  test('structures that are cut short', async () => {
    const file = temporary('1\n\nO 0 0 0\n2\n\nO 0 0 0\n', '.xyz')
    const out = missing('.xyz')
    expect(await gauntlet('eval', path, file, '-o', out)).toMatchObject({
      status: 1,
      err: expect.stringMatching(/frame 2/) as string,
    })
    expect(existsSync(out)).toBe(false)
  })

  test('a prediction that is no number, by its structure', async () => {
    const near = temporary('1\n\nO 0 0 0\n2\n\nO 0 0 0\nO 0 0 1e-30\n', '.xyz')
    const { status, err } = await gauntlet('eval', path, near)
    expect([status, err]).toEqual([1, expect.stringMatching(/Structure 2 \(O2\): Energy or forces are no numbers/)])
  })

  test('to write over anything but structures', async () => {
    const { status, err } = await gauntlet('eval', path, await written(someStructures()), '-o', path)
    expect([status, err]).toEqual([2, expect.stringContaining('*.xyz or *.extxyz for --out') as string])
  })

  test('arguments that mean nothing', async () => {
    const xyz = await written(someStructures())
    const same = ['--forces-key', 'MACE_forces', '-o', missing('.xyz')]
    expect((await gauntlet('eval', path, xyz, ...same)).err).toContain('another text than MACE_ for --prefix')
    for (const args of [
      ['--batch-size', '0'],
      ['--precision', 'float16'],
      ['--batch-edges', '1e3'],
    ]) {
      expect((await gauntlet('eval', path, xyz, ...args)).status).toBe(2)
    }
    const { status, err } = await gauntlet('eval', path, xyz, '--device', 'cuda', '--precision', 'float64')
    expect(status).toBe(1)
    expect(err).toContain('Expected auto or cpu for --device in float64')
  })
})

test.skipIf(!existsSync(solvent))(
  'the published model has the errors that its authors print (needs the data folder)',
  async () => {
    const model = join(solvent, 'mace01_swa.safetensors')
    const keys = ['--energy-key', 'energy_xtb', '--forces-key', 'forces_xtb', '--json', '--device', 'cpu']
    const { out } = await gauntlet('eval', model, join(solvent, 'test_300.xyz'), ...keys)
    const { errors } = JSON.parse(out) as Report
    // Of all 1000 test frames: 20.4 meV/atom and 211.4 meV/A; of 300 of them, by chance, within a tenth.
    expect(Math.abs(errors[0].errors.energyRmse! / 0.0204 - 1)).toBeLessThan(0.1)
    expect(Math.abs(errors[0].errors.forcesRmse! / 0.2114 - 1)).toBeLessThan(0.1)
  },
)
