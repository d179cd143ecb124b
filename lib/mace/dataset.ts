import { createRequire } from 'node:module'
import { GauntletError } from '../runtime/errors.js'
import { Random } from '../o3/random.js'
import { elementSymbol, formula, type Structure } from '../structures/structure.js'

/** A structure with what a model learns from it. */
export interface LabelledStructure extends Structure {
  readonly energy: number
  readonly forces: Float64Array
}

/** Where the energies of isolated atoms come from: single atoms in the data, least squares over all of it, or the user, in eV by symbol. */
export type AtomicEnergySource = 'isolated' | 'average' | Readonly<Record<string, number>>

/** What training structures say of themselves, as MACE sets up its models. */
export interface DataStatistics {
  /** Atomic numbers, ascending. */
  elements: readonly number[]
  /** eV, of every element. */
  atomicEnergies: readonly number[]
  /** Mean over structures of (energy - atomic energies) / atoms, eV. */
  meanEnergy: number
  /** Root mean square of all components of all forces, eV/Angstrom. */
  rmsForces: number
}

/**
 * Those structures that have both energy and forces; and those that are single atoms marked as `config_type=IsolatedAtom`, apart.
 *
 * @throws GauntletError ERR_FILE for a structure without labels, or with some that are no numbers, naming it
 */
export function labelled(structures: readonly Structure[], name: string) {
  const isolated = new Map<number, number>()
  const found: LabelledStructure[] = []
  structures.forEach((structure, n) => {
    const { energy, forces, numbers } = structure
    const what = `${name}, structure ${n + 1} (${formula(numbers)})`
    if (energy === undefined || !Number.isFinite(energy)) {
      throw new GauntletError('ERR_FILE', `${what} has no energy; the key that it is under can be named`)
    }
    if (numbers.length === 1 && structure.info?.get('config_type') === 'IsolatedAtom') {
      isolated.set(numbers[0], energy)
      return
    }
    if (!forces?.every(Number.isFinite)) {
      throw new GauntletError('ERR_FILE', `${what} has no forces; the name of the property that holds them can be told`)
    }
    found.push({ ...structure, energy, forces })
  })
  return { structures: found, isolated }
}

/** The elements that structures are made of, ascending. */
export function elementsOf(structures: readonly Structure[]): number[] {
  return [...new Set(structures.flatMap(({ numbers }) => [...numbers]))].sort((a, b) => a - b)
}

/**
 * The energy of every element's isolated atom.
 *
 * @throws GauntletError ERR_ARGUMENT for an element that has none
 */
export function atomicEnergies(
  source: AtomicEnergySource,
  structures: readonly LabelledStructure[],
  isolated: ReadonlyMap<number, number>,
  elements: readonly number[],
): number[] {
  if (source === 'average') return averageEnergies(structures, elements)
  return elements.map((element) => {
    const symbol = elementSymbol(element)
    const energy = source === 'isolated' ? isolated.get(element) : source[symbol]
    if (typeof energy === 'number' && Number.isFinite(energy)) return energy
    throw new GauntletError(
      'ERR_ARGUMENT',
      source === 'isolated'
        ? `Expected a frame of one ${symbol} atom with config_type=IsolatedAtom among the training data but there is none: add one, ` +
            `or name its energy, or take 'average'`
        : `Expected the energy of an isolated ${symbol} atom but atomicEnergies has ${Object.keys(source).join(', ') || 'none'}`,
    )
  })
}

/** Least squares of energies by counts of elements; the shortest solution where there are several. */
function averageEnergies(structures: readonly LabelledStructure[], elements: readonly number[]): number[] {
  const counts = structures.map(({ numbers }) => elements.map((element) => numbers.filter((n) => n === element).length))
  // Only here, so that importing the package stays cheap.
  const { Matrix, pseudoInverse } = createRequire(__filename)('ml-matrix') as typeof import('ml-matrix')
  const energies = Matrix.columnVector(structures.map(({ energy }) => energy))
  return pseudoInverse(new Matrix(counts)).mmul(energies).to1DArray()
}

/** See DataStatistics. */
export function statistics(
  structures: readonly LabelledStructure[],
  elements: readonly number[],
  energies: readonly number[],
): DataStatistics {
  let [meanEnergy, squares, components] = [0, 0, 0]
  for (const { numbers, energy, forces } of structures) {
    const free = numbers.reduce((sum, number) => sum + energies[elements.indexOf(number)], 0)
    meanEnergy += (energy - free) / numbers.length / structures.length
    for (const force of forces) squares += force * force
    components += forces.length
  }
  return { elements, atomicEnergies: energies, meanEnergy, rmsForces: Math.sqrt(squares / (components || 1)) }
}

/** 0..count - 1 in an order by a seed. */
export function shuffled(count: number, seed: number): Int32Array {
  const random = new Random(seed)
  const order = Int32Array.from({ length: count }, (_, n) => n)
  for (let n = count - 1; n > 0; n--) {
    const other = Math.floor(random.uniform() * (n + 1))
    ;[order[n], order[other]] = [order[other], order[n]]
  }
  return order
}

/** A part of structures for validation, at random by a seed; at least one on each side. */
export function split<T>(structures: readonly T[], fraction: number, seed: number): { train: T[]; valid: T[] } {
  if (structures.length < 2) {
    throw new GauntletError('ERR_ARGUMENT', 'Expected at least two structures, one to train on and one to validate')
  }
  const count = Math.min(Math.max(1, Math.floor(fraction * structures.length)), structures.length - 1)
  const order = shuffled(structures.length, seed)
  const held = new Set(order.subarray(structures.length - count))
  return {
    train: structures.filter((_, n) => !held.has(n)),
    valid: structures.filter((_, n) => held.has(n)),
  }
}

/** What limits a batch. */
export interface BatchLimits {
  structures: number
  /** One structure may have more; it makes a batch alone then. */
  edges: number
}

/** Consecutive structures of an order, in as few batches as the limits allow, by number. */
export function batches(order: ArrayLike<number>, edges: readonly number[], limits: BatchLimits): number[][] {
  const all: number[][] = []
  let [batch, sum]: [number[], number] = [[], 0]
  for (let n = 0; n < order.length; n++) {
    const next = order[n]
    if (batch.length > 0 && (batch.length >= limits.structures || sum + edges[next] > limits.edges)) {
      all.push(batch)
      ;[batch, sum] = [[], 0]
    }
    batch.push(next)
    sum += edges[next]
  }
  if (batch.length > 0) all.push(batch)
  return all
}
