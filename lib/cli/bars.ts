import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GauntletError, getNumThreads, measureMachine, setNumThreads } from '../runtime/index.js'
import { measure, type BenchCase, type Measurement } from './bench-case.js'
import type { Io } from './command.js'
import { duration, percent, scientific } from './format.js'
import { describeProvenance, provenance } from './machine.js'
import type { MethodName, SettingName } from './methods.js'
import { table } from './table.js'

/** What this package promises of its speed on a CPU. */
const PROMISED = {
  /** Of its own roofline: each of these kernels, 64 channels. */
  roofline: 0.25,
  /** Two threads against one. */
  threads: 1.7,
  /** The grid against Fourier, at every lmax. */
  gridFourier: 1,
  /** The grid against every Clebsch-Gordan path, at lmax 6. */
  gridClebschGordan: 5,
  /** Any product against e3nn, one thread, one channel. */
  e3nn: 10,
}
const CHANNELS = 64
const KERNELS: [MethodName, SettingName][] = [
  ['cg-sparse', 'mimo'],
  ['cg-sparse', 'full'],
  ['gaunt-sparse', 'mimo'],
  ['grid', 'mimo'],
  ['matrix', 'mimo'],
  ['matrix', 'full'],
]

/** One promise and what came of it; `figure` and `promised` are in the same unit. */
export interface Bar {
  claim: string
  figure: number
  promised: number
  detail: string
}

interface Published {
  program: string
  machine: string
  batch: number
  channels: number
  lmax: number[]
  rows: { product: string; setting: SettingName; methods: MethodName[]; forward: number[] }[]
}

/** A shared machine has slow minutes: everything is measured in so many rounds, and the median round of each bar counts. */
const ROUNDS = 3
/** Milliseconds for each of peak rate and bandwidth, measured again before every kernel that is held against them. */
const RATE_TIME = 60

/** Measures every bar and prints them; what is missed is printed, and is no failure of the program. */
export function runBars(io: Io, options: { budget: number; json: boolean }): number {
  const threads = getNumThreads()
  const published = readPublished()
  const rounds = Array.from({ length: ROUNDS }, (_, i) => {
    const round = new Round(io, `round ${i + 1} of ${ROUNDS}: `, options.budget / ROUNDS)
    const run: Run = (cell, count) => round.run(cell, count)
    return { bars: [...rooflineBars(run), ...threadBars(run), ...gridBars(run), ...e3nnBars(run, published)], round }
  })
  setNumThreads(threads)
  io.progress('')
  const bars = rounds[0].bars.map((_, i) => median(rounds.map((round) => round.bars[i])))
  const from = provenance('cpu')
  if (options.json) {
    const rows = rounds.map(({ round }) => [...round.measured].map(([key, row]) => ({ ...row, key })))
    io.out(`${JSON.stringify({ provenance: from, published, bars, rounds: rows }, null, 2)}\n`)
  } else {
    io.out(`${describeProvenance(from)}\n\n${barTable(bars)}\n`)
    io.out(
      `${bars.filter(kept).length} of ${bars.length} kept. e3nn's figures: ${published.program}, ${published.machine}.\n`,
    )
  }
  return 0
}

/** Every cell that some bar needs, measured once. */
class Round {
  readonly measured = new Map<string, Measurement>()

  constructor(
    private readonly io: Io,
    private readonly name: string,
    private readonly budget: number,
  ) {}

  run(cell: BenchCase, threads: number): Measurement {
    const key = JSON.stringify([cell, threads])
    let found = this.measured.get(key)
    if (!found) {
      this.io.progress(`${this.name}${cell.method} ${cell.setting} lmax ${cell.lmax}, ${threads} thread(s)`)
      setNumThreads(threads)
      const rates = measureMachine({ threads, milliseconds: RATE_TIME })
      found = measure(cell, { device: 'cpu', budget: this.budget, rates })
      this.measured.set(key, found)
    }
    return found
  }
}

function median(bars: readonly Bar[]): Bar {
  return [...bars].sort((a, b) => a.figure - b.figure)[Math.floor(bars.length / 2)]
}

type Run = (cell: BenchCase, threads: number) => Measurement

function rooflineBars(run: Run): Bar[] {
  return KERNELS.flatMap(([method, setting]) =>
    [2, 4, 6].flatMap((lmax) =>
      [1, 2].map((threads): Bar => {
        const { fractionOfRoofline, floor, seconds, error } = run(
          { method, setting, lmax, channels: CHANNELS },
          threads,
        )
        return {
          claim: `${method} ${setting} lmax ${lmax}, ${threads} thread(s): of its roofline`,
          figure: fractionOfRoofline,
          promised: PROMISED.roofline,
          detail: `${duration(seconds.median)}, floor ${duration(floor.seconds)} (${floor.boundBy}), error ${scientific(error)}`,
        }
      }),
    ),
  )
}

function threadBars(run: Run): Bar[] {
  return KERNELS.flatMap(([method, setting]) =>
    [2, 4, 6].map((lmax): Bar => {
      const [one, two] = [1, 2].map((threads) => run({ method, setting, lmax, channels: CHANNELS }, threads))
      return ratio(`${method} ${setting} lmax ${lmax}: two threads against one`, one, two, PROMISED.threads)
    }),
  )
}

function gridBars(run: Run): Bar[] {
  const cell = (method: MethodName, setting: SettingName, lmax: number): Measurement =>
    run({ method, setting, lmax, channels: CHANNELS }, 1)
  const bars = Array.from({ length: 10 }, (_, i) => {
    const [fourier, grid] = [cell('fourier', 'mimo', i + 1), cell('grid', 'mimo', i + 1)]
    return ratio(`grid against fourier, lmax ${i + 1}`, fourier, grid, PROMISED.gridFourier)
  })
  const [paths, grid] = [cell('cg-sparse', 'full', 6), cell('grid', 'mimo', 6)]
  return [...bars, ratio('grid against every Clebsch-Gordan path, lmax 6', paths, grid, PROMISED.gridClebschGordan)]
}

function e3nnBars(run: Run, { batch, channels, lmax, rows }: Published): Bar[] {
  return rows.flatMap(({ product, setting, methods, forward }) =>
    methods.flatMap((method) =>
      lmax.map((l, i): Bar => {
        const { seconds } = run({ method, setting, lmax: l, channels, batch }, 1)
        const theirs = forward[i] / 1e6
        return {
          claim: `${method} ${setting} lmax ${l} against e3nn`,
          figure: theirs / seconds.median,
          promised: PROMISED.e3nn,
          detail: `${duration(theirs)} / ${duration(seconds.median)}; e3nn: ${product}`,
        }
      }),
    ),
  )
}

/** How many times faster `fast` is than `slow`, per sample: batches may differ. */
function ratio(claim: string, slow: Measurement, fast: Measurement, promised: number): Bar {
  const [a, b] = [slow, fast].map(({ seconds, batch }) => seconds.median / batch)
  return { claim, figure: a / b, promised, detail: `${duration(a)} / ${duration(b)} per sample` }
}

function kept({ figure, promised }: Bar): boolean {
  return figure >= promised
}

function barTable(bars: readonly Bar[]): string {
  const show = ({ promised }: Bar, value: number): string => (promised < 1 ? percent(value) : `${value.toFixed(1)}x`)
  return table(bars, [
    { title: 'claim', align: 'left', cell: ({ claim }) => claim },
    { title: 'measured', cell: (bar) => show(bar, bar.figure) },
    { title: 'promised', cell: (bar) => show(bar, bar.promised) },
    { title: '', align: 'left', cell: (bar) => (kept(bar) ? 'kept' : 'MISSED') },
    { title: 'from', align: 'left', cell: ({ detail }) => detail },
  ])
}

/** The figures to beat lie beside the benchmarks, not in the code. */
function readPublished(): Published {
  const path = join(__dirname, '..', '..', 'bench', 'e3nn-cpu.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Published
  } catch (cause) {
    throw new GauntletError('ERR_FILE', `--bars needs ${path}, which comes with a clone of the repository`, { cause })
  }
}
