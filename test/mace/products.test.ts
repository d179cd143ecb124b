import { describe, expect, it } from 'vitest'
import { Evaluator, Mace, type MaceOptions, makeBatch, type ProductChoice, type Weights } from '../../lib/mace/index.js'
import { Random, randomRotation } from '../../lib/o3/index.js'
import type { Structure } from '../../lib/structures/index.js'
import { errorOf } from '../o3/helpers.js'
import { largest } from './compare.js'
import { makeStructure, small } from './small.js'

const structures = [makeStructure(4, 1), makeStructure(5, 2)]

function evaluate(options: MaceOptions, given: readonly Structure[] = structures, weights?: Weights) {
  const model = new Mace(options, { device: 'cpu' })
  const evaluator = new Evaluator(model, weights ?? model.initialWeights(7), { precision: 'float64' })
  return evaluator.evaluate(makeBatch(model, given))
}

/** Polynomials of degree 4 in sums of a few dozen numbers, in float64. */
const TOLERANCE = 1e-10

describe.each([
  [{ maxEll: 2, correlation: 3 }],
  [{ maxEll: 3, correlation: 2, hiddenIrreps: '2x0e+2x1o+2x2e' }],
  [{ maxEll: 1, correlation: 4, hiddenIrreps: '2x0e' }],
  [{ maxEll: 2, correlation: [1, 3], hiddenIrreps: '2x0e+2x2e' }],
] satisfies [Partial<MaceOptions>][])('%o', (shape) => {
  const of = (product: ProductChoice) => evaluate({ ...small, ...shape, product })

  it.each(['grid-large', 'gaunt-fourier'] as const)('grid and %s are one function', (product) => {
    const [grid, other] = [of('grid'), of(product)]
    expect(largest(grid.forces)).toBeGreaterThan(1e-3)
    expect(largest(grid.energies, other.energies)).toBeLessThan(TOLERANCE)
    expect(largest(grid.forces, other.forces)).toBeLessThan(TOLERANCE * largest(grid.forces))
  })
})

describe('odd paths', () => {
  const difference = (shape: Partial<MaceOptions>): number => {
    const [grid, odd] = (['grid', 'grid-odd'] as const).map((product) => evaluate({ ...small, ...shape, product }))
    return largest(grid.forces, odd.forces) / largest(grid.forces)
  }

  it('come in pairs, since each changes parity, so that two factors have none', () => {
    expect(difference({ correlation: 1 })).toBeLessThan(TOLERANCE)
    expect(difference({ correlation: 2, maxEll: 3 })).toBeLessThan(TOLERANCE)
  })

  it('make another function of three factors', () => {
    expect(difference({ correlation: 3 })).toBeGreaterThan(1e-4)
  })
})

function rotated({ positions, ...rest }: Structure, rotation: ArrayLike<number>): Structure {
  return { ...rest, positions: rotateAll(positions, rotation) }
}

function rotateAll(vectors: Float64Array, rotation: ArrayLike<number>): Float64Array {
  return vectors.map((_, n) => {
    const [at, row] = [n - (n % 3), n % 3]
    return [0, 1, 2].reduce((sum, k) => sum + rotation[3 * row + k] * vectors[at + k], 0)
  })
}

describe.each(['cg', 'grid', 'grid-large', 'gaunt-fourier', 'grid-odd'] as const)('%s', (product) => {
  it.each([1, 2])('is refused where it does not reach hidden irreps: %i factors of scalars', (correlation) => {
    const options = { ...small, product, correlation, maxEll: 0, hiddenIrreps: '2x0e+2x1o' }
    expect(errorOf(() => new Mace(options, { device: 'cpu' })).code).toBe('ERR_UNREACHABLE')
  })

  const options: MaceOptions = { ...small, product, correlation: 3, maxEll: 3, hiddenIrreps: '2x0e+2x1o' }

  it.each([1, -1])('turns with its structures, and is moved with them, handedness %i', (sign) => {
    const rotation = [...randomRotation(new Random(5))].map((value) => sign * value)
    const turned = structures.map((structure) => rotated(structure, rotation))
    const moved = turned.map((structure) => ({ ...structure, positions: structure.positions.map((x) => x + 11) }))
    const [before, after] = [evaluate(options), evaluate(options, moved)]
    expect(largest(before.energies, after.energies)).toBeLessThan(TOLERANCE)
    expect(largest(rotateAll(before.forces, rotation), after.forces)).toBeLessThan(TOLERANCE * largest(before.forces))
  })

  it('has forces that are slopes of the energy', () => {
    const [structure] = structures
    const { forces } = evaluate(options, [structure])
    const step = 1e-3
    const energy = (n: number, shift: number): number => {
      const positions = structure.positions.slice()
      positions[n] += shift
      return evaluate(options, [{ ...structure, positions }]).energies[0]
    }
    for (const n of [0, 4, 11]) {
      const slope =
        (8 * (energy(n, step) - energy(n, -step)) - (energy(n, 2 * step) - energy(n, -2 * step))) / (12 * step)
      // Differences err by h^4 f^(5) / 30, and by the rounding of E0, 1e-13 eV, over h.
      expect(Math.abs(slope + forces[n])).toBeLessThan(1e-7 * Math.max(1, largest(forces)))
    }
  })
})

describe.each([
  { numInteractions: 1 },
  { numInteractions: 3, hiddenIrreps: '2x0e+2x1o+2x2e', maxEll: 4 },
  { numInteractions: 3, hiddenIrreps: '2x0e+2x1o+2x1e', correlation: 3 },
  { interactionFirst: 'RealAgnosticInteractionBlock' },
  { interaction: 'RealAgnosticInteractionBlock', correlation: [2, 1] },
  { atomicNumbers: [8, 17, 1, 6], atomicEnergies: [1, 2, 3, 4], radialMlp: [] },
  { hiddenIrreps: '3x0e', maxEll: 0, model: 'MACE', scale: 1, shift: 0 },
] satisfies Partial<MaceOptions>[])('a model with %o', (shape) => {
  it('turns with its structures', () => {
    const options: MaceOptions = { ...small, correlation: 2, ...shape }
    const rotation = randomRotation(new Random(6))
    const [before, after] = [
      evaluate(options),
      evaluate(
        options,
        structures.map((one) => rotated(one, rotation)),
      ),
    ]
    expect(largest(before.energies, after.energies)).toBeLessThan(TOLERANCE)
    expect(largest(rotateAll(before.forces, rotation), after.forces)).toBeLessThan(TOLERANCE * largest(before.forces))
    expect(largest(before.forces)).toBeGreaterThan(1e-4)
  })
})
