import { devices, getNumThreads, measureMachine, type CudaDevice, type DeviceOption } from '../runtime/index.js'
import { compareRuns, comparisonTable, type EarlierRun, readRun } from './against.js'
import { runBars } from './bars.js'
import { measure, type BenchCase, type Measurement } from './bench-case.js'
import { defineCommand, type Io } from './command.js'
import { chooseDevice, deviceOptions } from './device.js'
import { fitGrowth, type Growth } from './growth.js'
import { digits, duration, percent, quantity, scientific } from './format.js'
import { describeProvenance, nominalRates, provenance } from './machine.js'
import { METHOD_NAMES, SETTING_MEANINGS, SETTING_NAMES } from './methods.js'
import { flag, integer, integers, decimal, names, text } from './options.js'
import { PASS_NAMES } from './passes.js'
import { dumpPlans } from './plan-file.js'
import { couples } from './selftest-cases.js'
import { csv, table, type Column } from './table.js'

export const command = defineCommand({
  positionals: [],
  about: `Times every product, one call on a batch of samples, and compares with what the machine can do: the
roofline, from the peak rate of multiply-adds and the bandwidth of a large copy, both measured at the start
(on a GPU: from its data sheet), and the fewest operations and bytes that each method needs. Inputs and
outputs are larger than the caches; the result of every product is checked on one sample first.

Settings:
${SETTING_NAMES.map((name) => `  ${name.padEnd(6)}${SETTING_MEANINGS[name]}`).join('\n')}

Channel u of one input meets channel u of the other.`,
  examples: [
    'gauntlet bench --lmax 2,4,6 --settings mimo --methods grid,cg-sparse',
    'gauntlet bench --threads 1 --json > results.json',
    'gauntlet bench --bars',
  ],
  options: {
    lmax: integers('LIST', 'degrees, as 2,4,6 or 1..10 (1..10)', { min: 0, max: 10 }),
    channels: integer('N', 'channels of every irrep', { min: 1, max: 4096, initial: 64 }),
    batch: integer('N', 'samples (as many as fit in 256 MiB and 4 Gflop, at most 256000 / channels)', {
      min: 1,
      max: 1e7,
    }),
    methods: names('LIST', 'methods', METHOD_NAMES),
    settings: names('LIST', 'settings', SETTING_NAMES),
    passes: names('LIST', 'passes', PASS_NAMES, ['forward']),
    ...deviceOptions,
    seconds: decimal('S', 'time for each row, about', { min: 0.01, max: 600, initial: 0.5 }),
    quick: flag('lmax 1..3 unless told, 0.1 s for each row'),
    bars: flag('measure what this package promises of its speed, and nothing else (CPU)'),
    against: text('FILE', 'compare with an earlier run, as --json wrote it'),
    'dump-plan': text('DIR', 'write the plans of all rows to DIR, for gauntlet_bench, and time nothing'),
    json: flag('one JSON document instead of a table'),
    csv: flag('comma-separated values instead of a table'),
  },
  run: (values, _, io) => {
    const device = values.bars ? chooseDevice({ ...values, device: 'cpu' }) : chooseDevice(values)
    const budget = values.quick ? Math.min(0.1, values.seconds) : values.seconds
    if (values.bars) return runBars(io, { budget, json: values.json })
    const { channels, batch } = values
    const degrees = values.lmax ?? Array.from({ length: values.quick ? 3 : 10 }, (_, i) => i + 1)
    const cells = values.settings.flatMap((setting) =>
      degrees.flatMap((lmax) =>
        values.methods
          .filter((method) => couples(method, setting, lmax))
          .flatMap((method) =>
            values.passes.map((pass): BenchCase => ({ method, setting, lmax, channels, batch, pass })),
          ),
      ),
    )
    if (values['dump-plan'] !== undefined) return dumpPlans(values['dump-plan'], cells, device, io)
    const earlier = values.against === undefined ? undefined : readRun(values.against)
    io.progress('what the machine can do')
    const rates = ratesOf(device)
    const rows: Measurement[] = []
    for (const cell of cells) {
      io.progress(
        `${rows.length + 1} of ${cells.length}: ${cell.method} ${cell.setting} lmax ${cell.lmax} ${cell.pass}`,
      )
      rows.push(measure(cell, { device, budget, rates }))
    }
    io.progress('')
    report(io, values, rates, rows, device, earlier)
    return 0
  },
})

export interface Rates {
  peakFlops: number
  bandwidth: number
  source: 'measured' | 'data sheet'
}

export function ratesOf(device: DeviceOption): Rates {
  const gpu = devices().find((one): one is CudaDevice => one.id === device && one.kind === 'cuda')
  if (gpu) return { ...nominalRates(gpu), source: 'data sheet' }
  return { ...measureMachine({ threads: getNumThreads() }), source: 'measured' }
}

function report(
  io: Io,
  { json, csv: commas }: { json: boolean; csv: boolean },
  rates: Rates,
  rows: readonly Measurement[],
  device: DeviceOption,
  earlier: EarlierRun | undefined,
): void {
  const from = provenance(device)
  const growth = fitGrowth(rows)
  const against = earlier && { provenance: earlier.provenance, ...compareRuns(rows, earlier) }
  if (json) {
    io.out(`${JSON.stringify({ provenance: from, rates, rows, growth, against }, null, 2)}\n`)
  } else if (commas) {
    io.out(csv(rows, plainColumns))
  } else {
    const peaks = `${quantity(rates.peakFlops, 'flop/s')}, ${quantity(rates.bandwidth, 'B/s')} (${rates.source})`
    io.out(`${describeProvenance(from)}\nat best ${peaks}\n\n${table(rows, columns)}`)
    if (growth.length > 0) io.out(`\nTime grows as (lmax + 1)^n:\n\n${table(growth, growthColumns)}`)
    if (against) {
      const { provenance: before, compared, without } = against
      io.out(`\nAgainst ${before.date}: ${describeProvenance(before)}\n\n${comparisonTable(compared)}`)
      if (without > 0) io.out(`${without} rows are not in that run, or with another batch.\n`)
    }
  }
}

/** Seconds. */
function perChannel({ seconds, batch, channels }: Measurement): number {
  return seconds.median / (batch * channels)
}

/** `+12%` */
function change(value: number, base: number): string {
  const points = Math.round(100 * (value / base - 1))
  return `${points < 0 ? '' : '+'}${points}%`
}

const growthColumns: Column<Growth>[] = [
  { title: 'setting', align: 'left', cell: (row) => row.setting },
  { title: 'method', align: 'left', cell: (row) => row.method },
  { title: 'pass', align: 'left', cell: (row) => row.pass },
  { title: 'lmax', cell: (row) => `${row.from}..${row.to}` },
  { title: 'n', cell: (row) => row.exponent.toFixed(1) },
  { title: 'operations', cell: (row) => `${row.theory}` },
]

/** For people. */
const columns: Column<Measurement>[] = [
  { title: 'setting', align: 'left', cell: (row) => row.setting },
  { title: 'lmax', cell: (row) => `${row.lmax}` },
  { title: 'method', align: 'left', cell: (row) => row.method },
  { title: 'pass', align: 'left', cell: (row) => row.pass },
  { title: 'paths', cell: (row) => `${row.paths}` },
  { title: 'batch', cell: (row) => `${row.batch}` },
  { title: 'median', cell: (row) => duration(row.seconds.median) },
  {
    title: 'p10 .. p90',
    cell: ({ seconds: { p10, median, p90 } }) => `${change(p10, median)} .. ${change(p90, median)}`,
  },
  { title: 'ns/channel', cell: (row) => digits(1e9 * perChannel(row)) },
  { title: 'outputs', cell: (row) => `${row.outputs}` },
  { title: 'ns/output', cell: (row) => digits((1e9 * perChannel(row)) / row.outputs) },
  { title: 'flops', cell: (row) => quantity(row.cost.flops, '') },
  { title: 'bytes', cell: (row) => quantity(row.cost.bytes, 'B') },
  { title: 'floor', cell: (row) => duration(row.floor.seconds) },
  { title: 'bound by', align: 'left', cell: (row) => row.floor.boundBy },
  { title: 'of roofline', cell: (row) => percent(row.fractionOfRoofline) },
  { title: 'error', cell: (row) => scientific(row.error) },
]

/** For programs: base units, all digits. */
const plainColumns: Column<Measurement>[] = [
  { title: 'setting', cell: (row) => row.setting },
  { title: 'lmax', cell: (row) => String(row.lmax) },
  { title: 'method', cell: (row) => row.method },
  { title: 'pass', cell: (row) => row.pass },
  { title: 'channels', cell: (row) => String(row.channels) },
  { title: 'batch', cell: (row) => String(row.batch) },
  { title: 'paths', cell: (row) => String(row.paths) },
  { title: 'outputs', cell: (row) => String(row.outputs) },
  { title: 'median_s', cell: (row) => String(row.seconds.median) },
  { title: 'p10_s', cell: (row) => String(row.seconds.p10) },
  { title: 'p90_s', cell: (row) => String(row.seconds.p90) },
  { title: 'repetitions', cell: (row) => String(row.seconds.repetitions) },
  { title: 'flops', cell: (row) => String(row.cost.flops) },
  { title: 'bytes', cell: (row) => String(row.cost.bytes) },
  { title: 'floor_flops', cell: (row) => String(row.floor.flops) },
  { title: 'floor_bytes', cell: (row) => String(row.floor.bytes) },
  { title: 'floor_s', cell: (row) => String(row.floor.seconds) },
  { title: 'fraction_of_roofline', cell: (row) => String(row.fractionOfRoofline) },
  { title: 'error', cell: (row) => String(row.error) },
]
