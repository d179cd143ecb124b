import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GauntletError } from '../runtime/errors.js'
import type { Command, Io } from './command.js'
import { describeOptions, flag, suggest } from './options.js'

/** Loaded when it is called for: `gauntlet --help` needs no addon. */
interface Entry {
  summary: string
  load(): Promise<{ command: Command }>
}

const COMMANDS: Record<string, Entry> = {
  compare: { summary: 'every product on the atoms of a file', load: () => import('./compare.js') },
  bench: { summary: 'time every product against what the machine can do', load: () => import('./bench.js') },
  report: {
    summary: 'a page with charts of what bench has measured, or of a training',
    load: () => import('./report.js'),
  },
  express: { summary: 'what every product can and cannot express', load: () => import('./express.js') },
  advise: { summary: 'which product to take for given irreps, measured here', load: () => import('./advise.js') },
  selftest: { summary: 'check every kernel against a float64 reference', load: () => import('./selftest.js') },
  train: { summary: 'train MACE on energies and forces', load: () => import('./train.js') },
  convert: { summary: 'make a model of a PyTorch checkpoint of MACE', load: () => import('./convert.js') },
  eval: { summary: 'energies and forces of a file by a model, and their errors', load: () => import('./eval.js') },
  md: { summary: 'molecular dynamics with a model', load: () => import('./md.js') },
  info: { summary: 'this build, this machine, its devices', load: () => import('./info.js') },
}

const OK = 0
const FAILED = 1
const WRONG_ARGUMENTS = 2

/** Runs one command line (without node and script) and resolves to its exit status: 0, 1 (it failed) or 2 (wrong arguments). */
export async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    if (name === undefined) io.err(overview())
    else io.out(overview())
    return name === undefined ? WRONG_ARGUMENTS : OK
  }
  if (name === '--version' || name === '-v') {
    io.out(`${version()}\n`)
    return OK
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    return wrong(
      io,
      `Unknown command ${JSON.stringify(name)}${suggest(name, Object.keys(COMMANDS))}`,
      'gauntlet --help',
    )
  }
  const { command } = await COMMANDS[name].load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.out(help(name, command))
    return OK
  }
  let run
  try {
    run = command.prepare(rest)
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    return wrong(io, error.message, `gauntlet ${name} --help`)
  }
  try {
    return await run(io)
  } catch (error) {
    if (!(error instanceof GauntletError)) throw error
    io.err(`gauntlet ${name}: ${error.message}\n`)
    return FAILED
  }
}

function wrong(io: Io, what: string, where: string): number {
  io.err(`${what}\nTry \`${where}\`.\n`)
  return WRONG_ARGUMENTS
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const list = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'Usage: gauntlet COMMAND [options]',
    '',
    'Equivariant tensor products as native CPU and CUDA kernels.',
    '',
    'Commands:',
    ...list,
    '',
    '`gauntlet COMMAND --help` explains one of them; `gauntlet --version` says which this is.',
    '',
  ].join('\n')
}

function help(name: string, { positionals, about, examples, options }: Command): string {
  return [
    `Usage: ${['gauntlet', name, ...positionals, '[options]'].join(' ')}`,
    '',
    about,
    '',
    'Options (initial values in parentheses):',
    describeOptions({ ...options, help: flag('show this page') }),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
  ].join('\n')
}

function version(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}
