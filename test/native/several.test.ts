import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { allocate, buildInfo, devices, type Evaluation, Execution } from '../../lib/runtime/index.js'
import { codeOf, detach, dims, encode, noise, operands, sameBits } from './toy.js'

const execution = new Execution('cpu', encode(), operands)
afterAll(() => {
  execution.dispose()
})

const batch = 37
const [x1, x2, y, v1, v2] = [0, 1, 2, 0, 1].map((operand, n) => noise(batch * dims[operand], n + 1))

/** The evaluations of a double backward pass, alone. */
const wanted = {
  x1: execution.evaluate(0, [v2, y]),
  x2: execution.evaluate(1, [v1, y]),
  y: execution.evaluate(2, [x1, v2], { out: execution.evaluate(2, [v1, x2]), accumulate: true }),
}

/** The same in one call, into `out`. */
function together(out: { x1: Float32Array; x2: Float32Array; y: Float32Array }): Evaluation[] {
  return [
    { target: 0, inputs: [v2, y], out: out.x1 },
    { target: 1, inputs: [v1, y], out: out.x2 },
    { target: 2, inputs: [v1, x2], out: out.y },
    { target: 2, inputs: [x1, v2], out: out.y, accumulate: true },
  ]
}
const poisoned = (make: (length: number) => Float32Array) => ({
  x1: make(wanted.x1.length).fill(NaN),
  x2: make(wanted.x2.length).fill(NaN),
  y: make(wanted.y.length).fill(NaN),
})
const sameAsWanted = (out: typeof wanted) => (['x1', 'x2', 'y'] as const).every((o) => sameBits(out[o], wanted[o]))

describe('several evaluations in one call', () => {
  test.each([
    ['arrays', (length: number): Float32Array => new Float32Array(length)],
    ['allocated arrays', (length: number): Float32Array => allocate(length)],
    ['arrays at odd addresses', (length: number): Float32Array => new Float32Array(length + 1).subarray(1)],
  ])('give the floats of each alone, into %s, on the event loop and off it', async (_, make) => {
    const out = poisoned(make)
    execution.evaluateAll(together(out))
    expect(sameAsWanted(out)).toBe(true)
    const later = poisoned(make)
    await execution.evaluateAllAsync(together(later))
    expect(sameAsWanted(later)).toBe(true)
  })

  test('read all inputs before results overwrite them', async () => {
    for (const later of [false, true]) {
      const [a, b] = [x1.slice(), x2.slice()]
      const list: Evaluation[] = [
        { target: 0, inputs: [b, y], out: a },
        { target: 1, inputs: [a, y], out: b },
      ]
      if (later) await execution.evaluateAllAsync(list)
      else execution.evaluateAll(list)
      expect(sameBits(a, execution.evaluate(0, [x2, y]))).toBe(true)
      expect(sameBits(b, execution.evaluate(1, [x1, y]))).toBe(true)
    }
  })

  test('are refused together, before anything is written', async () => {
    const detached = y.slice()
    detach(detached.buffer)
    const bad = [y.slice(1), detached, new Float64Array(y.length) as unknown as Float32Array]
    for (const [n, code] of ['ERR_LENGTH', 'ERR_BUFFER', 'ERR_DTYPE'].entries()) {
      const out = poisoned((length) => new Float32Array(length))
      const list = together(out)
      list[1] = { ...list[1], inputs: [x1, bad[n]] }
      const call = () => {
        execution.evaluateAll(list)
      }
      expect(codeOf(call)).toBe(code)
      await expect(execution.evaluateAllAsync(list)).rejects.toMatchObject({ code })
      expect(out.x1.every(Number.isNaN)).toBe(true)
    }
  })
})

const levels = buildInfo().isaLevels
const cpu = devices()[0]
const best = cpu.kind === 'cpu' ? levels.indexOf(cpu.isa) : -1

test.each(levels.slice(0, best + 1))('%s packs and unpacks blocks of any size', { timeout: 60_000 }, (isa) => {
  const env = { ...process.env, GAUNTLET_ISA: isa }
  const script = join(__dirname, 'transpositions.cjs')
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env })
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([])
})
