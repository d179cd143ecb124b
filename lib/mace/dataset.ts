import { createRequire } from 'node:module'
import { errorIn, expected, GauntletError } from '../runtime/errors.js'
import { checkNotNegative } from '../runtime/numbers.js'
import { Random } from '../o3/random.js'
import { neighbours } from '../structures/neighbours.js'
import { elementSymbol, formula, type Structure } from '../structures/structure.js'

/** A structure with what a model learns from it. */
export interface LabelledStructure extends Structure {
  readonly energy: number
  readonly forces: Float64Array
  /** Pairs of neighbours, each in both directions, within the model's cutoff. */
  readonly edges: number
  /** What its energy and its forces count in a loss: 1, unless its frame says otherwise. */
  readonly energyWeight: number
  readonly forcesWeight: number
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
 * @param cutoff of the model, Angstrom
 * @param elements the only ones that there may be, if that is known
 * @throws GauntletError ERR_FILE for a structure without labels, or with some that are no numbers, naming it; as `neighbours`
 */
export function labelled(structures: readonly Structure[], name: string, cutoff: number, elements?: readonly number[]) {
  const isolated = new Map<number, number>()
  const found: LabelledStructure[] = []
  for (const [n, structure] of structures.entries()) {
    try {
      const { energy, numbers, info } = structure
      if (numbers.length === 1 && energy !== undefined && info?.get('config_type') === 'IsolatedAtom') {
        isolated.set(numbers[0], energy)
      } else {
        found.push(labelledOne(structure, cutoff, elements))
      }
    } catch (error) {
      throw errorIn(`${name}, structure ${n + 1} (${formula(structure.numbers)})`, error)
    }
  }
  return { structures: found, isolated }
}

function labelledOne(structure: Structure, cutoff: number, elements?: readonly number[]): LabelledStructure {
  const { energy, forces, numbers } = structure
  if (numbers.length === 0) throw new GauntletError('ERR_FILE', 'It has no atoms')
  if (energy === undefined || !Number.isFinite(energy)) {
    throw new GauntletError('ERR_FILE', 'It has no energy: data.energyKey says under which key energies are')
  }
  if (!forces?.every(Number.isFinite)) {
    throw new GauntletError('ERR_FILE', 'It has no forces: data.forcesKey says what the columns of forces are called')
  }
  const stranger = numbers.find((number) => elements?.includes(number) === false)
  if (stranger !== undefined) {
    const known = elements!.map((element) => elementSymbol(element)).join(', ')
    throw expected(`the elements that are trained on (${known})`, 'its atoms', elementSymbol(stranger), 'ERR_FILE')
  }
  const weight = weightIn(structure, 'config_weight')
  return {
    ...structure,
    energy,
    forces,
    edges: neighbours(structure, cutoff).senders.length,
    energyWeight: weight * weightIn(structure, 'config_energy_weight'),
    forcesWeight: weight * weightIn(structure, 'config_forces_weight'),
  }
}

/** What MACE reads of a frame: how much it counts. */
function weightIn({ info }: Structure, key: string): number {
  const text = info?.get(key)?.trim()
  if (text === undefined) return 1
  return checkNotNegative(text === '' ? NaN : Number(text), key)
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
            `or give its energy in data.atomicEnergies, or set that to 'average'`
        : `Expected the energy of an isolated ${symbol} atom but data.atomicEnergies has ${Object.keys(source).join(', ') || 'none'}`,
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
