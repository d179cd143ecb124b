import { createHash } from 'node:crypto'
import { Irreps } from '../o3/irreps.js'
import { deviceOfProcess, joinCommunicator, type Communicator } from '../runtime/communicator.js'
import type { DeviceOption } from '../runtime/device.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { readStructures } from '../structures/index.js'
import type { TrainingConfig } from './config.js'
import {
  atomicEnergies,
  type DataStatistics,
  elementsOf,
  labelled,
  type LabelledStructure,
  split,
  statistics,
} from './dataset.js'
import type { MaceOptions } from './configuration.js'
import { MaceLearner, type Prepared } from './mace-learner.js'
import { Mace } from './model.js'
import { Trainer } from './trainer.js'

/** Structures of a training by what they are for; isolated atoms are none of them. */
export interface TrainingData {
  train: LabelledStructure[]
  valid: LabelledStructure[]
  /** By the names of their files. */
  test: Map<string, LabelledStructure[]>
  statistics: DataStatistics
}

/**
 * Reads all structures that a configuration names and what they say of themselves.
 *
 * @throws GauntletError ERR_FILE, ERR_ARGUMENT
 */
export async function readTrainingData({ data, model, seed }: TrainingConfig): Promise<TrainingData> {
  const read = async (setting: string, files: string | readonly string[], elements?: readonly number[]) => {
    const parts = await Promise.all(
      [files].flat().map(async (file) => labelled(await readStructures(file, data), file, model.cutoff, elements)),
    )
    const structures = parts.flatMap((part) => part.structures)
    if (structures.length === 0) {
      throw expected('structures that are no isolated atoms', setting, [files].flat().join(', '))
    }
    return { structures, isolated: new Map(parts.flatMap((part) => [...part.isolated])) }
  }
  const { structures, isolated } = await read('data.train', data.train)
  const { train, valid } =
    data.valid === undefined
      ? split(structures, data.validFraction, seed)
      : { train: structures, valid: (await read('data.valid', data.valid)).structures }
  const elements = elementsOf([...train, ...valid])
  const test = new Map<string, LabelledStructure[]>()
  for (const file of [data.test ?? []].flat()) test.set(file, (await read('data.test', file, elements)).structures)
  const energies = atomicEnergies(data.atomicEnergies, train, isolated, elements)
  return { train, valid, test, statistics: statistics(train, elements, energies) }
}

/** What a model is made of, from a configuration and its data. */
export function modelOptions(config: TrainingConfig, { train, statistics }: TrainingData): MaceOptions {
  const { scale, shift, ...model } = config.model
  return {
    ...model,
    hiddenIrreps: new Irreps(model.hiddenIrreps),
    mlpIrreps: new Irreps(model.mlpIrreps),
    atomicNumbers: [...statistics.elements],
    atomicEnergies: [...statistics.atomicEnergies],
    avgNumNeighbors: averageNeighbours(train),
    scale: scale === 'rmsForces' ? statistics.rmsForces : scale === 'none' ? 1 : scale,
    shift: shift === 'meanEnergy' ? statistics.meanEnergy : shift === 'none' ? 0 : shift,
  }
}

/** Edges of an atom, on average over atoms. */
function averageNeighbours(structures: readonly LabelledStructure[]): number {
  const total = (count: (structure: LabelledStructure) => number): number => {
    return structures.reduce((sum, structure) => sum + count(structure), 0)
  }
  return total(({ edges }) => edges) / total(({ numbers }) => numbers.length) || 1
}

/** A training ready to begin, or to be taken up. */
export interface Training {
  config: TrainingConfig
  data: TrainingData
  model: Mace
  learner: MaceLearner
  trainer: Trainer<Prepared>
  processes: Communicator
  /** Of everything that has to be the same to go on from a state. */
  fingerprint: string
}

/**
 * Everything that a configuration asks for: data, model with first weights by its seed, trainer.
 *
 * @param options.profile whether to time every operation: `learner.profile`
 * @throws GauntletError ERR_FILE, ERR_ARGUMENT, ERR_IRREPS, ERR_UNREACHABLE, ERR_DEVICE, ERR_MPI
 * @example
 * const { trainer } = await prepareTraining(parseConfig({ data: { train: 'train.xyz' } }))
 * while (!trainer.done) console.log(trainer.epoch())
 */
export async function prepareTraining(
  config: TrainingConfig,
  { profile }: { profile?: boolean } = {},
): Promise<Training> {
  const processes = joinCommunicator()
  const data = await readTrainingData(config)
  const options = modelOptions(config, data)
  const model = new Mace(options, { device: deviceOfProcess(config.device as DeviceOption, processes) })
  const learner = new MaceLearner(model, model.initialWeights(config.seed), { ...config, profile })
  const trainer = new Trainer(learner, config, data.train, data.valid, processes)
  const fingerprint = fingerprintOf(config, data)
  checkAllAlike(processes, `${fingerprint} ${config.epochs} ${config.patience}`)
  return { config, data, model, learner, trainer, processes, fingerprint }
}

/** What may change between a training and its continuation: where it runs, where its files are, and how long. */
function fingerprintOf(config: TrainingConfig, { train, valid, statistics }: TrainingData): string {
  // Of `data`, what was read counts.
  const free = ['device', 'threads', 'name', 'output', 'epochs', 'patience', 'data']
  const settings = Object.fromEntries(Object.entries(config).filter(([key]) => !free.includes(key)))
  // Where stage two starts may follow from `epochs`.
  if (config.stageTwo) settings.stageTwo = { ...config.stageTwo, start: undefined }
  const hash = createHash('sha256').update(JSON.stringify([sorted(settings), statistics, train.length]))
  for (const { numbers, positions, cell, pbc, energy, forces, energyWeight, forcesWeight } of [...train, ...valid]) {
    hash.update(numbers).update(positions).update(forces)
    hash.update(Float64Array.of(...(cell ?? []), ...pbc.map(Number), energy, energyWeight, forcesWeight))
  }
  return hash.digest('hex')
}

/** The same with the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}

/** Processes that train different things would mix them, or wait for each other for ever. */
function checkAllAlike(processes: Communicator, what: string): void {
  const mine = createHash('sha256').update(what).digest().readUIntBE(0, 6)
  const first = Float64Array.of(processes.rank === 0 ? mine : 0)
  processes.sum(first)
  const others = Float64Array.of(first[0] === mine ? 0 : 1)
  processes.sum(others)
  if (others[0] === 0) return
  throw new GauntletError(
    'ERR_ARGUMENT',
    'Expected the same configuration and the same data in all processes of a training',
  )
}
