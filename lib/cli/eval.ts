import { ErrorSums } from '../mace/errors.js'
import { Evaluator } from '../mace/evaluator.js'
import { predict, type Prediction } from '../mace/prediction.js'
import { expected } from '../runtime/errors.js'
import { type Structure, structuresOf, writeXyz, type XyzKeys } from '../structures/index.js'
import { defineCommand, type Io } from './command.js'
import { digits, duration } from './format.js'
import { describeModel, loadModel, modelOptions } from './model.js'
import { flag, integer, text } from './options.js'
import { type ErrorRow, errorTable } from './train-report.js'

export const command = defineCommand({
  positionals: ['MODEL', 'FILE'],
  about: `Computes energies and forces of all structures in a file, and how far they are from those in it.

Errors are root mean squares and means of absolute values, of energies by atom and of components of
forces, for every config_type apart where frames have one. Structures without energies or forces are
predicted and count in no error. With -o all structures are written, with what was known and, beside
it, MACE_energy (eV) and MACE_forces (eV/Angstrom). Files of extended XYZ may be of any size.`,
  examples: [
    'gauntlet eval mace.safetensors test.xyz --energy-key REF_energy --forces-key REF_forces',
    'gauntlet eval mace.safetensors test.xyz -o predicted.xyz --prefix new_',
    'gauntlet eval mace.safetensors rmd17_aspirin.npz --json > errors.json',
  ],
  options: {
    out: { ...text('FILE', 'structures with predictions, extended XYZ'), short: 'o' },
    'energy-key': text('KEY', 'what the known energy (eV) is called in extended XYZ (energy, if it is there)'),
    'forces-key': text('KEY', 'what known forces (eV/Angstrom) are called there (forces, if they are there)'),
    prefix: { ...text('TEXT', 'before energy and forces that are written (MACE_)') },
    'batch-size': integer('N', 'structures at once', { min: 1, max: 1e6, initial: 64 }),
    'batch-edges': integer('N', 'pairs of neighbours at once, at most', { min: 1, max: 1e9, initial: 50_000 }),
    ...modelOptions,
    json: flag('one JSON document instead of a table'),
  },
  check: ({ out, prefix = 'MACE_', ...keys }) => {
    const known: readonly unknown[] = [keys['energy-key'], keys['forces-key']]
    const taken = ['energy', 'forces'].map((name) => `${prefix}${name}`).find((name) => known.includes(name))
    if (out !== undefined && taken !== undefined) throw expected(`another text than ${prefix}`, '--prefix', taken)
    // Whatever else it is, a model among them, is not to be written over.
    if (out !== undefined && !/\.(ext)?xyz$/.test(out)) throw expected('a file named *.xyz or *.extxyz', '--out', out)
  },
  run: async (values, [path, file], io) => {
    const keys: XyzKeys = { energyKey: values['energy-key'], forcesKey: values['forces-key'] }
    const { model, weights } = await loadModel(path, values)
    if (!values.json) io.err(describeModel(model))
    const evaluator = new Evaluator(model, weights, { precision: values.precision })
    const limits = { structures: values['batch-size'], edges: values['batch-edges'] }
    const errors = new SetErrors()
    const start = performance.now()
    const predictions = observed(predict(evaluator, structuresOf(file, keys), limits), errors, io)
    if (values.out === undefined) while (!(await predictions.next()).done);
    else await writeXyz(values.out, written(predictions, values.prefix ?? 'MACE_'), keys)
    io.progress('')
    const seconds = (performance.now() - start) / 1000
    const { device, precision } = { device: model.device, precision: values.precision }
    const { structures, rows } = errors
    if (values.json) {
      io.out(
        `${JSON.stringify({ model: path, file, device, precision, structures, seconds, errors: rows }, null, 2)}\n`,
      )
    } else {
      if (rows.length > 0) io.out(errorTable(rows))
      const each = structures === 0 ? '' : `, ${duration(seconds / structures)} each`
      io.err(`${structures} structures in ${digits(seconds)} s${each} (${precision}, ${device})\n`)
      if (rows.length === 0) io.err('no energies or forces are known: no errors\n')
      if (values.out !== undefined) io.err(`wrote ${values.out}\n`)
    }
    return 0
  },
})

/** Errors of all structures, and by config_type. */
class SetErrors {
  structures = 0
  readonly #all = new ErrorSums()
  readonly #sets = new Map<string, ErrorSums>()

  add({ structure, energy, forces }: Prediction): void {
    this.structures++
    const { energy: known, forces: knownForces } = structure
    if (known === undefined && knownForces === undefined) return
    const set = structure.info?.get('config_type') ?? ''
    const sums = this.#sets.get(set) ?? new ErrorSums()
    this.#sets.set(set, sums)
    const one = <T>(value: T): T[] => (known === undefined ? [] : [value])
    for (const each of [this.#all, sums]) {
      each.add(
        one(energy),
        known === undefined ? [] : [known],
        one(structure.numbers.length),
        knownForces ? forces : [],
        knownForces ?? [],
      )
    }
  }

  /** Sets in the order of the file, then all; a frame without config_type is of MACE's `Default`. */
  get rows(): ErrorRow[] {
    if (this.#sets.size === 0) return []
    const named = [...this.#sets].map(([set, sums]): ErrorRow => ({ set: set || 'Default', errors: sums.total() }))
    const alone = this.#sets.size === 1 && this.#sets.has('')
    return [...(alone ? [] : named), { set: 'all', errors: this.#all.total() }]
  }
}

async function* observed(
  predictions: AsyncIterable<Prediction>,
  errors: SetErrors,
  io: Io,
): AsyncGenerator<Prediction, void, undefined> {
  for await (const prediction of predictions) {
    errors.add(prediction)
    if (errors.structures % 16 === 0) io.progress(`${errors.structures} structures`)
    yield prediction
  }
}

/** Structures with predictions beside everything that was known. */
async function* written(
  predictions: AsyncIterable<Prediction>,
  prefix: string,
): AsyncGenerator<Structure, void, undefined> {
  for await (const { structure, energy, forces } of predictions) {
    yield {
      ...structure,
      info: new Map([...(structure.info ?? []), [`${prefix}energy`, String(energy)]]),
      properties: new Map([
        ...(structure.properties ?? []),
        [`${prefix}forces`, { type: 'R', columns: 3, values: forces }],
      ]),
    }
  }
}
