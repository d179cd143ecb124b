import type { Config, TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { digits } from '../format.js'
import { colour } from './palette.js'

/** Of the area between the axes, in pixels. */
export interface Frame {
  width: number
  height: number
}

/** A part of a chart, drawn over those before it. */
export type Layer = Extract<TopLevelSpec, { layer: unknown }>['layer'][number]

export interface Axis {
  title: string
  scale: 'log' | 'linear'
  domain: readonly [number, number]
  ticks: readonly number[]
  /** Vega expression of `datum.value`. */
  label: string
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
const LETTER_WIDTH = 6.9
const LABEL_HEIGHT = 14

const PLAIN = 'format(datum.value, ",~r")'
/** Nanoseconds in the unit that suits. */
const TIME = ['ns', 'us', 'ms', 's'].reduceRight(
  (otherwise, unit, n) =>
    `datum.value < ${1000 ** (n + 1)} ? format(datum.value / ${1000 ** n}, "~r") + " ${unit}" : ${otherwise}`,
  PLAIN,
)

/** A logarithmic axis for these values, with a little room around them. */
export function logAxis(title: string, values: readonly number[], label = PLAIN): Axis {
  const [low, high] = extent(values)
  const domain: [number, number] = [low / 1.2, 1.2 * high]
  return { title, scale: 'log', domain, ticks: logTicks(domain), label }
}

/** A linear one. `leastStep`: from tick to tick, as 1 for what is counted. */
export function linearAxis(title: string, values: readonly number[], leastStep = 0): Axis {
  const [low, high] = extent(values)
  // Equal values have room as well, and the axis never lies between neighbouring floats.
  const room = Math.max(0.04 * (high - low), 1e-9 * Math.max(-low, high), leastStep / 2) || 1
  const domain: [number, number] = [low - room, high + room]
  return { title, scale: 'linear', domain, ...linearTicks(domain, leastStep) }
}

/** Least and greatest, of however many. */
function extent(values: readonly number[]): [low: number, high: number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
}

/** The same for nanoseconds. */
export function timeAxis(title: string, nanoseconds: readonly number[]): Axis {
  return logAxis(title, nanoseconds, TIME)
}

/**
 * Degrees as lmax + 1, as which times grow by a power: sizes are powers of that, and lmax may be 0.
 */
export function degreeAxis(degrees: readonly number[]): Axis {
  const sizes = [...new Set(degrees.map((l) => l + 1))].sort((a, b) => a - b)
  const domain: [number, number] = [sizes[0] / 1.05, 1.05 * sizes[sizes.length - 1]]
  return { title: 'lmax, as log (lmax + 1)', scale: 'log', domain, ticks: sizes, label: 'format(datum.value - 1, "d")' }
}

/** Powers of ten; with their double and fivefold where those are few; a rounded middle where there is none. */
function logTicks([low, high]: readonly [number, number]): number[] {
  const steps = Math.log10(high / low) >= 2.5 ? [1] : [1, 2, 5]
  const first = Math.floor(Math.log10(low))
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, n) => first + n)
  const ticks = decades.flatMap((power) => steps.map((step) => Number(`${step}e${power}`)))
  const inside = ticks.filter((tick) => tick >= low && tick <= high)
  return inside.length > 0 ? inside : [Number(digits(Math.sqrt(low * high)))]
}

/** Four to ten multiples of 1, 2 or 5 times a power of ten, with the decimals that they need. */
function linearTicks([low, high]: readonly [number, number], leastStep: number): Pick<Axis, 'ticks' | 'label'> {
  const power = Math.floor(Math.log10((high - low) / 4))
  const wanted =
    [5, 2, 1].map((step) => Number(`${step}e${power}`)).find((step) => 4 * step <= high - low) ?? 10 ** power
  const step = Math.max(leastStep, wanted)
  const first = Math.ceil(low / step)
  const count = Math.floor(high / step) - first + 1
  const decimals = Math.min(20, Math.max(0, -Math.floor(Math.log10(step))))
  return {
    ticks: Array.from({ length: count }, (_, n) => Number(((first + n) * step).toFixed(decimals))),
    label: `format(datum.value, ",.${decimals}f")`,
  }
}

/** What all charts of curves share: margins, axes, type. `nameLength`: letters of the longest name right of the curves. */
export function frame({ x, y }: { x: Axis; y: Axis }, { width, height }: Frame, nameLength: number) {
  const right = Math.ceil(14 + LETTER_WIDTH * nameLength)
  const layout = {
    width,
    height,
    autosize: { type: 'none' },
    background: 'transparent',
    padding: { left: 52, right, top: 28, bottom: 46 },
  } satisfies Partial<TopLevelSpec>
  const scale = ({ scale: type, domain }: Axis) => ({ type, domain: [...domain], nice: false })
  const axis = ({ title, ticks, label }: Axis) => ({ title, values: [...ticks], labelExpr: label })
  return {
    layout,
    config: config(),
    across: <F extends string>(field: F) => ({
      ...{ field, type: 'quantitative' as const, scale: scale(x) },
      axis: {
        ...axis(x),
        grid: false,
        titleAnchor: 'end' as const,
        titleX: width,
        titleAlign: 'right' as const,
        titleY: 30,
      },
    }),
    // Its title lies above the axis, to be read without turning one's head.
    up: <F extends string>(field: F) => ({
      ...{ field, type: 'quantitative' as const, scale: scale(y) },
      axis: {
        ...axis(y),
        ...{ titleAngle: 0, titleAlign: 'left' as const, titleX: -48, titleY: -14, domain: false, ticks: false },
      },
    }),
  }
}

/** Of every chart. */
export function config(): Config {
  return {
    font: FONT,
    view: { stroke: null },
    axis: {
      labelColor: colour('quiet'),
      labelFontSize: 11.5,
      labelPadding: 6,
      titleColor: colour('quiet'),
      titleFontSize: 12,
      titleFontWeight: 400,
      gridColor: colour('line'),
      domainColor: colour('quiet'),
      tickColor: colour('quiet'),
    },
  }
}

/** Where values of the axes lie, in pixels from the left and from the top, and back. */
export function toPixels({ x, y }: { x: Axis; y: Axis }, { width, height }: Frame) {
  const place = ({ scale, domain: [low, high] }: Axis, from: number, to: number) => {
    const part = (value: number): number =>
      scale === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
    const at = (part: number): number => (scale === 'log' ? low * (high / low) ** part : low + (high - low) * part)
    return {
      pixel: (value: number): number => from + (to - from) * part(value),
      value: (pixel: number): number => at((pixel - from) / (to - from)),
    }
  }
  return { across: place(x, 0, width), up: place(y, height, 0) }
}

/**
 * Heights of labels, moved so that none covers another: two that do give way by half each, as often as needed.
 *
 * @param labels where each begins and would be, in pixels, and its letters
 */
export function placeLabels(labels: readonly { x: number; y: number; length: number }[], height: number): number[] {
  const heights = labels.map(({ y }) => y)
  const right = labels.map(({ x, length }) => x + LETTER_WIDTH * length)
  const order = labels.map((_, n) => n).sort((a, b) => heights[a] - heights[b])
  for (let round = 0, moved = true; moved && round < 200; round++) {
    moved = false
    for (const [n, upper] of order.entries()) {
      for (const lower of order.slice(n + 1)) {
        const overlap = LABEL_HEIGHT - (heights[lower] - heights[upper])
        if (overlap <= 0.5 || labels[upper].x > right[lower] || labels[lower].x > right[upper]) continue
        heights[upper] = Math.max(0, heights[upper] - overlap / 2)
        heights[lower] = Math.min(height, heights[lower] + overlap / 2)
        moved = true
      }
    }
  }
  return heights
}
