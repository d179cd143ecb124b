import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, test } from 'vitest'
import { readNpz } from '../../lib/files/npz.js'
import { PythonGlobal, PythonObject, type PythonValue, readCheckpoint, TorchTensor } from '../../lib/files/index.js'
import { Archive } from '../../lib/files/zip.js'
import { maceOf } from '../../lib/mace/checkpoint.js'
import {
  Calculator,
  loadMace,
  type Precision,
  readMaceCheckpoint,
  readModel,
  type StateTensor,
  writeModel,
} from '../../lib/mace/index.js'
import type { Structure } from '../../lib/structures/index.js'
import { temporary, zip } from '../files/temporary.js'
import { largest } from './compare.js'

const FOLDER = join(__dirname, '../reference/torch')
const MODEL = join(FOLDER, 'mace.model')

/** A molecule and a small skewed cell, with what MACE says of them. */
const cases = (
  JSON.parse(readFileSync(join(FOLDER, 'mace.json'), 'utf8')) as {
    numbers: number[]
    positions: number[][]
    cell: number[][] | null
    energy: number
    forces: number[][]
  }[]
).map(({ numbers, positions, cell, energy, forces }): Required<Pick<Structure, 'energy' | 'forces'>> & Structure => ({
  numbers: Uint8Array.from(numbers),
  positions: Float64Array.from(positions.flat()),
  ...(cell && { cell: Float64Array.from(cell.flat()) }),
  pbc: [cell !== null, cell !== null, cell !== null],
  energy,
  forces: Float64Array.from(forces.flat()),
}))

describe('a whole model that PyTorch saved', () => {
  // Energies of -4181 eV and forces of 1 eV/Angstrom: a hundred roundings or so of float64, and of float32, where energies of
  // isolated atoms are added in float64 to some eV of interaction.
  const bounds: [Precision, number, number][] = [
    ['float64', 1e-10, 1e-13],
    ['float32', 1e-5, 1e-5],
  ]
  it.each(bounds)('gives the energies and forces that MACE gives, in %s', async (precision, energyBound, bound) => {
    const { model, weights } = await readMaceCheckpoint(MODEL, { device: 'cpu' })
    const calculator = new Calculator(model, weights, { precision })
    for (const structure of cases) {
      const { energy, forces } = calculator.compute(structure)
      expect(Math.abs(energy - structure.energy)).toBeLessThan(energyBound)
      expect(largest(forces, structure.forces)).toBeLessThan(bound)
    }
  })

  it('has the weights of its state dict, and keeps them bit by bit when it is written', async () => {
    const { model, weights } = await readMaceCheckpoint(MODEL, { device: 'cpu' })
    const path = temporary('', '.safetensors')
    await writeModel(path, model, weights)
    const again = await readModel(path, { device: 'cpu' })
    expect(again.model.configuration).toEqual(model.configuration)
    expect(again.weights).toEqual(weights)

    const file = join(FOLDER, 'mace.npz')
    const { arrays } = await readNpz(file, (await readNpz(file, [])).names)
    const state = new Map<string, StateTensor>()
    for (const [name, { shape, data }] of arrays) {
      if (!name.includes('._compiled_main_')) state.set(name, { shape, data: data as Float64Array })
    }
    // What the model was made with, as the fixture's own description says.
    const hyperparameters = {
      ...{ model: 'ScaleShiftMACE', r_max: '4', num_bessel: '4', num_polynomial_cutoff: '5', max_ell: '2' },
      ...{ interaction_first: 'RealAgnosticInteractionBlock', interaction: 'RealAgnosticResidualInteractionBlock' },
      ...{ num_interactions: '2', hidden_irreps: '2x0e+2x1o', MLP_irreps: '2x0e', correlation: '2', radial_MLP: '[4]' },
      ...{ avg_num_neighbors: '8', atomic_numbers: '[1,6,8]' },
    }
    const known = loadMace(new Map(Object.entries(hyperparameters)), state, { device: 'cpu' })
    expect(model.configuration).toEqual(known.model.configuration)
    expect(weights).toEqual(known.weights)
  })
})

type Attributes = Map<PythonValue, PythonValue>

describe('refuses by name', () => {
  let root: PythonObject
  beforeEach(async () => {
    root = (await readCheckpoint(MODEL)) as PythonObject
  })
  /** A module by its name in the tree. */
  function module(path: string): PythonObject {
    return path
      .split('.')
      .reduce((at, key) => (attributes(at).get('_modules') as Attributes).get(key) as PythonObject, root)
  }
  /** Its own, to be changed. */
  function attributes({ state }: PythonObject): Attributes {
    return state as Attributes
  }
  function rename(value: PythonObject, python: string, name: string): void {
    Object.assign(value, { module: python, name })
  }
  function made(python: string, name: string): PythonObject {
    const value = new PythonObject(new PythonGlobal(python, name), [])
    value.state = new Map<PythonValue, PythonValue>([['_modules', new Map()]])
    return value
  }
  function put(parent: PythonObject, key: string, child: PythonObject): void {
    ;(attributes(parent).get('_modules') as Attributes).set(key, child)
  }
  function tensor(value: PythonObject, key: string): TorchTensor {
    return (attributes(value).get('_buffers') as Attributes).get(key) as TorchTensor
  }
  const set = (path: string, key: string, value: PythonValue): void => {
    attributes(path === '' ? root : module(path)).set(key, value)
  }
  const radial = 'mace.modules.radial'

  test.each<[string, () => void, RegExp]>([
    [
      'other models',
      () => {
        rename(root, 'mace.modules.extensions', 'MACELES')
      },
      /The model is a mace.MACELES \(long-range electrostatics\)/,
    ],
    [
      'models of dipoles',
      () => {
        rename(root, 'mace.modules.models', 'EnergyDipolesMACE')
      },
      /EnergyDipolesMACE \(dipoles\)/,
    ],
    [
      'other programs',
      () => {
        rename(root, 'nequip.model', 'MACE')
      },
      /is a nequip.MACE/,
    ],
    [
      'other interactions',
      () => {
        rename(module('interactions.0'), 'mace.modules.blocks', 'RealAgnosticDensityInteractionBlock')
      },
      /interactions.0 is a mace.RealAgnosticDensityInteractionBlock/,
    ],
    [
      'pair repulsion',
      () => {
        put(root, 'pair_repulsion_fn', made(radial, 'ZBLBasis'))
      },
      /pair_repulsion_fn is a mace.ZBLBasis \(pair repulsion\)/,
    ],
    [
      'distance transforms',
      () => {
        put(module('radial_embedding'), 'distance_transform', made(radial, 'AgnesiTransform'))
      },
      /radial_embedding.distance_transform is a mace.AgnesiTransform \(a distance transform\)/,
    ],
    [
      'other radial functions',
      () => {
        rename(module('radial_embedding.bessel_fn'), radial, 'GaussianBasis')
      },
      /bessel_fn is a mace.GaussianBasis \(another radial basis\)/,
    ],
    [
      "cuequivariance's layers",
      () => {
        rename(module('interactions.1.linear_up'), 'cuequivariance_torch.operations.linear', 'Linear')
      },
      /interactions.1.linear_up is a cuequivariance_torch.Linear/,
    ],
    [
      "cuequivariance's switched on",
      () => {
        set('products.0', 'cueq_config', made('mace.modules.wrapper_ops', 'CuEquivarianceConfig'))
      },
      /products.0 has cueq_config = a mace.modules.wrapper_ops.CuEquivarianceConfig/,
    ],
    [
      'several heads',
      () => {
        set('', 'heads', ['pbe', 'scan'])
      },
      /2 heads \(pbe, scan\)/,
    ],
    ...['use_so3', 'use_agnostic_product', 'use_last_readout_only', 'something_of_the_future'].map(
      (key): [string, () => void, RegExp] => [
        key,
        () => {
          set('', key, true)
        },
        new RegExp(`The model has ${key} = true`),
      ],
    ),
    [
      'no cutoff',
      () => {
        set('radial_embedding', 'apply_cutoff', false)
      },
      /radial_embedding has apply_cutoff = false/,
    ],
    [
      'embeddings',
      () => {
        set('', 'embedding_specs', new Map())
      },
      /embedding_specs = an object \(Map\)/,
    ],
    [
      'other activations',
      () => {
        set('readouts.1.non_linearity.acts.0', 'f', new PythonGlobal('torch', 'tanh'))
      },
      /readouts.1.non_linearity.acts.0 is tanh/,
    ],
    [
      'two constants of silu',
      () => {
        set('readouts.1.non_linearity.acts.0', 'cst', 1.7)
      },
      /Expected the constant of silu of readouts.1.non_linearity.acts.0 as of .*, 1.67.*, but it is 1.7/,
    ],
    [
      'unlike averages of neighbours',
      () => {
        set('interactions.1', 'avg_num_neighbors', 9)
      },
      /Expected avg_num_neighbors of interactions.1 as of interactions.0, 8, but it is 9/,
    ],
    [
      'averages that are no numbers',
      () => {
        set('interactions.0', 'avg_num_neighbors', NaN)
        set('interactions.1', 'avg_num_neighbors', NaN)
      },
      /NaN/,
    ],
    [
      'features as wide as nothing else',
      () => {
        set('interactions.1.linear_up', 'irreps_out', '4x0e+4x1o')
      },
      /Expected irreps 2x0e\+2x1o out of interactions.1.linear_up but received 4x0e\+4x1o: no edge_irreps/,
    ],
    [
      'hidden irreps of either parity',
      () => {
        set('products.1.symmetric_contractions', 'irreps_in', '2x0o+2x0e+2x1o+2x1e')
      },
      /for products.1.symmetric_contractions but received 2x0o\+2x0e/,
    ],
    [
      'a last layer that keeps all irreps',
      () => {
        set('products.1.symmetric_contractions', 'irreps_out', '2x0e+2x1o')
      },
      /Expected irreps 2x0e for products.1.symmetric_contractions/,
    ],
    [
      'harmonics of other norms',
      () => {
        set('spherical_harmonics', 'normalization', 'norm')
      },
      /'component' normalization for spherical_harmonics/,
    ],
    [
      'harmonics of even parity',
      () => {
        set('spherical_harmonics', 'irreps_out', '1x0e+1x1e')
      },
      /all harmonics of unit vectors/,
    ],
    [
      'trained frequencies',
      () => {
        tensor(module('radial_embedding.bessel_fn'), 'bessel_weights').stored = () => {
          return { dtype: 'F64', shape: [4], data: Float64Array.of(1, 2, 3, 4) }
        }
      },
      /bessel_weights\[0\]/,
    ],
    [
      'a missing module',
      () => {
        ;(attributes(root).get('_modules') as Attributes).delete('radial_embedding')
      },
      /Expected a module radial_embedding/,
    ],
    [
      'a missing readout',
      () => {
        ;(attributes(module('readouts')).get('_modules') as Attributes).delete('1')
      },
      /2 interactions, 2 products, 1 readouts/,
    ],
    [
      'irreps that are none',
      () => {
        set('spherical_harmonics', 'irreps_out', [[1, 2], 'x'])
      },
      /Expected irreps of e3nn for spherical_harmonics.irreps_out/,
    ],
    [
      'a number that is text',
      () => {
        set('products.1.symmetric_contractions.contractions.0', 'correlation', '3')
      },
      /Expected a number for products.1.symmetric_contractions.contractions.0.correlation but received "3"/,
    ],
  ])('%s', (_, change, message) => {
    change()
    expect(() => maceOf(root, { device: 'cpu' })).toThrow(message)
  })

  it('what is no whole model', async () => {
    const state = new Map<PythonValue, PythonValue>([['weight', 1]])
    expect(() => maceOf(state)).toThrow(/a state_dict alone/)
    expect(() => maceOf([1])).toThrow(/Expected a torch module/)
    await expect(readMaceCheckpoint(join(FOLDER, 'values.pt'))).rejects.toMatchObject({ code: 'ERR_FILE' })
    await expect(readMaceCheckpoint(join(FOLDER, 'script.pt'))).rejects.toThrow(/TorchScript/)
    await expect(readMaceCheckpoint('no-such.model')).rejects.toThrow(/there is no such file/)
  })
})

test('a damaged model gives an error of its file, or other numbers', async () => {
  const members = await Archive.with(MODEL, 'archive', 2 ** 22, (archive) =>
    Promise.all(archive.names.map(async (name) => ({ name, data: await archive.read(name) }))),
  )
  const pickle = members.find(({ name }) => name.endsWith('/data.pkl'))!
  const others = members.filter((member) => member !== pickle)
  let errors = 0
  for (let at = 2; at < pickle.data.length; at += 2593) {
    const data = Buffer.from(pickle.data)
    data[at] ^= 1 << (at % 8)
    try {
      await readMaceCheckpoint(temporary(zip([{ ...pickle, data }, ...others]), '.model'), { device: 'cpu' })
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_FILE' })
      errors++
    }
  }
  expect(errors).toBeGreaterThan(5)
  const bytes = readFileSync(MODEL)
  for (let length = 0; length < bytes.length; length += 20011) {
    const cut = temporary(bytes.subarray(0, length), '.model')
    await expect(readMaceCheckpoint(cut)).rejects.toMatchObject({ code: 'ERR_FILE' })
  }
})
