import { expect, it } from 'vitest'
import { EnergyForcesLoss, Mace, makeBatch, ModelProgram, type Precision, toFloat64 } from '../../lib/mace/index.js'
import { Random } from '../../lib/o3/index.js'
import { gradient } from '../../lib/tensor/index.js'
import { makeStructure, small } from './small.js'

/** Relative error ||got - wanted|| / ||wanted|| of float32 kernels in derivatives. */
const TOLERANCE = 1e-5

it.each(['cg', 'grid', 'gaunt-fourier'] as const)('a step of training in float32 is that in float64: %s', (product) => {
  const model = new Mace({ ...small, correlation: 3, radialMlp: [16, 16], product }, { device: 'cpu' })
  const batch = makeBatch(model, [makeStructure(9, 1), makeStructure(1, 2), makeStructure(5, 3)])
  const loss = new EnergyForcesLoss(model)
  const slopes = gradient(
    loss.tensor,
    model.parameters.map(({ tensor }) => tensor),
  )
  const targets = { energies: new Float64Array(3), forces: new Random(4).normals(45) }
  const run = (precision: Precision): Float64Array[] => {
    const program = new ModelProgram(model, [loss.tensor, model.forces, ...slopes], precision)
    // Forces alone, so that no digits go to energies far from their targets.
    const inputs = [...loss.inputs(batch, targets, { energy: 0, forces: 1 })]
    const weights = program.weights(model.initialWeights(3))
    const given = inputs.map(([tensor, values]) => [tensor, program.array(values)] as const)
    return program.run(batch, new Map([...weights, ...given])).map(toFloat64)
  }
  const got = run('float32')
  run('float64').forEach((wanted, n) => {
    const error = Math.hypot(...wanted.map((value, i) => got[n][i] - value))
    expect(error).toBeLessThanOrEqual(TOLERANCE * Math.hypot(...wanted))
  })
})
