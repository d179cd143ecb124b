import { appendFile } from 'node:fs/promises'
import { exists, readText, replaceFile, wordedWrite } from '../files/file.js'

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
    await wordedWrite(this.path, () => appendFile(this.path, `${JSON.stringify(line)}\n`))
  }

  /**
   * Drops epochs from number `epochs` on, an unfinished line and an end: those that are computed again are written again.
   *
   * @param start the first line, where there is none any more
   * @throws GauntletError ERR_FILE
   */
  async keep(epochs: number, start: LogLine): Promise<void> {
    const lines = (await exists(this.path)) ? (await readText(this.path)).split('\n') : []
    const isStart = (line: string): boolean => parseLine(line)?.kind === 'start'
    const kept = lines.filter((line) => {
      const { kind, epoch = Infinity } = parseLine(line) ?? {}
      return kind === 'epoch' && epoch < epochs
    })
    await replaceFile(
      this.path,
      [lines.find(isStart) ?? JSON.stringify(start), ...kept].map((line) => `${line}\n`),
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
