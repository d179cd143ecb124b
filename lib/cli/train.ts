import { mkdir } from 'node:fs/promises'
import { wordedWrite } from '../files/file.js'
import { parseConfig, readConfig, type TrainingConfig, trainingSchema } from '../mace/config.js'
import { TrainingFiles } from '../mace/training-files.js'
import type { LogLine } from '../mace/training-log.js'
import { prepareTraining, type Training } from '../mace/training.js'
import { GauntletError } from '../runtime/errors.js'
import { setNumThreads } from '../runtime/index.js'
import { defineCommand, type Io } from './command.js'
import { duration } from './format.js'
import { provenance } from './machine.js'
import { flag, integer, text, texts } from './options.js'
import { describeEpoch, describeStart, errorTable, finalErrors, parity, profileTable } from './train-report.js'

export const command = defineCommand({
  positionals: [],
  about: `Trains a MACE model on energies and forces.

A configuration (JSON; --schema prints what it may hold) says everything; what flags say goes before it.
Written to its "output" folder, each file whole or not at all: NAME.safetensors, the best weights so far,
a model for eval and md; NAME.state.safetensors, from which --resume goes on with the same bits (on the
CPU) after any interruption; NAME.jsonl, a line for every epoch, which report turns into a page.

mpirun -n 4 gauntlet train ... shares every batch between four processes.`,
  examples: [
    'gauntlet train --config train.json',
    'gauntlet train --data train.xyz --set data.energyKey=REF_energy --set data.forcesKey=REF_forces --product grid',
    'gauntlet train --config train.json --resume --epochs 200',
    'mpirun -n 2 gauntlet train --config train.json --threads 1',
  ],
  options: {
    config: text('FILE', 'the configuration, JSON'),
    data: text('FILE', 'data.train: .xyz, .extxyz or .npz'),
    test: text('FILE', 'data.test: for the table at the end'),
    product: text('NAME', 'model.product: cg, gaunt-fourier, grid, grid-large or grid-odd'),
    name: text('NAME', 'of the files written'),
    output: text('FOLDER', 'where they are written'),
    epochs: integer('N', 'how many', { min: 1, max: 1e9 }),
    seed: integer('N', 'of weights, split and order', { min: 0, max: 2 ** 32 - 1 }),
    device: text('WHERE', 'auto, cpu, cuda or cuda:N'),
    threads: integer('N', 'CPU threads of each process', { min: 1, max: 1024 }),
    set: texts('KEY=VALUE', 'any other setting, as model.maxEll=2; its value is JSON, or text'),
    profile: flag('print where the time of training went, by operation (on a GPU, each is waited for then)'),
    resume: flag('go on from NAME.state.safetensors'),
    overwrite: flag('begin anew where there is a training of that name already'),
    schema: flag('print the JSON schema of configurations and stop'),
  },
  check: (flags) => {
    const { set, schema, config, data, resume, overwrite } = flags
    set.forEach(parseSetting)
    if (!schema && config === undefined && data === undefined && !set.some((setting) => setting.startsWith('data.'))) {
      throw new GauntletError('ERR_ARGUMENT', 'Missing option --config or --data: what to train on')
    }
    if (!schema && config === undefined) parseConfig(withFlags({}, flags), 'the command line')
    if (resume && overwrite) throw new GauntletError('ERR_ARGUMENT', 'Expected one of --resume and --overwrite')
  },
  run: async (values, _, io) => {
    if (values.schema) {
      io.out(`${JSON.stringify(trainingSchema(), null, 2)}\n`)
      return 0
    }
    const given = values.config === undefined ? {} : await readConfig(values.config)
    const config = parseConfig(withFlags(given, values), values.config ?? 'the command line')
    if (config.threads !== undefined) setNumThreads(config.threads)
    await train(config, values, io)
    return 0
  },
})

type Flags = Record<'data' | 'test' | 'product' | 'name' | 'output' | 'device', string | undefined> &
  Record<'epochs' | 'seed' | 'threads', number | undefined> & { set: readonly string[] }

/** Where each flag stands in a configuration. */
const PLACES = {
  data: '/data/train',
  test: '/data/test',
  product: '/model/product',
  name: '/name',
  output: '/output',
  device: '/device',
  epochs: '/epochs',
  seed: '/seed',
  threads: '/threads',
} as const

function withFlags(given: unknown, flags: Flags): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const config: unknown = structuredClone(given)
  for (const [flag, place] of Object.entries(PLACES)) {
    const value = flags[flag as keyof typeof PLACES]
    if (value !== undefined) put(config, place, value)
  }
  for (const setting of flags.set) {
    const { key, value } = parseSetting(setting)
    put(config, `/${key.replaceAll('.', '/')}`, parseValue(value))
  }
  return config
}

function parseSetting(setting: string): { key: string; value: string } {
  const [, key, value] = /^([A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)=(.*)$/s.exec(setting) ?? []
  if (key !== undefined) return { key, value }
  throw new GauntletError('ERR_ARGUMENT', `Expected KEY=VALUE for --set but received ${JSON.stringify(setting)}`)
}

function put(config: unknown, place: string, value: unknown): void {
  const parents = place.split('/').slice(1, -1)
  let at = config as Record<string, unknown>
  for (const parent of parents) {
    if (typeof at[parent] !== 'object' || at[parent] === null) at[parent] = {}
    at = at[parent] as Record<string, unknown>
  }
  at[place.split('/').at(-1)!] = value
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

async function train(
  config: TrainingConfig,
  { resume, overwrite, profile }: { resume: boolean; overwrite: boolean; profile: boolean },
  io: Io,
): Promise<void> {
  await wordedWrite(config.output, () => mkdir(config.output, { recursive: true }))
  const training = await prepareTraining(config, { profile })
  const { trainer, processes } = training
  const leads = processes.rank === 0
  const files = new TrainingFiles(training, firstLine(training))
  await (resume ? files.resume() : files.begin({ overwrite }))
  if (leads) io.err(describeStart(training))
  const left = timeLeft(config.epochs - trainer.progress.epoch)
  while (!trainer.done) {
    const { epoch } = trainer.progress
    const report = trainer.epoch({
      batch: (done, of) => {
        io.progress(`epoch ${epoch} (last ${config.epochs - 1}), batch ${done} of ${of}, ${duration(left(of))} left`)
      },
    })
    if (!leads) continue
    io.progress('')
    io.err(describeEpoch(report))
    await files.addEpoch(report)
  }
  const rows = finalErrors(training)
  if (!leads) return
  await files.end({ seconds: trainer.progress.seconds, errors: rows, parity: parity(training) })
  io.out(errorTable(rows))
  if (profile) io.err(profileTable(training.learner.profile))
  io.err(`wrote ${files.paths.join(', ')}\n`)
}

/** What a log begins with. */
function firstLine({ config, data, model, processes }: Training): LogLine {
  const sizes = { train: data.train.length, valid: data.valid.length, processes: processes.size }
  const { hiddenIrreps, mlpIrreps, ...options } = model.configuration
  const irreps = { hiddenIrreps: hiddenIrreps.toString(), mlpIrreps: mlpIrreps.toString() }
  return {
    kind: 'start',
    config,
    model: { ...options, ...irreps },
    sizes: { ...sizes, parameters: model.parameterCount },
    machine: provenance(config.device),
  }
}

/** Of so many epochs: seconds left after the next batch, by what batches have taken so far, validations and files included. */
function timeLeft(epochs: number): (batchesOfEpoch: number) => number {
  const start = performance.now()
  let done = 0
  return (batchesOfEpoch) => {
    done++
    const each = (performance.now() - start) / 1000 / done
    return Math.max(0, each * (epochs * batchesOfEpoch - done))
  }
}
