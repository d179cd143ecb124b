// How time and memory of energies and forces grow with the atoms of one periodic structure: a box of liquid, which is one molecule
// many times, each turned by chance, at 0.09 atoms per cubic Angstrom (dimethyl carbonate has 0.086, ethanol 0.093).
//
//     node bench/mace/inference.mjs [--model mace.safetensors] [--molecule molecule.xyz] [--threads 1] [--atoms 100,1000]
//         [--device cpu]
//
// Unless told, the model is of the size of a published one of solvents (32x0e, harmonics to 2, correlation 2, 4 Angstrom) with random
// weights, and the molecule is ethanol. Every size runs in a process of its own, so that peak memory is its own. On a core that is
// reserved with `chrt -f`, V8's own threads never run: give node `--single-threaded` there.
import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Random, setNumThreads } from 'gauntlet'
import { Evaluator, Mace, makeBatch, readModel } from 'gauntlet/mace'
import { formula, structuresOf } from 'gauntlet/structures'
import { integer, median, readOptions, UsageError } from './script.mjs'

const DENSITY = 0.09
/** Calls before those that are timed: V8 has to compile, memory has to grow. */
const WARM_UP = 3
/** Timed calls take this long together, and are at least five. */
const SECONDS = 2

const values = readOptions(import.meta.url, {
  model: { type: 'string' },
  molecule: { type: 'string', default: fileURLToPath(new URL('../../examples/ethanol_pbe.npz', import.meta.url)) },
  threads: { type: 'string', default: '1' },
  device: { type: 'string', default: 'cpu' },
  atoms: { type: 'string', default: '100,300,1000,3000,10000' },
})

const device = /** @type {import('gauntlet').DeviceOption} */ (values.device)

if (values.atoms.includes(',')) {
  for (const atoms of values.atoms.split(',')) {
    const args = [...process.execArgv, ...process.argv.slice(1), '--atoms', atoms]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    if (status !== 0) process.exit(1)
  }
} else {
  setNumThreads(integer('threads', values.threads, 1))
  await measure(integer('atoms', values.atoms, 1))
}

/** @param {number} atoms about so many */
async function measure(atoms) {
  const { model, weights } = await theModel()
  const structure = liquid(await theMolecule(), atoms)
  const evaluator = new Evaluator(model, weights)
  const start = process.resourceUsage().maxRSS
  /** @type {number[]} */
  const search = []
  /** @type {number[]} */
  const evaluation = []
  let edges = 0
  for (let spent = 0, n = 0; n < WARM_UP + 5 || spent < 1000 * SECONDS; n++) {
    const times = [performance.now()]
    const batch = makeBatch(model, [structure])
    times.push(performance.now())
    evaluator.evaluate(batch)
    times.push(performance.now())
    edges = batch.senders.length
    if (n < WARM_UP) continue
    search.push(times[1] - times[0])
    evaluation.push(times[2] - times[1])
    spent += times[2] - times[0]
  }
  const count = structure.numbers.length
  const each = (/** @type {number[]} */ times) => ((1000 * median(times)) / count).toFixed(1)
  const peak = process.resourceUsage().maxRSS
  console.log(
    `${formula(structure.numbers)}: ${count} atoms, ${(edges / count).toFixed(1)} neighbours each; ` +
      `us/atom: neighbours ${each(search)}, energy and forces ${each(evaluation)} (medians of ${search.length}); ` +
      `peak ${(peak / 1024).toFixed(0)} MiB, ${((peak - start) / count).toFixed(0)} KiB/atom more than before; ` +
      `device ${values.device}, threads ${values.threads}, ${cpus()[0].model.trim()}`,
  )
}

function theModel() {
  if (values.model !== undefined) return readModel(values.model, { device })
  const options = { hiddenIrreps: '32x0e', maxEll: 2, correlation: 2, cutoff: 4, avgNumNeighbors: 10 }
  const model = new Mace({ ...options, atomicNumbers: [1, 6, 8], atomicEnergies: [0, 0, 0] }, { device })
  return { model, weights: model.initialWeights(1) }
}

async function theMolecule() {
  for await (const molecule of structuresOf(values.molecule)) return molecule
  throw new UsageError(`${values.molecule} holds no structure`)
}

/**
 * @param {import('gauntlet/structures').Structure} molecule
 * @param {number} atoms about so many
 * @returns {import('gauntlet/structures').Structure}
 */
function liquid(molecule, atoms) {
  const random = new Random(1)
  const size = molecule.numbers.length
  const along = boxOf(atoms / size)
  const spacing = Math.cbrt(size / DENSITY)
  const count = along[0] * along[1] * along[2]
  const numbers = new Uint8Array(count * size)
  const positions = new Float64Array(3 * count * size)
  for (let n = 0; n < count; n++) {
    const place = [n % along[0], Math.floor(n / along[0]) % along[1], Math.floor(n / along[0] / along[1])]
    numbers.set(molecule.numbers, n * size)
    turned(centred(molecule.positions), random).forEach((r, i) => {
      positions[3 * n * size + i] = r + spacing * place[i % 3]
    })
  }
  const [a, b, c] = along.map((molecules) => molecules * spacing)
  return { numbers, positions, cell: Float64Array.of(a, 0, 0, 0, b, 0, 0, 0, c), pbc: [true, true, true] }
}

/** How many along each side, for about `count` in a box that is nearly a cube. @param {number} count */
function boxOf(count) {
  const a = Math.max(1, Math.round(Math.cbrt(count)))
  const b = Math.max(1, Math.round(Math.sqrt(count / a)))
  return [a, b, Math.max(1, Math.round(count / a / b))]
}

/** @param {Float64Array} positions */
function centred(positions) {
  const mean = [0, 1, 2].map((axis) => positions.reduce((sum, r, n) => sum + (n % 3 === axis ? r : 0), 0))
  return positions.map((r, n) => r - (3 * mean[n % 3]) / positions.length)
}

/** By a unit quaternion (w, v) of any direction: r + 2 w v x r + 2 v x (v x r). @param {Float64Array} positions @param {Random} random */
function turned(positions, random) {
  const four = [0, 1, 2, 3].map(() => random.normal())
  const [w, ...v] = four.map((q) => q / Math.hypot(...four))
  const out = positions.slice()
  for (let at = 0; at < out.length; at += 3) {
    const once = cross(v, positions.subarray(at, at + 3))
    const twice = cross(v, once)
    for (let axis = 0; axis < 3; axis++) out[at + axis] += 2 * (w * once[axis] + twice[axis])
  }
  return out
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function cross(a, b) {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
