import type { PredictionErrors } from '../mace/errors.js'
import type { EpochReport } from '../mace/trainer.js'
import type { Training } from '../mace/training.js'
import { type Profile, secondsByKind } from '../tensor/profile.js'
import { elementSymbol } from '../structures/structure.js'
import { digits, duration } from './format.js'
import { type Column, table } from './table.js'

/** Errors of the final weights on one set of structures. */
export interface ErrorRow {
  set: string
  errors: PredictionErrors
}

/** Known and predicted numbers of a set: energies per atom (eV/atom) and force components (eV/Angstrom). */
export interface Parity {
  set: string
  energies: [known: number, predicted: number][]
  forces: [known: number, predicted: number][]
}

/** Points of a parity plot: more of them show nothing more. */
const MOST_POINTS = 2000

export function describeStart({ config, data, model, processes }: Training): string {
  const { elements, atomicEnergies, rmsForces } = data.statistics
  const average = config.data.atomicEnergies === 'average'
  const source = average ? 'atomic energies by least squares' : 'isolated atoms'
  const atoms = elements.map((element, n) => `${elementSymbol(element)} ${atomicEnergies[n].toFixed(4)}`).join(', ')
  const { hiddenIrreps, maxEll, correlation, product, avgNumNeighbors } = model.configuration
  return [
    `${data.train.length} structures to train on, ${data.valid.length} to validate; ${source} (eV): ${atoms}`,
    `forces of ${rmsForces.toFixed(3)} eV/Angstrom, ${avgNumNeighbors.toFixed(2)} neighbours within ${model.configuration.cutoff} Angstrom`,
    `${hiddenIrreps.toString()}, harmonics to ${maxEll}, correlation ${correlation.join()}, product ${product}: ${model.parameterCount} parameters`,
    processes.size > 1 ? `${processes.size} processes share every batch of ${config.batchSize}` : '',
  ]
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('')
}

/** `epoch 12  loss 0.71  E 21.8 meV/atom  F 213.0 meV/A  rate 0.01  1.21 s  *` */
export function describeEpoch({ epoch, stage, trainLoss, rate, seconds, valid, best }: EpochReport): string {
  const errors = valid
    ? `valid ${digits(valid.loss)}  E ${milli(valid.energyRmse)} meV/atom  F ${milli(valid.forcesRmse)} meV/A  `
    : ''
  const marks = `${stage === 2 ? '  stage two' : ''}${best ? '  best' : ''}`
  return `epoch ${epoch}  loss ${digits(trainLoss)}  ${errors}rate ${digits(rate)}  ${duration(seconds)}${marks}\n`
}

/** Errors of the best weights, of both stages where there were two. All processes have to call it. */
export function finalErrors({ trainer, data }: Training): ErrorRow[] {
  const sets = [['train', data.train] as const, ['valid', data.valid] as const, ...data.test]
  const stages = trainer.progress.stage === 2 ? ([1, 2] as const) : ([1] as const)
  return stages.flatMap((stage) =>
    trainer.with(trainer.bestWeights(stage), () =>
      sets.map(([name, set]): ErrorRow => {
        const named = stages.length > 1 && stage === 1 ? `${name}, stage one` : name
        return { set: named, errors: trainer.errorsOn(name, set) }
      }),
    ),
  )
}

/** As MACE prints them: root mean squares, and mean absolute errors beside. */
export const ERROR_FIGURES: readonly {
  title: string
  value: (errors: PredictionErrors) => number
  text: (value: number) => string
}[] = [
  { title: 'structures', value: ({ structures }) => structures, text: String },
  { title: 'RMSE E meV/atom', value: ({ energyRmse }) => energyRmse, text: milli },
  { title: 'MAE E meV/atom', value: ({ energyMae }) => energyMae, text: milli },
  { title: 'RMSE F meV/A', value: ({ forcesRmse }) => forcesRmse, text: milli },
  { title: 'MAE F meV/A', value: ({ forcesMae }) => forcesMae, text: milli },
  {
    title: 'relative F RMSE',
    value: ({ forcesRelative }) => forcesRelative,
    text: (relative) => (Number.isNaN(relative) ? '-' : `${(100 * relative).toFixed(2)}%`),
  },
]

export function errorTable(rows: readonly ErrorRow[]): string {
  return table(rows, [
    { title: 'set', align: 'left', cell: ({ set }) => set },
    ...ERROR_FIGURES.map(({ title, value, text }): Column<ErrorRow> => {
      return { title, cell: ({ errors }) => text(value(errors)) }
    }),
  ])
}

/** Where the time of training went; of its validations nothing is told. */
export function profileTable(profile: Profile): string {
  const kinds = secondsByKind(profile)
  const total = [...kinds.values()].reduce((sum, seconds) => sum + seconds, 0)
  return table(
    [...kinds],
    [
      { title: 'operation', align: 'left', cell: ([kind]) => kind },
      { title: 'time', cell: ([, seconds]) => duration(seconds) },
      { title: 'share', cell: ([, seconds]) => `${((100 * seconds) / total).toFixed(1)}%` },
    ],
  )
}

/** What the best weights predict of the validation set, thinned out. */
export function parity({ trainer, data }: Training): Parity {
  const { valid } = data
  const { energies, forces } = trainer.with(trainer.bestWeights(), () => trainer.predict(valid))
  const known = valid.flatMap((structure) => [...structure.forces])
  const every = Math.max(1, Math.ceil(known.length / MOST_POINTS))
  return {
    set: 'valid',
    energies: valid
      .map(({ energy, numbers }, n): [number, number] => [energy / numbers.length, energies[n] / numbers.length])
      .slice(0, MOST_POINTS),
    forces: known.map((force, n): [number, number] => [force, forces[n]]).filter((_, n) => n % every === 0),
  }
}

/** eV in thousandths; what nothing is known of is NaN. */
export function milli(value: number): string {
  return Number.isNaN(value) ? '-' : (1000 * value).toFixed(1)
}
