// Extended XYZ as files: frame by frame, as ASE has it, written and read again.
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { formatXyz, parseXyz, readXyz, writeXyz, xyzFrames, type Structure } from '../../lib/structures/index.js'
import { dataFolder, hasData } from '../files/data-folder.js'
import { temporary } from '../files/temporary.js'

const REFERENCE = join(__dirname, '../reference/structures')

interface Said {
  numbers: number[]
  positions: number[]
  cell: number[] | null
  pbc: boolean[]
  energy: number
  forces: number[]
  stress: number[] | null
  properties?: Record<string, (string | number | boolean)[]>
}

/** ASE prints 8 digits after the point, and more of what stands in the comment line. */
function expectClose(values: ArrayLike<number>, said: ArrayLike<number>): void {
  expect(values).toHaveLength(said.length)
  for (let i = 0; i < said.length; i++) expect(Math.abs(values[i] - said[i])).toBeLessThan(0.51e-8)
}

test('reads what ASE writes', async () => {
  const frames = await readXyz(join(REFERENCE, 'ase.xyz'))
  const said = JSON.parse(readFileSync(join(REFERENCE, 'ase.json'), 'utf8')) as Said[]
  expect(frames).toHaveLength(said.length)
  for (const [i, one] of said.entries()) {
    const frame = frames[i]
    expect([...frame.numbers]).toEqual(one.numbers)
    expectClose(frame.positions, one.positions)
    expect(frame.cell && [...frame.cell]).toEqual(one.cell ?? undefined)
    expect(frame.pbc).toEqual(one.pbc)
    expect(frame.energy).toBe(one.energy)
    expectClose(frame.forces!, one.forces)
    if (one.stress) expectClose(frame.stress!, one.stress)
    else expect(frame.stress).toBeUndefined()
  }
  const { info, properties } = frames[0]
  expect(Object.fromEntries(info!)).toEqual({
    name: 'rock "salt" = NaCl',
    count: '3',
    good: 'T',
    vector: '1.5 -2.0',
    matrix: '_JSON [[1.0, 0.0], [0.0, 1.0]]',
  })
  const { tag, label, fixed, dipole, charge } = said[0].properties!
  expect(properties!.get('tag')).toEqual({ type: 'I', columns: 1, values: Float64Array.from(tag as number[]) })
  expect(properties!.get('label')).toEqual({ type: 'S', columns: 1, values: label })
  expect(properties!.get('fixed')).toEqual({ type: 'L', columns: 1, values: Float64Array.from(fixed, Number) })
  expect(properties!.get('dipole')!.columns).toBe(3)
  expectClose(properties!.get('dipole')!.values as Float64Array, dipole as number[])
  expect(properties!.get('charge')!.values).toEqual(Float64Array.from(charge, (q) => (q === -99 ? NaN : Number(q))))
})

const everything: Structure = {
  numbers: Uint8Array.of(0, 118),
  positions: Float64Array.of(0.1 + 0.2, -0, 5e-324, Number.MAX_VALUE, -1e21, 1 / 3),
  cell: Float64Array.of(1 / 3, 0, 0, 0, 1e-7, 0, 0, 0, 1e300),
  pbc: [true, false, true],
  energy: -0.1,
  forces: Float64Array.of(1, 2, 3, 4, 5, 6 / 7),
  stress: Float64Array.of(1, 2, 3, 2, 4, 5, 3, 5, 1 / 7),
  virials: Float64Array.of(1, 2, 3, 2, 4, 5, 3, 5, 1 / 9),
  info: new Map([
    ['plain', 'word'],
    ['a key', 'two words'],
    ['quoted', 'say "hi" \\ to\nall'],
    ['apostrophe', "it's"],
    ['list', '[[1, 2], [3, 4]]'],
    ['broken list', '[1, 2'],
    ['two lists', '[1] [2]'],
    ['equals', 'a=b'],
    ['empty', ''],
    ['__proto__', 'x'],
    ['unicode', 'Å\u00a0'],
  ]),
  properties: new Map([
    ['tag', { type: 'I', columns: 2, values: Float64Array.of(1, -2, 3, 2 ** 53 - 1) }],
    ['charge', { type: 'R', columns: 1, values: Float64Array.of(NaN, -Infinity) }],
    ['fixed', { type: 'L', columns: 1, values: Float64Array.of(1, 0) }],
    ['label', { type: 'S', columns: 1, values: ['"a', 'b=c'] }],
  ]),
}
const bare: Structure = { numbers: Uint8Array.of(1), positions: new Float64Array(3), pbc: [false, false, false] }
const empty: Structure = { numbers: new Uint8Array(0), positions: new Float64Array(0), pbc: [false, false, false] }

test.each([{}, { energyKey: 'REF energy', forcesKey: 'f', stressKey: 's', virialsKey: 'v' }])(
  'what is written is read again, to the last bit: %o',
  async (keys) => {
    const path = temporary('', '.xyz')
    await writeXyz(path, [everything, bare, empty], keys)
    const [first, second, third] = await readXyz(path, keys)
    expect(first).toEqual(everything)
    expect(second).toEqual({ ...bare, info: new Map() })
    expect(third.numbers).toHaveLength(0)
  },
)

test('a structure that is none is refused, and the file stays as it was', async () => {
  const path = temporary('before', '.xyz')
  const refuse = async (wrong: Partial<Structure>, code: string, message: RegExp): Promise<void> => {
    const error = { code, message: expect.stringMatching(message) as string }
    await expect(writeXyz(path, [bare, { ...bare, ...wrong }])).rejects.toMatchObject(error)
  }
  await refuse({ positions: new Float64Array(4) }, 'ERR_LENGTH', /3 values for 1 atoms for pos/)
  await refuse({ positions: Float64Array.of(0, NaN, 0) }, 'ERR_ARGUMENT', /positions hold NaN/)
  await refuse({ forces: new Float64Array(2) }, 'ERR_LENGTH', /for forces/)
  await refuse({ numbers: Uint8Array.of(200) }, 'ERR_ARGUMENT', /atomic numbers up to 118/)
  await refuse({ cell: new Float64Array(8) }, 'ERR_LENGTH', /9 numbers for Lattice/)
  await refuse({ pbc: [true, true, true] }, 'ERR_ARGUMENT', /a cell for a periodic structure/)
  await refuse({ energy: NaN }, 'ERR_ARGUMENT', /finite numbers for energy/)
  await refuse({ energy: 1, info: new Map([['energy', '2']]) }, 'ERR_ARGUMENT', /Two values are called 'energy'/)
  const property = (name: string, values: string[]): Partial<Structure> => ({
    properties: new Map([[name, { type: 'S', columns: 1, values }]]),
  })
  await refuse(property('a', ['b c']), 'ERR_ARGUMENT', /text without spaces for property 'a' of atom 1/)
  await refuse(property('a:b', ['c']), 'ERR_ARGUMENT', /without spaces or colons/)
  await refuse(property('pos', ['c']), 'ERR_ARGUMENT', /Two properties are called 'pos'/)
  expect(readFileSync(path, 'utf8')).toBe('before')
  await expect(writeXyz(join(dirname(path), 'nowhere', 'a.xyz'), [bare])).rejects.toMatchObject({ code: 'ERR_FILE' })
})

test('a file is read frame by frame, wherever its lines are cut', async () => {
  const frames = Array.from({ length: 400 }, (_, i): Structure => {
    const numbers = new Uint8Array(100).fill(1 + (i % 90))
    return { ...bare, numbers, positions: Float64Array.from({ length: 300 }, (_, j) => i + j / 7), energy: i }
  })
  const path = temporary('', '.xyz')
  await writeXyz(path, frames)
  expect(statSync(path).size).toBeGreaterThan(8 * 2 ** 18) // so many pieces of the reader
  let count = 0
  for await (const { energy, positions, numbers } of xyzFrames(path)) {
    expect({ energy, positions, numbers }).toEqual({
      energy: count,
      positions: frames[count].positions,
      numbers: frames[count].numbers,
    })
    count++
  }
  expect(count).toBe(400)
  const few = await readXyz(path, { frames: 4 })
  expect(few.map(({ energy }) => energy)).toEqual([0, 100, 200, 300])
  for await (const { energy } of xyzFrames(path)) if (energy === 3) break // closes the file
})

test('errors deep in a file name frame and line; frames before it are read', async () => {
  const good = formatXyz({ ...bare, energy: 1 })
  const path = temporary(`${good.repeat(1000)}1\n${'x'.repeat(20)}\nH 0 0\n`, '.xyz')
  let count = 0
  const read = async (): Promise<void> => {
    for await (const { energy } of xyzFrames(path)) count += energy!
  }
  await expect(read()).rejects.toMatchObject({
    code: 'ERR_FILE',
    message: expect.stringMatching(/frame 1001, line 3003: expected 4 columns for atom 1 of 1 but found 3/) as string,
  })
  expect(count).toBe(1000)
  const endless = temporary('', '.xyz')
  writeFileSync(endless, Buffer.alloc(2 ** 24 + 2 ** 19, 0x61))
  await expect(readXyz(endless)).rejects.toMatchObject({ code: 'ERR_FILE', message: /a line of over 16777216/ })
})

test('columns of all types are read as what they are, or refused', () => {
  const frame = (type: string, field: string): string =>
    `1\nProperties=species:S:1:pos:R:3:a:${type}:1\nH 0 0 0 ${field}\n`
  const value = (type: string, field: string): unknown =>
    parseXyz(frame(type, field))[0].properties!.get('a')!.values[0]
  expect(value('R', '1.5D-3')).toBe(1.5e-3)
  expect(value('R', '-inf')).toBe(-Infinity)
  expect(value('I', '-7')).toBe(-7)
  expect(['T', 'true', 'TRUE', '1', 'F', 'false'].map((field) => value('L', field))).toEqual([1, 1, 1, 1, 0, 0])
  expect(() => value('I', '1.5')).toThrow(/line 3: expected an integer but found "1.5"/)
  expect(() => value('I', '9007199254740993')).toThrow(/expected an integer/)
  expect(() => value('L', 'yes')).toThrow(/expected T or F but found "yes"/)
  expect(() => parseXyz('1\nProperties=species:S:1:pos:R:3:pos:R:3\nH 0 0 0 0 0 0\n')).toThrow(/has 'pos' twice/)
})

test('a structure that would be read as another is not written', () => {
  for (const key of ['Properties', 'Lattice', 'pbc', '']) {
    const info = new Map([[key, 'T']])
    expect(() => formatXyz({ ...everything, cell: undefined, pbc: [false, false, false], info })).toThrow('another key')
  }
})

test('stress is read as nine numbers or as six of Voigt', () => {
  const [{ stress, virials }] = parseXyz('1\nstress="1 2 3 4 5 6" virial="1 2 3 2 4 5 3 5 6"\nH 0 0 0\n')
  expect([...stress!]).toEqual([1, 6, 5, 6, 2, 4, 5, 4, 3])
  expect([...virials!]).toEqual([1, 2, 3, 2, 4, 5, 3, 5, 6])
  const half = '1\nstress="1 2 3"\nH 0 0 0\n'
  expect(() => parseXyz(half, { stressKey: 'stress' })).toThrow(/line 2: stress must have 9 numbers, or 6, but has 3/)
  // Where nobody has asked for one, it stays what it is.
  expect(parseXyz(half)[0]).toMatchObject({ stress: undefined, info: new Map([['stress', '1 2 3']]) })
})

test.skipIf(!hasData)('published training data survive being written, whole', async () => {
  const keys = { energyKey: 'energy_xtb', forcesKey: 'forces_xtb' }
  const structures = await readXyz(join(dataFolder, 'solvent/train_200.xyz'), keys)
  expect(structures).toHaveLength(203)
  expect(structures.every(({ energy, forces, numbers }) => energy! < 0 && forces!.length === 3 * numbers.length)).toBe(
    true,
  )
  const path = temporary('', '.xyz')
  await writeXyz(path, structures, keys)
  expect(await readXyz(path, keys)).toEqual(structures)
})
