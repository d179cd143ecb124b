import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GauntletError, getNumThreads, measureMachine, setNumThreads } from '../runtime/index.js'
import { readStructures, type Structure } from '../structures/index.js'
import { measure, type BenchCase, type Measurement } from './bench-case.js'
import { type ConvolutionMeasurement, measureConvolution } from './bench-convolution.js'
import type { Io } from './command.js'
import { percent } from './format.js'
import { describeProvenance, provenance } from './machine.js'
import { type Bar, convolutionBars, productBars, type Published } from './promises.js'
import { table } from './table.js'

/** A shared machine has slow minutes: everything is measured in so many rounds, and the median round of each bar counts. */
const ROUNDS = 3
/** Milliseconds for each of peak rate and bandwidth, measured again before every kernel that is held against them. */
const RATE_TIME = 60

const ROOT = join(__dirname, '..', '..')

/** The graph that convolutions are measured on. */
const CONVOLUTION = { edges: 100_000, cutoff: 5, channels: 64, lmax: 3 }

/** Measures every bar and prints them; what is missed is printed, and is no failure of the program. */
export async function runBars(io: Io, options: { budget: number; json: boolean }): Promise<number> {
  const threads = getNumThreads()
  const published = readPublished()
  const structures = await readStructures(join(ROOT, 'examples', 'ethanol_pbe.npz'))
  const rounds = Array.from({ length: ROUNDS }, (_, i) => {
    const round = new Round(io, `round ${i + 1} of ${ROUNDS}: `, options.budget / ROUNDS)
    const products = productBars((cell, count) => round.run(cell, count), published)
    return { bars: [...products, ...convolutionBars(round.convolution(structures))], round }
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
    const { method, setting, lmax, channels, batch, pass = 'forward' } = cell
    const key = JSON.stringify([method, setting, lmax, channels, batch ?? null, pass, threads])
    let found = this.measured.get(key)
    if (!found) {
      this.io.progress(`${this.name}${method} ${setting} lmax ${lmax} ${pass}, ${threads} thread(s)`)
      setNumThreads(threads)
      const rates = measureMachine({ threads, milliseconds: RATE_TIME })
      found = measure(cell, { device: 'cpu', budget: this.budget, rates })
      this.measured.set(key, found)
    }
    return found
  }

  convolution(structures: readonly Structure[]): ConvolutionMeasurement {
    this.io.progress(`${this.name}convolution`)
    setNumThreads(1)
    const { bandwidth } = measureMachine({ threads: 1, milliseconds: RATE_TIME })
    return measureConvolution({ structures, ...CONVOLUTION }, { budget: 4 * this.budget, bandwidth })
  }
}

function median(bars: readonly Bar[]): Bar {
  return [...bars].sort((a, b) => a.figure - b.figure)[Math.floor(bars.length / 2)]
}

function kept({ figure, promised, atMost = false }: Bar): boolean {
  return atMost ? figure <= promised : figure >= promised
}

function barTable(bars: readonly Bar[]): string {
  const show = ({ promised }: Bar, value: number): string => (promised < 1 ? percent(value) : `${value.toFixed(1)}x`)
  return table(bars, [
    { title: 'claim', align: 'left', cell: ({ claim }) => claim },
    { title: 'measured', cell: (bar) => show(bar, bar.figure) },
    { title: 'promised', cell: (bar) => `${bar.atMost ? '<=' : '>='} ${show(bar, bar.promised)}` },
    { title: '', align: 'left', cell: (bar) => (kept(bar) ? 'kept' : 'MISSED') },
    { title: 'from', align: 'left', cell: ({ detail }) => detail },
  ])
}

/** The figures to beat lie beside the benchmarks, not in the code. */
function readPublished(): Published {
  const path = join(ROOT, 'bench', 'e3nn-cpu.json')
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Published
  } catch (cause) {
    throw new GauntletError('ERR_FILE', `--bars needs ${path}, which comes with a clone of the repository`, { cause })
  }
}
