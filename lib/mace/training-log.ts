import { appendFile, readFile } from 'node:fs/promises'
import { replaceFile } from '../files/file.js'
import { GauntletError } from '../runtime/errors.js'

/** A line of a training's log: what it began with, an epoch, or what it came to. */
export interface LogLine {
  kind: 'start' | 'epoch' | 'end'
  epoch?: number
  [key: string]: unknown
}

/** The log of a training, a JSON document on every line. */
export class TrainingLog {
  constructor(readonly path: string) {}

  /** Begins it anew. */
  async begin(line: LogLine): Promise<void> {
    await replaceFile(this.path, [`${JSON.stringify(line)}\n`])
  }

  /** @throws GauntletError ERR_FILE */
  async add(line: LogLine): Promise<void> {
    try {
      await appendFile(this.path, `${JSON.stringify(line)}\n`)
    } catch (cause) {
      throw new GauntletError('ERR_FILE', `Cannot write ${this.path}: ${String(cause)}`, { cause })
    }
  }

  /** Drops epochs from number `epochs` on, an unfinished line and an end: those that are computed again are written again. */
  async keep(epochs: number): Promise<void> {
    const text = await readFile(this.path, 'utf8').catch(() => '')
    const kept = text.split('\n').filter((line) => {
      const parsed = parseLine(line)
      return parsed?.kind === 'start' || (parsed?.kind === 'epoch' && (parsed.epoch ?? Infinity) < epochs)
    })
    await replaceFile(
      this.path,
      kept.map((line) => `${line}\n`),
    )
  }
}

function parseLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine
  } catch {
    return undefined
  }
}
