import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors, type Weights } from '../../lib/files/index.js'
import { Calculator, readModel } from '../../lib/mace/index.js'
import { writeXyz } from '../../lib/structures/index.js'
import { missing, temporary } from '../files/temporary.js'
import { largest } from '../mace/compare.js'
import { makeStructure } from '../mace/small.js'
import { hasMpi, mpirun } from '../runtime/mpi.js'
import { gauntlet } from './capture.js'
import { smallModel } from './models.js'

const MAIN = join(__dirname, '../../dist/cli/main.js')
const EPOCHS = 8

let config: string
beforeAll(async () => {
  const { model, weights } = await smallModel()
  const calculator = new Calculator(model, weights)
  const structures = Array.from({ length: 23 }, (_, n) => makeStructure(3 + (n % 6), 100 + n))
  const train = missing('.xyz')
  await writeXyz(
    train,
    structures.map((structure) => ({ ...structure, ...calculator.compute(structure) })),
  )
  config = missing('.json')
  const settings = {
    device: 'cpu',
    threads: 1,
    epochs: EPOCHS,
    batchSize: 5,
    learningRate: 0.02,
    averageDecay: 0.9,
    validateEvery: 2,
    data: { train, atomicEnergies: { H: -13, C: -1029, O: -2042 } },
    model: {
      hiddenIrreps: '2x0e+2x1o',
      mlpIrreps: '2x0e',
      maxEll: 2,
      correlation: 2,
      cutoff: 3,
      numBessel: 3,
      radialMlp: [4],
    },
    stageTwo: { start: 5 },
  }
  writeFileSync(config, JSON.stringify(settings))
})

/** What a training has written, without what was timed. */
interface Trained {
  weights: Buffer
  state: Weights
  /** Lines of epochs. */
  epochs: Record<string, unknown>[]
}

async function trained(output: string): Promise<Trained> {
  const epochs = readLog(output)
    .filter(({ kind }) => kind === 'epoch')
    .map((line) => ({ ...line, seconds: 0 }))
  const state = await readSafetensors(join(output, 'mace.state.safetensors'))
  const training = JSON.parse(state.metadata.get('training')!) as object
  state.metadata.set('training', JSON.stringify({ ...training, seconds: 0 }))
  return { weights: readFileSync(join(output, 'mace.safetensors')), state, epochs }
}

function readLog(output: string): Record<string, unknown>[] {
  const file = join(output, 'mace.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

function train(output: string, ...args: string[]): void {
  const all = [MAIN, 'train', '--config', config, '--output', output, ...args]
  const { status, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
}

describe('a training that is killed', () => {
  it('goes on with the same bits, at any instant', async () => {
    const whole = missing('')
    train(whole)
    const expected = await trained(whole)
    expect(expected.epochs).toHaveLength(EPOCHS)

    const output = missing('')
    // As many milliseconds after the line of an epoch: while its state is written, or in the epoch after it.
    for (const [n, pause] of [0, 1, 5].entries()) {
      const resume = existsSync(join(output, 'mace.state.safetensors')) ? ['--resume'] : []
      const child = spawn(process.execPath, [MAIN, 'train', '--config', config, '--output', output, ...resume])
      child.stdout.resume()
      child.stderr.resume()
      await untilEpoch(child, output, 2 * n + 1)
      await new Promise((resolve) => setTimeout(resolve, pause))
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    // As a process leaves it that is killed while it writes.
    const half = join(output, '.mace.state.safetensors.0123456789ab')
    writeFileSync(half, 'half')
    utimesSync(half, 0, 0)
    train(output, '--resume')
    expect(existsSync(half)).toBe(false)
    const resumed = await trained(output)
    expect(resumed.weights.equals(expected.weights)).toBe(true)
    expect(resumed.state).toEqual(expected.state)
    expect(resumed.epochs).toEqual(expected.epochs)
  })
})

describe('files of a training', () => {
  const start = (output: string, ...args: string[]) =>
    gauntlet('train', '--config', config, '--output', output, '--epochs', '6', ...args)

  it('are not written over unasked', async () => {
    const output = missing('')
    expect((await start(output)).status).toBe(0)
    const first = await trained(output)
    const { status, err } = await start(output)
    expect([status, err]).toEqual([1, expect.stringMatching(/there already: go on .*--resume.*--overwrite/) as string])
    expect(await trained(output)).toEqual(first)
    expect((await start(output, '--overwrite', '--seed', '2')).status).toBe(0)
    expect((await trained(output)).weights.equals(first.weights)).toBe(false)
    expect((await start(output, '--overwrite', '--resume')).status).toBe(2)
  })

  it('are one training alone', async () => {
    const output = missing('')
    const child = spawn(process.execPath, [MAIN, 'train', '--config', config, '--output', output, '--epochs', '100000'])
    child.stdout.resume()
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    await untilEpoch(child, output, 1)
    const state = join(output, 'mace.state.safetensors')
    // Now and then while it writes one itself, which it cannot see.
    while (child.exitCode === null) {
      writeFileSync(`${state}.copy`, 'of another')
      renameSync(`${state}.copy`, state)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(child.exitCode).toBe(1)
    expect(err).toContain(`Another training has written ${state}`)
  })

  it('go on under other names for the same settings and data, and under no others', async () => {
    const output = missing('')
    const settings = JSON.parse(readFileSync(config, 'utf8')) as { data: { train: string }; learningRate: number }
    expect((await start(output)).status).toBe(0)
    const resume = async (changed: object): Promise<string> => {
      const other = temporary(JSON.stringify(Object.fromEntries(Object.entries(changed).reverse())), '.json')
      return (await gauntlet('train', '--config', other, '--output', output, '--epochs', '7', '--resume')).err
    }
    const train = missing('.xyz')
    copyFileSync(settings.data.train, train)
    expect(await resume({ ...settings, data: { ...settings.data, train, test: train }, weightDecay: 5e-7 })).toContain(
      'epoch 6',
    )
    expect(await resume({ ...settings, learningRate: 0.03 })).toContain('another configuration or other data')
    writeFileSync(train, readFileSync(train, 'utf8').replace(/^C /m, 'O '))
    expect(await resume({ ...settings, data: { ...settings.data, train } })).toContain('another configuration')
  })

  it('get a log again that was lost, and no state that is damaged', async () => {
    const output = missing('')
    expect((await start(output)).status).toBe(0)
    rmSync(join(output, 'mace.jsonl'))
    expect((await start(output, '--resume')).status).toBe(0)
    expect(readLog(output).map(({ kind }) => kind)).toEqual(['start', 'end'])
    mkdirSync(join(output, 'mace.jsonl.folder'))
    renameSync(join(output, 'mace.jsonl'), join(output, 'mace.jsonl.old'))
    renameSync(join(output, 'mace.jsonl.folder'), join(output, 'mace.jsonl'))
    expect((await start(output, '--resume')).err).toContain('it is a directory')
    const state = join(output, 'mace.state.safetensors')
    writeFileSync(state, readFileSync(state, 'latin1').replace('averageUpdates', 'averageUpdat s'), 'latin1')
    expect((await start(output, '--resume')).err).toContain('is not the state of a training, or damaged')
  })
})

it.each([
  [
    'data without structures',
    { valid: '1\nProperties=species:S:1:pos:R:3 config_type=IsolatedAtom energy=1\nH 0 0 0\n' },
    /no isolated atoms for data.valid/,
  ],
  [
    'elements that are not trained on',
    { test: '1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\nBr 0 0 0 0 0 0\n' },
    /structure 1 \(Br\).*\(H, C, O\)/,
  ],
])('refuses %s', async (_, files, message) => {
  const [[name, text]] = Object.entries(files)
  const { status, err } = await gauntlet(
    'train',
    '--config',
    config,
    '--output',
    missing(''),
    '--set',
    `data.${name}=${temporary(text, '.xyz')}`,
  )
  expect([status, err]).toEqual([1, expect.stringMatching(message) as string])
})

it.each([
  [[], /--config or --data/],
  [['--config', 'x.json', '--set', 'x'], /KEY=VALUE/],
  [['--config', 'x.json', '--set', 'a.__proto__.b=3'], /KEY=VALUE/],
])('refuses %j', async (args, message) => {
  const { status, err } = await gauntlet('train', ...args)
  expect([status, err]).toEqual([2, expect.stringMatching(message) as string])
})

/** Waits until the log speaks of an epoch, or the process has ended. */
async function untilEpoch(child: ChildProcess, output: string, epoch: number): Promise<void> {
  while (child.exitCode === null && !readLog(output).some((line) => line.epoch === epoch)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

describe.skipIf(!hasMpi)('several processes (Debian: openmpi-bin)', () => {
  it('train one thing', () => {
    const each = [MAIN, 'train', '--config', config, '--output', missing('')]
    const { status, stderr } = mpirun(1, [...each, ':', '-n', '1', process.execPath, ...each, '--seed', '2'])
    expect(status).not.toBe(0)
    expect(stderr).toContain('the same configuration and the same data in all processes')
  })

  it.each([1, 2])('%i of them train as one does', async (processes) => {
    const alone = missing('')
    const shared = missing('')
    train(alone)
    const { status, stderr } = mpirun(processes, [MAIN, 'train', '--config', config, '--output', shared])
    expect(status, stderr).toBe(0)
    expect((await trained(shared)).epochs).toHaveLength(EPOCHS)
    const [a, b] = await Promise.all([alone, shared].map((folder) => readModel(join(folder, 'mace.safetensors'))))
    expect(b.model.configuration).toEqual(a.model.configuration)
    expect([...b.weights.keys()]).toEqual([...a.weights.keys()])
    // A gradient is a sum over structures, here in another order: some float32 roundings (1e-7) of it, of which Adam's 40 steps
    // of 0.02 make at most a few hundred times as much where second moments are small.
    for (const [name, weights] of a.weights) {
      expect(largest(b.weights.get(name)!, weights), name).toBeLessThan(processes === 1 ? 1e-30 : 1e-3)
    }
  })
})
