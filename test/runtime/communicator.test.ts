import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { joinCommunicator } from '../../lib/runtime/communicator.js'
import { hasMpi, mpirun } from './mpi.js'

const folder = join(__dirname, '..', '..')

function run(ranks: number, script: string, env: NodeJS.ProcessEnv = {}) {
  const code = `const { joinCommunicator } = require('./dist/runtime/communicator.js')\nconst c = joinCommunicator()\n${script}`
  return mpirun(ranks, ['-e', code], { cwd: folder, timeout: 25_000, env: { ...process.env, ...env } })
}

it('is one process where mpirun did not start it', () => {
  const alone = joinCommunicator()
  expect([alone.rank, alone.size]).toEqual([0, 1])
  const array = Float32Array.of(1, 2)
  alone.sum(array)
  expect(array).toEqual(Float32Array.of(1, 2))
})

describe.skipIf(!hasMpi)('several processes (Debian: openmpi-bin)', () => {
  it('sum and broadcast', () => {
    const script = `
      const a = Float32Array.of(c.rank + 1, 10)
      const d = Float64Array.of(0.1)
      const b = Float32Array.of(c.rank + 5)
      c.sum(a); c.sum(d); c.broadcast(b)
      console.log(JSON.stringify([c.size, ...a, ...d, ...b]))`
    const { stdout, stderr, status } = run(3, script)
    expect(status, stderr).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines) {
      const [size, a, ten, d, b] = JSON.parse(line) as number[]
      expect([size, a, ten, b]).toEqual([3, 6, 30, 5])
      expect(d).toBeCloseTo(0.3, 15)
    }
  })

  it('all end where one fails while others wait', () => {
    const { status } = run(2, `if (c.rank === 1) throw new Error('no')\nc.sum(new Float32Array(1))`)
    expect(status).not.toBe(0)
  })

  it('says what is missing where the library does not load', () => {
    const { stderr, status } = run(1, '', { GAUNTLET_MPI: '/no/such/libmpi.so' })
    expect(status).not.toBe(0)
    expect(stderr).toContain('Open MPI could not be loaded')
    expect(stderr).toContain('/no/such/libmpi.so')
  })
})
