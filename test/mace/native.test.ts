import { expect, it } from 'vitest'
import {
  EnergyForcesLoss,
  Mace,
  type MaceOptions,
  makeBatch,
  ModelProgram,
  type Precision,
  toFloat64,
} from '../../lib/mace/index.js'
import { Random } from '../../lib/o3/index.js'
import { gradient } from '../../lib/tensor/index.js'
import { largest } from './compare.js'
import { makeStructure, small } from './small.js'

/** What float32 leaves of a polynomial of degree 3 in sums of some dozen numbers, differentiated twice. */
const TOLERANCE = 2e-5

const cases: [name: string, options: Partial<MaceOptions>][] = [
  ['cg', { product: 'cg' }],
  ['grid', { product: 'grid' }],
  ['grid-large', { product: 'grid-large' }],
  ['gaunt-fourier', { product: 'gaunt-fourier' }],
  ['grid-odd', { product: 'grid-odd' }],
  [
    'two factors, degree 4, three layers',
    { maxEll: 4, correlation: 2, numInteractions: 3, hiddenIrreps: '3x0e+3x1o+3x2e' },
  ],
  ['four factors', { maxEll: 1, correlation: 4 }],
  ['one layer', { numInteractions: 1, interactionFirst: 'RealAgnosticInteractionBlock' }],
]

it.each(cases)('%s: energies, forces and gradients of a loss in float32 are those in float64', (_, options) => {
  const model = new Mace({ ...small, ...options }, { device: 'cpu' })
  const weights = model.initialWeights(2)
  const batch = makeBatch(model, [makeStructure(6, 1), makeStructure(1, 2), makeStructure(9, 3)])
  const isolated = Array.from(batch.elements, (element) => small.atomicEnergies[element])
  const energies = [isolated.slice(0, 6), isolated.slice(6, 7), isolated.slice(7)].map((one) =>
    one.reduce((a, b) => a + b),
  )
  const targets = { energies: Float64Array.from(energies, (energy) => energy + 1), forces: new Random(1).normals(48) }
  const loss = new EnergyForcesLoss(model)
  const slopes = gradient(
    loss.tensor,
    model.parameters.map(({ tensor }) => tensor),
  )
  const outputs = [model.nodeEnergies, model.forces, loss.tensor, ...slopes]
  const [got, wanted] = (['float32', 'float64'] satisfies Precision[]).map((precision) => {
    const program = new ModelProgram(model, outputs, precision)
    const given = [...loss.inputs(batch, targets, { energy: 1, forces: 10 })]
    const inputs = given.map(([tensor, values]) => [tensor, program.array(values)] as const)
    return program.run(batch, new Map([...program.weights(weights), ...inputs])).map(toFloat64)
  })
  // Gradients of weights that hardly matter are sums that cancel: what counts is their size beside the others.
  const size = Math.max(...wanted.slice(3).map((slope) => largest(slope)))
  wanted.forEach((values, n) => {
    expect(largest(got[n], values)).toBeLessThan(TOLERANCE * (n < 3 ? largest(values) : size))
  })
})
