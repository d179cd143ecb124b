import { digits, quantity } from '../format.js'
import { METHOD_NAMES, type MethodName, SETTING_MEANINGS } from '../methods.js'
import { nanoseconds, rooflineChart, timeChart, tradeOffChart } from './bench-charts.js'
import { growthTable, rowTable } from './bench-tables.js'
import { couplingChart, type Couplings, couplingsOf } from './coupling-chart.js'
import { Html, html } from './html.js'
import { keyEntry } from './key.js'
import type { Figures, Page } from './page.js'
import { ratesOf, type ReportRow, type ReportRun } from './run.js'
import { counted, settingsOf, type View, viewsOf } from './views.js'

/** More choices than this in one page help nobody: their rows are in the table all the same. */
const MOST_VIEWS = 12
/** Larger matrices of couplings are no longer read. */
const MOST_DEGREE = 6

const PANEL = { width: 330, height: 270 }
const WIDE = { width: 860, height: 440 }
const NARROW = { width: 250, height: 330 }

/** The page of a benchmark. */
export async function benchPage(run: ReportRun, figures: Figures): Promise<Page> {
  const views = viewsOf(run.rows)
  const shown = views.slice(0, MOST_VIEWS)
  const sections: Html[] = []
  for (const [n, view] of shown.entries())
    sections.push(await charts(view, n, { run, figures, only: shown.length === 1 }))
  return {
    title: `gauntlet: ${device(run)}`,
    body: html`${header(run, shown, views.length)}
      <main>
        ${sections} ${await couplings(run, figures)}
        <section>
          <h2>Every figure</h2>
          <p class="quiet">
            Sort by clicking a title. Dimensions of maps: what one channel reaches between linear layers. Needed
            operations and bytes are the fewest with which a method can be computed, so that superfluous work is no
            merit.
          </p>
          ${rowTable(run.rows)}
        </section>
        ${run.growth.length > 0 ? growth(run) : new Html('')} ${machine(run)}
      </main>`,
  }
}

function device({ provenance }: ReportRun): string {
  return provenance.gpu ?? provenance.processor
}

function header(run: ReportRun, shown: readonly View[], all: number): Html {
  const { date, isa } = run.provenance
  const day = date.slice(0, 10)
  const where = run.provenance.gpu === undefined ? `${device(run)}, ${isa}` : device(run)
  const chooser = html`<label class="chooser"
    >Shown:
    <select id="view">
      ${shown.map(({ title }, n) => html`<option value="${n}">${title}</option>`)}
    </select></label
  >`
  const more =
    all > shown.length ? html`<p class="quiet">${all - shown.length} more are in the table only.</p>` : new Html('')
  return html`<header>
    <button id="theme" type="button" hidden></button>
    <h1>Tensor products: what they cost, what they express</h1>
    <div class="quiet">${where} · ${day} · gauntlet ${run.provenance.version}</div>
    ${shown.length > 1 ? html`${chooser}${more}` : html`<div class="quiet">${shown[0].title}</div>`}
  </header>`
}

async function charts(
  view: View,
  n: number,
  { run, figures, only }: { run: ReportRun; figures: Figures; only: boolean },
): Promise<Html> {
  const settings = settingsOf(view)
  const name = (chart: string, setting: string): string => [chart, setting, ...(only ? [] : [view.name])].join('-')
  const tradeOffs: Html[] = []
  const times: Html[] = []
  const roofs: Html[] = []
  for (const { setting, rows } of settings) {
    const caption = html`<h3><code>${setting}</code></h3>
      <p>${SETTING_MEANINGS[setting]}</p>`
    const about = { caption, className: 'panel' }
    // Where every row reaches the same there is nothing to trade.
    if (new Set(rows.map(({ expressivity }) => expressivity)).size > 1) {
      const first = tradeOffs.length === 0
      const options = first
        ? {
            chart: tradeOffChart(setting, rows, WIDE),
            narrow: tradeOffChart(setting, rows, NARROW),
            className: 'tradeoff',
          }
        : { chart: tradeOffChart(setting, rows, PANEL), className: 'panel' }
      tradeOffs.push(await figures.draw({ caption, name: name('tradeoff', setting), ...options }))
    }
    times.push(await figures.draw({ ...about, name: name('time', setting), chart: timeChart(setting, rows, PANEL) }))
    const chart = rooflineChart(setting, rows, ratesOf(run.rates, rows[0])!, PANEL)
    roofs.push(await figures.draw({ ...about, name: name('roofline', setting), chart }))
  }
  const [centrepiece, ...others] = tradeOffs
  const tradeOff = html`<section>
    <h2>Time against expressivity</h2>
    <p>
      Each curve is a method, each point on it an lmax. To the right is what one channel can express: the dimension of
      the equivariant bilinear maps that it reaches between linear layers. Full points are the best bargains: nothing
      here expresses as much in less time.
    </p>
    ${centrepiece ?? new Html('')}
    <div class="charts">${others}</div>
  </section>`
  return html`<div data-view="${n}">
    ${lede(settings)}
    <ul class="key">
      ${methodsOf(view.rows).map(keyEntry)}
    </ul>
    ${tradeOffs.length > 0 ? tradeOff : new Html('')}
    <section>
      <h2>Time against degree</h2>
      <p>
        Medians, with bars from the first to the last decile. A straight line is a power of lmax + 1; its slope is the
        exponent.
      </p>
      <div class="charts">${times}</div>
    </section>
    <section>
      <h2>Against the machine</h2>
      <p>
        The rate of needed operations, against how many of them there are for each byte that has to be moved. The line
        is the most that the machine allows.
      </p>
      <div class="charts">${roofs}</div>
    </section>
  </div> `
}

/** Which method is the fastest where most is asked, and how it compares with one that loses nothing. */
function lede([{ setting, rows }]: ReturnType<typeof settingsOf>): Html {
  const lmax = Math.max(...rows.map((row) => row.lmax))
  const last = rows.filter((row) => row.lmax === lmax).sort((a, b) => nanoseconds(a) - nanoseconds(b))
  const [best] = last
  const full = last.find(({ method }) => method === 'cg-sparse' || method === 'cg-dense')
  const time = (row: ReportRow): string => `${digits(nanoseconds(row))} ns`
  const what = html`At lmax ${lmax} (<code>${setting}</code>) the fastest is <code>${best.method}</code>: ${time(best)}
    per channel and sample, for ${counted(best.expressivity, 'dimension')} of maps.`
  if (!full || full === best) return html`<p class="lede">${what}</p>`
  return html`<p class="lede">
    ${what} Clebsch-Gordan (<code>${full.method}</code>) takes ${time(full)},
    ${digits(nanoseconds(full) / nanoseconds(best))} times as long, for ${full.expressivity}.
  </p>`
}

function methodsOf(rows: readonly ReportRow[]): MethodName[] {
  const present = new Set(rows.map(({ method }) => method))
  return METHOD_NAMES.filter((name) => present.has(name))
}

async function couplings({ rows }: ReportRun, figures: Figures): Promise<Html> {
  const lmax = Math.min(MOST_DEGREE, Math.max(...rows.map((row) => row.lmax)))
  const matrices: Html[] = []
  for (const kind of couplingsOf(new Set(methodsOf(rows)), lmax)) {
    const caption = html`<h3>${kind.title}</h3>
      <p>${countCouplings(kind)}</p>`
    matrices.push(await figures.draw({ name: `couplings-${kind.method}`, caption, chart: couplingChart(kind) }))
  }
  return html`<section>
    <h2>What each product couples</h2>
    <p>
      Degrees up to ${lmax} of even parity on either side. A square is a triple (l1, l2) → l3 that rotations and parity
      allow: full where the product couples it, hollow where it is lost, whatever the number of channels. (l2, l1) is as
      (l1, l2).
    </p>
    <div class="charts matrices">${matrices}</div>
  </section>`
}

function countCouplings({ triples }: Couplings): string {
  const coupled = triples.filter((triple) => triple.coupled).length
  return coupled === triples.length ? `all ${coupled}` : `${coupled} of ${triples.length}`
}

function growth(run: ReportRun): Html {
  return html`<section>
    <h2>How time grows</h2>
    <p class="quiet">
      Exponents of lmax + 1, fitted to the upper half of the degrees, beside those of the operations as lmax grows
      without end. Where lmax is small, memory and calls take the time.
    </p>
    ${growthTable(run.growth)}
  </section>`
}

function machine({ provenance, rates }: ReportRun): Html {
  const { processor, isa, cores, gpu, system, node, version, compiler, cuda, date } = provenance
  const best = rates.map(({ threads, peakFlops, bandwidth, source }) => {
    return `${quantity(peakFlops, 'flop/s')}, ${quantity(bandwidth, 'B/s')} (${source}, ${counted(threads, 'thread')})`
  })
  const facts: [string, string][] = [
    ['Processor', `${processor}, ${isa}, ${counted(cores, 'core')}`],
    ...(gpu === undefined ? [] : [['GPU', gpu] satisfies [string, string]]),
    ['At best', best.join('; ')],
    ['System', `${system}, Node.js ${node}`],
    ['Build', `gauntlet ${version}, ${compiler}${cuda === undefined ? '' : `, CUDA ${cuda}`}`],
    ['Measured', date],
  ]
  return html`<section>
    <h2>Machine and build</h2>
    <dl id="machine">
      ${facts.map(
        ([term, fact]) =>
          html`<dt>${term}</dt>
            <dd>${fact}</dd>`,
      )}
    </dl>
  </section>`
}
