import type { TopLevelSpec } from 'vega-lite' with { 'resolution-mode': 'import' }
import { type Interaction, interactability } from '../../analysis/index.js'
import { METHODS, type MethodName, setting } from '../methods.js'
import { config } from './frame.js'
import { colour } from './palette.js'

/** What one kind of product does with every triple of degrees. */
export interface Couplings {
  method: MethodName
  title: string
  /** Those that triangle and parity allow. */
  triples: Interaction[]
}

/** One algorithm of each kind of product: the others couple the same. */
const KINDS: readonly { title: string; method: MethodName; same: readonly MethodName[] }[] = [
  { title: 'Clebsch-Gordan', method: 'cg-sparse', same: ['cg-sparse', 'cg-dense'] },
  { title: 'Gaunt', method: 'grid', same: ['gaunt-sparse', 'fourier', 'grid', 'grid-large'] },
  { title: 'Gaunt and bracket', method: 'vector', same: ['vector', 'vector-sparse'] },
  { title: 'matrix product', method: 'matrix', same: ['matrix'] },
]

const SQUARE = 14

/** Of the kinds of product that these methods belong to, with all degrees <= lmax of even parity on either side. */
export function couplingsOf(methods: ReadonlySet<MethodName>, lmax: number): Couplings[] {
  return KINDS.filter(({ same }) => same.some((method) => methods.has(method))).map(({ title, method }) => {
    const { in1, in2 } = setting('full', lmax, 1)
    using product = METHODS[method].create(in1, in2, 'all', 'cpu')
    const triples = interactability(product, { out: in1.product(in2) }).filter(
      ({ l1, l2, l3 }) => l3 >= Math.abs(l1 - l2) && l3 <= l1 + l2,
    )
    return { method, title, triples }
  })
}

/** A row for each pair l1 <= l2, a column for each l3, a square for each triple: full where it is coupled, hollow where it is lost. */
export function couplingChart({ method, title, triples }: Couplings): TopLevelSpec {
  const half = triples.filter(({ l1, l2 }) => l1 <= l2)
  const values = half.map(({ l1, l2, l3, coupled, reason }) => ({
    pair: `${l1}, ${l2}`,
    l3,
    fill: colour(coupled ? method : 'paper'),
    stroke: colour(coupled ? method : 'quiet'),
    about: `(${l1}, ${l2}) to ${l3}: ${coupled ? 'coupled' : `lost, ${reason}`}`,
  }))
  const pairs = [...new Set(values.map(({ pair }) => pair))]
  const columns = Math.max(...half.map(({ l3 }) => l3)) + 1
  const labels = {
    domain: false,
    ticks: false,
    labelFontSize: 9.5,
    labelPadding: 4,
    labelAngle: 0,
    labelOverlap: false,
  }
  const titles = { titleAngle: 0, titleFontSize: 10.5, titleBaseline: 'bottom', titleAnchor: 'start' } as const
  const raw = { type: 'nominal', scale: null, legend: null } as const
  return {
    ...{
      width: SQUARE * columns,
      height: SQUARE * pairs.length,
      autosize: { type: 'none' },
      background: 'transparent',
    },
    padding: { left: 40, right: 20, top: 22, bottom: 4 },
    description: `Triples of degrees that the ${title} couples.`,
    config: config(),
    data: { values },
    mark: { type: 'square', size: (SQUARE - 4) ** 2, opacity: 1, strokeWidth: 1 },
    encoding: {
      x: {
        ...{ field: 'l3', type: 'ordinal', scale: { domain: Array.from({ length: columns }, (_, l) => l) } },
        axis: {
          ...{ ...labels, ...titles, title: 'l3', orient: 'top', labelExpr: 'datum.value % 2 == 0 ? datum.label : ""' },
          ...{ titleX: SQUARE * columns + 4, titleY: -4, titleAlign: 'left' },
        },
      },
      y: {
        ...{ field: 'pair', type: 'ordinal', scale: { domain: pairs } },
        axis: { ...labels, ...titles, title: 'l1, l2', titleX: -5, titleY: -4, titleAlign: 'right' },
      },
      fill: { field: 'fill', ...raw },
      stroke: { field: 'stroke', ...raw },
      description: { field: 'about', type: 'nominal' },
    },
  }
}
