import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readStructures, writeXyz } from '../../lib/structures/index.js'
import { missing } from '../files/temporary.js'

const ROOT = join(__dirname, '../..')
const ETHANOL = join(ROOT, 'examples/ethanol_pbe.npz')
const SMALL = ['--hidden', '2x0e+2x1o', '--max-ell', '2', '--correlation', '2', '--epochs', '3', '--batch-size', '4']

function run(program: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(ROOT, program), ...args], { encoding: 'utf8' })
}

const bench = (...args: string[]) => run('bench/mace/products.mjs', [...SMALL, '--output', missing(''), ...args])

interface Result {
  counts: { train: number; valid: number; test: number; atoms: number }
  rows: {
    product: string
    energyMae: number
    forcesMae: number
    speedup: Record<string, number>
    runs: { seed: number; seconds: number[]; profile: Record<string, number> }[]
  }[]
}

function results(...args: string[]): Result {
  const output = missing('')
  const { status, stderr } = bench('--output', output, ...args)
  expect(status, stderr).toBe(0)
  return JSON.parse(readFileSync(join(output, 'results.json'), 'utf8')) as Result
}

describe('bench/mace/products.mjs', () => {
  it('has the errors of a training that takes no turns', () => {
    const output = missing('')
    const drawn = ['--train', '11', '--test', '5', '--seeds', '4,5', '--products', 'grid,cg', '--output', output]
    const { status, stdout, stderr } = bench(...drawn)
    expect(status, stderr).toBe(0)
    const { counts, rows } = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8')) as Result
    expect(counts).toMatchObject({ train: 10, valid: 1, test: 5, atoms: 90 })
    expect(rows.map(({ product }) => product)).toEqual(['grid', 'cg'])
    expect(stdout).toContain('| grid | ')
    const model = { hiddenIrreps: '2x0e+2x1o', maxEll: 2, correlation: 2 }
    const files = { train: join(output, 'train.xyz'), test: join(output, 'test.xyz') }
    const settings = { data: { ...files, atomicEnergies: 'average' }, model, epochs: 3, batchSize: 4, device: 'cpu' }
    const config = join(output, 'config.json')
    writeFileSync(config, JSON.stringify(settings))
    const errors = [4, 5].map((seed) => {
      const flags = ['--seed', String(seed), '--product', 'grid', '--threads', '1', '--output', output, '--overwrite']
      expect(run('dist/cli/main.js', ['train', '--config', config, ...flags]).status).toBe(0)
      const lines = readFileSync(join(output, 'mace.jsonl'), 'utf8').trim().split('\n')
      const end = JSON.parse(lines.at(-1)!) as { errors: { errors: { energyMae: number; forcesMae: number } }[] }
      return end.errors.at(-1)!.errors
    })
    // Float32 on one thread: the same bits.
    expect(rows[0].energyMae).toBe((errors[0].energyMae + errors[1].energyMae) / 2)
    expect(rows[0].forcesMae).toBe((errors[0].forcesMae + errors[1].forcesMae) / 2)
  })

  it('times every epoch but the first, and what it is spent on', () => {
    const { rows } = results('--train', '8', '--test', '2', '--seeds', '1', '--products', 'cg,gaunt-fourier')
    for (const { runs, speedup, product } of rows) {
      expect(runs[0].seconds).toHaveLength(2)
      const spent = Object.values(runs[0].profile).reduce((sum, seconds) => sum + seconds, 0)
      const mean = (runs[0].seconds[0] + runs[0].seconds[1]) / 2
      expect(spent).toBeGreaterThan(0)
      expect(spent).toBeLessThan(mean)
      expect(speedup[product]).toBe(1)
    }
    expect(rows[0].runs[0].profile).toHaveProperty('SymmetricContraction')
    expect(rows[1].runs[0].profile).toHaveProperty('GauntTensorProduct')
  })

  it("takes rMD17's splits, and a file of its own to test on", async () => {
    const [train, test, file] = [missing('.csv'), missing('.csv'), missing('.xyz')]
    writeFileSync(train, '0\n2\n4\n6\n8\n10\n')
    writeFileSync(test, '1\n3\n')
    const one = ['--seeds', '1', '--products', 'grid']
    expect(results('--data', ETHANOL, '--train', train, '--test', test, ...one).counts).toMatchObject({
      train: 5,
      valid: 1,
      test: 2,
    })
    await writeXyz(file, (await readStructures(ETHANOL)).slice(0, 3))
    expect(results('--train', '6', '--test', file, ...one).counts).toMatchObject({ train: 5, valid: 1, test: 3 })
  })

  it.each([
    [['--epochs', '1'], 'Expected an integer of at least 2 for --epochs but received "1"'],
    [['--seeds', '1,x'], 'Expected an integer of at least 0 for --seeds but received "x"'],
    [['--threads', '0'], 'Expected an integer of at least 1 for --threads'],
    [['--train', '300'], 'has 270 structures: fewer than --train and --test ask for'],
    [['--train', 'index_train_01.csv'], 'Expected splits for both --train and --test'],
    [['--products', 'cg,dense', '--train', '8'], 'Expected one of cg, gaunt-fourier, grid'],
    [['--data', 'none.xyz'], 'none.xyz'],
    [['--cutoff', 'far', '--train', '8'], 'for model.cutoff'],
  ])('refuses %j', (args, message) => {
    const { status, stderr, stdout } = bench(...args)
    expect(status).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('    at ')
  })

  it('says what it takes', () => {
    const { status, stderr } = bench('--fast')
    expect([status, stderr]).toEqual([2, expect.stringContaining('--fast') as string])
    const { status: helped, stdout } = bench('--help')
    expect([helped, stdout]).toEqual([0, expect.stringContaining('--products cg,grid') as string])
  })

  it('takes from a configuration what no option says', () => {
    const [config, output] = [missing('.json'), missing('')]
    writeFileSync(config, JSON.stringify({ epochs: 2, batchSize: 3, model: { hiddenIrreps: '3x0e', maxEll: 1 } }))
    const args = [
      '--config',
      config,
      '--correlation',
      '1',
      '--products',
      'cg',
      '--seeds',
      '1',
      '--train',
      '6',
      '--test',
      '2',
    ]
    expect(run('bench/mace/products.mjs', [...args, '--output', output]).status).toBe(0)
    const { settings } = JSON.parse(readFileSync(join(output, 'results.json'), 'utf8')) as {
      settings: { config: object }
    }
    const model = { hiddenIrreps: '3x0e', maxEll: 1, correlation: 1, cutoff: 5 }
    expect(settings.config).toMatchObject({ epochs: 2, batchSize: 3, model })
  })
})
