import type { PredictionErrors } from '../../mace/errors.js'
import type { EpochReport } from '../../mace/trainer.js'
import { GauntletError } from '../../runtime/errors.js'
import { parseJson, type Place } from '../json-file.js'
import type { ErrorRow, Parity } from '../train-report.js'
import { type Fact, type Machine, readMachine } from './machine.js'

/** What a training's log tells. One that goes on, or was interrupted, has no end. */
export interface TrainingRun {
  start?: TrainingStart
  epochs: EpochReport[]
  end?: { seconds: number; errors: ErrorRow[]; parity: Parity }
}

export interface TrainingStart {
  name: string
  /** As many as were to be. */
  epochs: number
  sizes: Record<(typeof SIZES)[number], number>
  /** Every setting by its dotted name. */
  config: Fact[]
  model: Fact[]
  machine: Machine
}

const SIZES = ['train', 'valid', 'parameters', 'processes'] as const
/** Settings nest no deeper. */
const MOST_NESTING = 4
/** Differences and quotients of such numbers are numbers as well. */
const MOST = 1e100

/** Whether text is the log of a training; otherwise it is no log, or its first line is cut short. */
export function isTrainingLog(text: string): boolean {
  return /^\s*\{\s*"kind"\s*:/.test(text)
}

/**
 * All that a page shows of a training.
 *
 * @param text lines as `gauntlet train` writes them, up to any; half a line at the end, as an interruption leaves it, does not count
 * @throws GauntletError `ERR_FILE` for anything else; names the file, the line and the place
 */
export function readTraining(file: string, text: string): TrainingRun {
  const lines = text.split('\n')
  if (!isWhole(lines[lines.length - 1])) lines.pop()
  if (lines.length === 0) throw new GauntletError('ERR_FILE', `${file}: Expected a whole line but received half of one`)
  const run: TrainingRun = { epochs: [] }
  for (const [n, line] of lines.entries()) addLine(run, parseJson(`${file}, line ${n + 1}`, line, 'gauntlet train'))
  return run
}

function isWhole(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

function addLine(run: TrainingRun, line: Place): void {
  const kind = line.member('kind')
  if (run.end) throw kind.wrong('no line after the end')
  switch (kind.oneOf(['start', 'epoch', 'end'])) {
    case 'start':
      if (run.start || run.epochs.length > 0) throw kind.wrong('a start in the first line only')
      run.start = readStart(line)
      break
    case 'epoch':
      run.epochs.push(readEpoch(line, (run.epochs.at(-1)?.epoch ?? -1) + 1))
      break
    case 'end':
      run.end = {
        seconds: readError(line, 'seconds'),
        errors: line.member('errors').items().map(readErrorRow),
        parity: readParity(line.member('parity')),
      }
  }
}

function readStart(line: Place): TrainingStart {
  const [config, sizes] = [line.member('config'), line.member('sizes')]
  const counts = SIZES.map((name) => [name, sizes.member(name).integer(1)])
  return {
    name: config.member('name').text(),
    epochs: config.member('epochs').integer(1),
    sizes: Object.fromEntries(counts) as TrainingStart['sizes'],
    config: settings(config),
    model: settings(line.member('model')),
    machine: readMachine(line.member('machine')),
  }
}

function readEpoch(line: Place, least: number): EpochReport {
  const valid = line.optional('valid')
  return {
    epoch: line.member('epoch').integer(least),
    stage: line.member('stage').integer(1, 2) as 1 | 2,
    trainLoss: readError(line, 'trainLoss'),
    rate: readError(line, 'rate'),
    seconds: readError(line, 'seconds'),
    ...(valid && { valid: { ...readErrors(valid), loss: readError(valid, 'loss') } }),
    best: line.member('best').flag(),
  }
}

function readErrorRow(from: Place): ErrorRow {
  return { set: from.member('set').text(), errors: readErrors(from.member('errors')) }
}

function readErrors(from: Place): PredictionErrors {
  return {
    structures: from.member('structures').integer(0),
    energyMae: readError(from, 'energyMae'),
    energyRmse: readError(from, 'energyRmse'),
    forcesMae: readError(from, 'forcesMae'),
    forcesRmse: readError(from, 'forcesRmse'),
    forcesRelative: readError(from, 'forcesRelative'),
  }
}

/** JSON has null for what is no finite number. */
function readError(from: Place, name: string): number {
  const member = from.member(name)
  if (member.value === null) return NaN
  if (!(member.number() >= 0 && member.number() <= MOST)) throw member.wrong(`a number from 0 to ${MOST}, or null`)
  return member.number()
}

function readParity(from: Place): Parity {
  const pairs = (name: string): [number, number][] => from.member(name).items().flatMap(readPair)
  return { set: from.member('set').text(), energies: pairs('energies'), forces: pairs('forces') }
}

/** None where one of the two is no number. */
function readPair(from: Place): [known: number, predicted: number][] {
  const both = from.items()
  if (both.length !== 2) throw from.wrong('what is known and what is predicted')
  const [known, predicted] = both.map((one) => {
    if (one.value === null) return NaN
    if (!(Math.abs(one.number()) <= MOST)) throw one.wrong(`a number up to ${MOST}`)
    return one.number()
  })
  return Number.isNaN(known) || Number.isNaN(predicted) ? [] : [[known, predicted]]
}

function settings(from: Place, prefix = '', depth = 1): Fact[] {
  return from.members().flatMap(([name, member]): Fact[] => {
    const { value } = member
    if (typeof value !== 'object' || value === null) return [[prefix + name, setting(member)]]
    if (Array.isArray(value)) return [[prefix + name, member.items().map(setting).join(', ')]]
    if (depth === MOST_NESTING) throw member.wrong('a setting that nests less deeply')
    return settings(member, `${prefix}${name}.`, depth + 1)
  })
}

function setting(from: Place): string {
  const { value } = from
  if (value === null) return 'none'
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw from.wrong('text, a number, true, false or null')
}
