import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig, type TrainingConfig } from '../../lib/mace/config.js'
import type { LabelledStructure } from '../../lib/mace/dataset.js'
import type { Learner } from '../../lib/mace/learner.js'
import { Trainer } from '../../lib/mace/trainer.js'
import { readState, writeState } from '../../lib/mace/training-state.js'
import { ParameterSet } from '../../lib/nn/index.js'
import { Random } from '../../lib/o3/random.js'
import type { Communicator } from '../../lib/runtime/communicator.js'
import { DeviceArray } from '../../lib/runtime/device-array.js'

const alone: Communicator = {
  rank: 0,
  size: 1,
  localRank: 0,
  sum: () => undefined,
  broadcast: () => undefined,
  abort: () => undefined,
}

/** E = a * atoms, F = b * r: two numbers to learn. */
class TwoNumbers implements Learner<readonly LabelledStructure[]> {
  readonly parameters: ParameterSet

  constructor(a = 0, b = 0) {
    const values = Object.entries({ a, b })
    this.parameters = new ParameterSet(values.map(([name, value]) => ({ name, values: Float32Array.of(value) })))
  }

  prepare(structures: readonly LabelledStructure[]): readonly LabelledStructure[] {
    return structures
  }

  learn(...[structures, weights, counts]: Parameters<Learner<readonly LabelledStructure[]>['learn']>) {
    const [a, b] = numbers(this)
    let [loss, gradA, gradB] = [0, 0, 0]
    for (const { energy, forces, positions, numbers } of structures) {
      const error = a - energy / numbers.length
      loss += (weights.energy * error ** 2) / counts.structures
      gradA += (2 * weights.energy * error) / counts.structures
      forces.forEach((force, n) => {
        const off = b * positions[n] - force
        loss += (weights.forces * off ** 2) / (3 * counts.atoms)
        gradB += (2 * weights.forces * off * positions[n]) / (3 * counts.atoms)
      })
    }
    return { loss, gradient: this.parameters.from([Float32Array.of(gradA), Float32Array.of(gradB)]) }
  }

  predict(structures: readonly LabelledStructure[]) {
    const [a, b] = numbers(this)
    return {
      energies: Float64Array.from(structures, ({ numbers }) => a * numbers.length),
      forces: Float32Array.from(structures.flatMap(({ positions }) => [...positions].map((x) => b * x))),
    }
  }
}

function numbers({ parameters }: TwoNumbers, array = parameters.values): number[] {
  return [...parameters.read(array).values()].map(([value]) => value)
}

function data(count: number, seed: number): LabelledStructure[] {
  const random = new Random(seed)
  return Array.from({ length: count }, () => {
    const atoms = 2 + Math.floor(3 * random.uniform())
    const positions = random.normals(3 * atoms)
    const numbers = new Uint8Array(atoms).fill(1)
    return {
      ...{ numbers, positions, pbc: [false, false, false] },
      ...{ energy: -3 * atoms, forces: positions.map((x) => 0.7 * x), energyWeight: 1, forcesWeight: 1 },
      edges: atoms * (atoms - 1),
    }
  })
}

const [train, valid] = [data(23, 1), data(6, 2)]

function config(more: Record<string, unknown> = {}): TrainingConfig {
  return parseConfig({ data: { train: 'x.xyz' }, epochs: 12, batchSize: 5, learningRate: 0.2, ...more })
}

function run(trainer: Trainer<unknown>, epochs: number) {
  const reports = []
  for (let n = 0; n < epochs && !trainer.done; n++) reports.push(trainer.epoch())
  return reports
}

describe('Trainer', () => {
  it('finds what the data say', () => {
    const learner = new TwoNumbers()
    const trainer = new Trainer(learner, config({ epochs: 150 }), train, valid, alone)
    const reports = run(trainer, 150)
    expect(trainer.done).toBe(true)
    const last = reports.at(-1)!
    expect(last.valid!.loss).toBeLessThan(1e-4 * reports[0].valid!.loss)
    const [a, b] = numbers(learner, trainer.bestWeights())
    expect(a).toBeCloseTo(-3, 2)
    expect(b).toBeCloseTo(0.7, 2)
  })

  it('has a second stage with weights and a rate of its own', () => {
    const trainer = new Trainer(
      new TwoNumbers(),
      config({ stageTwo: { start: 8, learningRate: 0.03 }, averageDecay: 0.9 }),
      ...[train, valid, alone],
    )
    const reports = run(trainer, 12)
    expect(reports.map(({ stage }) => stage)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
    expect(reports.at(-1)!.rate).toBe(0.03)
    expect(reports[0].rate).toBe(0.2)
    expect(trainer.bestWeights(1)).not.toEqual(trainer.bestWeights(2))
  })

  it('stops where nothing improves any more', () => {
    const learner = new TwoNumbers(-3, 0.7)
    const settings = config({ learningRate: 1e-9, patience: 3, epochs: 100 })
    const trainer = new Trainer(learner, settings, train, valid, alone)
    // The first validation is the best, and float32 does not see steps of 1e-9.
    expect(run(trainer, 100)).toHaveLength(4)
    expect(trainer.done).toBe(true)
  })

  it('says what it can where the loss is no number', () => {
    const learner = new TwoNumbers(0, NaN)
    const trainer = new Trainer(learner, config(), train, valid, alone)
    expect(() => trainer.epoch()).toThrow(/Training diverged in epoch 0.*Parameters b are no numbers/)
  })

  it('keeps no weights whose validation is no number', () => {
    const learner = new TwoNumbers()
    const trainer = new Trainer(learner, config({ learningRate: 1e30, clip: null, batchSize: 23 }), train, valid, alone)
    const best = numbers(learner, trainer.bestWeights())
    learner.predict = ([...structures]) => ({
      energies: new Float64Array(structures.length).fill(NaN),
      forces: new Float32Array(0),
    })
    expect(() => trainer.epoch()).toThrow(/epoch 0: the loss of the validation is NaN.*largest parameter is 1.00e\+30/)
    expect(numbers(learner, trainer.bestWeights())).toEqual(best)
    expect(trainer.progress).toMatchObject({ epoch: 0 })
  })
})

describe('a state', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gauntlet-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('goes on with the same bits', async () => {
    const settings = config({
      epochs: 14,
      stageTwo: { start: 9 },
      averageDecay: 0.95,
      schedule: { kind: 'plateau', patience: 1 },
    })
    const make = (): Trainer<readonly LabelledStructure[]> =>
      new Trainer(new TwoNumbers(), settings, train, valid, alone)
    const whole = make()
    run(whole, 14)
    for (const stop of [1, 5, 9, 10, 13]) {
      const first = make()
      run(first, stop)
      const path = join(folder, 'state.safetensors')
      await writeState(path, first.progress, first.arrays, 'same')
      const second = make()
      second.restore(await readState(path, second.arrays, 'same'))
      run(second, 14 - stop)
      expect(second.arrays).toEqual(whole.arrays)
      expect({ ...second.progress, seconds: 0 }).toEqual({ ...whole.progress, seconds: 0 })
    }
  })

  it('is refused by another training, and in part', async () => {
    const trainer = new Trainer(new TwoNumbers(), config(), train, valid, alone)
    const path = join(folder, 'other.safetensors')
    await writeState(path, trainer.progress, trainer.arrays, 'one')
    await expect(readState(path, trainer.arrays, 'two')).rejects.toThrow('another configuration')
    const more = new Map(trainer.arrays).set('parameters/c', new Float32Array(1))
    await expect(readState(path, more, 'one')).rejects.toThrow('lacks 1 float32 numbers of parameters/c')
    expect((await readFile(path)).length).toBeGreaterThan(0)
  })
})

const copyOf = (array: Parameters<Communicator['sum']>[0]) =>
  array instanceof DeviceArray ? array.toArray() : array.slice()

it('does the same in two processes as in one', () => {
  // Two trainers in turn, each sum completed by the other: what allreduce does, in one process.
  const shares = [0, 1].map((rank) => {
    const learner = new TwoNumbers()
    const sums: (Float32Array | Float64Array)[] = []
    const processes: Communicator = { ...alone, rank, size: 2, sum: (array) => void sums.push(copyOf(array)) }
    new Trainer(learner, config({ epochs: 1, batchSize: 23 }), train, valid, processes).epoch()
    return sums
  })
  const single = new TwoNumbers()
  const sums: (Float32Array | Float64Array)[] = []
  const processes: Communicator = { ...alone, sum: (array) => void sums.push(copyOf(array)) }
  new Trainer(single, config({ epochs: 1, batchSize: 23 }), train, valid, processes).epoch()
  // Loss and gradients of the first batch, which is the epoch: rounding of float32 apart.
  for (let n = 0; n < 2; n++) {
    sums[n].forEach((value, i) => {
      const both = shares[0][n][i] + shares[1][n][i]
      expect(Math.abs(both - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value))
    })
  }
})
