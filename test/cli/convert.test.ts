import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMaceCheckpoint, readModel } from '../../lib/mace/index.js'
import { missing, temporary } from '../files/temporary.js'
import { gauntlet } from './capture.js'

const FOLDER = join(__dirname, '../reference/torch')
const MODEL = join(FOLDER, 'mace.model')

test('makes a model of a checkpoint that eval and md read, and says what it is', async () => {
  const out = missing('.safetensors')
  const { status, err, out: printed } = await gauntlet('convert', MODEL, '-o', out)
  expect({ status, printed }).toEqual({ status: 0, printed: '' })
  expect(err).toContain(
    'ScaleShiftMACE of H, C, O within 4 Angstrom: 2x0e+2x1o, harmonics to 2, correlation 2,2, product cg',
  )
  const [made, known] = [await readModel(out), await readMaceCheckpoint(MODEL)]
  expect(made.model.configuration).toEqual(known.model.configuration)
  expect(made.weights).toEqual(known.weights)
  const xyz = temporary('1\n\nO 0 0 0\n', '.xyz')
  expect((await gauntlet('eval', out, xyz, '--device', 'cpu')).status).toBe(0)
})

test('needs a place to write to, which is no checkpoint', async () => {
  expect(await gauntlet('convert', MODEL)).toMatchObject({ status: 2, err: expect.stringContaining('--out') as string })
  const copy = temporary(readFileSync(MODEL), '.model')
  const { status, err } = await gauntlet('convert', copy, '-o', copy)
  expect(status).toBe(2)
  expect(err).toContain('Expected a file named *.safetensors for --out')
  expect(readFileSync(copy).equals(readFileSync(MODEL))).toBe(true)
})

test.each([
  ['no file', () => 'no-such.model', /there is no such file/],
  ['a state dict alone', () => join(FOLDER, 'values.pt'), /values.pt: Expected a whole model/],
  ['TorchScript', () => join(FOLDER, 'script.pt'), /TorchScript/],
  ['text', () => temporary('not a model', '.model'), /model/],
  ['nothing', () => temporary('', '.model'), /model/],
  ['half a model', () => temporary(readFileSync(MODEL).subarray(0, 20_000), '.model'), /model/],
])('refuses %s, and writes nothing', async (_, path, message) => {
  const out = missing('.safetensors')
  const { status, err } = await gauntlet('convert', path(), '-o', out)
  expect(status).toBe(1)
  expect(err).toMatch(message)
  expect(existsSync(out)).toBe(false)
})

test('leaves an older model where the new one cannot be made', async () => {
  const out = temporary('older', '.safetensors')
  writeFileSync(out, 'older')
  expect((await gauntlet('convert', join(FOLDER, 'script.pt'), '-o', out)).status).toBe(1)
  expect(readFileSync(out, 'utf8')).toBe('older')
})

test('never writes over the checkpoint, by whatever path', async () => {
  const checkpoint = temporary(readFileSync(MODEL), '.safetensors')
  const same = missing('.safetensors')
  symlinkSync(checkpoint, same)
  for (const out of [checkpoint, same]) {
    const { status, err } = await gauntlet('convert', checkpoint, '-o', out)
    expect([status, err]).toEqual([1, expect.stringContaining('a file that is not read for --out') as string])
    expect(readFileSync(checkpoint).equals(readFileSync(MODEL))).toBe(true)
  }
})
