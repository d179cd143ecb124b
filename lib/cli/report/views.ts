import type { SettingName } from '../methods.js'
import type { ReportRow } from './run.js'

/** What charts show at once: rows that differ in method, setting and lmax only. */
export interface View {
  /** `forward, 64 channels, 1 thread` */
  title: string
  /** The same as a part of a file's name. */
  name: string
  rows: ReportRow[]
}

/** The views of a run, those with most rows first. */
export function viewsOf(rows: readonly ReportRow[]): View[] {
  const bySize = groupBy(rows, ({ pass, channels, threads, device }) => [pass, channels, threads, device])
  const views = bySize.flatMap((group) => {
    const cells = new Set(group.map(({ method, setting, lmax }) => `${method} ${setting} ${lmax}`))
    // A batch that is chosen anew for every lmax is no difference between views; a list of batches is.
    const severalBatches = cells.size < group.length
    return (severalBatches ? groupBy(group, ({ batch }) => [batch]) : [group]).map((rows): View => {
      const words = describe(rows[0], severalBatches)
      return { title: words.join(', '), name: words.join('-').replaceAll(/[^a-zA-Z0-9]+/g, '-'), rows }
    })
  })
  return views.sort((a, b) => b.rows.length - a.rows.length)
}

function describe({ pass, channels, batch, threads, device }: ReportRow, withBatch: boolean): string[] {
  return [
    pass,
    counted(channels, 'channel'),
    ...(withBatch ? [counted(batch, 'sample')] : []),
    device === 'cpu' ? counted(threads, 'thread') : device,
  ]
}

/** `1 thread`, `2 threads` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** The settings of a view, the ones that say most first. */
export function settingsOf({ rows }: View): { setting: SettingName; rows: ReportRow[] }[] {
  const all = PROMINENCE.map((setting) => ({ setting, rows: rows.filter((row) => row.setting === setting) }))
  return all.filter(({ rows }) => rows.length > 0)
}

const PROMINENCE: readonly SettingName[] = ['mimo', 'full', 'simo', 'siso']

/** Rows of the same key together, in the order of their first. */
export function groupBy<Row>(rows: readonly Row[], key: (row: Row) => readonly unknown[]): Row[][] {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const name = JSON.stringify(key(row))
    const group = groups.get(name)
    if (group) group.push(row)
    else groups.set(name, [row])
  }
  return [...groups.values()]
}
