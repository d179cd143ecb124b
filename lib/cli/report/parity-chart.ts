import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { type Frame, frame, linearAxis } from './frame.js'
import { colour } from './palette.js'

export interface ParityChart {
  about: string
  /** Of both axes. */
  quantity: string
  pairs: readonly (readonly [known: number, predicted: number])[]
}

/** Predictions against what is known, with the diagonal that they should lie on. */
export function parityChart({ about, quantity, pairs }: ParityChart, size: Frame): TopLevelSpec {
  const axis = linearAxis('', pairs.flat())
  const [low, high] = axis.domain
  const axes = { x: { ...axis, title: `known ${quantity}` }, y: { ...axis, title: `predicted ${quantity}` } }
  const { layout, config, across, up } = frame(axes, size, 0)
  const at = { x: across('known'), y: up('predicted') }
  return {
    ...{ ...layout, description: about, config },
    layer: [
      {
        data: { values: [low, high].map((value) => ({ known: value, predicted: value })) },
        mark: { type: 'line', color: colour('quiet'), strokeWidth: 1, aria: false },
        encoding: at,
      },
      {
        data: { values: pairs.map(([known, predicted]) => ({ known, predicted })) },
        // As many as there are, they are neither pointed at nor read aloud.
        mark: { type: 'circle', size: 14, color: colour('validation'), opacity: 0.45, aria: false },
        encoding: at,
      },
    ],
  }
}
