import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readText, replaceFile, wordedWrite } from '../files/file.js'
import { defineCommand } from './command.js'
import { parseJson } from './json-file.js'
import { text } from './options.js'
import { checkOutput } from './output.js'
import type { Figures, Page } from './report/page.js'

export const command = defineCommand({
  positionals: ['FILE'],
  about: `Makes a page of FILE. Of a benchmark that \`gauntlet bench --json\` has written: charts of time against
lmax, against expressivity and against the roofline, what each product couples, and every figure in tables
to sort. Of the NAME.jsonl of \`gauntlet train\`: losses, errors and learning rate by epoch, predictions
against what is known, and the errors at the end; one that goes on or was interrupted has a page as well.
A page is one HTML file that loads no other.

Charts are drawn by vega-lite, which is installed apart: npm install vega vega-lite@6.4`,
  examples: [
    'gauntlet bench --threads 1 --json > run.json',
    'gauntlet report run.json -o report.html',
    'gauntlet report run.json -o report.html --svg figures',
    'gauntlet report mace.jsonl -o training.html',
  ],
  options: {
    out: { ...text('PAGE', 'the page (standard output)'), short: 'o' },
    svg: text('DIR', 'also write every chart to DIR, as an SVG file of its own'),
  },
  run: async ({ out, svg }, [file], io) => {
    await checkOutput(out, [file])
    const [{ Figures, renderPage }, { loadRenderer }] = await Promise.all([
      import('./report/page.js'),
      import('./report/svg.js'),
    ])
    const figures = new Figures(await loadRenderer())
    const makePage = await readPage(file)
    const page = renderPage(await makePage(figures))
    if (svg !== undefined) {
      await wordedWrite(svg, () => mkdir(svg, { recursive: true }))
      for (const [name, drawing] of figures.files) await replaceFile(join(svg, `${name}.svg`), [drawing])
    }
    if (out === undefined) io.out(page)
    else await replaceFile(out, [page])
    return 0
  },
})

/** Reads a file, and returns what makes the page of its kind. Only this command needs the modules of pages. */
async function readPage(file: string): Promise<(figures: Figures) => Promise<Page>> {
  const content = await readText(file)
  const { isTrainingLog, readTraining } = await import('./report/training-run.js')
  if (isTrainingLog(content)) {
    const run = readTraining(file, content)
    const { trainingPage } = await import('./report/training-page.js')
    return (figures) => trainingPage(run, figures)
  }
  const [{ readBench }, { benchPage }] = await Promise.all([
    import('./report/run.js'),
    import('./report/bench-page.js'),
  ])
  const run = readBench(parseJson(file, content, 'gauntlet bench --json'))
  return (figures) => benchPage(run, figures)
}
