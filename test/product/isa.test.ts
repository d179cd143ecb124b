import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildInfo, devices } from '../../lib/runtime/index.js'

// The kernels are compiled once for every instruction set, and one set is chosen when the process starts.
const main = join(__dirname, '..', '..', 'dist', 'cli', 'main.js')

function run(isa: string, ...command: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...command, '--json'], {
    encoding: 'utf8',
    env: { ...process.env, GAUNTLET_ISA: isa },
  })
  expect(stderr).toBe('')
  return { status, result: JSON.parse(stdout) as Record<string, unknown> }
}

const cpu = devices()[0]
const levels = buildInfo().isaLevels
const best = cpu.kind === 'cpu' ? levels.indexOf(cpu.isa) : -1

describe.each(levels.slice(0, best + 1))('%s', (isa) => {
  test('passes the self-test', { timeout: 120_000 }, () => {
    const { status, result } = run(isa, 'selftest', '--device', 'cpu', '--quick')
    expect(result).toMatchObject({ failed: 0, provenance: { isa } })
    expect((result.cases as unknown[]).length).toBeGreaterThan(10)
    expect(status).toBe(0)
  })
})

test('more than the processor has cannot be asked for', () => {
  const { result } = run('avx1024', 'info')
  expect(levels.indexOf((result.devices as { isa: string }[])[0].isa)).toBeGreaterThanOrEqual(best)
})
