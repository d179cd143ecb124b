import { expect, test } from 'vitest'
import { formatXyz, parseXyz, readStructures, readXyz } from '../../lib/structures/index.js'
import { parseComment } from '../../lib/structures/xyz-comment.js'
import { temporary } from '../files/temporary.js'

const frame = (comment: string, ...atoms: string[]): string => [String(atoms.length), comment, ...atoms, ''].join('\n')

test('reads a plain XYZ file, with free text and columns that nothing names', () => {
  const [water] = parseXyz('3\nwater, by hand\nO 0 0 0 0.5\nH 0.96 0 0 1\n h1 -0.24 0.93 0\n'.replace(' h1', '1'))
  expect([...water.numbers]).toEqual([8, 1, 1])
  expect([...water.positions]).toEqual([0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0])
  expect(water.pbc).toEqual([false, false, false])
  expect(water.cell).toBeUndefined()
  expect(water.energy).toBeUndefined()
  expect(water.forces).toBeUndefined()
})

test.each([
  'lowest energy conformer',
  'water under stress, no pbc',
  'Lattice relaxed',
  'Properties of water',
  'the "best',
  "it's [sic",
])('takes %s for free text', (comment) => {
  const [one] = parseXyz(frame(comment, 'H 0 0 0'))
  expect(one).toMatchObject({ pbc: [false, false, false], cell: undefined, energy: undefined })
  expect(one.info).toEqual(new Map([['comment', comment]]))
  expect(parseXyz(formatXyz(one))).toEqual([one])
})

test('takes pairs out of free text', () => {
  const [one] = parseXyz(frame(' i = 24, converged, energy = -7.5, stress=none', 'H 0 0 0'))
  const comment = 'i = 24, converged, energy = -7.5, stress=none'
  expect(one.energy).toBe(-7.5)
  expect(one.info).toEqual(new Map(Object.entries({ comment, i: '24,', stress: 'none' })))
  expect(() => parseXyz(frame('energy=-5eV', 'H 0 0 0'))).toThrow('line 2: expected a number but found "-5eV"')
  for (const energy of ['{-1.5}', '[-1.5]', '" -1.5"']) {
    expect(parseXyz(frame(`Properties=species:S:1:pos:R:3 energy=${energy}`, 'H 0 0 0'))[0].energy).toBe(-1.5)
  }
})

test('reads everything an extended frame says', () => {
  const text = frame(
    'Lattice="4.0 0 0 0.5 5 0 0 0 6e0" Properties=species:S:1:pos:R:3:molID:I:1:REF_forces:R:3 REF_energy=-1.25e1 pbc="T F T" config_type=bulk',
    'Na 0.0 0.0 0.0  1  0.1 0.2 0.3',
    'Cl 2.0 2.5 3.0  1 -0.1 -.2 -3.e-1',
  )
  const [salt] = parseXyz(text, { energyKey: 'REF_energy', forcesKey: 'REF_forces' })
  expect([...salt.numbers]).toEqual([11, 17])
  expect([...salt.cell!]).toEqual([4, 0, 0, 0.5, 5, 0, 0, 0, 6])
  expect(salt.pbc).toEqual([true, false, true])
  expect(salt.energy).toBe(-12.5)
  expect([...salt.forces!]).toEqual([0.1, 0.2, 0.3, -0.1, -0.2, -0.3])
  expect(salt.info!.get('config_type')).toBe('bulk')
  // Columns in another order, and numbers for species.
  const [other] = parseXyz(frame('Properties=forces:R:3:pos:R:3:Z:I:1 energy=3', '1 2 3 4 5 6 92'))
  expect([...other.numbers]).toEqual([92])
  expect([...other.positions]).toEqual([4, 5, 6])
  expect([...other.forces!]).toEqual([1, 2, 3])
  expect(other.energy).toBe(3)
})

test('a lattice alone means periodic in all directions', () => {
  const cell = 'Lattice="1 0 0 0 1 0 0 0 1"'
  expect(parseXyz(frame(cell, 'H 0 0 0'))[0].pbc).toEqual([true, true, true])
  expect(parseXyz(frame(`${cell} pbc=[F, F, T]`, 'H 0 0 0'))[0].pbc).toEqual([false, false, true])
})

test('takes the comment line apart as the format has it', () => {
  const line = `a=1  'b c' = "two words" d={1 2 3} e=[[1, 2], [3, 4]] f="say \\"hi\\"" g  h='it is' __proto__=x Comp=DMC(1)`
  const values = parseComment(line)
  expect(
    Object.fromEntries([...values].map(([key, value]) => [key === '__proto__' ? 'proto' : key, value.raw])),
  ).toEqual({
    a: '1',
    'b c': 'two words',
    d: '{1 2 3}',
    e: '[[1, 2], [3, 4]]',
    f: 'say "hi"',
    g: 'T',
    h: 'it is',
    proto: 'x',
    Comp: 'DMC(1)',
  })
  expect(values.get('e')!.fields).toEqual(['1', '2', '3', '4'])
})

test('reads many frames, other line ends and trailing blank lines', async () => {
  const text = (frame('energy=1', 'H 0 0 0') + frame('energy=2', 'He 0 0 0', 'H 1 1 1') + '\n\n').replaceAll(
    '\n',
    '\r\n',
  )
  const path = temporary('\uFEFF' + text, '.xyz')
  const frames = await readXyz(path)
  expect(frames.map((one) => one.energy)).toEqual([1, 2])
  expect(frames.map((one) => one.numbers.length)).toEqual([1, 2])
  expect(await readStructures(path, { frames: 1 })).toEqual([frames[0]])
})

const ATOM = 'Properties=species:S:1:pos:R:3'

test.each<[string, string, RegExp]>([
  ['nothing', '', /holds no frames/],
  ['a count that is no number', 'three\nx\n', /frame 1, line 1: expected the number of atoms but found "three"/],
  ['a count with a tail', '3x\nx\n', /line 1: expected the number of atoms/],
  [
    'a count that is larger than the file',
    '100000000\ncomment\nH 0 0 0\n',
    /frame 1, line 2: it announces 100000000 atoms, for which a file of 26 bytes has no room/,
  ],
  ['a count without a comment', '1', /frame 1, line 1: the file ends before the comment line/],
  [
    'a second frame cut short',
    frame(ATOM, 'H 0 0 0') + '2\n\nH 0 0 0',
    /frame 2, line 6: the file ends 1 atom\(s\) early/,
  ],
  ['too few columns', frame(ATOM, 'H 0 0'), /frame 1, line 3: expected 4 columns for atom 1 of 1 but found 3/],
  ['too many columns', frame(ATOM, 'H 0 0 0 0'), /expected 4 columns .* found 5/],
  ['a number with a tail', frame(ATOM, 'H 0 0 1.5A'), /line 3: expected a number but found "1.5A"/],
  ['hexadecimal', frame(ATOM, 'H 0 0 0x10'), /expected a number but found "0x10"/],
  ['NaN', frame(ATOM, 'H 0 0 nan'), /expected a number but found "nan"/],
  ['a number beyond float64', frame(ATOM, 'H 0 0 1e999'), /expected a number but found "1e999"/],
  ['an unknown element', frame(ATOM, 'Xx 0 0 0'), /expected a chemical element but found "Xx"/],
  ['a number that is no element', frame(ATOM, '119 0 0 0'), /expected a chemical element but found "119"/],
  [
    'properties without positions',
    frame('Properties=species:S:1', 'H'),
    /must have 'species' \(or 'Z'\) and 'pos' but it has 'species'/,
  ],
  ['properties cut short', frame('Properties=species:S:1:pos:R', 'H 0 0 0'), /name:type:columns.*'pos:R'/],
  ['properties of no columns', frame('Properties=species:S:1:pos:R:0', 'H'), /'pos:R:0'/],
  ['positions in a plane', frame('Properties=species:S:1:pos:R:2', 'H 0 0'), /'pos' must have 3 column\(s\) but has 2/],
  ['positions as text', frame('Properties=species:S:1:pos:S:3', 'H 0 0 0'), /'pos' must hold numbers/],
  ['a lattice of six', frame('Lattice="1 1 1 90 90 90"', 'H 0 0 0'), /line 2: Lattice must have 9 numbers but has 6/],
  ['a lattice of words', frame('Lattice="a 0 0 0 b 0 0 0 c"', 'H 0 0 0'), /line 2: expected a number but found "a"/],
  ['a period without a lattice', frame('pbc="T T T"', 'H 0 0 0'), /periodic \(pbc\) but has no Lattice/],
  ['a period that is neither', frame('pbc="yes no no"', 'H 0 0 0'), /pbc must be three of T and F but is 'yes no no'/],
  ['an energy that is none', frame('energy=low', 'H 0 0 0'), /line 2: expected a number but found "low"/],
  ['an open quote', frame('Lattice="1 0 0', 'H 0 0 0'), /line 2: the quote at column 9 is never closed/],
  ['an open bracket', frame('pbc=[T T', 'H 0 0 0'), /line 2: the '\[' at column 5 is never closed/],
])('refuses %s', (_, text, message) => {
  expect(() => parseXyz(text, {}, 'file.xyz')).toThrow(
    expect.objectContaining({ code: 'ERR_FILE', message: expect.stringMatching(message) as string }) as Error,
  )
  expect(() => parseXyz(text, {}, 'file.xyz')).toThrow(/^file\.xyz/)
})

test('a key that no frame has is an error that lists those there are', () => {
  const text = frame(`${ATOM}:f:R:3 energy_xtb=1`, 'H 0 0 0 0 0 0')
  expect(() => parseXyz(text, { energyKey: 'Energy' })).toThrow(
    /no frame has energy under the key 'Energy'.*energy_xtb/,
  )
  expect(() => parseXyz(text, { forcesKey: 'forces' })).toThrow(
    /no frame has forces under the key 'forces'.*species, pos, f/,
  )
})
