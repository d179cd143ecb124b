import { Calculator } from '../mace/calculator.js'
import { Drift } from '../md/drift.js'
import { Dynamics } from '../md/dynamics.js'
import { GauntletError } from '../runtime/errors.js'
import { formula, type Structure, structuresOf, XyzAppender } from '../structures/index.js'
import { defineCommand, type Io } from './command.js'
import { digits, duration, scientific } from './format.js'
import { describeModel, loadModel, modelOptions } from './model.js'
import { decimal, flag, integer, text } from './options.js'

/** ASE's name of a column of momenta, in sqrt(eV dalton). */
const MOMENTA = 'momenta'

/** What is said of a moment. */
interface Row {
  /** fs */
  time: number
  /** eV */
  potential: number
  kinetic: number
  total: number
  /** K */
  temperature: number
}

interface Summary {
  steps: number
  /** Of all steps. */
  seconds: number
  nanosecondsPerDay: number
  /** K */
  meanTemperature: number
  /** eV/atom/ps, the slope of the total energy by least squares; without friction. */
  drift?: number
  /** eV/atom, from the start. */
  largestDeviation?: number
}

export const command = defineCommand({
  positionals: ['MODEL', 'STRUCTURE'],
  about: `Moves the atoms of a structure by a model's forces.

Without friction the energy is conserved (velocity Verlet), and the drift of the total energy is shown
at the end: it tells whether time step and precision do. With friction the structure is in a bath of
the temperature (Langevin, BAOAB). First velocities are Maxwell's at that temperature, or with
--continue those of the structure (momenta, as ASE writes them too). The structure is the first in its
file, with --continue the last, unless told; it repeats where the file says so, and coordinates are
never wrapped. Frames of the trajectory are written as they come, the last step's at the end.`,
  examples: [
    'gauntlet md mace.safetensors molecule.xyz --temperature 300 --timestep 0.5 --steps 10000 -o traj.xyz',
    'gauntlet md mace.safetensors liquid.xyz --temperature 350 --friction 0.01 --timestep 1 --steps 100000 --every 100',
    'gauntlet md mace.safetensors traj.xyz --continue --timestep 0.5 --steps 10000 -o traj2.xyz',
  ],
  options: {
    temperature: decimal('T', 'of first velocities and of the bath, K', { min: 0, max: 1e6, initial: 300 }),
    timestep: decimal('DT', 'fs', { min: 1e-6, max: 1000, initial: 0.5 }),
    steps: integer('N', 'how many', { min: 1, max: 1e12, initial: 1000 }),
    friction: decimal('G', '1/fs, of the bath; 0 for none', { min: 0, max: 1e3, initial: 0 }),
    every: integer('N', 'steps from one row, and one frame, to the next', { min: 1, max: 1e12, initial: 10 }),
    seed: integer('N', 'of velocities and bath', { min: 0, max: 2 ** 32 - 1, initial: 1 }),
    frame: integer('N', 'which structure of the file (1, or the last)', { min: 1, max: 1e12 }),
    continue: flag('go on with the velocities that the structure has'),
    out: { ...text('FILE', 'the trajectory, a new file of extended XYZ'), short: 'o' },
    ...modelOptions,
    json: flag('one JSON document instead of a table'),
  },
  run: async (values, [path, file], io) => {
    const { model, weights } = await loadModel(path, values)
    const structure = await readFrame(file, values.frame ?? (values.continue ? Infinity : 1))
    const momenta = values.continue ? momentaOf(structure, file) : undefined
    const field = new Calculator(model, weights, { precision: values.precision }).forceField(structure)
    const { temperature, timestep, friction, seed } = values
    const dynamics = new Dynamics(structure, field, { timestep, temperature, friction, seed, momenta })
    await using trajectory = values.out === undefined ? undefined : await XyzAppender.create(values.out)
    if (!values.json) {
      const kind = friction > 0 ? `a bath of ${temperature} K, friction ${friction}/fs` : 'constant energy'
      io.err(`${describeModel(model)}${formula(structure.numbers)}, ${kind}, steps of ${timestep} fs\n`)
      io.out(heading())
    }
    const rows: Row[] = []
    const show = async (): Promise<void> => {
      const row = rowOf(dynamics)
      if (values.json) rows.push(row)
      else io.out(line(row))
      await trajectory?.append(frameOf(structure, dynamics))
    }
    const summary = await simulate(dynamics, values, show, io)
    const { precision } = values
    const settings = { temperature, timestep, friction, seed, precision, device: model.device }
    if (values.json) io.out(`${JSON.stringify({ model: path, file, ...settings, rows, ...summary }, null, 2)}\n`)
    else io.err(describeSummary(summary))
    return 0
  },
})

/** @param frame its number from 1; Infinity for the last */
async function readFrame(file: string, frame: number): Promise<Structure> {
  let count = 0
  let last: Structure | undefined
  for await (const structure of structuresOf(file)) {
    if (++count === frame) return structure
    last = structure
  }
  if (frame === Infinity && last) return last
  throw new GauntletError('ERR_FILE', `${file} has ${count} structures: there is no structure ${frame}`)
}

function momentaOf({ properties }: Structure, file: string): Float64Array {
  const { columns, values } = properties?.get(MOMENTA) ?? {}
  if (columns === 3 && values instanceof Float64Array) return values
  throw new GauntletError('ERR_FILE', `${file}: the structure has no column ${MOMENTA}:R:3 to go on with`)
}

/** Makes all steps; `show` is called at the start and after every so many. */
async function simulate(
  dynamics: Dynamics,
  { steps, every, timestep, friction }: { steps: number; every: number; timestep: number; friction: number },
  show: () => Promise<void>,
  io: Io,
): Promise<Summary> {
  const atoms = dynamics.positions.length / 3
  const [energies, temperatures] = [new Drift(), new Drift()]
  const begin = rowOf(dynamics).total
  let largest = 0
  const add = (): void => {
    const { time, total, temperature } = rowOf(dynamics)
    energies.add(time / 1000, total)
    temperatures.add(time, temperature)
    largest = Math.max(largest, Math.abs(total - begin))
  }
  add()
  await show()
  let seconds = 0
  for (let step = 1; step <= steps; step++) {
    const start = performance.now()
    dynamics.step()
    seconds += (performance.now() - start) / 1000
    add()
    if (step % every === 0 || step === steps) await show()
    else if (step % 50 === 0) io.progress(`step ${step} of ${steps}`)
  }
  io.progress('')
  return {
    steps,
    seconds,
    nanosecondsPerDay: (steps * timestep * 1e-6 * 86400) / seconds,
    meanTemperature: temperatures.mean,
    // What a bath gives and takes is no drift.
    ...(friction === 0 && { drift: energies.slope / atoms, largestDeviation: largest / atoms }),
  }
}

function rowOf({ time, potentialEnergy, kineticEnergy, temperature }: Dynamics): Row {
  return {
    time,
    potential: potentialEnergy,
    kinetic: kineticEnergy,
    total: potentialEnergy + kineticEnergy,
    temperature,
  }
}

function frameOf(structure: Structure, dynamics: Dynamics): Structure {
  const { numbers, cell, pbc } = structure
  const { time, kineticEnergy, potentialEnergy, temperature } = dynamics
  const info = { time_fs: digitsOf(time), kinetic_energy: kineticEnergy, temperature }
  return {
    ...{ numbers, cell, pbc },
    positions: dynamics.positions,
    energy: potentialEnergy,
    forces: dynamics.forces,
    info: new Map(Object.entries(info).map(([key, value]) => [key, String(value)])),
    properties: new Map([[MOMENTA, { type: 'R', columns: 3, values: dynamics.momenta }]]),
  }
}

/** Rows are shown as they come, so widths are fixed. */
function heading(): string {
  return `${['time fs', 'potential eV', 'kinetic eV', 'total eV', 'T K'].map(cell).join('')}\n`
}

function line({ time, potential, kinetic, total, temperature }: Row): string {
  const texts = [digitsOf(time), potential.toFixed(5), kinetic.toFixed(5), total.toFixed(5), temperature.toFixed(1)]
  return `${texts.map(cell).join('')}\n`
}

/** Without the rounding of a product of steps and their length. */
function digitsOf(time: number): string {
  return String(Number(time.toFixed(4)))
}

function cell(text: string): string {
  return text.padStart(16)
}

function describeSummary({ steps, seconds, ...rest }: Summary): string {
  const { nanosecondsPerDay, meanTemperature, drift, largestDeviation } = rest
  const energy =
    drift === undefined || largestDeviation === undefined
      ? ''
      : `total energy: drift ${scientific(drift)} eV/atom/ps, at most ${scientific(largestDeviation)} eV/atom from the start\n`
  return (
    `mean temperature ${meanTemperature.toFixed(1)} K\n${energy}` +
    `${steps} steps, ${duration(seconds / steps)} each: ${digits(nanosecondsPerDay)} ns/day\n`
  )
}
