import { describe, expect, it } from 'vitest'
import { type Batch, bindBatch, edgeVectors, Evaluator, Mace, makeBatch } from '../../lib/mace/index.js'
import { Random } from '../../lib/o3/index.js'
import { makeStructure, small } from './small.js'

const model = new Mace({ ...small, correlation: 1 }, { device: 'cpu' })
const evaluator = new Evaluator(model, model.initialWeights(1), { precision: 'float64' })

const molecule = makeStructure(2, 1)
/** So short a cell that atoms see several images of others and of themselves. */
const crystal = {
  ...molecule,
  cell: Float64Array.of(1.4, 0, 0, 0.4, 2.1, 0, 0, 0.3, 9),
  pbc: [true, true, false] as const,
}
const batch = makeBatch(model, [makeStructure(5, 1), crystal, makeStructure(1, 2), makeStructure(4, 3)])

function pick({ senders, receivers, shifts, ...rest }: Batch, edges: readonly number[]): Batch {
  return {
    ...rest,
    senders: Int32Array.from(edges, (edge) => senders[edge]),
    receivers: Int32Array.from(edges, (edge) => receivers[edge]),
    shifts: Float64Array.from(edges.flatMap((edge) => [...shifts.subarray(3 * edge, 3 * edge + 3)])),
  }
}

function pairsOf(given: Batch): { of: Int32Array; count: number } {
  return bindBatch(model, given, (values) => values).graphs!.get(model.edges)!.pairs!
}

describe('pairs of edges', () => {
  const edges = batch.senders.length
  const random = new Random(9)
  const keys = Array.from({ length: edges }, () => random.normal())
  const shuffled = pick(
    batch,
    [...keys.keys()].sort((a, b) => keys[a] - keys[b]),
  )

  it.each([
    ['in order', batch],
    ['in any order', shuffled],
  ])('are the ways there and back, %s', (_, given) => {
    const { of, count } = pairsOf(given)
    expect(edges).toBeGreaterThan(50)
    expect(count).toBe(edges / 2)
    const vectors = edgeVectors(given)
    for (let pair = 0; pair < count; pair++) {
      const [there, back] = [of.indexOf(pair), of.lastIndexOf(pair)]
      expect(back).toBeGreaterThan(there)
      expect([given.senders[back], given.receivers[back]]).toEqual([given.receivers[there], given.senders[there]])
      for (let axis = 0; axis < 3; axis++) expect(vectors[3 * back + axis] + vectors[3 * there + axis]).toBe(0)
    }
  })

  it('give the same whatever the order of edges', () => {
    const [a, b] = [batch, shuffled].map((given) => evaluator.evaluate(given))
    a.forces.forEach((force, n) => {
      expect(b.forces[n]).toBeCloseTo(force, 10)
    })
    a.energies.forEach((energy, n) => {
      expect(b.energies[n]).toBeCloseTo(energy, 10)
    })
  })

  it('may lack the way back', () => {
    const oneWay = pick(
      batch,
      Array.from({ length: edges }, (_, edge) => edge).filter((edge) => edge % 3 > 0),
    )
    const { count } = pairsOf(oneWay)
    expect(count).toBeGreaterThan(oneWay.senders.length / 2)
    // Forces are the gradient of the energy still.
    const { forces } = evaluator.evaluate(oneWay)
    const step = 1e-5
    const energy = (by: number): number => {
      const positions = batch.positions.slice()
      positions[4] += by
      return evaluator.evaluate({ ...oneWay, positions }).energies.reduce((sum, value) => sum + value)
    }
    expect(-(energy(step) - energy(-step)) / (2 * step)).toBeCloseTo(forces[4], 6)
  })
})
