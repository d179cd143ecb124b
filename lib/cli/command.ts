import { parseOptions, type Options, type Values } from './options.js'

/** Where a command writes: results to `out`, everything else to `err`. */
export interface Io {
  out(text: string): void
  err(text: string): void
  /** Shows a line that the next one replaces, where a person watches; nothing in a pipe. */
  progress(text: string): void
}

interface Words {
  /** Names of the words it takes after its own. */
  readonly positionals: readonly string[]
  /** What `--help` says before the options. */
  readonly about: string
  /** What `--help` says after them. */
  readonly examples: readonly string[]
}

/** One subcommand. */
export interface Command extends Words {
  readonly options: Options
  /**
   * Reads its arguments and returns what runs them, which resolves to the exit status.
   *
   * @throws GauntletError `ERR_ARGUMENT` for wrong ones
   */
  prepare(args: readonly string[]): (io: Io) => number | Promise<number>
}

/** Ties what `run` is given to the options. */
export function defineCommand<O extends Options>(
  definition: Words & {
    options: O
    /** Throws ERR_ARGUMENT for options that do not go together. */
    check?(values: Values<O>): void
    run(values: Values<O>, positionals: string[], io: Io): number | Promise<number>
  },
): Command {
  return {
    ...definition,
    prepare: (args) => {
      const { values, positionals } = parseOptions(args, definition.options, definition.positionals)
      definition.check?.(values)
      return (io) => definition.run(values, positionals, io)
    },
  }
}
