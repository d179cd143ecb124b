import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Measurement } from '../../lib/cli/bench-case.js'
import { faultsOf, parsePublished, type PublishedRow, type PublishedStudy } from '../../lib/cli/published.js'
import { gauntlet } from './capture.js'

const rows = parsePublished(readFileSync(join(__dirname, '../../bench/paper/times.csv'), 'utf8'))

/** The figures of one machine, setting and product at a batch of 10000, in microseconds. */
function times(machine: string, setting: string, product: string, degrees: number[]): (number | undefined)[] {
  return degrees.map((lmax) => {
    const found = rows.filter((row) => {
      return row.machine === machine && row.setting === setting && row.product === product && row.lmax === lmax
    })
    const one = found.find(({ batch }) => batch === 10_000)
    return one && Math.round(1e6 * one.seconds)
  })
}

test('the figures are those of the study', () => {
  // Read off the study's tables, each once: what was measured, never twice.
  expect(rows).toHaveLength(406)
  const keys = rows.map(({ machine, setting, product, lmax, batch }) => [machine, setting, product, lmax, batch].join())
  expect(new Set(keys).size).toBe(rows.length)
  const degrees = [2, 4, 6, 8, 10]
  const a100 = (product: string) => times('a100', 'mimo', product, degrees)
  expect(a100('GTP-grid')).toEqual([80, 149, 280, 501, 669])
  expect(a100('GTP-fourier')).toEqual([186, 918, 3338, 9198, undefined])
  expect(a100('Matrix-TP')).toEqual([171, 458, 2072, 4088, 7787])
  expect(a100('CGTP-dense')).toEqual([173, 617, undefined, 3129, 6093])
  expect(a100('CGTP-sparse')).toEqual([262, 864, undefined, undefined, undefined])
  expect(times('cpu', 'siso', 'CGTP-sparse', [1, 2, 3, 4])).toEqual([7, 312, 7, 594])
})

describe('known faults are said of the rows that have them', () => {
  const row: PublishedRow = { machine: 'rtx', setting: 'mimo', product: 'GTP-grid', lmax: 3, batch: 1, seconds: 1 }
  test.each<[Partial<PublishedRow>, RegExp]>([
    [{}, /^$/],
    [{ setting: 'siso', product: 'CGTP-dense' }, /^its output is empty/],
    [{ setting: 'siso', product: 'CGTP-dense', lmax: 4 }, /^$/],
    [{ setting: 'simo', product: 'CGTP-sparse' }, /^$/],
    [{ product: 'GTP-fourier' }, /^coefficients from a fixed 300x300 grid$/],
    [{ setting: 'simo', product: 'GTP-fourier' }, /^computes as for mimo.*; coefficients/],
    [{ product: 'VGTP-grid' }, /another map/],
    [{ machine: 'a100', product: 'CGTP-dense' }, /all paths/],
    [{ machine: 'a100', product: 'Matrix-TP' }, /^$/],
  ])('%j', (change, faults) => {
    expect(faultsOf({ ...row, ...change }).join('; ')).toMatch(faults)
  })
})

test.each([
  ['', /line 1/],
  ['machine,setting\n', /line 1/],
  ['machine,setting,product,lmax,batch,seconds\nabacus,mimo,GTP-grid,1,2,3\n', /line 2/],
  ['machine,setting,product,lmax,batch,seconds\ncpu,mimo,GTP-grid,1,2\n', /line 2/],
  ['machine,setting,product,lmax,batch,seconds\ncpu,mimo,GTP-grid,1,2,3\ncpu,mimo,GTP-grid,1,2,-3\n', /line 3/],
])('a file with anything else in it is refused: %j', (text, message) => {
  expect(() => parsePublished(text)).toThrow(message)
})

const few = ['--channels', '3', '--batch', '5', '--seconds', '0.01', '--device', 'cpu', '--threads', '1']

test('bench lays its rows beside them, sample by sample and by degrees of freedom', async () => {
  const args = ['bench', ...few, '--lmax', '2', '--settings', 'mimo,full', '--methods', 'cg-sparse,grid,vector']
  const { status, out } = await gauntlet(...args, '--passes', 'forward,backward', '--published', 'cpu,a100', '--json')
  expect(status).toBe(0)
  const run = JSON.parse(out) as { rows: Measurement[]; published: PublishedStudy }
  expect(Object.keys(run.published.machines)).toEqual(['cpu', 'a100'])
  // The study has neither gradients nor `full`.
  expect(run.published.rows.map(({ ours, published }) => [published.product, published.machine, ours.method])).toEqual([
    ['CGTP-sparse', 'cpu', 'cg-sparse'],
    ['CGTP-sparse', 'a100', 'cg-sparse'],
    ['GTP-grid', 'cpu', 'grid'],
    ['GTP-grid', 'a100', 'grid'],
    ['VGTP-grid', 'cpu', 'vector'],
  ])
  const [sparse, , grid, , vector] = run.published.rows
  // 3.68 ms and 1.89 ms for 10000 samples; 14 paths, and 4 lmax + 1.
  expect(sparse.published.secondsPerDegreeOfFreedom).toBeCloseTo(3.67767e-3 / 1e4 / 14, 15)
  expect(grid.published.secondsPerDegreeOfFreedom).toBeCloseTo(1.8866e-3 / 1e4 / 9, 15)
  expect(vector.published.secondsPerDegreeOfFreedom).toBeUndefined()
  const own = run.rows.find(({ method, setting, pass }) => `${method} ${setting} ${pass}` === 'grid mimo forward')!
  expect(grid.ours.secondsPerSample).toBeCloseTo(own.seconds.median / 15, 15)
  expect(grid.ratio! / (1.8866e-7 / (own.seconds.median / 15))).toBeCloseTo(1, 12)
})

test('an empty output has a time and no ratio; what has no partner is said', async () => {
  const args = ['bench', ...few, '--lmax', '1', '--methods', 'cg-sparse', '--published', 'cpu']
  const text = (await gauntlet(...args, '--settings', 'siso')).out
  expect(text).toContain('Another program on another machine with another batch')
  expect(text).toMatch(/CGTP-sparse +cpu +10000 +7\.00 us +\S+ +- +\| +cg-sparse .* - {2}its output is empty/)
  expect((await gauntlet(...args, '--settings', 'full')).out).toContain('Nothing there is the same as a row above.')
  const lines = (await gauntlet(...args, '--settings', 'siso', '--csv')).out.trim().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[1]).toMatch(
    /^siso,1,CGTP-sparse,cpu,10000,0.00000699759,,its output is empty: computes nothing,cg-sparse,/,
  )
})

test.each([
  [['--published', 'h100'], /names out of cpu, rtx, a100/],
  [['--published', 'cpu', '--against', 'a'], /--published goes with none/],
  [['--published', 'cpu', '--bars'], /--published goes with none/],
])('%j is refused', async (args, message) => {
  expect(await gauntlet('bench', ...args)).toMatchObject({ status: 2, err: expect.stringMatching(message) as string })
})
