import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const run = (name: string): string =>
  execFileSync(process.execPath, [join(__dirname, '../../examples', name)], { encoding: 'utf8' })

test('product.mjs', () => {
  const out = run('product.mjs')
  expect(out).toMatch(/^11 paths on (cpu|cuda:0), 576 numbers per sample\n/)
  expect(out).toContain('the same off the event loop: true')
  expect(Number(/equivariance error: (\S+)/.exec(out)?.[1])).toBeLessThan(1e-6)
})

test('product.cjs', () => {
  // x times y has no scalar part. Its cross product is z, scaled by sqrt(3) / sqrt(6): normalization over the norm of epsilon.
  const lines = run('product.cjs').trim().split('\n')
  expect(lines[0]).toBe('1o x 1o = 1x0e+1x1e+1x2e')
  expect(lines[1]).toBe('0e: 0.0000')
  expect(lines[2].replace('-', '')).toBe('1e: 0.0000 0.0000 0.7071')
  expect(lines[3]).toMatch(/^2e:( -?\d\.\d{4}){5}$/)
})

test('molecule.mjs', () => {
  const lines = run('molecule.mjs').trim().split('\n')
  expect(lines).toHaveLength(9)
  // A sum of squares.
  for (const line of lines) expect(Number(line.split(': ')[1])).toBeGreaterThan(0)
})

test('message-passing.mjs', () => {
  const out = run('message-passing.mjs')
  // Every edge pulls both ways. Float32 energies differ by rounding, 1e-7 / step, and the difference quotient by step^2.
  expect(Number(/net force, relative: (\S+)/.exec(out)?.[1])).toBeLessThan(1e-12)
  expect(Number(/relative error: (\S+)/.exec(out)?.[1])).toBeLessThan(5e-3)
})

test('tetris.mjs: mirror images are told apart by all but the Gaunt product', () => {
  const lines = run('tetris.mjs').trim().split('\n').slice(1)
  const results = lines.map((line) => {
    const [, name, correct, least, most] = /^(.+?) +((?:\d )+) +scores .* differ by (\S+) \.\. (\S+)$/.exec(line)!
    return { name, correct: correct.trim().split(' ').map(Number), least: Number(least), most: Number(most) }
  })
  expect(results.map(({ name }) => name)).toEqual(['Clebsch-Gordan', 'Gaunt', 'Gaunt and bracket', 'matrix'])
  for (const { name, correct, least, most } of results) {
    expect(correct, name).toEqual(new Array(5).fill(name === 'Gaunt' ? 7 : 8))
    // Scores are tens, in float32 after turning the pieces: a few times 1e-6 of that is rounding. Trained ones are far apart.
    if (name === 'Gaunt') expect(most).toBeLessThan(1e-3)
    else expect(least).toBeGreaterThan(1)
  }
})
