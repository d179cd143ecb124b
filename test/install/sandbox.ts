import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const root = resolve(__dirname, '../..')

/** Everything a release is made from. */
const sources = [
  'package.json',
  'binding.gyp',
  'CMakeLists.txt',
  'cmake',
  'native',
  'cuda',
  'scripts',
  'dist',
  'examples',
]

/** A scratch folder with copies of the package in it, as a maintainer and as a user have them. */
export class Sandbox {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'gauntlet-install-')))

  /** The package as the maintainer has it: its sources, built TypeScript and the development dependencies. */
  checkout(name: string): string {
    const folder = this.make(name)
    for (const source of sources) cpSync(join(root, source), join(folder, source), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    return folder
  }

  /** Packs a checkout into a folder of the given name; returns the tarball. */
  pack(checkout: string, name: string): string {
    const to = this.make(name)
    run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', to], checkout)
    return join(to, readdirSync(to)[0])
  }

  /** An empty project that installs the tarball. */
  install(name: string, tarball: string, env: NodeJS.ProcessEnv = {}): string {
    const folder = this.make(name)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, private: true }))
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--foreground-scripts', tarball], folder, env)
    return folder
  }

  /** A PATH with Node, npm and a shell on it and nothing that could compile. */
  pathWithoutCompiler(): string {
    const folder = this.make('bin')
    for (const tool of ['node', 'npm', 'sh', 'env']) {
      const path = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim()
      symlinkSync(realpathSync(path), join(folder, tool))
    }
    return folder
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  private make(name: string): string {
    const folder = join(this.folder, name)
    mkdirSync(folder)
    return folder
  }
}

/** Runs a command and returns its standard output; its failure carries all it printed. */
export function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, GAUNTLET_PREBUILD: undefined, PREBUILDS_ONLY: undefined, ...env },
    maxBuffer: 1 << 28,
  })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')} failed (${error?.message ?? status})\n${stdout}\n${stderr}`)
  }
  return stdout
}

/** Runs a script in `cwd` and returns what it printed, as JSON. */
export function evaluate<T>(script: string, cwd: string, env: NodeJS.ProcessEnv = {}): T {
  return JSON.parse(run(process.execPath, ['-e', script], cwd, env)) as T
}

/** The highest version of a family of symbols ("GLIBC", "GLIBCXX") that a shared object asks its system for, or null. */
export function highestSymbolVersion(file: string, family: string): string | null {
  const table = execFileSync('objdump', ['-T', file], { encoding: 'utf8' })
  const versions = Array.from(table.matchAll(new RegExp(`\\b${family}_([0-9.]+)`, 'g')), (match) => match[1])
  return versions.sort(compareVersions).at(-1) ?? null
}

export function compareVersions(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
