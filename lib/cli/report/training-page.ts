import { digits, duration } from '../format.js'
import { ERROR_FIGURES, type ErrorRow, milli, type Parity } from '../train-report.js'
import { type Html, html } from './html.js'
import { factList, machineSection } from './machine.js'
import type { Figures, Page } from './page.js'
import { parityChart } from './parity-chart.js'
import { sortableTable } from './sortable.js'
import { EPOCH_FIGURES, epochChart } from './training-charts.js'
import type { TrainingRun, TrainingStart } from './training-run.js'
import { counted } from './views.js'

const PANEL = { width: 290, height: 250 }
/** Of the losses. */
const WIDE = { width: 800, height: 380 }
const NARROW = { width: 205, height: 320 }
const SQUARE = { width: 310, height: 310 }

/** The page of a training, as far as its log goes. */
export async function trainingPage(run: TrainingRun, figures: Figures): Promise<Page> {
  const { start, epochs, end } = run
  const title = `Training of ${start?.name ?? 'a model'}`
  return {
    title: `gauntlet: ${title}`,
    body: html`<header>
        <button id="theme" type="button" hidden></button>
        <h1>${title}</h1>
        ${start && facts(start)}
      </header>
      <main>
        ${lede(run)} ${epochs.length > 0 ? await curves(run, figures) : undefined}
        ${end && (await parity(end.parity, figures))} ${end && errorTable(end.errors)}
        ${epochs.length > 0 ? epochTable(run) : undefined} ${start && configuration(start)}
        ${start && machineSection(start.machine)}
      </main>`,
  }
}

function facts({ sizes, machine }: TrainingStart): Html {
  const all = [
    `${counted(sizes.parameters, 'parameter')}, ${counted(sizes.train, 'structure')}, ${sizes.valid} to validate`,
    machine.gpu ?? machine.processor,
    machine.date.slice(0, 10),
    `gauntlet ${machine.version}`,
  ]
  return html`<div class="quiet facts">${all.map((fact) => html`<span>${fact}</span>`)}</div>`
}

/** How far it came and how good the best weights are. */
function lede({ start, epochs, end }: TrainingRun): Html {
  const last = epochs.at(-1)
  const of = start && !end ? ` of ${start.epochs}` : ''
  const spent = epochs.reduce((sum, { seconds }) => sum + seconds, 0)
  const came = last
    ? `${counted(epochs.length, 'epoch')}${of} in ${duration(spent)}, ${duration(spent / epochs.length)} each. `
    : 'No epoch is done yet. '
  const best = epochs.findLast((epoch) => epoch.best)
  const errors = best?.valid
  return html`<p class="lede">
    ${came}
    ${
      best &&
      errors &&
      html`Best on the validation set are the weights of epoch ${best.epoch}, with root mean square errors of
      ${milli(errors.energyRmse)} meV/atom and ${milli(errors.forcesRmse)} meV/Angstrom.`
    }
    ${end ? undefined : html`The log has no end: the training goes on or was interrupted.`}
  </p>`
}

async function curves({ epochs }: TrainingRun, figures: Figures): Promise<Html> {
  const draw = async (name: keyof typeof EPOCH_FIGURES): Promise<Html | undefined> => {
    const figure = EPOCH_FIGURES[name]
    const isLoss = name === 'loss'
    const chart = epochChart(figure, epochs, isLoss ? WIDE : PANEL)
    if (!chart) return undefined
    const narrow = isLoss ? epochChart(figure, epochs, NARROW) : undefined
    return figures.draw({ name, caption: html`<h3>${figure.about}</h3>`, chart, ...(narrow && { narrow }) })
  }
  const [loss, ...others] = await Promise.all((['loss', 'energies', 'forces', 'rate'] as const).map(draw))
  return html`<section>
    <h2>Epoch by epoch</h2>
    <p>
      Full points are the best so far in their stage. Stages weigh energies and forces differently, so that their losses
      do not compare.
    </p>
    <div class="centrepiece">${loss}</div>
    <div class="charts">${others.filter((chart) => chart !== undefined)}</div>
  </section>`
}

async function parity({ set, energies, forces }: Parity, figures: Figures): Promise<Html> {
  // Energies per atom differ far less between structures than they are large.
  const mean = energies.reduce((sum, [known]) => sum + known, 0) / energies.length
  const charts = [
    {
      ...{ name: 'parity-energies', title: 'Energies', pairs: energies.map((pair) => pair.map((one) => one - mean)) },
      ...{ quantity: 'energy, eV/atom', words: `Less the mean of those known, ${mean.toFixed(3)} eV/atom.` },
    },
    {
      ...{ name: 'parity-forces', title: 'Forces', pairs: forces },
      ...{ quantity: 'force, eV/Angstrom', words: 'Components along x, y and z.' },
    },
  ]
  const drawn = charts
    .filter(({ pairs }) => pairs.length > 0)
    .map(({ name, title, pairs, quantity, words }) => {
      const caption = html`<h3>${title}</h3>
        <p>${words}</p>`
      const about = `${title} of the set ${set}: predicted against known, with the diagonal.`
      const chart = parityChart({ about, quantity, pairs: pairs as [number, number][] }, SQUARE)
      return figures.draw({ name, caption, chart })
    })
  return html`<section>
    <h2>Predicted against known</h2>
    <p>What the best weights predict of the set <code>${set}</code>. On the line predictions are right.</p>
    <div class="charts">${await Promise.all(drawn)}</div>
  </section>`
}

function errorTable(rows: readonly ErrorRow[]): Html {
  const table = sortableTable('errors', rows, [
    { title: 'set', value: ({ set }) => set },
    ...ERROR_FIGURES.map(({ title, value, text }) => ({
      title,
      value: ({ errors }: ErrorRow) => value(errors),
      text: ({ errors }: ErrorRow) => text(value(errors)),
    })),
  ])
  return html`<section>
    <h2>Errors at the end</h2>
    <p class="quiet">Of the best weights of each stage.</p>
    ${table}
  </section>`
}

function epochTable({ epochs }: TrainingRun): Html {
  // Epochs that were not validated sort after all others.
  const missing = Infinity
  const table = sortableTable('epochs', epochs, [
    { title: 'epoch', value: ({ epoch }) => epoch },
    { title: 'stage', value: ({ stage }) => stage },
    { title: 'training loss', value: ({ trainLoss }) => trainLoss, text: ({ trainLoss }) => digits(trainLoss) },
    {
      title: 'validation loss',
      value: ({ valid }) => valid?.loss ?? missing,
      text: ({ valid }) => (valid ? digits(valid.loss) : ''),
    },
    {
      title: 'RMSE E meV/atom',
      value: ({ valid }) => valid?.energyRmse ?? missing,
      text: ({ valid }) => (valid ? milli(valid.energyRmse) : ''),
    },
    {
      title: 'RMSE F meV/A',
      value: ({ valid }) => valid?.forcesRmse ?? missing,
      text: ({ valid }) => (valid ? milli(valid.forcesRmse) : ''),
    },
    { title: 'learning rate', value: ({ rate }) => rate, text: ({ rate }) => digits(rate) },
    { title: 'time', value: ({ seconds }) => seconds, text: ({ seconds }) => duration(seconds) },
    { title: 'best so far', value: ({ best }) => (best ? 'yes' : 'no') },
  ])
  return html`<section>
    <h2>Every epoch</h2>
    ${table}
  </section>`
}

function configuration({ config, model, sizes }: TrainingStart): Html {
  return html`<section>
    <h2>Configuration</h2>
    ${factList('configuration', config)}
    <h2>Model</h2>
    ${factList('model', [...model, ['parameters', `${sizes.parameters}`]])}
  </section>`
}
