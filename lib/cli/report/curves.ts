import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { METHODS, type MethodName } from '../methods.js'
import { type Axis, type Frame, frame, placeLabels, toPixels } from './frame.js'
import { colour, STYLES } from './palette.js'

export interface Point {
  x: number
  y: number
  /** Ends of a bar through the point. */
  spread?: { low: number; high: number }
  /** Drawn full; hollow otherwise. */
  full: boolean
  /** What it says when it is pointed at or read aloud. */
  about: string
}

/** What a method does as lmax grows. */
export interface Curve {
  method: MethodName
  points: readonly Point[]
}

/** A line of the background, such as a roof, with words at one of its corners. */
export interface Guide {
  points: readonly { x: number; y: number }[]
  notes: readonly { x: number; y: number; text: string; align: 'left' | 'right' }[]
}

export interface CurveChart {
  about: string
  x: Axis
  y: Axis
  curves: readonly Curve[]
  guide?: Guide
}

/** A log-log chart with one curve for each method, named at its end. */
export function drawCurves({ about, x, y, curves, guide }: CurveChart, size: Frame): TopLevelSpec {
  const points = curves.flatMap(({ method, points }) =>
    points.map(({ spread, full, ...point }, n) => ({
      ...point,
      ...spread,
      n,
      method,
      colour: colour(method),
      fill: colour(full ? method : 'paper'),
    })),
  )
  const { layout, config, xChannel, yChannel } = frame({ x, y }, size, Math.max(...curves.map(nameLength)))
  const across = xChannel('x')
  const up = yChannel('y')
  const ownColour = { field: 'colour', type: 'nominal', scale: null, legend: null } as const
  return {
    ...layout,
    description: about,
    config,
    layer: [
      {
        data: { values: (guide?.points ?? []).map((point, n) => ({ ...point, n })) },
        mark: { type: 'line', color: colour('ink'), strokeWidth: 1.25, aria: false },
        encoding: { x: across, y: up, order: { field: 'n', type: 'quantitative' } },
      },
      {
        data: { values: points },
        mark: { type: 'line', strokeWidth: 1.75, aria: false },
        encoding: {
          x: across,
          y: up,
          color: ownColour,
          order: { field: 'n', type: 'quantitative' },
          strokeDash: { ...byMethod(curves, ({ dash }) => [...dash]), legend: null },
        },
      },
      {
        data: { values: points.filter(({ low }) => low !== undefined) },
        mark: { type: 'rule', strokeWidth: 1, aria: false },
        encoding: { x: across, y: yChannel('low'), y2: { field: 'high' }, color: ownColour },
      },
      {
        data: { values: points },
        mark: { type: 'point', size: 34, strokeWidth: 1.5, opacity: 1, filled: false },
        encoding: {
          x: across,
          y: up,
          stroke: ownColour,
          fill: { field: 'fill', type: 'nominal', scale: null, legend: null },
          shape: { ...byMethod(curves, ({ shape }) => shape), legend: null },
          description: { field: 'about', type: 'nominal' },
        },
      },
      ...(guide?.notes ?? []).map(({ text, align, ...at }) => ({
        data: { values: [at] },
        mark: { type: 'text' as const, text, align, dy: -7, color: colour('quiet'), fontSize: 11, aria: false },
        encoding: { x: across, y: up },
      })),
      {
        data: { values: endLabels(curves, { x, y }, size) },
        mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 12, fontWeight: 600, aria: false },
        encoding: { x: across, y: up, text: { field: 'text', type: 'nominal' }, color: ownColour },
      },
    ],
  }
}

function byMethod<T>(curves: readonly Curve[], value: (style: (typeof STYLES)[MethodName]) => T) {
  const domain = curves.map(({ method }) => method)
  return {
    field: 'method',
    type: 'nominal',
    scale: { domain, range: domain.map((name) => value(STYLES[name])) },
  } as const
}

/** The names of curves, right of their last points and apart from each other. */
function endLabels(curves: readonly Curve[], axes: { x: Axis; y: Axis }, size: Frame) {
  const { across, up } = toPixels(axes, size)
  const wanted = curves.map((curve) => {
    const last = curve.points[curve.points.length - 1]
    return { x: across.pixel(last.x) + 9, y: up.pixel(last.y), length: nameLength(curve) }
  })
  return placeLabels(wanted, size.height).map((y, n) => {
    const { method } = curves[n]
    return { x: across.value(wanted[n].x), y: up.value(y), text: METHODS[method].name, colour: colour(method) }
  })
}

function nameLength({ method }: Curve): number {
  return METHODS[method].name.length
}
