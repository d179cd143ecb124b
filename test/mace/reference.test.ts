import { describe, expect, it } from 'vitest'
import { Evaluator, Mace, ModelProgram, toFloat64, weightsOf } from '../../lib/mace/index.js'
import { add, gradient, input, multiply, sum, type Tensor } from '../../lib/tensor/index.js'
import { largest } from './compare.js'
import { batchOf, models, optionsOf, stateOf } from './models.js'

/** Both sides compute in float64, in different orders: a hundred roundings or so of numbers of the size of the largest. */
const TOLERANCE = 1e-11

function close(got: Float64Array, wanted: Float64Array, tolerance = TOLERANCE): void {
  expect(got.length).toBe(wanted.length)
  expect(largest(got, wanted)).toBeLessThan(tolerance * largest(wanted))
}

describe.each(models.cases.map((reference) => [reference.name, reference] as const))('%s', (_, reference) => {
  const model = new Mace(optionsOf(reference), { device: 'cpu' })
  const weights = weightsOf(model, stateOf(reference.state_dict))
  const batch = batchOf(model, reference)
  const array = (name: string): Float64Array => models.array(reference.arrays[name]).data

  it('gives its energies and forces', () => {
    const { energies, forces, nodeEnergies } = new Evaluator(model, weights, { precision: 'float64' }).evaluate(batch)
    close(energies, array('energy'))
    // Beside energies of isolated atoms, -2042 eV at most, those of interaction would be hardly seen.
    const interaction = (energies: Float64Array): Float64Array => {
      const { atomicEnergies } = model.configuration
      return energies.map((energy, node) => energy - atomicEnergies[batch.elements[node]])
    }
    close(interaction(nodeEnergies), interaction(array('node_energy')))
    close(forces, array('forces'))
  })

  it('gives its features of nodes', () => {
    const program = new ModelProgram(model, model.nodeFeatures, 'float64')
    const layers = program.run(batch, program.weights(weights)).map(toFloat64)
    const dims = model.nodeFeatures.map(({ dim }) => dim)
    const nodes = batch.elements.length
    const rows = Array.from({ length: nodes }, (_, node) =>
      layers.flatMap((layer, n) => [...layer.subarray(node * dims[n], (node + 1) * dims[n])]),
    )
    close(Float64Array.from(rows.flat()), array('node_feats'))
  })

  it('gives its gradients by parameters of a sum over energies and forces', () => {
    const [cE, cF] = [input('cE', model.structures, 1), input('cF', model.nodes, 3)]
    const loss = add([sum(multiply([cE, model.energies])), sum(multiply([cF, model.forces]))])
    const slopes = gradient(
      loss,
      model.parameters.map(({ tensor }) => tensor),
    )
    const program = new ModelProgram(model, slopes, 'float64')
    const given = new Map<Tensor, Float64Array>([
      [cE, array('cE')],
      [cF, array('cF')],
    ])
    const got = program.run(batch, new Map([...program.weights(weights), ...given])).map(toFloat64)
    const wanted = stateOf(reference.param_grads)
    expect([...wanted.keys()].sort()).toEqual(model.parameters.map(({ name }) => name).sort())
    model.parameters.forEach(({ name }, n) => {
      close(got[n], Float64Array.from(wanted.get(name)!.data))
    })
  })
})
