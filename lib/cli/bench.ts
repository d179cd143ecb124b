import { expected, GauntletError } from '../runtime/errors.js'
import {
  devices,
  getNumThreads,
  measureMachine,
  setNumThreads,
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
import { METHOD_NAMES, type MethodName, SETTING_MEANINGS, SETTING_NAMES, type SettingName } from './methods.js'
import { flag, integers, decimal, names, text } from './options.js'
import { PASS_NAMES, type PassName } from './passes.js'
import { dumpPlans } from './plan-file.js'
import { comparePublished, MACHINE_NAMES } from './published.js'
import { couples } from './selftest-cases.js'

export const command = defineCommand({
  positionals: [],
  about: `Times every product, one call on a batch of samples, and compares with what the machine can do: the
roofline, from the peak rate of multiply-adds and the bandwidth of a large copy, both measured at the start
(on a GPU: from its data sheet), and the operations and bytes that each method needs: a multiply-add for
every coefficient that is not zero, so that a kernel which joins equal ones can go beyond 100%. Inputs and
outputs are larger than the caches; the result of every product is checked on one sample first.

Settings:
${SETTING_NAMES.map((name) => `  ${name.padEnd(6)}${SETTING_MEANINGS[name]}`).join('\n')}

Every combination of --channels, --batch and --threads is timed. Channel u of one input meets channel u of the other.`,
  examples: [
    'gauntlet bench --lmax 2,4,6 --settings mimo --methods grid,cg-sparse',
    'gauntlet bench --threads 1 --json > results.json',
    'gauntlet bench --threads 1 --against results.json',
    'gauntlet bench --against before.json --file after.json',
    'gauntlet bench --lmax 4 --channels 1,16,64 --batch 1000 --threads 1..4',
    'gauntlet bench --settings mimo --channels 1 --threads 1 --published cpu',
    'gauntlet bench --bars',
  ],
  options: {
    lmax: integers('LIST', 'degrees, as 2,4,6 or 1..10 (1..10)', { min: 0, max: 10 }),
    channels: integers('LIST', 'channels of every irrep', { min: 1, max: 4096, initial: [64] }),
    batch: integers('LIST', 'samples (as many as fit in 256 MiB and 4 Gflop, at most 256000 / channels)', {
      min: 1,
      max: 1e7,
    }),
    methods: names('LIST', 'methods', METHOD_NAMES),
    settings: names('LIST', 'settings', SETTING_NAMES),
    passes: names('LIST', 'passes', PASS_NAMES, ['forward']),
    device: deviceOptions.device,
    threads: integers('LIST', 'CPU threads (the physical cores)', { min: 1, max: 1024 }),
    seconds: decimal('S', 'time for each row, about', { min: 0.01, max: 600, initial: 0.5 }),
    quick: flag('lmax 1..3 unless told, 0.1 s for each row'),
    bars: flag('measure what this package promises of its speed, and nothing else (CPU)'),
    'dump-plan': text('DIR', 'write the plans of all rows to DIR, for gauntlet_bench, and time nothing'),
    against: text('FILE', 'compare with an earlier run, which --json has written to FILE'),
    file: text('FILE', 'with --against: compare the run in FILE, and time nothing'),
    published: names('LIST', 'lay beside published figures, of other machines', MACHINE_NAMES, []),
    json: flag('one JSON document instead of a table'),
    wide: flag('every column of the table: operations, bytes, floor, rates, error'),
    csv: flag('comma-separated values instead of a table'),
  },
  check: ({ against, file, bars, 'dump-plan': plans, published, json, csv }) => {
    if (json && csv) throw new GauntletError('ERR_ARGUMENT', 'Expected one of --json and --csv')
    if (file !== undefined && against === undefined) {
      throw new GauntletError('ERR_ARGUMENT', '--file FILE is the later run for --against FILE, which is missing')
    }
    if (against !== undefined && (bars || plans !== undefined)) {
      throw new GauntletError(
        'ERR_ARGUMENT',
        '--against compares rows of a benchmark: it goes with neither --bars nor --dump-plan',
      )
    }
    if (published.length > 0 && (against !== undefined || bars || plans !== undefined)) {
      throw new GauntletError('ERR_ARGUMENT', '--published goes with none of --against, --bars and --dump-plan')
    }
  },
  run: async (values, _, io) => {
    const earlier = values.against === undefined ? undefined : await readRun(values.against)
    if (earlier && values.file !== undefined) {
      reportAgainst(io, values, earlier, await readRun(values.file))
      return 0
    }
    const device = chooseDevice({ device: values.bars ? 'cpu' : values.device, threads: undefined })
    const threads = values.threads ?? [getNumThreads()]
    if (device !== 'cpu' && threads.length > 1) throw expected('one number (on a GPU)', '--threads', threads.join())
    const budget = values.quick ? Math.min(0.1, values.seconds) : values.seconds
    if (values.bars) return runBars(io, { budget, json: values.json })
    const cells = cellsOf(values)
    if (values['dump-plan'] !== undefined) return dumpPlans(values['dump-plan'], cells, device, io)
    const rates: Rates[] = []
    const rows: Measurement[] = []
    for (const count of threads) {
      setNumThreads(count)
      io.progress('what the machine can do')
      const best = ratesOf(device)
      rates.push(best)
      for (const cell of cells) {
        io.progress(
          `${rows.length + 1} of ${threads.length * cells.length}: ` +
            `${cell.method} ${cell.setting} lmax ${cell.lmax} ${cell.pass}, ${count} thread(s)`,
        )
        rows.push(measure(cell, { device, budget, rates: best }))
      }
    }
    io.progress('')
    const fits = growth(rows, { sameBatch: values.batch !== undefined })
    const published = values.published.length > 0 ? await comparePublished(rows, values.published) : undefined
    reportRun(io, values, { provenance: provenance(device), rates, rows, growth: fits, published }, earlier)
    return 0
  },
})

/** What is timed, in the order in which it is printed. */
function cellsOf(values: {
  settings: readonly SettingName[]
  methods: readonly MethodName[]
  passes: readonly PassName[]
  lmax: readonly number[] | undefined
  channels: readonly number[]
  batch: readonly number[] | undefined
  quick: boolean
}): BenchCase[] {
  const { settings, methods, passes, channels: widths } = values
  const degrees = values.lmax ?? Array.from({ length: values.quick ? 3 : 10 }, (_, i) => i + 1)
  const cells: BenchCase[] = []
  for (const setting of settings) {
    for (const lmax of degrees) {
      for (const channels of widths) {
        for (const batch of values.batch ?? [undefined]) {
          for (const method of methods.filter((method) => couples(method, setting, lmax))) {
            for (const pass of passes) cells.push({ method, setting, lmax, channels, batch, pass })
          }
        }
      }
    }
  }
  return cells
}

/** With the threads that are set. */
function ratesOf(device: DeviceOption): Rates {
  const threads = getNumThreads()
  const gpu = devices().find((one): one is CudaDevice => one.id === device && one.kind === 'cuda')
  if (gpu) return { threads, ...nominalRates(gpu), source: 'data sheet' }
  return { threads, ...measureMachine({ threads }), source: 'measured' }
}
