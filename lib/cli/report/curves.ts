import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { type Axis, type Frame, frame, type Layer, placeLabels, toPixels } from './frame.js'
import { colour, type CurveName, STYLES, type Style } from './palette.js'

export interface Point {
  x: number
  y: number
  /** Ends of a bar through the point. */
  spread?: { low: number; high: number }
  /** Drawn full; hollow otherwise. */
  full: boolean
  /** What is written below it. */
  note?: string
  /** What it says when it is pointed at or read aloud; without it nothing is drawn but the curve through it. */
  about?: string
}

/** What a method does as lmax grows, or a training as epochs pass. */
export interface Curve {
  name: CurveName
  points: readonly Point[]
}

/** A line behind the curves, such as a roof, and words that begin above a place on it. */
export interface Guide {
  points: readonly { x: number; y: number }[]
  words: { x: number; y: number; text: string }
}

export interface CurveChart {
  about: string
  x: Axis
  y: Axis
  curves: readonly Curve[]
  guide?: Guide
  /** Where the names of curves are: right of their last points, or all in the margin. */
  names: 'ends' | 'margin'
}

/** Colours of the data itself. */
const RAW = { type: 'nominal', scale: null, legend: null } as const
const ORDER = { field: 'n', type: 'quantitative' } as const
const GAP = 9

/** A chart of curves with their names beside them. */
export function drawCurves(chart: CurveChart, size: Frame): TopLevelSpec {
  const { about, x, y, curves, guide } = chart
  const { layout, config, across, up } = frame({ x, y }, size, Math.max(...curves.map(({ name }) => name.length)))
  const at = { x: across('x'), y: up('y') }
  const points = curves.flatMap(({ name, points }) =>
    points.map(({ spread, full, ...point }, n) => ({
      ...{ ...point, ...spread, n, name },
      colour: colour(name),
      fill: colour(full ? name : 'paper'),
    })),
  )
  const names = namesOf(chart, size)
  const layer: Layer[] = [
    ...(guide ? drawGuide(guide, at) : []),
    {
      data: { values: names },
      mark: { type: 'rule', strokeWidth: 0.75, opacity: 0.5, aria: false },
      encoding: {
        x: across('fromX'),
        y: up('fromY'),
        x2: { field: 'x' },
        y2: { field: 'y' },
        color: { field: 'colour', ...RAW },
      },
    },
    {
      data: { values: points },
      mark: { type: 'line', strokeWidth: 1.75, aria: false },
      encoding: {
        ...{ ...at, color: { field: 'colour', ...RAW }, order: ORDER },
        strokeDash: byName(curves, ({ dash }) => [...dash]),
      },
    },
    {
      data: { values: points.filter(({ low }) => low !== undefined) },
      mark: { type: 'rule', strokeWidth: 1, aria: false },
      encoding: { x: at.x, y: up('low'), y2: { field: 'high' }, color: { field: 'colour', ...RAW } },
    },
    {
      data: { values: points.filter(({ about }) => about !== undefined) },
      mark: { type: 'point', size: 34, strokeWidth: 1.5, opacity: 1, filled: false },
      encoding: {
        ...{ ...at, stroke: { field: 'colour', ...RAW }, fill: { field: 'fill', ...RAW } },
        shape: byName(curves, ({ shape }) => shape),
        description: { field: 'about', type: 'nominal' },
      },
    },
    {
      data: { values: points.filter(({ note }) => note !== undefined) },
      mark: { type: 'text', dy: 14, fontSize: 11, aria: false },
      encoding: { ...at, text: { field: 'note', type: 'nominal' }, color: { field: 'colour', ...RAW } },
    },
    {
      data: { values: names },
      mark: { type: 'text', dx: 2, align: 'left', baseline: 'middle', fontSize: 12, fontWeight: 600, aria: false },
      encoding: { ...at, text: { field: 'name', type: 'nominal' }, color: { field: 'colour', ...RAW } },
    },
  ]
  return { ...layout, description: about, config, layer }
}

type Axes = ReturnType<typeof frame>
interface Place {
  x: ReturnType<Axes['across']>
  y: ReturnType<Axes['up']>
}

function drawGuide({ points, words }: Guide, at: Place): Layer[] {
  return [
    {
      data: { values: points.map((point, n) => ({ ...point, n })) },
      mark: { type: 'line', color: colour('ink'), strokeWidth: 1.25, aria: false },
      encoding: { ...at, order: ORDER },
    },
    {
      data: { values: [words] },
      mark: { type: 'text', align: 'left', dy: -7, color: colour('quiet'), fontSize: 11, aria: false },
      encoding: { ...at, text: { field: 'text', type: 'nominal' } },
    },
  ]
}

function byName<T>(curves: readonly Curve[], value: (style: Style) => T) {
  const domain = curves.map(({ name }) => name)
  const range = domain.map((name) => value(STYLES[name]))
  return { field: 'name', type: 'nominal', scale: { domain, range }, legend: null } as const
}

/** The names of curves, apart from each other, with the points that they belong to. */
function namesOf({ curves, x, y, names }: CurveChart, size: Frame) {
  const { across, up } = toPixels({ x, y }, size)
  const lasts = curves.map(({ points }) => points[points.length - 1])
  const wanted = curves.map(({ name }, n) => ({
    x: GAP + (names === 'margin' ? size.width : across.pixel(lasts[n].x)),
    y: up.pixel(lasts[n].y),
    length: name.length,
  }))
  return placeLabels(wanted, size.height).map((height, n) => {
    const { name } = curves[n]
    const from = { fromX: lasts[n].x, fromY: lasts[n].y }
    return { ...from, x: across.value(wanted[n].x), y: up.value(height), name, colour: colour(name) }
  })
}
