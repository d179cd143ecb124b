// The same network trained with each product on the same structures: errors of energies and forces on structures that were held out,
// seconds an epoch takes, and how often it is as fast as with Clebsch-Gordan and with Gaunt products in Fourier coefficients.
//
//     node bench/mace/products.mjs [--data rmd17_aspirin.npz] [--config train.json] [--train 200] [--test 70] [--products cg,grid]
//         [--epochs 50] [--seeds 1,2,3] [--threads 1] [--device cpu] [--output FOLDER]
//
// --data is any file of structures with energies and forces, ethanol unless told; --config is what `gauntlet train` reads, for the
// network and the rest. For each seed the products take turns, so that another load on the machine meets all of them. The folder gets
// the trainings with their logs, and results.json with machine, build, sizes and counts.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildInfo, Random } from 'gauntlet'
import { structuresOf, writeXyz } from 'gauntlet/structures'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: fileURLToPath(new URL('../../examples/ethanol_pbe.npz', import.meta.url)) },
    config: { type: 'string' },
    train: { type: 'string', default: '200' },
    test: { type: 'string', default: '70' },
    products: { type: 'string', default: 'cg,gaunt-fourier,grid,grid-large,grid-odd' },
    epochs: { type: 'string', default: '50' },
    seeds: { type: 'string', default: '1,2,3' },
    threads: { type: 'string', default: '1' },
    device: { type: 'string', default: 'cpu' },
    output: { type: 'string', default: 'mace-products' },
  },
})
/** MACE at the size of the published comparison of products: harmonics and correlation 3. */
const NETWORK = { hiddenIrreps: '32x0e+32x1o', maxEll: 3, correlation: 3 }
const products = values.products.split(',')
const seeds = values.seeds.split(',').map(Number)
if (!(Number(values.epochs) > 1)) throw new Error('Expected --epochs of two or more: the first is not timed')

mkdirSync(values.output, { recursive: true })
const config = await prepare()
/** @type {Map<string, { seed: number; energyMae: number; forcesMae: number; seconds: number }[]>} */
const trainings = new Map(products.map((product) => [product, []]))
for (const seed of seeds) {
  for (const product of products) trainings.get(product)?.push(train(product, seed))
}
report()

/** Writes what is trained and tested on, and the configuration. Returns its path. */
async function prepare() {
  const structures = []
  for await (const structure of structuresOf(values.data)) structures.push(structure)
  const [train, test] = [Number(values.train), Number(values.test)]
  if (!(train > 1 && test > 0 && train + test <= structures.length)) {
    throw new Error(`Expected --train and --test of ${structures.length} structures at most together`)
  }
  const random = new Random(1)
  const drawn = structures.map((structure) => ({ structure, key: random.normal() })).sort((a, b) => a.key - b.key)
  const files = { train: join(values.output, 'train.xyz'), test: join(values.output, 'test.xyz') }
  const pick = (/** @type {number} */ from, /** @type {number} */ count) => {
    return drawn.slice(from, from + count).map(({ structure }) => structure)
  }
  await writeXyz(files.train, pick(0, train))
  await writeXyz(files.test, pick(train, test))
  const given = values.config === undefined ? { model: NETWORK } : JSON.parse(readFileSync(values.config, 'utf8'))
  const path = join(values.output, 'config.json')
  const data = { atomicEnergies: 'average', ...given.data, ...files }
  writeFileSync(path, JSON.stringify({ ...given, data, output: values.output }))
  return path
}

/** @param {string} product @param {number} seed */
function train(product, seed) {
  const name = `${product}-${seed}`
  const flags = {
    config,
    product,
    name,
    seed: String(seed),
    epochs: values.epochs,
    threads: values.threads,
    device: values.device,
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const { status } = spawnSync(process.execPath, [MAIN, 'train', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new Error(`The training ${name} failed`)
  const log = readFileSync(join(values.output, `${name}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  const lines = log.map((line) => JSON.parse(line))
  const { errors } = lines.at(-1).errors.at(-1)
  // The first epoch finds memory and compiles.
  const seconds = lines.filter(({ kind, epoch }) => kind === 'epoch' && epoch > 0).map((line) => line.seconds)
  const row = { seed, energyMae: errors.energyMae, forcesMae: errors.forcesMae, seconds: median(seconds) }
  console.error(name, row)
  return row
}

function report() {
  const rows = [...trainings].map(([product, runs]) => ({
    product,
    energyMae: mean(runs.map(({ energyMae }) => energyMae)),
    forcesMae: mean(runs.map(({ forcesMae }) => forcesMae)),
    seconds: median(runs.map(({ seconds }) => seconds)),
    runs,
  }))
  const speedup = (/** @type {number} */ seconds, /** @type {string} */ over) => {
    const other = rows.find(({ product }) => product === over)
    return other === undefined ? '' : (other.seconds / seconds).toFixed(2)
  }
  console.log('| product | energy MAE, meV/atom | force MAE, meV/Angstrom | s/epoch | over cg | over gaunt-fourier |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const { product, energyMae, forcesMae, seconds } of rows) {
    const errors = [energyMae, forcesMae].map((value) => (1000 * value).toFixed(2))
    const cells = [product, ...errors, seconds.toFixed(3), speedup(seconds, 'cg'), speedup(seconds, 'gaunt-fourier')]
    console.log(`| ${cells.join(' | ')} |`)
  }
  const machine = { processor: cpus()[0].model.trim(), cores: cpus().length, node: process.versions.node }
  const { model, stageTwo, validateEvery } = JSON.parse(readFileSync(config, 'utf8'))
  const settings = {
    ...values,
    data: basename(values.data),
    config: { model, stageTwo, validateEvery },
    output: undefined,
  }
  const result = { ...machine, date: new Date().toISOString(), build: buildInfo(), settings, rows }
  writeFileSync(join(values.output, 'results.json'), JSON.stringify(result, null, 2))
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** @param {number[]} values */
function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
