import type { BenchCase, Measurement } from './bench-case.js'
import type { ConvolutionMeasurement } from './bench-convolution.js'
import { duration, percent, quantity, scientific } from './format.js'
import type { MethodName, SettingName } from './methods.js'

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
  /** Forward and backward pass of every product, of their own rooflines. */
  passRoofline: 0.35,
  /** Gradients against the forward pass, at most. */
  backward: 2.5,
  doubleBackward: 6,
  /** The grid with even and odd paths against the same product by its coefficients, from lmax 8 on. */
  vectorSparse: 1,
  /** The same against every Clebsch-Gordan path, from lmax 4 on. */
  vectorClebschGordan: 1,
  /** The convolution against its steps one by one, of which those that only copy are taken to run at the speed of memory. */
  convolution: 3,
  /** Their memory against the convolution's. */
  convolutionMemory: 10,
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

/** Every product that has gradients to be timed. */
const METHODS: MethodName[] = ['cg-sparse', 'gaunt-sparse', 'fourier', 'grid', 'vector', 'matrix']

/** One promise and what came of it; `figure` and `promised` are in the same unit. */
export interface Bar {
  claim: string
  figure: number
  promised: number
  /** The figure is to be at most what is promised, not at least. */
  atMost?: boolean
  detail: string
}

export interface Published {
  program: string
  machine: string
  batch: number
  channels: number
  lmax: number[]
  rows: { product: string; setting: SettingName; methods: MethodName[]; forward: number[] }[]
}

/** Measures a cell of the benchmark with so many threads, or knows it already. */
export type Run = (cell: BenchCase, threads: number) => Measurement

export function productBars(run: Run, published: Published): Bar[] {
  return [
    ...rooflineBars(run),
    ...threadBars(run),
    ...gridBars(run),
    ...passBars(run),
    ...vectorBars(run),
    ...e3nnBars(run, published),
  ]
}

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
      const bar = ratio(`${method} ${setting} lmax ${lmax}: two threads against one`, one, two, PROMISED.threads)
      // Where memory gives two cores little more than one, that is what holds them.
      return { ...bar, detail: `${bar.detail}, ${percent(two.fractionOfRoofline)} of the roofline of two` }
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
  const against = (name: string, method: MethodName): Bar =>
    ratio(`grid against ${name}, lmax 6`, cell(method, 'full', 6), cell('grid', 'mimo', 6), PROMISED.gridClebschGordan)
  return [
    ...bars,
    against('full Clebsch-Gordan, dense', 'cg-dense'),
    against('every Clebsch-Gordan path, sparse', 'cg-sparse'),
  ]
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

function passBars(run: Run): Bar[] {
  return METHODS.flatMap((method) =>
    [2, 4, 6].flatMap((lmax): Bar[] => {
      const cell: BenchCase = { method, setting: 'mimo', lmax, channels: CHANNELS }
      const [forward, backward, doubleBackward] = (['forward', 'backward', 'doubleBackward'] as const).map((pass) =>
        run({ ...cell, pass }, 1),
      )
      const name = `${method} mimo lmax ${lmax}`
      const rooflines = [forward, backward].map(({ pass, fractionOfRoofline, seconds, floor }): Bar => {
        const detail = `${duration(seconds.median)}, floor ${duration(floor.seconds)} (${floor.boundBy})`
        return {
          claim: `${name} ${pass}: of its roofline`,
          figure: fractionOfRoofline,
          promised: PROMISED.passRoofline,
          detail,
        }
      })
      return [
        ...rooflines,
        { ...ratio(`${name}: backward against forward`, backward, forward, PROMISED.backward), atMost: true },
        {
          ...ratio(`${name}: double backward against forward`, doubleBackward, forward, PROMISED.doubleBackward),
          atMost: true,
        },
      ]
    }),
  )
}

function vectorBars(run: Run): Bar[] {
  const cell = (method: MethodName, lmax: number): Measurement =>
    run({ method, setting: 'full', lmax, channels: CHANNELS }, 1)
  const against = (method: MethodName, name: string, first: number, promised: number): Bar[] =>
    Array.from({ length: 11 - first }, (_, i) => first + i).map((lmax) =>
      ratio(
        `even and odd paths on the grid against ${name}, lmax ${lmax}`,
        cell(method, lmax),
        cell('vector', lmax),
        promised,
      ),
    )
  return [
    ...against('vector-sparse', 'their coefficients', 8, PROMISED.vectorSparse),
    ...against('cg-sparse', 'every Clebsch-Gordan path', 4, PROMISED.vectorClebschGordan),
  ]
}

export function convolutionBars({ fused, product, copying, memory, edges, error }: ConvolutionMeasurement): Bar[] {
  const steps = product.median + copying.seconds
  return [
    {
      claim: `convolution, ${edges} edges: against gather, product, scatter`,
      figure: steps / fused.median,
      promised: PROMISED.convolution,
      detail: `(${duration(product.median)} + ${duration(copying.seconds)} to copy) / ${duration(fused.median)}, difference ${scientific(error)}`,
    },
    {
      claim: 'convolution: memory beside inputs and result',
      figure: memory.unfused / memory.fused,
      promised: PROMISED.convolutionMemory,
      detail: `${quantity(memory.unfused, 'B')} / ${quantity(memory.fused, 'B')}`,
    },
  ]
}

/** How many times faster `fast` is than `slow`, per sample: batches may differ. */
function ratio(claim: string, slow: Measurement, fast: Measurement, promised: number): Bar {
  const [a, b] = [slow, fast].map(({ seconds, batch }) => seconds.median / batch)
  return { claim, figure: a / b, promised, detail: `${duration(a)} / ${duration(b)} per sample` }
}
