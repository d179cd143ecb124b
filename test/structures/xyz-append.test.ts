// Trajectories that grow frame by frame, and what is left of them when a program ends.
import { spawnSync } from 'node:child_process'
import { readFileSync, truncateSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readXyz, type Structure, XyzAppender, xyzFrames } from '../../lib/structures/index.js'
import { packageFolder } from '../lifecycle/child.js'
import { missing, temporary } from '../files/temporary.js'

const frame = (energy: number): Structure => ({
  numbers: Uint8Array.of(1, 8),
  positions: Float64Array.of(0, 0, 0, 0.1 + 0.2, energy, 1 / 3),
  pbc: [false, false, false],
  energy,
})

it('can be read after every frame, to the last bit', async () => {
  const path = missing('.xyz')
  await using trajectory = await XyzAppender.create(path)
  const known = []
  for (let n = 0; n < 3; n++) {
    await trajectory.append(frame(n))
    known.push(frame(n))
    const frames = await readXyz(path)
    expect(frames.map(({ energy, positions }) => ({ energy, positions }))).toEqual(
      known.map(({ energy, positions }) => ({ energy, positions })),
    )
  }
})

it('never writes over a file that is there', async () => {
  const path = temporary('kept', '.xyz')
  await expect(XyzAppender.create(path)).rejects.toMatchObject({ code: 'ERR_FILE', message: /such a file already/ })
  expect(readFileSync(path, 'utf8')).toBe('kept')
  await expect(XyzAppender.create('no-such-folder/a.xyz')).rejects.toThrow(/there is no such folder/)
})

it('refuses a structure that is none, and goes on', async () => {
  const path = missing('.xyz')
  await using trajectory = await XyzAppender.create(path)
  await trajectory.append(frame(1))
  const broken = { ...frame(2), positions: new Float64Array(6).fill(NaN) }
  await expect(trajectory.append(broken)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  await expect(trajectory.append({ ...frame(2), positions: new Float64Array(5) })).rejects.toMatchObject({
    code: 'ERR_LENGTH',
  })
  await trajectory.append(frame(3))
  expect((await readXyz(path)).map(({ energy }) => energy)).toEqual([1, 3])
})

/** A process that appends frames 0, 1, 2, ... to a file and does something else after each. */
function appending(path: string, then: string, shell = ''): ReturnType<typeof spawnSync> {
  const code = `
    const { XyzAppender } = require('gauntlet/structures')
    const frame = ${frame.toString()}
    XyzAppender.create(${JSON.stringify(path)}).then(async (trajectory) => {
      for (let n = 0; ; n++) {
        await trajectory.append(frame(n))
        ${then}
      }
    }).catch((error) => {
      console.error(error.code, error.message)
      process.exit(3)
    })`
  const command = `${shell} exec "$0" -e "$1"`
  return spawnSync('sh', ['-c', command, process.execPath, code], { cwd: packageFolder, encoding: 'utf8' })
}

it('keeps every frame of a process that is killed', async () => {
  const path = missing('.xyz')
  expect(appending(path, "if (n === 6) process.kill(process.pid, 'SIGKILL')").signal).toBe('SIGKILL')
  expect((await readXyz(path)).map(({ energy }) => energy)).toEqual([0, 1, 2, 3, 4, 5, 6])
})

it('leaves whole frames alone where there is no more space', async () => {
  const path = missing('.xyz')
  // A limit on the size of files, in blocks of 512 bytes, stands for a full disk.
  const { status, stderr } = appending(path, '', 'ulimit -f 4;')
  expect(stderr).toMatch(/ERR_FILE Cannot write/)
  expect(status).toBe(3)
  const frames = await readXyz(path)
  expect(frames.length).toBeGreaterThan(5)
  expect(frames.map(({ energy }) => energy)).toEqual(frames.map((_, n) => n))
})

it('gives the frames before one that is cut short, which an error names', async () => {
  const path = missing('.xyz')
  {
    await using trajectory = await XyzAppender.create(path)
    for (let n = 0; n < 3; n++) await trajectory.append(frame(n))
  }
  truncateSync(path, readFileSync(path).length - 20)
  const read: unknown[] = []
  const reading = (async () => {
    for await (const { energy } of xyzFrames(path)) read.push(energy)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'ERR_FILE', message: /frame 3/ })
  expect(read).toEqual([0, 1])
})
