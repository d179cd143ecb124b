import { expect, test } from 'vitest'
import { digits, duration, memory, percent, quantity, scientific } from '../../lib/cli/format.js'
import { planFile } from '../../lib/cli/plan-file.js'
import { csv, table, type Column } from '../../lib/cli/table.js'
import { summarize, time } from '../../lib/cli/timing.js'

const columns: Column<[string, number]>[] = [
  { title: 'name', align: 'left', cell: ([name]) => name },
  { title: 'n', cell: ([, n]) => String(n) },
]

test('a table lines up, and leaves no space at the ends of lines', () => {
  const rows: [string, number][] = [
    ['a', 1],
    ['longer', 12345],
  ]
  expect(table(rows, columns)).toBe('name        n\n------  -----\na           1\nlonger  12345\n')
  expect(table([['a', 1]], columns.slice(0, 1))).toBe('name\n----\na\n')
})

test('commas, quotes and line ends are quoted in CSV', () => {
  expect(csv([['a,"b"\nc', 1]], columns)).toBe('name,n\n"a,""b""\nc",1\n')
})

test('figures have three digits and the unit that suits', () => {
  expect([9.999e-6, 1.234e-3, 0.9999, 1, 60, 5e-10, 2.5e-8].map(duration)).toEqual([
    '10.0 us',
    '1.23 ms',
    '1.00 s',
    '1.00 s',
    '60.0 s',
    '0.500 ns',
    '25.0 ns',
  ])
  expect([0, 999, 70.8e9, 1.5e16].map((value) => quantity(value, 'B'))).toEqual(['0 B', '999 B', '70.8 GB', '15.0 PB'])
  expect([0, 1023, 2 ** 30].map(memory)).toEqual(['0 B', '1020 B', '1.00 GiB'])
  expect([123456, 0.0123, 1e-5, -2.5].map(digits)).toEqual(['123000', '0.0123', '1.0e-5', '-2.50'])
  expect(percent(0.256)).toBe('26%')
  expect(scientific(1.26e-7)).toBe('1.3e-7')
})

test('median and deciles are those of the sample', () => {
  expect(summarize([5, 1, 4, 2, 3])).toEqual({ median: 3, p10: 1.4, p90: 4.6, repetitions: 5 })
  expect(summarize([2, 1])).toEqual({ median: 1.5, p10: 1.1, p90: 1.9, repetitions: 2 })
})

test('timing warms up, then runs at least and at most as often as it is told', () => {
  const runs: number[] = []
  const { repetitions } = time((i) => runs.push(i), { budget: 0, least: 3 })
  expect(repetitions).toBe(3)
  expect(runs).toEqual([0, 1, 0, 1, 2])
  expect(time(() => undefined, { budget: 60, most: 7 }).repetitions).toBe(7)
})

test('a plan file holds what was put in, at the places that its reader expects', () => {
  const bytes = planFile({ integers: Int32Array.of(1, -2, 3), reals: Float64Array.of(0.5, -1e300) })
  expect(bytes.toString('latin1', 0, 4)).toBe('GPLN')
  expect([4, 8, 12, 16, 20, 24].map((at) => bytes.readInt32LE(at))).toEqual([2, 3, 2, 1, -2, 3])
  expect([28, 36].map((at) => bytes.readDoubleLE(at))).toEqual([0.5, -1e300])
  expect(bytes).toHaveLength(44)
})
