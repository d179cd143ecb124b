import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Measurement, usualBatch } from '../../lib/cli/bench-case.js'
import { setting, SETTING_NAMES } from '../../lib/cli/methods.js'
import { selftestCases } from '../../lib/cli/selftest.js'
import { cudaStatus } from '../../lib/runtime/index.js'
import { gauntlet } from './capture.js'

const ROOT = join(__dirname, '../..')
const EXAMPLE = join(ROOT, 'examples/ethanol_pbe.npz')
const ENTRY = join(ROOT, 'dist/cli/main.js')
const SCRATCH = mkdtempSync(join(tmpdir(), 'gauntlet-cli-'))
afterAll(() => {
  rmSync(SCRATCH, { recursive: true, force: true })
})

/** Resolves to the one JSON document that a command writes. */
async function json(...args: string[]): Promise<unknown> {
  const { status, out, err } = await gauntlet(...args, '--json')
  expect(err).toBe('')
  expect(status).toBe(0)
  return JSON.parse(out)
}

test('help is for standard output, and names every command', async () => {
  const { status, out, err } = await gauntlet('--help')
  expect([status, err]).toEqual([0, ''])
  for (const command of ['compare', 'bench', 'express', 'advise', 'selftest', 'info']) {
    expect(out).toContain(`  ${command}`)
    const page = await gauntlet(command, '--help')
    expect([page.status, page.err]).toEqual([0, ''])
    expect(page.out).toMatch(new RegExp(`^Usage: gauntlet ${command}.*\\n`))
    expect(page.out).toContain('Examples:')
  }
  expect((await gauntlet('--version')).out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  [[], /^Usage/],
  [['benhc'], /Unknown command "benhc"; did you mean bench\?\nTry `gauntlet --help`/],
  [['constructor'], /Unknown command/],
  [['bench', '--lmx', '3'], /--lmx; did you mean --lmax\?\nTry `gauntlet bench --help`/],
  [['bench', '--lmax', '3.5'], /whole number/],
  [['compare'], /Missing argument FILE/],
  [['compare', 'a.xyz', 'b.xyz'], /Unexpected argument "b.xyz"/],
  [['selftest', '--device', 'gpu'], /auto, cpu, cuda or cuda:N for --device but received "gpu"/],
  [['info', '--device', 'cpu'], /Unknown option --device/],
])('wrong arguments %j exit with 2 and a hint', async (args, message) => {
  const { status, out, err } = await gauntlet(...args)
  expect(status).toBe(2)
  expect(out).toBe('')
  expect(err).toMatch(message)
})

test('what cannot be done exits with 1 and says why', async () => {
  const missing = await gauntlet('compare', 'no-such-file.xyz')
  expect(missing).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/Cannot read no-such-file.xyz/) as string,
  })
  const index = cudaStatus().usable ? 'cuda:999' : 'cuda'
  const noGpu = await gauntlet('selftest', '--device', index)
  expect(noGpu).toMatchObject({
    status: 1,
    out: '',
    err: expect.stringMatching(/Expected (an NVIDIA GPU|a GPU of number)/) as string,
  })
})

test('info describes the build and every device', async () => {
  const { out } = await gauntlet('info')
  expect(out).toMatch(/^version +\d/)
  expect(out).toMatch(/^GPU +(none: .+|driver for CUDA .+)$/m)
  expect(await json('info')).toMatchObject({
    build: { napiVersion: expect.any(Number) as number },
    devices: expect.arrayContaining([expect.objectContaining({ id: 'cpu' })]) as unknown[],
    threads: expect.any(Number) as number,
  })
})

test('selftest passes on this machine, and repeats itself from its seed', async () => {
  const args = ['selftest', '--device', 'cpu', '--lmax', '0', '--seed', '7']
  const first = (await json(...args)) as {
    failed: number
    seed: number
    cases: { name: string; error: number; passed: boolean }[]
  }
  expect(first).toMatchObject({ failed: 0, seed: 7 })
  expect(first.cases).toHaveLength(2 * selftestCases({ lmax: 0, quick: false }).length)
  for (const { name, error, passed } of first.cases) {
    expect(passed, name).toBe(true)
    expect(error, name).toBeLessThan(2e-6)
  }
  // Different numbers come out of different seeds, the same out of the same: the inputs are what the seed says.
  const again = (await json(...args)) as typeof first
  expect(again.cases).toEqual(first.cases)
  const other = (await json(...args.slice(0, -1), '8')) as typeof first
  expect(other.cases.map(({ error }) => error)).not.toEqual(first.cases.map(({ error }) => error))
  const text = await gauntlet(...args)
  expect(text.out).toMatch(/^ok +\S+e-8 {2}/m)
  expect(text.out).toMatch(/\d+ cases, 0 failed; largest error \S+e-\d/)
})

test('bench reports every row that it was asked for, in three formats', async () => {
  const args = [
    'bench',
    '--lmax',
    '1,2',
    '--settings',
    'siso,mimo',
    '--methods',
    'cg-sparse,grid',
    '--channels',
    '3',
    '--batch',
    '10',
  ]
  const few = [...args, '--seconds', '0.01', '--device', 'cpu', '--threads', '1']
  const { rows, rates, provenance } = (await json(...few)) as {
    rows: Measurement[]
    rates: { threads: number; peakFlops: number; bandwidth: number; source: string }[]
    provenance: { threads: number; processor: string }
  }
  // The grid has no path 1o x 1o -> 1e.
  expect(rows.map(({ setting, lmax, method }) => `${setting} ${lmax} ${method}`)).toEqual([
    'siso 1 cg-sparse',
    'siso 2 cg-sparse',
    'siso 2 grid',
    'mimo 1 cg-sparse',
    'mimo 1 grid',
    'mimo 2 cg-sparse',
    'mimo 2 grid',
  ])
  for (const { fractionOfRoofline, error } of rows) {
    expect(fractionOfRoofline).toBeGreaterThan(0)
    expect(error).toBeLessThan(2e-6)
  }
  expect(rows.at(-1)!.paths).toBe(14)
  // One path of 1o x 1o, of 2e x 2e; the paths (l1, l2, l3) of mimo with an even sum and with each kept apart; l3 <= 2 lmax once.
  const kept = (lmax: number): number => {
    let sum = 0
    for (let l1 = 0; l1 <= lmax; l1++) {
      for (let l2 = 0; l2 <= lmax; l2++) for (let l3 = Math.abs(l1 - l2); l3 <= l1 + l2; l3 += 2) sum += 2 * l3 + 1
    }
    return sum
  }
  expect(rows.map(({ outputs }) => outputs)).toEqual([3, 5, 5, kept(1), 9, kept(2), 25])
  // One number where there is one path; the paths of Clebsch-Gordan; 4 lmax + 1 where they are summed.
  expect(rows.map(({ expressivity }) => expressivity)).toEqual([1, 1, 1, 5, 5, 14, 9])
  for (const { seconds, expressivity, secondsPerDegreeOfFreedom, launchSeconds, beyondLaunchSeconds } of rows) {
    expect((secondsPerDegreeOfFreedom * 10 * 3 * expressivity) / seconds.median).toBeCloseTo(1, 12)
    expect(launchSeconds).toBeGreaterThan(0)
    expect(beyondLaunchSeconds).toBe(Math.max(0, seconds.median - launchSeconds))
  }
  for (const { seconds, outputs, secondsPerOutput, achieved, floor, fractionOfRoofline } of rows) {
    expect((secondsPerOutput * 10 * 3 * outputs) / seconds.median).toBeCloseTo(1, 12)
    // The rate of the bounding resource over its peak is the fraction of the roofline.
    const fractions = [achieved.flopsPerSecond / rates[0].peakFlops, achieved.bytesPerSecond / rates[0].bandwidth]
    expect(fractions[floor.boundBy === 'operations' ? 0 : 1] / fractionOfRoofline).toBeCloseTo(1, 12)
    expect(Math.max(...fractions) / fractionOfRoofline).toBeCloseTo(1, 12)
  }
  expect(provenance.threads).toBe(1)
  expect(rates.map(({ threads, source }) => [threads, source])).toEqual([[1, 'measured']])
  const fewer = [
    'bench',
    '--lmax',
    '1',
    '--settings',
    'simo',
    '--methods',
    'grid',
    '--batch',
    '9',
    '--quick',
    '--device',
    'cpu',
  ]
  const commas = (await gauntlet(...fewer, '--csv')).out.trim().split('\n')
  expect(commas).toHaveLength(2)
  expect(commas[1].split(',')).toHaveLength(commas[0].split(',').length)
  expect((await gauntlet(...fewer)).out).toMatch(
    /at best .*flop\/s, .*B\/s \(measured, \d+ thread\(s\)\)[^]*\nsimo +1 +grid +forward +2 +9 /,
  )
  const titles = (text: string): string => text.split('\n').find((line) => line.startsWith('setting'))!
  expect(titles((await gauntlet(...fewer)).out)).toMatch(/outputs +expressivity .* launch .* ns\/dof +of roofline$/)
  expect(titles((await gauntlet(...fewer, '--wide')).out)).toMatch(/ns\/dof +of roofline +ns\/output .* error$/)
})

test('bench sweeps channels, batches and threads in every combination', async () => {
  const lists = ['--channels', '1,3', '--batch', '4,2', '--threads', '1..2']
  const args = ['--lmax', '1', '--settings', 'mimo', '--methods', 'grid', ...lists, '--seconds', '0.01']
  const { rows, rates, provenance } = (await json('bench', ...args, '--device', 'cpu')) as {
    rows: Measurement[]
    rates: { threads: number; bandwidth: number; peakFlops: number }[]
    provenance: { threads: number }
  }
  const one = [
    [1, 2],
    [1, 4],
    [3, 2],
    [3, 4],
  ]
  expect(rows.map(({ threads, channels, batch }) => [threads, channels, batch])).toEqual([
    ...one.map((sizes) => [1, ...sizes]),
    ...one.map((sizes) => [2, ...sizes]),
  ])
  expect(rates.map(({ threads }) => threads)).toEqual([1, 2])
  expect(provenance.threads).toBe(2)
  for (const { threads, channels, batch, floor, seconds, fractionOfRoofline } of rows) {
    // 4 and 4 numbers in, 9 out; held against what the same threads can do.
    expect(floor.bytes).toBe(4 * 17 * channels * batch)
    const { bandwidth, peakFlops } = rates[threads - 1]
    const least = Math.max(floor.bytes / bandwidth, floor.flops / peakFlops)
    expect(fractionOfRoofline / (least / seconds.median)).toBeCloseTo(1, 12)
  }
})

test('bench times gradients too, and checks all of their results', async () => {
  const args = [
    '--lmax',
    '2',
    '--settings',
    'mimo',
    '--methods',
    'gaunt-sparse,vector',
    '--channels',
    '3',
    '--batch',
    '5',
  ]
  const passes = ['forward', 'backward', 'doubleBackward']
  const { status, out } = await gauntlet(
    'bench',
    ...args,
    '--passes',
    passes.join(),
    '--quick',
    '--device',
    'cpu',
    '--json',
  )
  expect(status).toBe(0)
  const { rows } = JSON.parse(out) as {
    rows: { pass: string; error: number; floor: { flops: number; bytes: number } }[]
  }
  expect(rows.map(({ pass }) => pass)).toEqual([...passes, ...passes])
  for (const { error } of rows) expect(error).toBeLessThan(2e-6)
  // 3 channels of 5 samples of 9 and 9 numbers in, 25 out.
  expect(rows.slice(0, 3).map(({ floor }) => floor.bytes / (4 * 3 * 5))).toEqual([
    9 + 9 + 25,
    4 * 9 + 25,
    6 * 9 + 2 * 25,
  ])
})

test('the usual batch fits in memory whatever the size', () => {
  for (const name of SETTING_NAMES) {
    for (const lmax of [1, 6]) {
      const batch = usualBatch(setting(name, lmax, 64), 64)
      expect(batch).toBeGreaterThanOrEqual(1)
      expect(batch).toBeLessThanOrEqual(4000)
    }
  }
  expect(usualBatch(setting('mimo', 2, 1), 1)).toBe(256000)
})

test('bench writes plans that gauntlet_bench can be given', async () => {
  const folder = join(SCRATCH, 'plans')
  const args = ['--lmax', '2', '--settings', 'mimo', '--methods', 'grid,matrix', '--channels', '4', '--batch', '9']
  const { status, out } = await gauntlet('bench', '--dump-plan', folder, '--device', 'cpu', ...args)
  expect(status).toBe(0)
  expect(readdirSync(folder).sort()).toEqual(['grid-mimo-l2-c4.plan', 'matrix-mimo-l2-c4.plan'])
  expect(out).toBe(
    ['grid', 'matrix'].map((name) => `gauntlet_bench ${join(folder, name)}-mimo-l2-c4.plan --batch 9\n`).join(''),
  )
  expect(await gauntlet('bench', '--dump-plan', EXAMPLE, ...args)).toMatchObject({
    status: 1,
    err: expect.stringMatching(/Cannot write/) as string,
  })
})

interface Compared {
  atoms: number
  couplings: string[]
  products: {
    method: string
    equivarianceError: number
    coupled: number
    lost: string[]
    outputDimension: number
  }[]
}

test('compare says what each product couples, loses and keeps equivariant', async () => {
  const { atoms, couplings, products } = (await json(
    'compare',
    EXAMPLE,
    '--frames',
    '3',
    '--lmax',
    '2',
    '--channels',
    '4',
    '--device',
    'cpu',
  )) as Compared
  expect(atoms).toBe(27)
  expect(couplings).toHaveLength(19)
  const losses = Object.fromEntries(products.map(({ method, lost }) => [method, lost]))
  const antisymmetric = ['1o x 1o -> 1e', '1o x 2e -> 2o', '2e x 1o -> 2o', '2e x 2e -> 1e', '2e x 2e -> 3e']
  expect(losses).toEqual({
    'cg-sparse': [],
    'cg-dense': [],
    'gaunt-sparse': antisymmetric,
    fourier: antisymmetric,
    grid: antisymmetric,
    'grid-large': antisymmetric,
    vector: [],
    'vector-sparse': [],
    matrix: [],
  })
  for (const { method, equivarianceError, coupled, lost, outputDimension } of products) {
    // Float32 inputs and sums; a wrong sign or a wrong grid is beyond 1e-2.
    expect(equivarianceError, method).toBeLessThan(2e-6)
    expect(equivarianceError, method).toBeGreaterThan(0)
    expect(coupled + lost.length, method).toBe(19)
    expect(outputDimension % 4, method).toBe(0)
  }
})

test('compare reads periodic structures and prints a table', async () => {
  const { writeFileSync } = await import('node:fs')
  const file = join(SCRATCH, 'salt.extxyz')
  writeFileSync(file, '2\nLattice="0 2.8 2.8 2.8 0 2.8 2.8 2.8 0" pbc="T T T"\nNa 0 0 0\nCl 2.8 2.8 2.7\n')
  const { status, out, err, progress } = await gauntlet(
    'compare',
    file,
    '--lmax',
    '1',
    '--channels',
    '2',
    '--methods',
    'grid,matrix',
    '--device',
    'cpu',
  )
  expect([status, err]).toEqual([0, ''])
  expect(out).toMatch(/salt.extxyz: 1 structures of ClNa, 2 atoms with \d+\.\d neighbours each/)
  expect(out).toMatch(/^Gaunt, sphere grid +5 of 6 /m)
  expect(out).toMatch(/^matrix product +6 of 6 /m)
  expect(out).toContain('  1, for odd l1 + l2 + l3: Gaunt, sphere grid\n    1o x 1o -> 1e\n')
  expect(out).toContain('  nothing: matrix product\n')
  expect(progress.at(-1)).toBe('')
})

test('the installed command keeps JSON pure, shows no progress in a pipe and ends with the right status', () => {
  const args = ['compare', EXAMPLE, '--frames', '2', '--lmax', '1', '--methods', 'grid', '--device', 'cpu', '--json']
  const run = spawnSync(process.execPath, [ENTRY, ...args], { encoding: 'utf8' })
  expect(run.stderr).toBe('')
  expect(run.status).toBe(0)
  expect(JSON.parse(run.stdout)).toMatchObject({ atoms: 18 })
  expect(spawnSync(process.execPath, [ENTRY, 'bench', '--nope'], { encoding: 'utf8' }).status).toBe(2)
  expect(spawnSync(process.execPath, [ENTRY, 'compare', 'nope.xyz'], { encoding: 'utf8' }).status).toBe(1)
})

test('a reader that leaves early is no error', () => {
  const command = `"${process.execPath}" "${ENTRY}" selftest --lmax 0 --device cpu | head -n 1; echo "\${PIPESTATUS[0]}"`
  const lines = execFileSync('bash', ['-c', command], { encoding: 'utf8' }).trim().split('\n')
  expect(lines.at(-1)).toBe('0')
})
