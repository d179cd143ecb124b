import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A row as `gauntlet bench --json` writes it, with the figures that a page shows. */
export interface Row {
  method: string
  setting: string
  lmax: number
  pass: string
  channels: number
  batch: number
  threads: number
  device: string
  paths: number
  outputs: number
  expressivity?: number
  seconds: { median: number; p10: number; p90: number }
  floor: { flops: number; bytes: number; seconds: number }
  error: number
}

export interface Run {
  provenance: Record<string, unknown>
  rates: Record<string, unknown>[]
  rows: Row[]
  growth?: unknown[]
}

export const PROVENANCE = {
  version: '0.0.9',
  compiler: 'GNU 1.2',
  cuda: null,
  node: '20.0.0',
  system: 'linux x64 6',
  processor: 'Abacus',
  cores: 4,
  isa: 'avx2',
  device: 'cpu',
  threads: 2,
  date: '2026-01-02T03:04:05.000Z',
}

export const RATES = { threads: 2, peakFlops: 2e11, bandwidth: 4e10, source: 'measured' }

/** A row with times of some plausible size, no two alike. */
export function row(change: Partial<Row> = {}): Row {
  const cell = {
    method: 'grid',
    setting: 'mimo',
    lmax: 2,
    pass: 'forward',
    channels: 3,
    batch: 10,
    threads: 2,
    device: 'cpu',
  }
  const all = { ...cell, ...change }
  const median = 1e-6 * (1 + all.method.length / 7) * (all.lmax + 1) ** 2.5 * (all.pass === 'forward' ? 1 : 2.1)
  return {
    paths: 14,
    outputs: 25,
    seconds: { median, p10: 0.9 * median, p90: 1.25 * median },
    floor: {
      flops: 1e4 * all.method.length * (all.lmax + 1) ** 3,
      bytes: 1e4 * (all.lmax + 1) ** 2,
      seconds: 0.4 * median,
    },
    error: 4e-8,
    ...all,
  }
}

/** Three methods in two settings at four degrees. */
export function sampleRun(change: Partial<Run> = {}): Run {
  const rows = ['mimo', 'siso'].flatMap((setting) =>
    [0, 2, 4, 6].flatMap((lmax) => ['cg-sparse', 'grid', 'matrix'].map((method) => row({ setting, lmax, method }))),
  )
  return { provenance: PROVENANCE, rates: [RATES], rows, ...change }
}

/** A folder that is removed with the tests. */
export class Scratch {
  readonly folder = mkdtempSync(join(tmpdir(), 'gauntlet-report-'))

  write(name: string, content: unknown): string {
    const file = join(this.folder, name)
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
    return file
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Cells of a table by row and title: the whole value in `data-value`, and what is read. */
export function readTable(page: string, id: string): Record<string, { value: string; text: string }>[] {
  const table = new RegExp(`<table id="${id}">.*?</table>`, 's').exec(page)![0]
  const titles = [...table.matchAll(/<th [^>]*>\s*<button[^>]*>([^<]*)<\/button>/g)].map(([, title]) => title)
  const lines = [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, line]) => line).filter((line) => line.includes('<td'))
  return lines.map((line) => {
    const cells = [...line.matchAll(/<td [^>]*data-value="([^"]*)"[^>]*>([^<]*)<\/td>/g)]
    return Object.fromEntries(cells.map(([, value, text], n) => [titles[n], { value, text: text.trim() }]))
  })
}
