// The same network trained with each product on the same structures: errors of energies and forces on structures that were held out,
// seconds an epoch takes, how many times as fast it is as with Clebsch-Gordan and with Gaunt products in Fourier coefficients (medians of
// ratios, epoch by epoch), and where the time went.
//
//     node bench/mace/products.mjs
//     node bench/mace/products.mjs --data rmd17_aspirin.npz --train index_train_01.csv --test index_test_01.csv --epochs 200
//     node bench/mace/products.mjs --data train.xyz --test test.xyz --energy-key energy_xtb --forces-key forces_xtb --seeds 1
//
// --products cg,grid,...  --seeds 1,2,3  --config FILE of gauntlet train, before which come --hidden 32x0e+32x1o  --max-ell 3
// --correlation 3  --cutoff 5  --epochs 30  --stage-two EPOCH  --batch-size 10; --threads 1  --device cpu  --output mace-products
//
// Trainings of one seed take turns, an epoch each, so that what else the machine does meets all products alike; the first epoch, which
// finds memory and compiles, is not timed. A speedup is the median over such rounds. An epoch is loss, all gradients and Adam, without
// validation. The folder gets results.json: machine, build, settings, counts, every seed.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildInfo, devices, Random, setNumThreads } from 'gauntlet'
import { parseConfig, prepareTraining, readConfig } from 'gauntlet/mace'
import { readRmd17, readSplit, readStructures, writeXyz } from 'gauntlet/structures'
import { secondsByKind } from 'gauntlet/tensor'
import { integer, median, readOptions, UsageError } from './script.mjs'

/** @typedef {import('gauntlet/structures').Structure} Structure */
/** @typedef {{ training: import('gauntlet/mace').Training; seconds: number[] }} Contestant */
/** @typedef {{ seed: number; energyMae: number; forcesMae: number; seconds: number[]; profile: Record<string, number> }} Run */

const values = readOptions(import.meta.url, {
  data: { type: 'string', default: fileURLToPath(new URL('../../examples/ethanol_pbe.npz', import.meta.url)) },
  train: { type: 'string' }, // how many, or a split of rMD17; none: all that are not tested on
  test: { type: 'string', default: '70' }, // how many, a split of rMD17, or a file of structures
  'energy-key': { type: 'string' },
  'forces-key': { type: 'string' },
  config: { type: 'string' }, // what `gauntlet train` reads; options go before it
  products: { type: 'string', default: 'cg,gaunt-fourier,grid,grid-large,grid-odd' },
  hidden: { type: 'string' },
  'max-ell': { type: 'string' },
  correlation: { type: 'string' },
  cutoff: { type: 'string' },
  epochs: { type: 'string' },
  'stage-two': { type: 'string' }, // from which epoch on
  seeds: { type: 'string', default: '1,2,3' },
  'batch-size': { type: 'string' },
  threads: { type: 'string', default: '1' },
  device: { type: 'string', default: 'cpu' },
  output: { type: 'string', default: 'mace-products' },
})
/** The network and the training where neither options nor a configuration say otherwise. */
const USUAL = {
  epochs: 30,
  batchSize: 10,
  model: { hiddenIrreps: '32x0e+32x1o', maxEll: 3, correlation: 3, cutoff: 5 },
}
/** An epoch that is not timed, and one that is. */
const LEAST_EPOCHS = 2
const keys = { energyKey: values['energy-key'], forcesKey: values['forces-key'] }
const products = values.products.split(',')
const seeds = values.seeds.split(',').map((seed) => integer('seeds', seed))
setNumThreads(integer('threads', values.threads, 1))
mkdirSync(values.output, { recursive: true })
const config = await prepare()
const { epochs } = config
/** @type {Map<string, Run[]>} */
const runs = new Map(products.map((product) => [product, []]))
let counts = {}
for (const seed of seeds) await race(seed)
report()

/** Writes what is trained and tested on. Returns the configuration that all trainings share. */
async function prepare() {
  const given = /** @type {Record<string, any>} */ (values.config === undefined ? {} : await readConfig(values.config))
  const { train, test } = await choose()
  const files = { train: join(values.output, 'train.xyz'), test: join(values.output, 'test.xyz') }
  await writeXyz(files.train, train)
  await writeXyz(files.test, test)
  const isolated = train.some((structure) => isIsolated(structure))
  const { hidden, 'max-ell': maxEll, correlation, cutoff, 'stage-two': stageTwo, 'batch-size': batchSize } = values
  const network = {
    ...(hidden && { hiddenIrreps: hidden }),
    ...(maxEll && { maxEll: integer('max-ell', maxEll) }),
    ...(correlation && { correlation: integer('correlation', correlation, 1) }),
    ...(cutoff && { cutoff: Number(cutoff) }),
  }
  return {
    ...USUAL,
    ...given,
    ...(stageTwo && { stageTwo: { start: integer('stage-two', stageTwo, 1) } }),
    data: { atomicEnergies: isolated ? 'isolated' : 'average', ...given.data, ...files },
    model: { ...USUAL.model, ...given.model, ...network },
    epochs: Math.max(
      LEAST_EPOCHS,
      values.epochs ? integer('epochs', values.epochs, LEAST_EPOCHS) : (given.epochs ?? USUAL.epochs),
    ),
    ...(batchSize && { batchSize: integer('batch-size', batchSize, 1) }),
    device: values.device,
  }
}

/** Structures to train and to test on: by rMD17's splits, from a file of their own, or drawn. */
async function choose() {
  const { data, train, test } = values
  const indexed = [train, test].map((path) => path !== undefined && extname(path) === '.csv')
  if (indexed[0] !== indexed[1]) throw new UsageError('Expected splits for both --train and --test, or for neither')
  if (train !== undefined && indexed[0]) {
    const read = async (/** @type {string} */ path) => readRmd17(data, { indices: await readSplit(path) })
    return { train: await read(train), test: await read(test) }
  }
  const all = await readStructures(data, keys)
  const random = new Random(1)
  const drawn = all
    .filter((structure) => !isIsolated(structure))
    .map((structure) => ({ structure, key: random.normal() }))
    .sort((a, b) => a.key - b.key)
    .map(({ structure }) => structure)
  const tested = extname(test) === '' ? drawn.splice(0, integer('test', test, 1)) : await readStructures(test, keys)
  const trained = drawn.splice(0, train === undefined ? Infinity : integer('train', train, 2))
  if (trained.length < (train === undefined ? 2 : Number(train))) {
    throw new UsageError(`${data} has ${all.length} structures: fewer than --train and --test ask for`)
  }
  return { train: [...all.filter((structure) => isIsolated(structure)), ...trained], test: tested }
}

/** @param {Structure} structure */
function isIsolated({ info }) {
  return info?.get('config_type') === 'IsolatedAtom'
}

/** All products with one seed, in turns. @param {number} seed */
async function race(seed) {
  /** @type {Map<string, Contestant>} */
  const contestants = new Map()
  for (const product of products) {
    const own = parseConfig({ ...config, seed, model: { ...config.model, product } }, 'the options')
    const training = await prepareTraining(own, { profile: values.device === 'cpu' })
    contestants.set(product, { training, seconds: [] })
  }
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const { training, seconds } of contestants.values()) {
      if (epoch === 1) training.learner.profile.clear()
      const report = training.trainer.epoch()
      if (epoch > 0) seconds.push(report.seconds)
    }
    process.stderr.write(`seed ${seed}, epoch ${epoch + 1} of ${epochs}\r`)
  }
  process.stderr.write('\n')
  for (const [product, contestant] of contestants) runs.get(product)?.push(finish(seed, contestant))
}

/** Errors of the best weights. @param {number} seed @param {Contestant} contestant @returns {Run} */
function finish(seed, { training, seconds }) {
  const { trainer, learner, data, model } = training
  const [[name, tested]] = data.test
  const { energyMae, forcesMae } = trainer.with(trainer.bestWeights(), () => trainer.errorsOn(name, tested))
  counts = {
    train: data.train.length,
    valid: data.valid.length,
    test: tested.length,
    atoms: sum(data.train.map(({ numbers }) => numbers.length)),
    edges: sum(data.train.map(({ edges }) => edges)),
    neighbours: model.configuration.avgNumNeighbors,
  }
  const profile = [...secondsByKind(learner.profile)].map(([kind, total]) => [kind, total / seconds.length])
  return { seed, energyMae, forcesMae, seconds, profile: Object.fromEntries(profile) }
}

function report() {
  const rows = [...runs].map(([product, all]) => ({
    product,
    energyMae: sum(all.map(({ energyMae }) => energyMae)) / all.length,
    forcesMae: sum(all.map(({ forcesMae }) => forcesMae)) / all.length,
    seconds: median(all.flatMap(({ seconds }) => seconds)),
    speedup: {
      cg: speedup(all, runs.get('cg')),
      'gaunt-fourier': speedup(all, runs.get('gaunt-fourier')),
    },
    runs: all,
  }))
  console.log('| product | energy MAE, meV/atom | force MAE, meV/Angstrom | s/epoch | over cg | over gaunt-fourier |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const { product, energyMae, forcesMae, seconds, speedup } of rows) {
    const errors = [energyMae, forcesMae].map((value) => (1000 * value).toFixed(2))
    const ratios = Object.values(speedup).map((value) => value?.toFixed(2) ?? '')
    console.log(`| ${[product, ...errors, seconds.toFixed(3), ...ratios].join(' | ')} |`)
  }
  console.log(profileTable())
  const gpus = devices().flatMap(({ id, name }) => (id === 'cpu' ? [] : [name]))
  const machine = { processor: cpus()[0].model.trim(), cores: cpus().length, gpus, node: process.versions.node }
  const { train, test } = values
  const names = { data: basename(values.data), train: train && basename(train), test: basename(test) }
  const settings = { ...values, ...names, output: undefined, config: { ...config, data: undefined } }
  const result = { ...machine, date: new Date().toISOString(), build: buildInfo(), settings, counts, rows }
  writeFileSync(join(values.output, 'results.json'), JSON.stringify(result, null, 2))
}

/** Milliseconds an epoch spends in each kind of operation. */
function profileTable() {
  const profiles = [...runs].map(([product, all]) => ({ product, all: all.map(({ profile }) => profile) }))
  const kinds = new Set(profiles.flatMap(({ all }) => all.flatMap((profile) => Object.keys(profile))))
  const lines = [...kinds].map((kind) => {
    const times = profiles.map(({ all }) => 1000 * median(all.map((profile) => profile[kind] ?? 0)))
    return { kind, times }
  })
  const shown = lines.filter(({ times }) => Math.max(...times) >= 1).sort((a, b) => b.times[0] - a.times[0])
  const rows = shown.map(({ kind, times }) => [kind, ...times.map((time) => time.toFixed(0))])
  const head = ['ms/epoch', ...products]
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** How often `all` are as fast as `others` in the same round. @param {Run[]} all @param {Run[]} [others] */
function speedup(all, others) {
  if (others === undefined) return undefined
  return median(all.flatMap(({ seconds }, n) => seconds.map((time, epoch) => others[n].seconds[epoch] / time)))
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}
