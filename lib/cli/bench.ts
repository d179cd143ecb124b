import {
  devices,
  GauntletError,
  getNumThreads,
  measureMachine,
  type CudaDevice,
  type DeviceOption,
} from '../runtime/index.js'
import { runBars } from './bars.js'
import { measure, type BenchCase, type Measurement } from './bench-case.js'
import { readRun } from './bench-file.js'
import { type Rates, reportAgainst, reportRun } from './bench-report.js'
import { defineCommand } from './command.js'
import { chooseDevice, deviceOptions } from './device.js'
import { growth } from './growth.js'
import { nominalRates, provenance } from './machine.js'
import { METHOD_NAMES, SETTING_MEANINGS, SETTING_NAMES } from './methods.js'
import { flag, integer, integers, decimal, names, text } from './options.js'
import { PASS_NAMES } from './passes.js'
import { dumpPlans } from './plan-file.js'
import { couples } from './selftest-cases.js'

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
    'gauntlet bench --threads 1 --against results.json',
    'gauntlet bench --against before.json --file after.json',
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
    'dump-plan': text('DIR', 'write the plans of all rows to DIR, for gauntlet_bench, and time nothing'),
    against: text('FILE', 'compare with an earlier run, which --json has written to FILE'),
    file: text('FILE', 'with --against: compare the run in FILE, and time nothing'),
    json: flag('one JSON document instead of a table'),
    csv: flag('comma-separated values instead of a table'),
  },
  check: ({ against, file, bars, 'dump-plan': plans }) => {
    if (file !== undefined && against === undefined) {
      throw new GauntletError('ERR_ARGUMENT', '--file FILE is the later run for --against FILE, which is missing')
    }
    if (against !== undefined && (bars || plans !== undefined)) {
      throw new GauntletError(
        'ERR_ARGUMENT',
        '--against compares rows of a benchmark: it goes with neither --bars nor --dump-plan',
      )
    }
  },
  run: async (values, _, io) => {
    const earlier = values.against === undefined ? undefined : await readRun(values.against)
    if (earlier && values.file !== undefined) {
      reportAgainst(io, values, earlier, await readRun(values.file))
      return 0
    }
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
    const fits = growth(rows, { sameBatch: batch !== undefined })
    reportRun(io, values, { provenance: provenance(device), rates, rows, growth: fits }, earlier)
    return 0
  },
})

export function ratesOf(device: DeviceOption): Rates {
  const gpu = devices().find((one): one is CudaDevice => one.id === device && one.kind === 'cuda')
  if (gpu) return { ...nominalRates(gpu), source: 'data sheet' }
  return { ...measureMachine({ threads: getNumThreads() }), source: 'measured' }
}
