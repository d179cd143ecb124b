import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Against, compareRuns } from '../../lib/cli/against.js'
import type { TimedRow } from '../../lib/cli/bench-file.js'
import { gauntlet } from './capture.js'

const SCRATCH = mkdtempSync(join(tmpdir(), 'gauntlet-against-'))
afterAll(() => {
  rmSync(SCRATCH, { recursive: true, force: true })
})

const PROVENANCE = {
  version: '0.0.9',
  compiler: 'GNU 1.2',
  node: '20.0.0',
  system: 'linux x64 6',
  processor: 'Abacus',
  cores: 4,
  isa: 'avx2',
  device: 'cpu',
  threads: 2,
  date: '2026-01-02T03:04:05.000Z',
}

function row(change: Partial<TimedRow> = {}, [p10, median, p90] = [0.9, 1, 1.1]): TimedRow {
  const cell = { method: 'grid', setting: 'mimo', lmax: 2, pass: 'forward', channels: 3, batch: 10 }
  return { ...cell, threads: 2, device: 'cpu', ...change, seconds: { p10, median, p90 } }
}

function write(name: string, content: unknown): string {
  const file = join(SCRATCH, name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

test.each<[string, [number, number, number], number, boolean]>([
  ['apart, slower', [1.2, 1.5, 1.7], 1.5, true],
  ['apart, faster', [0.3, 0.5, 0.8], 0.5, true],
  ['touching', [1.1, 1.5, 1.7], 1.5, false],
  ['inside', [0.95, 1.05, 1.08], 1.05, false],
])('a difference is one beyond the spread only where the deciles are %s', (_, times, ratio, beyondSpread) => {
  const { rows } = compareRuns({ file: 'old', provenance: PROVENANCE, rows: [row()] }, [row({}, times)])
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({ ratio, beyondSpread })
})

test('rows are matched by everything that is timed, and the others counted', () => {
  const earlier = [row(), row({ lmax: 3 }), row({ device: 'cuda:0', threads: 2 })]
  const others: Partial<TimedRow>[] = [
    { method: 'matrix' },
    { setting: 'siso' },
    { lmax: 4 },
    { pass: 'backward' },
    { channels: 4 },
    { batch: 11 },
    { threads: 1 },
    { device: 'cuda:1' },
  ]
  const later = [...others.map((other) => row(other)), row({ device: 'cuda:0', threads: 8 }), row()]
  const { rows, unmatched } = compareRuns({ file: 'old', provenance: PROVENANCE, rows: earlier }, later)
  // CPU threads do not tell runs on a GPU apart.
  expect(rows.map(({ device, threads }) => [device, threads])).toEqual([
    ['cuda:0', 8],
    ['cpu', 2],
  ])
  expect(unmatched).toEqual({ before: 1, after: others.length })
})

test('bench compares itself with what it has written, and two files with each other', async () => {
  const args = ['--lmax', '1', '--settings', 'mimo', '--methods', 'grid,matrix', '--channels', '3', '--batch', '5']
  const few = ['bench', ...args, '--seconds', '0.01', '--device', 'cpu', '--threads', '1']
  const first = write('first.json', (await gauntlet(...few, '--json')).out)
  // As if everything had been a thousand times faster before, on another machine, and with one row more.
  const stored = JSON.parse(readFileSync(first, 'utf8')) as { provenance: object; rows: TimedRow[] }
  const faster = stored.rows.map((one) => {
    const { p10, median, p90 } = one.seconds
    return { ...one, seconds: { p10: p10 / 1000, median: median / 1000, p90: p90 / 1000 } }
  })
  const before = write('before.json', { provenance: PROVENANCE, rows: [...faster, row({ lmax: 9 })] })

  const again = await gauntlet(...few, '--against', before, '--json')
  expect([again.status, again.err]).toEqual([0, ''])
  const { rows, against } = JSON.parse(again.out) as { rows: unknown[]; against: Against }
  expect(rows).toHaveLength(2)
  expect(against).toMatchObject({ file: before, provenance: PROVENANCE, unmatched: { before: 1, after: 0 } })
  expect(against.rows.map(({ method, beyondSpread }) => [method, beyondSpread])).toEqual([
    ['grid', true],
    ['matrix', true],
  ])
  for (const { ratio } of against.rows) expect(ratio).toBeGreaterThan(10)

  const files = ['bench', '--against', before, '--file', first]
  const text = (await gauntlet(...files)).out
  expect(text).toContain(`before, ${before}: gauntlet 0.0.9 (GNU 1.2) on Abacus (avx2, 2 of 4 cores)`)
  expect(text).toMatch(new RegExp(`^after, ${first}: gauntlet \\d`, 'm'))
  expect(text).toMatch(/^mimo +1 +grid +forward +3 +5 +1 +cpu .* 1000 +slower$/m)
  expect(text).toContain('2 rows compared: 0 faster, 2 slower, the others within the spread.')
  expect(text).toContain('Without a partner: 1 rows before, 0 after.')
  const swapped = JSON.parse((await gauntlet('bench', '--against', first, '--file', before, '--json')).out) as {
    against: Against
  }
  for (const { ratio } of swapped.against.rows) expect(ratio).toBeCloseTo(1e-3, 12)
  expect((await gauntlet(...files, '--csv')).out.trim().split('\n')).toHaveLength(3)
})

test.each<[string, unknown, RegExp]>([
  ['truncated.json', '{"provenance": {', /not one whole JSON document/],
  ['empty.json', '', /not one whole JSON document/],
  ['list.json', [], /Expected an object for its document but received an array of length 0/],
  ['foreign.json', { name: 'else' }, /Expected an object for provenance but received undefined; is it the output/],
  [
    'version.json',
    { provenance: { ...PROVENANCE, version: 1 } },
    /Expected text for provenance.version but received 1/,
  ],
  ['rows.json', { provenance: PROVENANCE, rows: {} }, /Expected a list for rows/],
  ['lmax.json', { provenance: PROVENANCE, rows: [row(), { ...row(), lmax: '2' }] }, /a number for rows\[1\].lmax/],
  ['time.json', { provenance: PROVENANCE, rows: [row({}, [0, 1, 2])] }, /positive number of seconds for .*seconds.p10/],
  ['twice.json', { provenance: PROVENANCE, rows: [row(), row()] }, /rows\[0\] and rows\[1\] time the same/],
])('%s is refused before anything is timed', async (name, content, message) => {
  const file = write(name, content)
  const { status, out, err, progress } = await gauntlet('bench', '--against', file, '--quick')
  expect([status, out, progress]).toEqual([1, '', []])
  expect(err).toContain(file)
  expect(err).toMatch(message)
})

test('a missing file and options that do not go together are errors', async () => {
  const missing = await gauntlet('bench', '--against', join(SCRATCH, 'none.json'))
  expect(missing).toMatchObject({ status: 1, out: '', err: expect.stringMatching(/Cannot read .*none.json/) as string })
  for (const args of [
    ['--file', 'a'],
    ['--json', '--csv'],
    ['--against', 'a', '--bars'],
    ['--against', 'a', '--dump-plan', 'b'],
  ]) {
    expect(await gauntlet('bench', ...args)).toMatchObject({ status: 2, out: '' })
  }
})
