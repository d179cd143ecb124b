import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GauntletError } from '../runtime/errors.js'
import { defineCommand } from './command.js'
import { readJson } from './json-file.js'
import { text } from './options.js'

export const command = defineCommand({
  positionals: ['FILE'],
  about: `Makes a page of a benchmark that \`gauntlet bench --json\` has written to FILE: charts of time against
lmax, against expressivity and against the roofline, what each product couples, and every figure in tables
to sort. It is one HTML file that loads no other.

Charts are drawn by vega-lite, which is installed apart: npm install vega vega-lite`,
  examples: [
    'gauntlet bench --threads 1 --json > run.json',
    'gauntlet report run.json -o report.html',
    'gauntlet report run.json -o report.html --svg figures',
  ],
  options: {
    out: { ...text('PAGE', 'the page (standard output)'), short: 'o' },
    svg: text('DIR', 'also write every chart to DIR, as an SVG file of its own'),
  },
  run: async ({ out, svg }, [file], io) => {
    const document = await readJson(file)
    // Only this command needs these.
    const [{ readBench }, { benchPage }] = await Promise.all([
      import('./report/run.js'),
      import('./report/bench-page.js'),
    ])
    const [{ Figures, renderPage }, { loadRenderer }] = await Promise.all([
      import('./report/page.js'),
      import('./report/svg.js'),
    ])
    const figures = new Figures(await loadRenderer())
    const page = renderPage(await benchPage(readBench(document), figures))
    if (svg !== undefined) {
      makeFolder(svg)
      for (const [name, drawing] of figures.files) writeWhole(join(svg, `${name}.svg`), drawing)
    }
    if (out === undefined) io.out(page)
    else writeWhole(out, page)
    return 0
  },
})

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw unwritable(folder, error)
  }
}

/** Writes beside the file and renames, so that nobody finds half of it. */
function writeWhole(file: string, content: string): void {
  const beside = `${file}.${process.pid}.part`
  try {
    writeFileSync(beside, content)
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw unwritable(file, error)
  }
}

function unwritable(path: string, error: unknown): GauntletError {
  const reason = error instanceof Error ? error.message : String(error)
  return new GauntletError('ERR_FILE', `Cannot write ${path}: ${reason}`, { cause: error })
}
