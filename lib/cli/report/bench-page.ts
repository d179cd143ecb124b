import { quantity } from '../format.js'
import { growthTable, rowTable } from './bench-tables.js'
import { methodsOf, viewSection } from './bench-view.js'
import { couplingChart, type Couplings, couplingsOf } from './coupling-chart.js'
import { type Html, html } from './html.js'
import { machineSection } from './machine.js'
import type { Figures, Page } from './page.js'
import type { ReportRun } from './run.js'
import { counted, type View, viewsOf } from './views.js'

/** More choices than this in one page help nobody: their rows are in the table all the same. */
const MOST_VIEWS = 12
/** Larger matrices of couplings are no longer read. */
const MOST_DEGREE = 6

/** The page of a benchmark. */
export async function benchPage(run: ReportRun, figures: Figures): Promise<Page> {
  const views = viewsOf(run.rows)
  const shown = views.slice(0, MOST_VIEWS)
  const sections: Html[] = []
  for (const [n, view] of shown.entries()) {
    const content = await viewSection(view, run, figures, shown.length === 1 ? '' : `-${view.name}`)
    sections.push(html`<div data-view="${n}">${content}</div> `)
  }
  return {
    title: `gauntlet: ${device(run)}`,
    body: html`${header(run, shown, views.length)}
      <main>
        ${sections} ${await couplings(run, figures)}
        <section>
          <h2>Every figure</h2>
          <p class="quiet">
            Sort by clicking a title. Expressivity: the dimensions of maps that one channel reaches between linear
            layers; ns/dof is the time for each of them. Rates count the operations and bytes that a method needs, so
            that superfluous work is no merit.
          </p>
          ${rowTable(run.rows)}
        </section>
        ${run.growth.length > 0 ? growth(run) : undefined} ${machineSection(run.provenance, [['At best', atBest(run)]])}
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
    all > shown.length ? html`<p class="quiet">${all - shown.length} more are in the table only.</p>` : undefined
  return html`<header>
    <button id="theme" type="button" hidden></button>
    <h1>What tensor products cost and express</h1>
    <div class="quiet facts">
      ${[where, day, `gauntlet ${run.provenance.version}`].map((fact) => html`<span>${fact}</span>`)}
    </div>
    ${shown.length > 1 ? html`${chooser}${more}` : html`<div class="quiet">${shown[0].title}</div>`}
  </header>`
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

/** What rows are compared with. */
function atBest({ rates }: ReportRun): string {
  return rates
    .map(({ threads, peakFlops, bandwidth, source }) => {
      const of = source === 'measured' ? `, ${counted(threads, 'thread')}` : ''
      return `${quantity(peakFlops, 'flop/s')}, ${quantity(bandwidth, 'B/s')} (${source}${of})`
    })
    .join('; ')
}
