import { expect, test } from 'vitest'
import { paretoFront } from '../../../lib/cli/report/bench-charts.js'
import { couplingsOf } from '../../../lib/cli/report/coupling-chart.js'
import { degreeAxis, logAxis, placeLabels, toPixels } from '../../../lib/cli/report/frame.js'
import { html } from '../../../lib/cli/report/html.js'
import { declarations, type Scheme, STYLES } from '../../../lib/cli/report/palette.js'
import type { ReportRow } from '../../../lib/cli/report/run.js'
import { viewsOf } from '../../../lib/cli/report/views.js'
import type { MethodName } from '../../../lib/cli/methods.js'
import { row, type Row } from './run.js'

function reportRow(change: Partial<Row>): ReportRow {
  return { expressivity: 1, ...row(change) } as ReportRow
}

test('markup escapes strings, keeps markup and leaves undefined out', () => {
  const inner = html`<b>${'<&>'}</b>`
  expect(html`<p title="${`"'`}">${inner}${[inner, inner]}${undefined}${1}</p>`.text).toBe(
    '<p title="&quot;&#39;"><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b><b>&lt;&amp;&gt;</b>1</p>',
  )
})

test('the front has the rows that no other beats', () => {
  const at = (expressivity: number, median: number): ReportRow =>
    reportRow({ expressivity, seconds: { median, p10: median, p90: median } })
  const [cheap, slower, equal, wide, beaten] = [at(5, 1), at(5, 2), at(5, 1), at(9, 3), at(8, 4)]
  expect([...paretoFront([cheap, slower, equal, wide, beaten])]).toEqual([cheap, equal, wide])
})

test('views differ in pass, channels, threads and device, and in batches where those are a list', () => {
  const usual = [1, 2].flatMap((lmax) => [
    reportRow({ lmax, batch: 100 / lmax }),
    reportRow({ lmax, pass: 'backward' }),
  ])
  expect(viewsOf(usual).map(({ title, rows }) => [title, rows.length])).toEqual([
    ['forward, 3 channels, 2 threads', 2],
    ['backward, 3 channels, 2 threads', 2],
  ])
  const swept = [1, 7, 7].map((batch, n) => reportRow({ batch, lmax: n === 2 ? 4 : 2, device: 'cuda:0' }))
  expect(viewsOf(swept).map(({ title, name }) => [title, name])).toEqual([
    ['forward, 3 channels, 7 samples, cuda:0', 'forward-3-channels-7-samples-cuda-0'],
    ['forward, 3 channels, 1 sample, cuda:0', 'forward-3-channels-1-sample-cuda-0'],
  ])
})

test.each<[string, number[]]>([
  ['one value', [3.3]],
  ['close values', [1.31, 1.32]],
  ['one decade', [4, 40]],
  ['many decades', [1e-3, 1e9]],
])('a log axis of %s holds all values and has ticks inside', (_, values) => {
  const { domain, ticks } = logAxis('', values)
  for (const value of [...values, ...ticks]) {
    expect(value).toBeGreaterThan(domain[0])
    expect(value).toBeLessThan(domain[1])
  }
  expect(ticks.length).toBeGreaterThan(0)
  expect([...ticks].sort((a, b) => a - b)).toEqual(ticks)
})

test('an axis of degrees has a tick for each, lmax = 0 among them', () => {
  expect(degreeAxis([2, 0, 2, 5]).ticks).toEqual([1, 3, 6])
})

test('pixels and values of an axis are inverse to each other', () => {
  const axis = logAxis('', [2, 300])
  const { across, up } = toPixels({ x: axis, y: axis }, { width: 200, height: 100 })
  for (const value of [2, 17, 300]) {
    expect(across.value(across.pixel(value)) / value).toBeCloseTo(1, 12)
    expect(up.value(up.pixel(value)) / value).toBeCloseTo(1, 12)
  }
  expect(across.pixel(axis.domain[0])).toBe(0)
  expect(across.pixel(axis.domain[1])).toBeCloseTo(200, 9)
  expect(up.pixel(axis.domain[0])).toBe(100)
  expect(up.pixel(axis.domain[1])).toBeCloseTo(0, 9)
})

test('labels come apart, keep their order and stay inside; those that do not meet stay where they are', () => {
  const crowd = [50, 51, 51, 52, 99, 100, 2].map((y) => ({ x: 200, y, length: 8 }))
  const heights = placeLabels([...crowd, { x: 20, y: 51, length: 8 }], 100)
  expect(heights[7]).toBe(51)
  const sorted = heights.slice(0, 7).sort((a, b) => a - b)
  // A line of letters is 12 pixels high; labels that gave way keep half a pixel of overlap at most.
  for (let n = 1; n < 7; n++) expect(sorted[n] - sorted[n - 1]).toBeGreaterThan(13)
  expect(sorted[0]).toBeGreaterThanOrEqual(0)
  expect(sorted[6]).toBeLessThanOrEqual(100)
  for (const [a, b] of [
    [6, 0],
    [0, 3],
    [3, 4],
    [4, 5],
  ]) {
    expect(heights[a]).toBeLessThan(heights[b])
  }
})

test('matrices of couplings: Gaunt has the even sums, its bracket the odd ones as well', () => {
  const all = couplingsOf(new Set<MethodName>(['cg-dense', 'fourier', 'vector-sparse', 'matrix']), 3)
  expect(all.map(({ title }) => title)).toEqual(['Clebsch-Gordan', 'Gaunt', 'Gaunt and bracket', 'matrix product'])
  for (const { triples } of all) {
    // Paths of l <= L with themselves: 1, 6, 19, 44.
    expect(triples).toHaveLength(44)
  }
  const [full, gaunt, vector] = all.map(({ triples }) => triples)
  for (const { l1, l2, l3, coupled } of gaunt) expect(coupled).toBe((l1 + l2 + l3) % 2 === 0)
  for (const { coupled } of [...full, ...vector]) expect(coupled).toBe(true)
  // Drawn is l1 <= l2 only.
  for (const { triples } of all) {
    const has = new Map(triples.map(({ l1, l2, l3, coupled }) => [`${l1} ${l2} ${l3}`, coupled]))
    for (const { l1, l2, l3, coupled } of triples) expect(has.get(`${l2} ${l1} ${l3}`)).toBe(coupled)
  }
  expect(couplingsOf(new Set<MethodName>(['grid']), 2)).toHaveLength(1)
})

/** Of WCAG 2: (brighter + 0.05) / (darker + 0.05) in relative luminance. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const value = parseInt(hex.slice(at, at + 2), 16) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [dark, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (bright + 0.05) / (dark + 0.05)
}

test.each<Scheme>(['light', 'dark'])('in the %s scheme everything that is read can be read', (scheme) => {
  const colours = new Map(
    [...declarations(scheme).matchAll(/--([a-z-]+):(#[0-9a-f]{6});/g)].map(([, name, hex]) => [name, hex]),
  )
  for (const name of [...Object.keys(STYLES), 'ink', 'quiet']) {
    // What WCAG asks of text, level AA.
    expect(contrast(colours.get(name)!, colours.get('paper')!), name).toBeGreaterThanOrEqual(4.5)
  }
})
