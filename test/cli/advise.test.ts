import { describe, expect, test } from 'vitest'
import { type Criterion, eligible, type Offer, paretoFront, recommend } from '../../lib/cli/advice.js'
import type { Advice } from '../../lib/cli/advice-report.js'
import { METHOD_NAMES } from '../../lib/cli/methods.js'
import { Random } from '../../lib/o3/random.js'
import { gauntlet } from './capture.js'

/** An offer that takes `median` seconds, a hundredth more or less. */
function offer(change: Partial<Omit<Offer, 'seconds'>> & { median?: number }): Offer {
  const { median = 1, ...rest } = change
  return {
    ...{ method: 'grid', expressivity: 1, couplings: 6, lost: 0, missing: [] },
    ...rest,
    seconds: { median, p10: 0.99 * median, p90: 1.01 * median },
  }
}

const CG = offer({ method: 'cg-sparse', median: 30, expressivity: 19 })
const DENSE = offer({ method: 'cg-dense', median: 40, expressivity: 19 })
const GAUNT = offer({ method: 'gaunt-sparse', median: 9, expressivity: 9, lost: 5, missing: ['1o x 1o -> 1e'] })
const VECTOR = offer({ method: 'vector-sparse', median: 13, expressivity: 9 })
const SLOW = offer({ method: 'matrix', median: 30, expressivity: 12 })

describe('the front', () => {
  test('by hand', () => {
    const names = (offers: Offer[]) => paretoFront(offers).map(({ method }) => method)
    expect(names([CG, DENSE, GAUNT, VECTOR, SLOW])).toEqual(['cg-sparse', 'gaunt-sparse'])
    expect(names([DENSE, VECTOR, SLOW])).toEqual(['cg-dense', 'vector-sparse', 'matrix'])
    // The same twice: neither beats the other.
    expect(names([CG, { ...CG, method: 'grid' }])).toEqual(['cg-sparse', 'grid'])
    expect(names([])).toEqual([])
  })

  test('is what none beats, and beats all others', () => {
    const random = new Random(5)
    const beats = (a: Offer, b: Offer): boolean => {
      const [faster, richer] = [a.seconds.median - b.seconds.median, b.expressivity - a.expressivity]
      return faster <= 0 && richer <= 0 && (faster < 0 || richer < 0)
    }
    for (let n = 0; n < 200; n++) {
      const offers = Array.from({ length: 1 + (random.uint32() % 9) }, () => {
        return offer({ median: 1 + (random.uint32() % 5), expressivity: 1 + (random.uint32() % 5) })
      })
      const front = paretoFront(offers)
      expect(front.length).toBeGreaterThan(0)
      for (const one of offers) {
        expect(front.includes(one)).toBe(!offers.some((other) => beats(other, one)))
        expect(front.includes(one) || front.some((other) => beats(other, one))).toBe(true)
      }
    }
  })
})

describe('the recommendation', () => {
  const all = [DENSE, CG, GAUNT, VECTOR, SLOW]

  test.each<[Offer[], Criterion, string]>([
    [all, 'dof', 'vector-sparse'], // 13 / 9 < 30 / 19
    [[DENSE, CG, SLOW], 'dof', 'cg-sparse'],
    [all, 'time', 'vector-sparse'], // the faster one lacks a coupling
    [[CG, SLOW], 'time', 'cg-sparse'], // as fast, and more expressive
    [[SLOW, CG], 'time', 'cg-sparse'],
  ])('%# by %s is %s', (offers, by, method) => {
    expect(recommend(offers, by, ['1o x 1o -> 1e'])?.method).toBe(method)
  })

  test('gives its reason in one sentence', () => {
    expect(recommend([CG, VECTOR, GAUNT], 'dof', ['1o x 1o -> 1e'])?.sentence).toBe(
      'Take Gaunt and bracket, sparse (vector-sparse): 1.44 s for each degree of freedom, the least of 2 products ' +
        'with 1o x 1o -> 1e; it loses nothing and has 9 degrees of freedom.',
    )
    const { sentence } = recommend([{ ...GAUNT, missing: [] }, offer({ method: 'fourier', median: 9.1 })], 'time', [])!
    expect(sentence).toContain(
      'the least of 2 products (fourier: the same within the spread); it loses 5 of 6 couplings',
    )
    expect(recommend([DENSE, CG, SLOW, { ...VECTOR, expressivity: 4 }], 'dof', [])?.sentence).toMatch(
      /loses nothing and has 19 degrees of freedom, where the fastest \(vector-sparse\) takes 43% of its time and has 4\.$/,
    )
    expect(recommend([CG, GAUNT], 'time', ['1o x 1o -> 1e'])?.sentence).toContain('the only product here with 1o x 1o')
  })

  test('never lacks what is required, and is on the front of those that do not', () => {
    const random = new Random(6)
    for (let n = 0; n < 300; n++) {
      const offers = METHOD_NAMES.map((method) => {
        const missing = random.uint32() % 3 === 0 ? [] : ['0e x 0e -> 0e']
        return offer({ method, median: 1 + (random.uint32() % 4), expressivity: 1 + (random.uint32() % 4), missing })
      })
      for (const by of ['dof', 'time'] as const) {
        const found = recommend(offers, by, ['0e x 0e -> 0e'])
        if (eligible(offers).length === 0) expect(found).toBeUndefined()
        else expect(paretoFront(eligible(offers)).map(({ method }) => method)).toContain(found?.method)
      }
    }
  })
})

const few = ['--channels', '3', '--batch', '5', '--seconds', '0.01', '--device', 'cpu', '--threads', '1']

async function advise(...args: string[]): Promise<{ status: number; err: string; advice: Advice }> {
  const { status, out, err } = await gauntlet('advise', ...few, ...args, '--json')
  return { status, err, advice: JSON.parse(out) as Advice }
}

test('advise measures every candidate, and says what each loses', async () => {
  const { status, err, advice } = await advise('--lmax', '2')
  expect([status, err]).toEqual([0, ''])
  expect(String(advice.out)).toBe('1x0e+1x1o+1x1e+1x2o+1x2e+1x3o+1x3e+1x4e')
  expect(advice.candidates.map(({ method }) => method)).toEqual([...METHOD_NAMES])
  for (const { method, couplings, lost, expressivity, error, ...one } of advice.candidates) {
    const gaunt = ['gaunt-sparse', 'fourier', 'grid', 'grid-large'].includes(method)
    // 19 paths, 5 of them odd; 4 lmax + 1, or with the pseudo irreps 6 lmax.
    expect([couplings, lost.length], method).toEqual([19, gaunt ? 5 : 0])
    expect(lost.every(({ reason }) => reason?.startsWith('l1+l2+l3 is odd'))).toBe(true)
    expect(expressivity, method).toBe(method.startsWith('cg') ? 19 : gaunt ? 9 : 12)
    expect(error).toBeLessThan(2e-6)
    expect(one.seconds.median).toBeCloseTo(one.forward.median + one.backward.median, 15)
    expect((one.secondsPerDegreeOfFreedom * expressivity) / one.seconds.median).toBeCloseTo(1, 12)
    expect(one.forward.median).toBeGreaterThan(0)
  }
  const front = paretoFront(advice.candidates).map(({ method }) => method)
  expect(advice.candidates.filter(({ onFront }) => onFront).map(({ method }) => method)).toEqual(front)
  expect(front).toContain(advice.recommendation?.method)
})

test('what is required is had by what is recommended', async () => {
  const args = ['--in1', '0e+1o', '--require', '1o,1o,1e', '--require', '0e,1o,1o']
  const { status, advice } = await advise(...args, '--methods', 'gaunt-sparse,matrix', '--by', 'time')
  expect(status).toBe(0)
  expect(advice.required).toEqual(['1o x 1o -> 1e', '0e x 1o -> 1o'])
  expect(advice.candidates.map(({ missing }) => missing)).toEqual([['1o x 1o -> 1e'], []])
  expect(advice.candidates.map(({ onFront }) => onFront)).toEqual([false, true])
  expect(advice.recommendation?.method).toBe('matrix')
})

test('where no product has it, that is said, and the status is 1', async () => {
  const args = ['--in1', '0e+1o', '--require', '1o,1o,1e', '--methods', 'grid,fourier']
  const { status, err, advice } = await advise(...args)
  expect(status).toBe(1)
  expect(err).toBe('gauntlet advise: none of grid, fourier has 1o x 1o -> 1e\n')
  expect(advice.recommendation).toBeNull()
  const { out } = await gauntlet('advise', ...few, ...args)
  expect(out).toMatch(/^Gaunt, sphere grid +grid +5 of 6 .* 1o x 1o -> 1e$/m)
  expect(out).toContain('grid, fourier: lost are\n  1: l1+l2+l3 is odd')
  expect(out).toMatch(/\nNo product here has what is required.\n$/)
})

test('given sides; a product without any of them is none', async () => {
  const args = ['--in1', '1o', '--in2', '1o', '--out', '1e', '--methods', 'cg-sparse,grid']
  const { out, status } = await gauntlet('advise', ...few, ...args)
  expect(status).toBe(0)
  expect(out).toContain('3x1o x 3x1o -> 3x1e, 5 samples\n')
  expect(out).toContain('Without any coupling into these irreps: grid\n')
  expect(out).toMatch(/\nTake Clebsch-Gordan, sparse \(cg-sparse\): the only product here, at .*\n$/)
  const none = await gauntlet('advise', ...few, ...args, '--methods', 'grid')
  expect(none).toMatchObject({ status: 1, err: 'gauntlet advise: none of grid has a coupling into these irreps\n' })
})

test.each([
  [['--lmax', '1', '--in1', '0e'], /--lmax L stands for --in1/],
  [['--in1', '8x0e+8x1o'], /every irrep once, .*--channels.* for --in1 but received "8x0e\+8x1o"/],
  [['--in2', '0e+0e'], /every irrep once.* for --in2/],
  [['--in1', ''], /every irrep once.* for --in1/],
  [['--out', '5e'], /which the inputs reach for --out but received "5e"/],
  [['--require', '3o,1o,2e'], /3o x 1o -> 2e: --in1 has no 3o/],
  [['--in2', '0e', '--require', '1o,1o,2e'], /--in2 has no 1o/],
  [['--require', '0e,1o,2o'], /\|l1-l2\| <= l3 <= l1\+l2 does not hold/],
  [['--require', '1o,1o,1o'], /its parity is not that of the inputs together/],
  [['--out', '0e', '--require', '1o,1o,1e'], /--out has no 1e/],
  [['--require', '1o'], /three irreps like 1o,1o,1e/],
  [['--by', 'cost'], /one of dof, time/],
])('advise %j is refused before anything is measured', async (args, message) => {
  const result = await gauntlet('advise', ...args)
  expect(result).toMatchObject({ status: 2, out: '', progress: [], err: expect.stringMatching(message) as string })
})
