import { digits, duration } from '../format.js'
import { METHOD_NAMES, type MethodName, SETTING_MEANINGS, type SettingName } from '../methods.js'
import { nanoseconds, rooflineChart, timeChart, tradeOffChart } from './bench-charts.js'
import { type Html, html } from './html.js'
import { keyEntry } from './key.js'
import type { Figures } from './page.js'
import { ratesOf, type ReportRow, type ReportRun } from './run.js'
import { counted, settingsOf, type View } from './views.js'

const PANEL = { width: 290, height: 250 }
/** Of the centrepiece. */
const WIDE = { width: 850, height: 440 }
const NARROW = { width: 230, height: 380 }

/** The charts of one view. */
interface ViewPart {
  settings: ReturnType<typeof settingsOf>
  figures: Figures
  /** Of a chart's file. */
  name: (chart: string, setting: SettingName) => string
}

/**
 * All charts of one view.
 *
 * @param suffix tells the files of its charts from those of other views
 */
export async function viewSection(view: View, run: ReportRun, figures: Figures, suffix: string): Promise<Html> {
  const settings = settingsOf(view)
  const part: ViewPart = { settings, figures, name: (chart, setting) => `${chart}-${setting}${suffix}` }
  return html`${lede(settings[0])}
    <ul class="key">
      ${methodsOf(view.rows).map(keyEntry)}
    </ul>
    ${await tradeOffs(part)} ${await times(part)} ${await rooflines(part, run.rates)} `
}

/** In the order in which they are always listed. */
export function methodsOf(rows: readonly ReportRow[]): MethodName[] {
  const present = new Set(rows.map(({ method }) => method))
  return METHOD_NAMES.filter((name) => present.has(name))
}

/** Which method is the fastest where most is asked, and how it compares with one that loses nothing. */
function lede({ setting, rows }: ViewPart['settings'][number]): Html {
  const lmax = Math.max(...rows.map((row) => row.lmax))
  const last = rows.filter((row) => row.lmax === lmax).sort((a, b) => nanoseconds(a) - nanoseconds(b))
  const [best] = last
  const whole = last.find(({ method }) => method === 'cg-sparse' || method === 'cg-dense')
  const time = (row: ReportRow): string => duration(1e-9 * nanoseconds(row))
  const comparison = (than: ReportRow): Html =>
    html`Clebsch-Gordan (<code>${than.method}</code>) takes ${digits(nanoseconds(than) / nanoseconds(best))} times as
    long, ${time(than)}, and reaches ${than.expressivity}.`
  return html`<p class="lede">
    At lmax ${lmax} (<code>${setting}</code>) <code>${best.method}</code> is the fastest: ${time(best)} per channel and
    sample, in which one channel reaches ${counted(best.expressivity, 'dimension')} of maps.
    ${whole && whole !== best ? comparison(whole) : undefined}
  </p>`
}

async function tradeOffs({ settings, figures, name }: ViewPart): Promise<Html | undefined> {
  // Where every row reaches the same there is nothing to trade.
  const telling = settings.filter(({ rows }) => new Set(rows.map(({ expressivity }) => expressivity)).size > 1)
  if (telling.length === 0) return undefined
  const drawn = telling.map(({ setting, rows }, n) => {
    const chart = tradeOffChart(setting, rows, n === 0 ? WIDE : PANEL)
    const narrow = n === 0 ? { narrow: tradeOffChart(setting, rows, NARROW) } : {}
    return figures.draw({ name: name('tradeoff', setting), caption: fullCaption(setting), chart, ...narrow })
  })
  const [centrepiece, ...others] = await Promise.all(drawn)
  return html`<section>
    <h2>Time against expressivity</h2>
    <p>
      Each curve is a method, each point on it an lmax. To the right is what one channel can express: the dimension of
      the equivariant bilinear maps that it reaches between linear layers. Full points, with their lmax, are the best
      bargains: nothing here expresses as much in less time.
    </p>
    <div class="centrepiece">${centrepiece}</div>
    <div class="charts">${others}</div>
  </section>`
}

async function times({ settings, figures, name }: ViewPart): Promise<Html> {
  const drawn = settings.map(({ setting, rows }) => {
    const chart = timeChart(setting, rows, PANEL)
    return figures.draw({ name: name('time', setting), caption: fullCaption(setting), chart })
  })
  return html`<section>
    <h2>Time against degree</h2>
    <p>
      Medians, with bars from the first to the last decile. A straight line is a power of lmax + 1; its slope is the
      exponent.
    </p>
    <div class="charts">${await Promise.all(drawn)}</div>
  </section>`
}

async function rooflines({ settings, figures, name }: ViewPart, rates: ReportRun['rates']): Promise<Html> {
  const drawn = settings.map(({ setting, rows }) => {
    const chart = rooflineChart(setting, rows, ratesOf(rates, rows[0])!, PANEL)
    return figures.draw({ name: name('roofline', setting), caption: caption(setting), chart })
  })
  return html`<section>
    <h2>Against the machine</h2>
    <p>
      The rate of needed operations, against how many of them there are for each byte that has to be moved. The line is
      the most that the machine allows. Needed is a multiply-add for every coefficient that is not zero; where equal
      coefficients are joined a product does with fewer, and may lie above the line.
    </p>
    <div class="charts">${await Promise.all(drawn)}</div>
  </section>`
}

function caption(setting: SettingName): Html {
  return html`<h3><code>${setting}</code></h3>`
}

function fullCaption(setting: SettingName): Html {
  return html`${caption(setting)}
    <p>${SETTING_MEANINGS[setting]}</p>`
}
