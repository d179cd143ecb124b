import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Calculator } from '../../lib/mace/index.js'
import { BOLTZMANN } from '../../lib/md/dynamics.js'
import { readXyz, writeXyz } from '../../lib/structures/index.js'
import { missing, temporary } from '../files/temporary.js'
import { packageFolder } from '../lifecycle/child.js'
import { gauntlet } from './capture.js'
import { smallModel, someStructures } from './models.js'

interface Report {
  rows: { time: number; potential: number; kinetic: number; total: number; temperature: number }[]
  steps: number
  nanosecondsPerDay: number
  meanTemperature: number
  drift?: number
  largestDeviation?: number
}

let model: string
let structures: string
let calculator: Calculator
beforeAll(async () => {
  const made = await smallModel()
  model = made.path
  calculator = new Calculator(made.model, made.weights)
  structures = missing('.xyz')
  await writeXyz(structures, someStructures())
})

async function simulated(...args: string[]): Promise<Report> {
  const { status, out, err } = await gauntlet('md', model, structures, '--device', 'cpu', ...args, '--json')
  expect({ status, err }).toEqual({ status: 0, err: '' })
  return JSON.parse(out) as Report
}

describe('at constant energy', () => {
  test('the trajectory has what the table has, and forces that the model gives at its positions', async () => {
    const traj = missing('.xyz')
    // The third structure repeats along two vectors.
    const { rows, drift, largestDeviation, steps, nanosecondsPerDay } = await simulated(
      ...['--frame', '3', '--timestep', '0.25', '--steps', '25', '--every', '10', '-o', traj],
    )
    // The last state too, though no row is due.
    expect(rows.map(({ time }) => time)).toEqual([0, 2.5, 5, 6.25])
    expect(rows[0].temperature).toBeCloseTo(300, 9)
    expect(steps).toBe(25)
    expect(nanosecondsPerDay).toBeGreaterThan(0)
    const total = rows[0].total
    expect(largestDeviation! * 7).toBeGreaterThanOrEqual(
      Math.max(...rows.map((row) => Math.abs(row.total - total))) - 1e-9,
    )
    expect(Number.isFinite(drift)).toBe(true)
    const frames = await readXyz(traj)
    expect(frames).toHaveLength(4)
    expect(frames[0].positions).toEqual(someStructures()[2].positions)
    frames.forEach((frame, n) => {
      const { potential, kinetic, time } = rows[n]
      expect(frame.energy).toBe(potential)
      expect(frame.pbc).toEqual([true, true, false])
      expect(Number(frame.info!.get('kinetic_energy'))).toBe(kinetic)
      expect(Number(frame.info!.get('time_fs'))).toBe(time)
      const { energy, forces } = calculator.compute(frame)
      expect(energy).toBe(frame.energy)
      expect(forces).toEqual(frame.forces)
    })
    expect(frames[2].positions).not.toEqual(frames[0].positions)
  })

  test('the same seed moves atoms the same, another does not', async () => {
    const args = ['--steps', '5', '--every', '5']
    const [a, b, c] = [await simulated(...args), await simulated(...args), await simulated(...args, '--seed', '2')]
    expect(b.rows).toEqual(a.rows)
    expect(c.rows[1].kinetic).not.toBe(a.rows[1].kinetic)
  })

  test('a table on standard output, a summary beside it', async () => {
    const { status, out, err } = await gauntlet(
      'md',
      model,
      structures,
      '--steps',
      '4',
      '--every',
      '2',
      '--timestep',
      '0.1',
    )
    expect(status).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[0].trim().split(/ {2,}/)).toEqual(['time fs', 'potential eV', 'kinetic eV', 'total eV', 'T K'])
    expect(lines.slice(1).map((line) => line.trim().split(/ +/)[0])).toEqual(['0', '0.2', '0.4'])
    expect(err).toMatch(/constant energy, steps of 0.1 fs/)
    expect(err).toMatch(/total energy: drift .* eV\/atom\/ps, at most .* eV\/atom from the start/)
    expect(err).toMatch(/4 steps, .* each: .* ns\/day/)
  })
})

test('a bath brings atoms to its temperature, and has no drift', async () => {
  // An atom alone feels the bath only: at 0.1/fs and 4 fs its velocity is forgotten in ten steps.
  const args = ['--frame', '2', '--temperature', '500', '--friction', '0.1', '--timestep', '4', '--steps', '5000']
  const { meanTemperature, drift, rows } = await simulated(...args, '--every', '5000')
  expect(drift).toBeUndefined()
  // Three squares of normal numbers, independent every 1.25 steps or so: 1.3 % of noise; five times that.
  expect(Math.abs(meanTemperature / 500 - 1)).toBeLessThan(0.065)
  expect(rows[0].kinetic).toBeCloseTo((3 / 2) * BOLTZMANN * rows[0].temperature, 12)
})

describe('a trajectory', () => {
  test('goes on from its last frame as it would have gone on', async () => {
    const [whole, half, rest] = [missing('.xyz'), missing('.xyz'), missing('.xyz')]
    await simulated('--steps', '20', '--every', '10', '-o', whole)
    await simulated('--steps', '10', '--every', '5', '-o', half)
    const { status } = await gauntlet('md', model, half, '--continue', '--steps', '10', '--every', '10', '-o', rest)
    expect(status).toBe(0)
    const [wanted, found] = [(await readXyz(whole)).at(-1)!, (await readXyz(rest)).at(-1)!]
    // Momenta are rounded once on their way through the file.
    wanted.positions.forEach((x, n) => expect(Math.abs(found.positions[n] - x)).toBeLessThan(1e-10))
    const { status: refused, err } = await gauntlet('md', model, structures, '--continue')
    expect([refused, err]).toEqual([1, expect.stringContaining('no column momenta:R:3') as string])
  })

  test('is never written over by a second run', async () => {
    const traj = missing('.xyz')
    await simulated('--steps', '1', '-o', traj)
    const first = readFileSync(traj)
    const { status, err } = await gauntlet('md', model, structures, '--steps', '1', '-o', traj)
    expect(status).toBe(1)
    expect(err).toContain('there is such a file already')
    expect(readFileSync(traj).equals(first)).toBe(true)
  })

  test('is not begun where the first forces cannot be computed', async () => {
    const traj = missing('.xyz')
    const gold = temporary('1\n\nAu 0 0 0\n', '.xyz')
    const { status, err } = await gauntlet('md', model, gold, '-o', traj)
    expect(status).toBe(1)
    expect(err).toContain('an element that the model knows (H, C, O) for numbers[0] but received "Au"')
    expect(existsSync(traj)).toBe(false)
  })

  test('has whole frames of a run that is killed, all that it has printed but perhaps the last', async () => {
    const traj = missing('.xyz')
    const args = ['md', model, structures, '--steps', '1000000', '--every', '1', '--timestep', '0.01', '-o', traj]
    const child = spawn(process.execPath, [join(packageFolder, 'dist/cli/main.js'), ...args, '--device', 'cpu'])
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      if (out.split('\n').length > 30) child.kill('SIGKILL')
    })
    await once(child, 'close')
    const frames = await readXyz(traj)
    const times = out
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.trim().split(/ +/)[0]))
    expect(times.length).toBeGreaterThan(25)
    expect(frames.length).toBeGreaterThanOrEqual(times.length - 2)
    frames.forEach(({ info }, n) => expect(Number(info!.get('time_fs'))).toBeCloseTo(0.01 * n, 9))
  })
})

test.each([
  ['a frame that is not there', ['--frame', '4'], 1, /has 3 structures: there is no structure 4/],
  ['no steps', ['--steps', '0'], 2, /--steps/],
  ['a time step of no length', ['--timestep', '0'], 2, /--timestep/],
  ['a temperature below zero', ['--temperature', '-1'], 2, /--temperature/],
  ['a temperature that is no number', ['--temperature', 'NaN'], 2, /--temperature/],
  ['a folder that is not there', ['-o', 'no-such-folder/a.xyz'], 1, /there is no such folder/],
])('refuses %s', async (_, args, expectedStatus, message) => {
  const { status, err } = await gauntlet('md', model, structures, ...args)
  expect(status).toBe(expectedStatus)
  expect(err).toMatch(message)
})
