import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import type { EpochReport } from '../../mace/trainer.js'
import { digits } from '../format.js'
import { type Curve, drawCurves, type Guide } from './curves.js'
import { type Axis, type Frame, linearAxis, logAxis, toPixels } from './frame.js'
import type { CurveName } from './palette.js'

/** More points on a curve would touch each other: it is drawn through all, with some to point at. */
const MOST_MARKS = 40

/** A figure of every epoch; NaN where an epoch has none. */
export interface EpochFigure {
  about: string
  /** Of the axis. */
  title: string
  curves: readonly { name: CurveName; value: (epoch: EpochReport) => number }[]
}

const MILLI = 1000

/** All that is drawn by epoch. */
export const EPOCH_FIGURES = {
  loss: {
    about: 'Loss of training and of validation',
    title: 'loss',
    curves: [
      { name: 'training', value: ({ trainLoss }) => trainLoss },
      { name: 'validation', value: ({ valid }) => valid?.loss ?? NaN },
    ],
  },
  energies: {
    about: 'Root mean square error of energy per atom, validation',
    title: 'RMSE of energy, meV/atom',
    curves: [{ name: 'validation', value: ({ valid }) => MILLI * (valid?.energyRmse ?? NaN) }],
  },
  forces: {
    about: 'Root mean square error of forces, validation',
    title: 'RMSE of forces, meV/Angstrom',
    curves: [{ name: 'validation', value: ({ valid }) => MILLI * (valid?.forcesRmse ?? NaN) }],
  },
  rate: {
    about: 'Learning rate',
    title: 'learning rate',
    curves: [{ name: 'training', value: ({ rate }) => rate }],
  },
} as const satisfies Record<string, EpochFigure>

/** A figure by epoch, log in the figure; undefined where it has no value that a log axis can show. */
export function epochChart(
  { about, title, curves }: EpochFigure,
  epochs: readonly EpochReport[],
  size: Frame,
): TopLevelSpec | undefined {
  const drawn = curves
    .map(({ name, value }): Curve => {
      const there = epochs.filter((epoch) => value(epoch) >= 1e-100)
      const every = Math.ceil(there.length / MOST_MARKS)
      const isMarked = (n: number): boolean => n % every === 0 || n === there.length - 1 || there[n].best
      const points = there.map((epoch, n) => ({
        ...{ x: epoch.epoch, y: value(epoch), full: name === 'validation' && epoch.best },
        ...((there.length <= MOST_MARKS || isMarked(n)) && { about: describeEpoch(epoch) }),
      }))
      return { name, points }
    })
    .filter(({ points }) => points.length > 0)
  if (drawn.length === 0) return undefined
  const all = drawn.flatMap(({ points }) => points)
  const x = linearAxis(
    'epoch',
    epochs.map(({ epoch }) => epoch),
    1,
  )
  const y = logAxis(
    title,
    all.map((point) => point.y),
  )
  const guide = stageTwo(epochs, x, y, size)
  const chart = { about: `${about}, by epoch, log scale.`, x, y, curves: drawn, names: 'margin' as const }
  return drawCurves({ ...chart, ...(guide && { guide }) }, size)
}

/** A line before the first epoch of stage two. */
function stageTwo(epochs: readonly EpochReport[], x: Axis, y: Axis, size: Frame): Guide | undefined {
  const first = epochs.find(({ stage }) => stage === 2)
  if (!first) return undefined
  const at = first.epoch - 0.5
  const { across, up } = toPixels({ x, y }, size)
  return {
    points: y.domain.map((end) => ({ x: at, y: end })),
    words: { x: across.value(across.pixel(at) + 5), y: up.value(18), text: 'stage two' },
  }
}

function describeEpoch({ epoch, stage, trainLoss, valid, rate, best }: EpochReport): string {
  return [
    `epoch ${epoch}${stage === 2 ? ', stage two' : ''}${best ? ', best so far' : ''}`,
    `training loss ${digits(trainLoss)}`,
    ...(valid
      ? [
          `validation loss ${digits(valid.loss)}`,
          `energy ${digits(MILLI * valid.energyRmse)} meV/atom`,
          `forces ${digits(MILLI * valid.forcesRmse)} meV/Angstrom`,
        ]
      : []),
    `learning rate ${digits(rate)}`,
  ].join('\n')
}
