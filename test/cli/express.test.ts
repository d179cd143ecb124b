import { expect, test } from 'vitest'
import type { ExpressivityCurve, Interaction } from '../../lib/analysis/index.js'
import { gauntlet } from './capture.js'

interface Document {
  in1: string
  in2: string
  out: string
  seed: number
  products: { method: string; expressivity: ExpressivityCurve; interactability: Interaction[] }[]
}

async function express(...args: string[]): Promise<Document> {
  const { status, out, err } = await gauntlet('express', ...args, '--json')
  expect([status, err]).toEqual([0, ''])
  return JSON.parse(out) as Document
}

test('every kind of product, with closed forms and reasons', async () => {
  const { in1, in2, out, products } = await express('--in1', '0e+1e+2e')
  expect([in1, in2, out]).toEqual(['1x0e+1x1e+1x2e', '1x0e+1x1e+1x2e', '1x0e+1x1e+1x2e+1x3e+1x4e'])
  const [full, gaunt, vector, matrix] = products
  expect(products.map(({ method }) => method)).toEqual(['cg-sparse', 'gaunt-sparse', 'vector-sparse', 'matrix'])
  // 19 paths, 14 of them even; one channel between layers reaches 4 lmax + 1 = 9 where paths are summed.
  expect(full.expressivity).toMatchObject({ mapSpace: 19, coupledSpace: 19, outputDimension: 81, enough: 1 })
  expect(gaunt.expressivity).toMatchObject({ mapSpace: 19, coupledSpace: 14, enough: 2 })
  for (const { expressivity } of [gaunt, vector, matrix]) expect(expressivity.points[0].reached).toBe(9)
  for (const { expressivity } of [vector, matrix]) expect(expressivity.coupledSpace).toBe(19)
  expect(vector.interactability).toEqual(full.interactability)
  const reasons = gaunt.interactability.flatMap(({ reason }) => reason ?? [])
  // 45 triples: 19 allowed, of which 5 odd.
  expect(gaunt.interactability).toHaveLength(45)
  expect(reasons.filter((reason) => reason.startsWith('triangle'))).toHaveLength(26)
  expect(reasons.filter((reason) => reason.startsWith('l1+l2+l3 is odd'))).toHaveLength(5)
})

test('given sides and methods, in tables', async () => {
  const args = ['--in1', '0o+3e', '--in2', '0o+5e+6e', '--out', '0e+3o+5e+6e', '--methods', 'grid,matrix']
  const { status, out, err, progress } = await gauntlet('express', ...args, '--table', '--most-channels', '1')
  expect([status, err]).toEqual([0, ''])
  expect(out).toMatch(
    /^1x0o\+1x3e x 1x0o\+1x5e\+1x6e -> 1x0e\+1x3o\+1x5e\+1x6e\n6 couplings of 56 numbers; .* 6 dimensions/,
  )
  // (3, 5, 5) is odd and has a 6j symbol of zero for matrices of degree 3.
  expect(out).toMatch(/^Gaunt, sphere grid +4 of 6 +4 of 6 /m)
  expect(out).toMatch(/^matrix product +5 of 6 +5 of 6 /m)
  expect(out).toContain('  1: the 6j symbol {l1 l2 l3; 3 3 3} vanishes\n    3e x 5e -> 5e\n')
  expect(out).toMatch(/^3e x 5e -> 6e +yes +yes$/m)
  expect(out).toMatch(/^3e x 5e -> 5e +- +-$/m)
  expect(progress.at(-1)).toBe('')
})

test('a product that is not wide enough yet says so', async () => {
  const { out } = await gauntlet('express', '--in1', '0e+1e', '--methods', 'matrix', '--most-channels', '1')
  expect(out).toMatch(/^matrix product +6 of 6 +6 of 6 +> 1 +\S+ +5$/m)
})

test.each([
  [['--in1', '1x'], 2, /--in1/],
  [['--out', '1o+?'], 2, /--out/],
  [['--methods', 'cg'], 2, /names out of cg-sparse/],
  [['--in1', '1o', '--out', '0e+5e'], 2, /irreps out of 1x0e.1x1e.1x2e, .*for --out but received "5e"/],
  [['--in1', '64x0e+64x1o', '--most-channels', '64'], 1, /Jacobian/],
])('express %j exits with %i', async (args, status, message) => {
  const result = await gauntlet('express', ...args)
  expect(result).toMatchObject({ status, out: '', err: expect.stringMatching(message) as string })
})
