import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { identify, removeLeftovers } from '../files/file.js'
import { GauntletError } from '../runtime/errors.js'
import { writeModel } from './model-file.js'
import type { EpochReport } from './trainer.js'
import { type LogLine, TrainingLog } from './training-log.js'
import { readState, writeState } from './training-state.js'
import type { Training } from './training.js'

/**
 * What a training writes: NAME.safetensors, the best weights so far; NAME.state.safetensors, what it goes on from; NAME.jsonl, its log.
 * Nothing of another training is ever written over: whether there is one shows in its state.
 */
export class TrainingFiles {
  readonly weights: string
  readonly state: string
  readonly log: string
  readonly #log: TrainingLog
  /** The state as this training left it. */
  #left: string | undefined
  #begun = false

  /** @param start the first line of the log */
  constructor(
    private readonly training: Training,
    private readonly start: LogLine,
  ) {
    const { output, name } = training.config
    const file = (ending: string): string => join(output, `${name}.${ending}`)
    this.weights = file('safetensors')
    this.state = file('state.safetensors')
    this.log = file('jsonl')
    this.#log = new TrainingLog(this.log)
  }

  get paths(): string[] {
    return [this.weights, this.state, this.log]
  }

  /**
   * Begins anew. Files appear when the first epoch is done.
   *
   * @param options.overwrite whether to remove those of an earlier training
   * @throws GauntletError ERR_FILE where there are some otherwise
   */
  async begin({ overwrite }: { overwrite: boolean }): Promise<void> {
    if (this.#writes) await Promise.all(this.paths.map(removeLeftovers))
    if (overwrite) {
      if (this.#writes) await Promise.all(this.paths.map((path) => rm(path, { force: true })))
    } else if ((await identify(this.state)).version !== undefined) {
      throw new GauntletError(
        'ERR_FILE',
        `${this.state} is there already: go on from it (--resume), begin anew (--overwrite), or take another --name`,
      )
    }
  }

  /** @throws GauntletError ERR_FILE, ERR_ARGUMENT as `readState` */
  async resume(): Promise<void> {
    const { trainer, fingerprint } = this.training
    if (this.#writes) await Promise.all(this.paths.map(removeLeftovers))
    this.#left = (await identify(this.state)).version
    trainer.restore(await readState(this.state, trainer.arrays, fingerprint))
    if (this.#writes) await this.#log.keep(trainer.progress.epoch, this.start)
    this.#begun = true
  }

  /** @throws GauntletError ERR_FILE, also where another training writes the same files */
  async addEpoch(report: EpochReport): Promise<void> {
    const { trainer, fingerprint } = this.training
    if ((await identify(this.state)).version !== this.#left) {
      throw new GauntletError('ERR_FILE', `Another training has written ${this.state}: give each a --name of its own`)
    }
    if (!this.#begun) await this.#log.begin(this.start)
    this.#begun = true
    await this.#log.add({ kind: 'epoch', ...report })
    // The state last: what is written with it is written again where it is missing.
    if (report.best) await this.writeBest()
    await writeState(this.state, trainer.progress, trainer.arrays, fingerprint)
    this.#left = (await identify(this.state)).version
  }

  async end(line: Record<string, unknown>): Promise<void> {
    await this.writeBest()
    await this.#log.add({ kind: 'end', ...line })
  }

  /** The best weights as a model. */
  private async writeBest(): Promise<void> {
    const { trainer, model } = this.training
    const best = trainer.learner.parameters.read(trainer.bestWeights())
    const weights = new Map([...best].map(([name, values]) => [name, Float64Array.from(values)]))
    await writeModel(this.weights, model, weights)
  }

  /** Of several processes one does. */
  get #writes(): boolean {
    return this.training.processes.rank === 0
  }
}
