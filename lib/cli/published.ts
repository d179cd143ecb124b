import { join } from 'node:path'
import { expected, GauntletError } from '../runtime/errors.js'
import { readText } from '../files/file.js'
import type { Measurement } from './bench-case.js'
import { digits, duration } from './format.js'
import type { MethodName } from './methods.js'
import { csv, table, type Column } from './table.js'

/** Its figures, with where they come from and what is wrong with them: see the page beside the file. */
const FILE = join(__dirname, '..', '..', 'bench', 'paper', 'times.csv')

const SOURCE =
  'Xie et al., "The Price of Freedom", ICML 2025: github.com/atomicarchitects/PriceofFreedom, commit a7dbecc, JAX, one channel'

export const MACHINE_NAMES = ['cpu', 'rtx', 'a100'] as const
export type MachineName = (typeof MACHINE_NAMES)[number]

const MACHINES: Record<MachineName, string> = {
  cpu: 'a CPU that is not named; wall time, mean of the first 80 of 100 calls',
  rtx: 'an NVIDIA RTX that is not named; wall time, mean of the first 80 of 100 calls',
  a100: 'NVIDIA A100; time in kernels alone, by a profiler',
}

/** Which of our methods computes a product of that name. */
const METHODS_OF: Record<string, MethodName> = {
  'CGTP-dense': 'cg-dense',
  'CGTP-sparse': 'cg-sparse',
  'GTP-fourier': 'fourier',
  'GTP-grid': 'grid',
  'Matrix-TP': 'matrix',
  'VGTP-grid': 'vector',
}

/** One figure of the study. */
export interface PublishedRow {
  machine: MachineName
  setting: string
  product: string
  lmax: number
  batch: number
  seconds: number
}

/** A row of ours, and what the study has for the same product, setting and lmax. */
export interface PublishedComparison {
  published: PublishedRow & {
    secondsPerSample: number
    /** By the expressivity of our row; none where theirs is another map, or none. */
    secondsPerDegreeOfFreedom?: number
    faults: string[]
  }
  ours: Pick<Measurement, 'method' | 'channels' | 'batch' | 'threads' | 'device' | 'expressivity'> & {
    /** Of one channel. */
    secondsPerSample: number
    secondsPerDegreeOfFreedom: number
  }
  /** Published / ours, by sample and channel; none where theirs computes nothing. */
  ratio?: number
}

export interface PublishedStudy {
  source: string
  machines: Partial<Record<MachineName, string>>
  rows: PublishedComparison[]
}

/** Lays forward passes beside the figures of these machines. */
export async function comparePublished(
  rows: readonly Measurement[],
  machines: readonly MachineName[],
): Promise<PublishedStudy> {
  const published = parsePublished(await readText(FILE)).filter(({ machine }) => machines.includes(machine))
  return {
    source: SOURCE,
    machines: Object.fromEntries(machines.map((name) => [name, MACHINES[name]])),
    rows: rows.flatMap((row) => {
      const same = published.filter(({ setting, product, lmax }) => {
        return setting === row.setting && METHODS_OF[product] === row.method && lmax === row.lmax
      })
      return row.pass === 'forward' ? same.map((one) => beside(one, row)) : []
    }),
  }
}

function beside(row: PublishedRow, ours: Measurement): PublishedComparison {
  const { method, channels, batch, threads, device, expressivity, secondsPerDegreeOfFreedom, seconds } = ours
  const secondsPerSample = row.seconds / row.batch
  const own = seconds.median / (batch * channels)
  const comparable = !isEmpty(row) && row.product !== 'VGTP-grid'
  return {
    published: {
      ...row,
      secondsPerSample,
      ...(comparable && { secondsPerDegreeOfFreedom: secondsPerSample / expressivity }),
      faults: faultsOf(row),
    },
    ours: {
      ...{ method, channels, batch, threads, device, expressivity },
      ...{ secondsPerSample: own, secondsPerDegreeOfFreedom },
    },
    ...(!isEmpty(row) && { ratio: secondsPerSample / own }),
  }
}

/** l x l -> l of parity (-1)^l: Clebsch-Gordan products of odd l have nothing of that parity. */
function isEmpty({ setting, product, lmax }: PublishedRow): boolean {
  return setting === 'siso' && product.startsWith('CGTP') && lmax % 2 === 1
}

/** What is known to be wrong with a figure, beyond what holds for all of its machine. */
export function faultsOf(row: PublishedRow): string[] {
  const { machine, setting, product } = row
  const one = setting !== 'mimo'
  return [
    ...(isEmpty(row) ? ['its output is empty: computes nothing'] : []),
    ...(product === 'GTP-fourier' && one ? ['computes as for mimo, then drops what is not asked for'] : []),
    ...(product === 'GTP-fourier' ? ['coefficients from a fixed 300x300 grid'] : []),
    ...(product === 'VGTP-grid' ? ['cross product of vector fields: another map than vector'] : []),
    ...(machine === 'a100' && product.startsWith('CGTP') && !one ? ['counted there as all paths, odd ones too'] : []),
  ]
}

/**
 * @throws GauntletError `ERR_FILE` where a line is not machine,setting,product,lmax,batch,seconds
 */
export function parsePublished(text: string): PublishedRow[] {
  const [head, ...lines] = text.trimEnd().split('\n')
  const columns = 'machine,setting,product,lmax,batch,seconds'
  if (head !== columns) throw new GauntletError('ERR_FILE', expected(columns, `line 1 of ${FILE}`, head).message)
  return lines.map((line, n) => {
    const [name, setting, product, ...figures] = line.split(',')
    const machine = MACHINE_NAMES.find((one) => one === name)
    const [lmax, batch, seconds] = figures.map(Number)
    if (machine === undefined || figures.length !== 3 || !(lmax >= 1 && batch >= 1 && seconds > 0)) {
      throw new GauntletError('ERR_FILE', expected(columns, `line ${n + 2} of ${FILE}`, line).message)
    }
    return { machine, setting, product, lmax, batch, seconds }
  })
}

/** For people. */
export function describePublished({ source, machines, rows }: PublishedStudy): string {
  const names = Object.entries(machines).map(([name, what]) => `  ${name}: ${what}\n`)
  if (rows.length === 0) return `Published: ${source}\n${names.join('')}Nothing there is the same as a row above.\n`
  return (
    `Published: ${source}\n${names.join('')}` +
    `Another program on another machine with another batch: rows compare methods, not programs.\n\n` +
    table(rows, columns)
  )
}

export function publishedCsv({ rows }: PublishedStudy): string {
  return csv(rows, plainColumns)
}

const nanoseconds = (seconds: number | undefined): string => (seconds === undefined ? '-' : digits(1e9 * seconds))

const columns: Column<PublishedComparison>[] = [
  { title: 'setting', align: 'left', cell: ({ published }) => published.setting },
  { title: 'lmax', cell: ({ published }) => `${published.lmax}` },
  { title: 'product', align: 'left', cell: ({ published }) => published.product },
  { title: 'machine', align: 'left', cell: ({ published }) => published.machine },
  { title: 'batch', cell: ({ published }) => `${published.batch}` },
  { title: 'time', cell: ({ published }) => duration(published.seconds) },
  { title: 'ns/sample', cell: ({ published }) => nanoseconds(published.secondsPerSample) },
  { title: 'ns/dof', cell: ({ published }) => nanoseconds(published.secondsPerDegreeOfFreedom) },
  { title: '|', cell: () => '|' },
  { title: 'ours', align: 'left', cell: ({ ours }) => ours.method },
  { title: 'device', align: 'left', cell: ({ ours }) => ours.device },
  { title: 'batch', cell: ({ ours }) => `${ours.batch}` },
  { title: 'channels', cell: ({ ours }) => `${ours.channels}` },
  { title: 'threads', cell: ({ ours }) => `${ours.threads}` },
  { title: 'ns/channel', cell: ({ ours }) => nanoseconds(ours.secondsPerSample) },
  { title: 'ns/dof', cell: ({ ours }) => nanoseconds(ours.secondsPerDegreeOfFreedom) },
  { title: 'published / ours', cell: ({ ratio }) => (ratio === undefined ? '-' : digits(ratio)) },
  { title: 'but', align: 'left', cell: ({ published }) => published.faults.join('; ') },
]

const plainColumns: Column<PublishedComparison>[] = [
  { title: 'setting', cell: ({ published }) => published.setting },
  { title: 'lmax', cell: ({ published }) => String(published.lmax) },
  { title: 'published_product', cell: ({ published }) => published.product },
  { title: 'published_machine', cell: ({ published }) => published.machine },
  { title: 'published_batch', cell: ({ published }) => String(published.batch) },
  { title: 'published_s', cell: ({ published }) => String(published.seconds) },
  { title: 'published_s_per_dof', cell: ({ published }) => String(published.secondsPerDegreeOfFreedom ?? '') },
  { title: 'published_faults', cell: ({ published }) => published.faults.join('; ') },
  { title: 'method', cell: ({ ours }) => ours.method },
  { title: 'device', cell: ({ ours }) => ours.device },
  { title: 'batch', cell: ({ ours }) => String(ours.batch) },
  { title: 'channels', cell: ({ ours }) => String(ours.channels) },
  { title: 'threads', cell: ({ ours }) => String(ours.threads) },
  { title: 's_per_channel', cell: ({ ours }) => String(ours.secondsPerSample) },
  { title: 's_per_dof', cell: ({ ours }) => String(ours.secondsPerDegreeOfFreedom) },
  { title: 'ratio', cell: ({ ratio }) => String(ratio ?? '') },
]
