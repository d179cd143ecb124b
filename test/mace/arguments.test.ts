import { describe, expect, it, test } from 'vitest'
import {
  configure,
  Evaluator,
  fromHyperparameters,
  loadMace,
  Mace,
  type MaceOptions,
  makeBatch,
  SILU_CONSTANT,
  toHyperparameters,
  weightsOf,
} from '../../lib/mace/index.js'
import { gaussLegendre } from '../../lib/o3/index.js'
import { errorOf } from '../o3/helpers.js'
import { models, optionsOf, stateOf } from './models.js'
import { makeStructure, small } from './small.js'

describe('options', () => {
  it.each([
    [{ cutoff: 0 }, 'Expected a positive number for cutoff but received 0'],
    [{ cutoff: NaN }, 'Expected a positive number for cutoff but received NaN'],
    [{ maxEll: 2.5 }, 'Expected an integer from 0 to 10 for maxEll but received 2.5'],
    [{ correlation: 5 }, 'Expected an integer from 1 to 4 for correlation[0] but received 5'],
    [{ correlation: [1, 2, 3] }, 'Expected an integer, or 2 of them'],
    [{ hiddenIrreps: '2x0e+3x1o' }, 'Expected different irreps of one multiplicity'],
    [{ hiddenIrreps: '2x1o' }, 'Expected different irreps of one multiplicity'],
    [{ hiddenIrreps: '2x0e+x' }, 'Expected'],
    [{ mlpIrreps: '2x0e+1o' }, 'Expected scalars (0e) for mlpIrreps'],
    [{ atomicNumbers: [1, 1, 8] }, 'Expected different elements'],
    [{ atomicNumbers: [1, 6] }, 'Expected 2 energies, one of each element'],
    [{ atomicEnergies: [1, 2, Infinity] }, 'Expected a finite number for atomicEnergies[2]'],
    [{ radialMlp: [0] }, 'Expected an integer from 1 to 4096 for radialMlp[0]'],
    [{ gate: 'tanh' }, "Expected 'silu' for gate"],
    [{ product: 'fast' }, "Expected 'cg' or 'gaunt-fourier' or"],
    [{ interaction: 'RealAgnosticDensityInteractionBlock' }, "Expected 'RealAgnosticResidualInteractionBlock' or"],
    [{ model: 'MACE', scale: 2, shift: 0 }, 'Expected 1 (MACE does not scale)'],
    [{ avgNumNeighbors: '4' }, 'Expected a positive number for avgNumNeighbors but received "4"'],
  ])('%o are refused', (wrong, message) => {
    expect(errorOf(() => configure({ ...small, ...wrong } as unknown as MaceOptions)).message).toContain(message)
  })

  it('survive the names of MACE', () => {
    const configuration = configure({ ...small, correlation: [2, 3], product: 'grid' })
    const again = configure(fromHyperparameters(toHyperparameters(configuration)) as MaceOptions)
    expect(JSON.stringify(again)).toBe(JSON.stringify(configuration))
  })

  it('that this package does not know are refused', () => {
    expect(errorOf(() => fromHyperparameters(new Map([['heads', '["a","b"]']]))).message).toContain("'heads'")
    expect(errorOf(() => fromHyperparameters(new Map([['radial_type', 'chebyshev']]))).message).toContain('bessel')
  })
})

test('the constant of silu is an estimate of 1 / sqrt(E[silu(z)^2]) from a million samples', () => {
  const { nodes, weights } = gaussLegendre(200)
  const moment = (power: number): number =>
    nodes.reduce((sum, node, n) => {
      const z = 12 * node
      const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
      return sum + 12 * weights[n] * density * (z / (1 + Math.exp(-z))) ** power
    }, 0)
  const spread = Math.sqrt((moment(4) - moment(2) ** 2) / 1e6)
  expect(Math.abs(SILU_CONSTANT ** -2 - moment(2))).toBeLessThan(3 * spread)
})

describe('a state dict', () => {
  const reference = models.case('mace_ell2')
  const model = new Mace(optionsOf(reference), { device: 'cpu' })
  const state = stateOf(reference.state_dict)
  const refusal = (change: (entries: Map<string, { shape: number[]; data: Float64Array }>) => void) => {
    const changed = new Map(
      [...state].map(([name, { shape, data }]) => {
        return [name, { shape: [...shape], data: Float64Array.from(data) }]
      }),
    )
    change(changed)
    return errorOf(() => weightsOf(model, changed))
  }
  const name = 'interactions.0.linear_up.weight'

  it('is refused where a parameter is missing, of another shape, or no number', () => {
    expect(refusal((entries) => entries.delete(name)).message).toBe(`Expected a tensor ${name} but received none`)
    expect(refusal((entries) => (entries.get(name)!.shape = [8, 8])).code).toBe('ERR_LENGTH')
    expect(refusal((entries) => (entries.get(name)!.data[3] = NaN)).message).toContain(`${name}[3] but received NaN`)
  })

  it('is refused where it is that of another model', () => {
    const set = (buffer: string, value: number) => refusal((entries) => (entries.get(buffer)!.data[0] = value)).message
    expect(set('r_max', 5)).toContain('Expected 4 (as the model')
    expect(set('atomic_numbers', 3)).toContain('atomic_numbers[0]')
    expect(set('radial_embedding.bessel_fn.bessel_weights', 1)).toContain('bessel_weights[0]')
    const basis = 'products.0.symmetric_contractions.contractions.1.U_matrix_2'
    expect(set(basis, 0.3)).toContain(`${basis}[0]`)
    const zeroed = 'products.0.symmetric_contractions.contractions.0.weights_max_zeroed'
    expect(set(zeroed, 1)).toContain(zeroed)
  })

  it('is refused where it holds what no such model has', () => {
    const extra = { shape: [1], data: Float64Array.of(1) }
    expect(refusal((entries) => entries.set('joint_embedding.weight', extra)).message).toContain('joint_embedding')
  })

  it('makes a model with its hyperparameters', () => {
    const { configuration } = model
    const hyperparameters = toHyperparameters({ ...configuration, atomicEnergies: [0, 0, 0] })
    const loaded = loadMace(hyperparameters, state, { device: 'cpu' })
    expect(JSON.stringify(loaded.model.configuration)).toBe(JSON.stringify(configuration))
    expect(loaded.weights).toEqual(weightsOf(model, state))
    for (const name of ['atomic_numbers', 'r_max', 'avg_num_neighbors', 'num_polynomial_cutoff', 'interaction']) {
      const without = new Map(hyperparameters)
      without.delete(name)
      expect(errorOf(() => loadMace(without, state)).message).toContain(`hyperparameter ${name} `)
    }
    const unscaled = new Map(state)
    unscaled.delete('scale_shift.scale')
    hyperparameters.set('model', 'ScaleShiftMACE').delete('atomic_inter_scale')
    expect(errorOf(() => loadMace(hyperparameters, unscaled)).message).toContain('hyperparameter atomic_inter_scale ')
  })
})

describe('a batch', () => {
  const model = new Mace({ ...small, correlation: 1 }, { device: 'cpu' })
  const evaluator = new Evaluator(model, model.initialWeights(1), { precision: 'float64' })
  const batch = makeBatch(model, [makeStructure(3, 1), makeStructure(4, 2)])

  it('may hold nothing, lone atoms, and as many structures as wanted', () => {
    expect(evaluator.evaluate(makeBatch(model, [])).energies).toEqual(new Float64Array(0))
    const alone = evaluator.evaluate(makeBatch(model, [makeStructure(1, 1), makeStructure(3, 1)]))
    expect(alone.forces.subarray(0, 3)).toEqual(new Float64Array(3))
    const both = evaluator.evaluate(batch)
    const first = evaluator.evaluate(makeBatch(model, [makeStructure(3, 1)]))
    expect(both.energies[0]).toBeCloseTo(first.energies[0], 10)
    expect(both.energies[0]).toBeCloseTo(alone.energies[1], 10)
  })

  it('sees periodic images', () => {
    const molecule = makeStructure(2, 1)
    const cell = Float64Array.of(2.4, 0, 0, 0.4, 9, 0, 0, 0.3, 9)
    const crystal = { ...molecule, cell, pbc: [true, false, false] as const }
    const [a, c] = [cell.subarray(0, 3), molecule.positions]
    const twice = {
      ...crystal,
      numbers: Uint8Array.of(...molecule.numbers, ...molecule.numbers),
      positions: Float64Array.of(...c, ...c.map((x, n) => x + a[n % 3])),
      cell: cell.map((x, n) => (n < 3 ? 2 * x : x)),
    }
    const { energies } = evaluator.evaluate(makeBatch(model, [crystal, twice]))
    expect(energies[1] / energies[0]).toBeCloseTo(2, 12)
    const open = evaluator.evaluate(makeBatch(model, [molecule])).energies[0]
    expect(Math.abs(energies[0] - open)).toBeGreaterThan(1e-4)
  })

  it('is refused where its parts do not fit', () => {
    const of = (wrong: object) => errorOf(() => evaluator.evaluate({ ...batch, ...wrong }))
    expect(of({ positions: new Float64Array(20) }).code).toBe('ERR_LENGTH')
    expect(of({ structureOf: new Int32Array(6) }).code).toBe('ERR_LENGTH')
    expect(of({ elements: Int32Array.of(0, 1, 2, 3, 0, 0, 0) }).message).toContain('elements[3]')
    expect(of({ senders: batch.senders.map(() => 7) }).message).toContain('senders[0]')
    expect(of({ senders: undefined }).code).toBe('ERR_DTYPE')
    expect(of({ receivers: batch.receivers.subarray(1) }).message).toContain('the length of receivers')
    expect(of({ shifts: new Float64Array(2) }).code).toBe('ERR_LENGTH')
    expect(of({ structures: 1 }).message).toContain('structureOf[3]')
    const gold = { ...makeStructure(1, 1), numbers: Uint8Array.of(79) }
    expect(errorOf(() => makeBatch(model, [gold])).message).toContain('Expected an element that the model knows')
  })

  it('needs the weights of its model', () => {
    const weights = new Map(model.initialWeights(1))
    const { name } = model.parameters[0]
    weights.set(name, new Float64Array(1))
    expect(errorOf(() => new Evaluator(model, weights, { precision: 'float64' })).code).toBe('ERR_LENGTH')
    weights.delete(name)
    expect(errorOf(() => new Evaluator(model, weights, { precision: 'float64' })).message).toContain(name)
  })
})
