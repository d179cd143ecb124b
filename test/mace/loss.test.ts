import { expect, it } from 'vitest'
import {
  EnergyForcesLoss,
  Evaluator,
  Mace,
  makeBatch,
  ModelProgram,
  type Targets,
  toFloat64,
  type Weights,
} from '../../lib/mace/index.js'
import { Random } from '../../lib/o3/index.js'
import { gradient } from '../../lib/tensor/index.js'
import { errorOf } from '../o3/helpers.js'
import { largest } from './compare.js'
import { makeStructure, small } from './small.js'

const model = new Mace({ ...small, correlation: 2 }, { device: 'cpu' })
const weights = model.initialWeights(3)
const batch = makeBatch(model, [makeStructure(4, 1), makeStructure(1, 2), makeStructure(5, 3)])
const random = new Random(4)
const targets: Targets = {
  // Not far from isolated atoms, for digits to be left.
  energies: Float64Array.of(-3098, -1030, -4125),
  forces: random.normals(30),
  energyWeights: Float64Array.of(1, 2, 0),
  forceWeights: Float64Array.of(3, 0, 1),
}
const factors = { energy: 2, forces: 10 }
const loss = new EnergyForcesLoss(model)
const tensors = model.parameters.map(({ tensor }) => tensor)
const program = new ModelProgram(model, [loss.tensor, ...gradient(loss.tensor, tensors)], 'float64')

function run(of: Weights): Float64Array[] {
  const inputs = loss.inputs(batch, targets, factors)
  return program.run(batch, new Map([...program.weights(of), ...inputs])).map(toFloat64)
}

it('is that of its formula', () => {
  const { energies, forces } = new Evaluator(model, weights, { precision: 'float64' }).evaluate(batch)
  const { energyWeights, forceWeights } = targets
  const atoms = [4, 1, 5]
  let wanted = 0
  energies.forEach((energy, s) => {
    wanted += (2 * energyWeights![s] * ((energy - targets.energies[s]) / atoms[s]) ** 2) / 3
  })
  forces.forEach((force, n) => {
    const structure = batch.structureOf[Math.floor(n / 3)]
    wanted += (10 * forceWeights![structure] * (force - targets.forces[n]) ** 2) / 30
  })
  // Energies of some 1000 eV leave twelve digits of their differences.
  expect(run(weights)[0][0] / wanted).toBeCloseTo(1, 11)
})

it('has the gradients that finite differences give, through the forces', () => {
  const slopes = run(weights).slice(1)
  const step = 1e-3
  model.parameters.forEach(({ name }, n) => {
    const at = Math.floor(slopes[n].length / 2)
    const value = (shift: number): number => {
      const moved = weights.get(name)!.slice()
      moved[at] += shift
      return run(new Map([...weights, [name, moved]]))[0][0]
    }
    const difference = (8 * (value(step) - value(-step)) - (value(2 * step) - value(-2 * step))) / (12 * step)
    // Differences err by h^4 f^(5) / 30, and by rounding, 1e-16 of the loss over h.
    expect(Math.abs(difference - slopes[n][at])).toBeLessThan(1e-9 * Math.max(1, largest(slopes[n])))
  })
})

it('refuses targets of another batch', () => {
  const of = (wrong: Partial<Targets>) => errorOf(() => loss.inputs(batch, { ...targets, ...wrong }, factors))
  expect(of({ energies: new Float64Array(2) }).code).toBe('ERR_LENGTH')
  expect(of({ forces: new Float64Array(29) }).message).toBe('Expected 30 numbers for target forces but received 29')
  expect(of({ forceWeights: new Float64Array(1) }).code).toBe('ERR_LENGTH')
})
