import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readSafetensors, type Weights } from '../../lib/files/index.js'
import { Calculator, readModel } from '../../lib/mace/index.js'
import { writeXyz } from '../../lib/structures/index.js'
import { missing } from '../files/temporary.js'
import { largest } from '../mace/compare.js'
import { makeStructure } from '../mace/small.js'
import { smallModel } from './models.js'

const MAIN = join(__dirname, '../../dist/cli/main.js')
const EPOCHS = 8
const found = spawnSync('mpirun', ['--version'], { encoding: 'utf8' })
const hasMpi = found.status === 0 && found.stdout.includes('Open MPI')

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
    ...{
      device: 'cpu',
      threads: 1,
      epochs: EPOCHS,
      batchSize: 5,
      learningRate: 0.02,
      averageDecay: 0.9,
      validateEvery: 2,
    },
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
    train(output, '--resume')
    const resumed = await trained(output)
    expect(resumed.weights.equals(expected.weights)).toBe(true)
    expect(resumed.state).toEqual(expected.state)
    expect(resumed.epochs).toEqual(expected.epochs)
  })
})

/** Waits until the log speaks of an epoch, or the process has ended. */
async function untilEpoch(child: ChildProcess, output: string, epoch: number): Promise<void> {
  while (child.exitCode === null && !readLog(output).some((line) => line.epoch === epoch)) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

describe.skipIf(!hasMpi)('several processes (Debian: openmpi-bin)', () => {
  it.each([1, 2])('%i of them train as one does', async (processes) => {
    const alone = missing('')
    const shared = missing('')
    train(alone)
    const args = ['--allow-run-as-root', '--oversubscribe', '-n', String(processes), process.execPath]
    const { status, stderr } = spawnSync('mpirun', [...args, MAIN, 'train', '--config', config, '--output', shared], {
      encoding: 'utf8',
    })
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
