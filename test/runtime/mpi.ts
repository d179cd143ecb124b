import { spawnSync, type SpawnSyncReturns } from 'node:child_process'

const found = spawnSync('mpirun', ['--version'], { encoding: 'utf8' })

/** Whether Open MPI is here (Debian: openmpi-bin). */
export const hasMpi = found.status === 0 && found.stdout.includes('Open MPI')

/** Runs Node.js with some arguments in so many processes that mpirun starts. */
export function mpirun(
  processes: number,
  args: string[],
  options: { cwd?: string; timeout?: number; env?: NodeJS.ProcessEnv } = {},
): SpawnSyncReturns<string> {
  const all = ['--allow-run-as-root', '--oversubscribe', '-n', String(processes), process.execPath, ...args]
  return spawnSync('mpirun', all, { encoding: 'utf8', ...options })
}
