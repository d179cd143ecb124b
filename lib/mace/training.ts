import { createHash } from 'node:crypto'
import { Irreps } from '../o3/irreps.js'
import { deviceOfProcess, joinCommunicator, type Communicator } from '../runtime/communicator.js'
import type { DeviceOption } from '../runtime/device.js'
import { readStructures } from '../structures/index.js'
import { neighbours } from '../structures/neighbours.js'
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
import { Trainer, type TrainingSet } from './trainer.js'

/** Structures of a training by what they are for. */
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
export async function readTrainingData({ data, seed }: TrainingConfig): Promise<TrainingData> {
  const read = async (files: string | readonly string[], what: string) => {
    const all = await Promise.all([files].flat().map((file) => readStructures(file, data)))
    return labelled(all.flat(), what)
  }
  const { structures, isolated } = await read(data.train, 'data.train')
  const known = data.valid === undefined ? undefined : await read(data.valid, 'data.valid')
  const { train, valid } = known
    ? { train: structures, valid: known.structures }
    : split(structures, data.validFraction, seed)
  const test = new Map<string, LabelledStructure[]>()
  for (const file of [data.test ?? []].flat()) test.set(file, (await read(file, file)).structures)
  const elements = elementsOf([...structures, ...valid])
  const energies = atomicEnergies(data.atomicEnergies, structures, isolated, elements)
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
    avgNumNeighbors: averageNeighbours(train, model.cutoff),
    scale: scale === 'rmsForces' ? statistics.rmsForces : scale === 'none' ? 1 : scale,
    shift: shift === 'meanEnergy' ? statistics.meanEnergy : shift === 'none' ? 0 : shift,
  }
}

/** Edges of an atom, on average over atoms. */
function averageNeighbours(structures: readonly LabelledStructure[], cutoff: number): number {
  const edges = structures.reduce((sum, structure) => sum + neighbours(structure, cutoff).senders.length, 0)
  return edges / structures.reduce((sum, { numbers }) => sum + numbers.length, 0) || 1
}

/** A training ready to begin, or to be taken up. */
export interface Training {
  config: TrainingConfig
  data: TrainingData
  model: Mace
  learner: MaceLearner
  trainer: Trainer<Prepared>
  processes: Communicator
  testSets: Map<string, TrainingSet>
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
  const setOf = (structures: readonly LabelledStructure[]): TrainingSet => {
    return { structures, edges: structures.map((structure) => learner.edgesOf(structure)) }
  }
  const trainer = new Trainer(learner, config, setOf(data.train), setOf(data.valid), processes)
  const testSets = new Map([...data.test].map(([name, structures]) => [name, setOf(structures)]))
  return { config, data, model, learner, trainer, processes, testSets, fingerprint: fingerprintOf(config, data) }
}

/** What may change between a training and its continuation: where it runs, and how long. */
function fingerprintOf(config: TrainingConfig, data: TrainingData): string {
  const free = ['device', 'threads', 'output', 'epochs', 'patience']
  const fixed = Object.entries(config).filter(([key]) => !free.includes(key))
  const hash = createHash('sha256').update(JSON.stringify(fixed))
  for (const { positions, energy, forces } of [...data.train, ...data.valid]) {
    hash.update(positions).update(forces).update(Float64Array.of(energy))
  }
  return hash.digest('hex')
}
