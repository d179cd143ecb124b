import { basename } from 'node:path'
import { formula, readStructures, type Structure } from '../structures/index.js'
import { spread } from '../structures/frames.js'
import { couplings, prepare, runProduct, type Comparison, type Result } from './comparison.js'
import { defineCommand, type Io } from './command.js'
import { densityIrreps } from './density.js'
import { chooseDevice, deviceOptions } from './device.js'
import { duration, scientific } from './format.js'
import { describeProvenance, provenance } from './machine.js'
import { METHOD_NAMES, METHODS } from './methods.js'
import { decimal, flag, integer, names } from './options.js'
import { table } from './table.js'

/** Atoms that are plenty for a table. */
const ENOUGH_ATOMS = 5000

export const command = defineCommand({
  positionals: ['FILE'],
  about: `Computes every tensor product on the atoms of FILE (extended XYZ, or .npz in the layout of rMD17 and MD17).

The neighbours of each atom become a density on radial functions (the channels) and spherical
harmonics; each product takes its square, channel by channel. Shown are: how many of the couplings
l1 x l2 -> l3 that triangle and parity rule allow the product has, what it gives per atom, its time,
and its equivariance error: the structures are turned (by a random rotation, and by one with an
inversion), everything is computed again and compared with the turned result, ||difference|| / ||result||.`,
  examples: [
    'gauntlet compare examples/ethanol_pbe.npz',
    'gauntlet compare md.xyz --lmax 4 --channels 64 --cutoff 6 --methods cg-sparse,grid',
    'gauntlet compare md.xyz --json > md.json',
  ],
  options: {
    lmax: integer('L', 'largest degree of the density', { min: 0, max: 10, initial: 3 }),
    channels: integer('N', 'radial functions', { min: 1, max: 1024, initial: 16 }),
    cutoff: decimal('R', 'distance up to which atoms are neighbours, Angstrom', { min: 0.1, max: 100, initial: 5 }),
    frames: integer('N', `use N structures, spread over the file (as many as have ${ENOUGH_ATOMS} atoms)`, {
      min: 1,
      max: 1e9,
    }),
    methods: names('LIST', 'products', METHOD_NAMES),
    ...deviceOptions,
    seed: integer('N', 'of the random rotations', { min: 0, max: 2 ** 32 - 1, initial: 1 }),
    json: flag('one JSON document instead of a table'),
  },
  run: async (values, [file], io) => {
    const device = chooseDevice(values)
    io.progress(`reading ${file}`)
    const all = await readStructures(file)
    const structures = select(all, values.frames)
    io.progress('densities')
    const comparison = prepare(structures, values, device, values.seed)
    const results: Result[] = []
    for (const name of values.methods) {
      io.progress(`${METHODS[name].title} (${results.length + 1} of ${values.methods.length})`)
      results.push(runProduct(METHODS[name], comparison))
    }
    io.progress('')
    if (values.json) io.out(`${JSON.stringify(toJson(file, all.length, structures, comparison, results), null, 2)}\n`)
    else print(io, file, all.length, structures, comparison, results)
    return 0
  },
})

function select(all: Structure[], frames: number | undefined): Structure[] {
  const atoms = all.reduce((sum, structure) => sum + structure.numbers.length, 0)
  const enough = Math.ceil((all.length * ENOUGH_ATOMS) / Math.max(atoms, 1))
  return spread(all.length, Math.min(all.length, frames ?? enough)).map((index) => all[index])
}

function toJson(
  file: string,
  available: number,
  structures: Structure[],
  comparison: Comparison,
  results: Result[],
): object {
  const { options, atoms, pairs } = comparison
  return {
    file,
    structures: { available, used: structures.length },
    atoms,
    neighbours: pairs,
    options,
    irreps: densityIrreps(options),
    provenance: provenance(comparison.device),
    seed: comparison.seed,
    couplings: couplings(densityIrreps(options)),
    products: results,
  }
}

function print(
  io: Io,
  file: string,
  available: number,
  structures: Structure[],
  comparison: Comparison,
  results: Result[],
): void {
  const { options, atoms, pairs } = comparison
  const irreps = densityIrreps(options)
  const allowed = couplings(irreps).length
  const kinds = [...new Set(structures.map(({ numbers }) => formula(numbers)))]
  const what = kinds.length > 3 ? `${kinds.slice(0, 3).join(', ')} and ${kinds.length - 3} more` : kinds.join(', ')
  const which = structures.length === available ? `${available}` : `${structures.length} of ${available}`
  const near = (pairs / atoms).toFixed(1)
  io.out(
    `${basename(file)}: ${which} structures of ${what}, ${atoms} atoms with ${near} neighbours each within ${options.cutoff} Angstrom\n` +
      `density: ${irreps.toString()} (${irreps.dim} numbers per atom), squared by every product on ${comparison.device}\n\n`,
  )
  const base = results.find(({ method }) => method === 'cg-sparse')
  io.out(
    table(results, [
      { title: 'product', align: 'left', cell: ({ method }) => METHODS[method].title },
      { title: 'couplings', cell: ({ coupled }) => `${coupled} of ${allowed}` },
      { title: 'numbers/atom', cell: ({ outputDimension }) => `${outputDimension}` },
      { title: 'time/atom', cell: ({ secondsPerAtom }) => duration(secondsPerAtom.median) },
      { title: 'p10 .. p90', cell: ({ secondsPerAtom: t }) => `${duration(t.p10)} .. ${duration(t.p90)}` },
      {
        title: 'speed',
        cell: ({ secondsPerAtom }) =>
          base ? `${(base.secondsPerAtom.median / secondsPerAtom.median).toFixed(1)}x` : '-',
      },
      { title: 'equivariance error', cell: ({ equivarianceError }) => scientific(equivarianceError) },
    ]),
  )
  io.out(`\n${lossReport(results, allowed)}\n${describeProvenance(provenance(comparison.device))}\n`)
}

/** Which couplings each product leaves out; products that leave out the same ones share a line. */
function lossReport(results: Result[], allowed: number): string {
  const groups = new Map<string, Result[]>()
  for (const result of results) {
    const key = result.lost.join()
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  const lines = [...groups.values()].map((group) => {
    const titles = group.map(({ method }) => METHODS[method].title).join('; ')
    const [{ lost, method }] = group
    if (lost.length === 0) return `  nothing: ${titles}\n`
    const examples = lost.slice(0, 4).join(', ') + (lost.length > 4 ? ', ...' : '')
    const reason = METHODS[method].loss === undefined ? '' : `, for ${METHODS[method].loss}`
    return `  ${lost.length}${reason}: ${titles}\n    ${examples}\n`
  })
  return `Left out of the ${allowed} couplings that triangle and parity rule allow:\n${lines.join('')}`
}
