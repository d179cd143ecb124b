import { expect, test } from 'vitest'
import {
  choice,
  couplings,
  decimal,
  describeOptions,
  flag,
  integer,
  integers,
  names,
  parseOptions,
  suggest,
  text,
} from '../../lib/cli/options.js'

const options = {
  lmax: integers('LIST', 'degrees', { min: 0, max: 10 }),
  channels: integer('N', 'channels', { min: 1, max: 64, initial: 8 }),
  batch: integer('N', 'batch', { min: 1, max: 1e6 }),
  cutoff: decimal('R', 'cutoff', { min: 0.5, max: 10, initial: 5 }),
  kinds: names('LIST', 'kinds', ['grid', 'matrix', 'fourier'] as const),
  by: choice('WHAT', 'by', ['size', 'time'] as const),
  require: couplings('L1,L2,L3', 'required'),
  out: text('FILE', 'output'),
  json: flag('JSON'),
}

test('what is not given keeps its initial value', () => {
  expect(parseOptions([], options, [])).toEqual({
    values: {
      lmax: undefined,
      channels: 8,
      batch: undefined,
      cutoff: 5,
      kinds: ['grid', 'matrix', 'fourier'],
      by: 'size',
      require: [],
      out: undefined,
      json: false,
    },
    positionals: [],
  })
})

test('reads every kind of value, in any order, with words between', () => {
  const args = [
    'a.xyz',
    '--lmax',
    '1..3,8,2',
    '--json',
    '--channels=16',
    'b',
    '--cutoff',
    '2.5e0',
    '--kinds',
    'fourier,grid',
  ]
  const { values, positionals } = parseOptions(args, options, ['FILE', 'MORE'])
  expect(values).toMatchObject({
    lmax: [1, 2, 3, 8],
    channels: 16,
    cutoff: 2.5,
    kinds: ['fourier', 'grid'],
    json: true,
  })
  expect(positionals).toEqual(['a.xyz', 'b'])
})

test('an option that may be given several times keeps every value, in order', () => {
  const { require } = parseOptions(['--require', '1o,1y,1e', '--require=0e, 2e ,2e'], options, []).values
  expect(require.map((irreps) => irreps.join(' '))).toEqual(['1o 1o 1e', '0e 2e 2e'])
})

test.each([
  [['--channels', '8x'], /a whole number from 1 to 64 for --channels but received "8x"/],
  [['--channels', '8.0'], /a whole number/],
  [['--channels', ''], /a whole number/],
  [['--channels', '0x10'], /a whole number/],
  [['--channels', '0'], /from 1 to 64/],
  [['--channels=-3'], /from 1 to 64/],
  [['--channels', '1e1'], /a whole number/],
  [['--cutoff', '5A'], /a number from 0.5 to 10 for --cutoff but received "5A"/],
  [['--cutoff', 'Infinity'], /a number/],
  [['--cutoff', '.'], /a number/],
  [['--lmax', '1..'], /a whole number from 0 to 10/],
  [['--lmax', '1..2..3'], /numbers like 2,4,6 or 1..10/],
  [['--lmax', '3..1'], /a range that ascends/],
  [['--lmax', '1,,2'], /a whole number/],
  [['--lmax', '1..99'], /from 0 to 10/],
  [['--kinds', 'grid,dense'], /names out of grid, matrix, fourier for --kinds but received "dense"/],
  [['--by', 'mass'], /one of size, time for --by but received "mass"/],
  [['--require', '1o,1o'], /three irreps like 1o,1o,1e for --require but received "1o,1o"/],
  [['--require', '1o,1o,1e,1e'], /three irreps/],
  [['--require', '1o,1o,1e', '--require', '1o,1o,1x'], /^--require: /],
  [['--require', '1o,1o,2x1e'], /^--require: /],
  [['--require', '1o,,1e'], /^--require: /],
  [['--kind', 'grid'], /Unknown option --kind; did you mean --kinds\?/],
  [['--nothing-like-it'], /^Unknown option --nothing-like-it$/],
  [['--out'], /--out/],
  [['--json=yes'], /--json/],
  [['word'], /Unexpected argument "word"/],
])('refuses %j', (args, message) => {
  const expected = { code: 'ERR_ARGUMENT', message: expect.stringMatching(message) as string }
  expect(() => parseOptions(args, options, [])).toThrow(expect.objectContaining(expected) as Error)
})

test('a negative number is a value', () => {
  const signed = { ...options, shift: decimal('X', 'shift', { min: -5, max: 5, initial: 0 }) }
  expect(parseOptions(['--shift', '-2.5', '--json'], signed, []).values).toMatchObject({ shift: -2.5, json: true })
  expect(() => parseOptions(['--channels', '-1'], options, [])).toThrow('a whole number from 1 to 64 for --channels')
  expect(() => parseOptions(['--out', '--json'], options, [])).toThrow('ambiguous')
})

test('a missing word is named', () => {
  expect(() => parseOptions([], options, ['FILE'])).toThrow(/Missing argument FILE/)
})

test('suggests only what is near', () => {
  expect(suggest('bnech', ['bench', 'info'])).toBe('; did you mean bench?')
  expect(suggest('xyz', ['bench', 'info'])).toBe('')
})

test('the help lists every option with its initial value, within 100 columns', () => {
  const page = describeOptions({ ...options, long: flag('word '.repeat(60).trim()) })
  expect(page).toMatch(/--channels N +channels \(8\)/)
  expect(page).toMatch(/--by WHAT +by \(size\)/)
  expect(page).toMatch(/--kinds LIST +kinds: grid, matrix, fourier \(all\)/)
  for (const line of page.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
})
