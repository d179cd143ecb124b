import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseNpy, type NpyArray } from '../../lib/files/npy.js'
import { readNpz } from '../../lib/files/npz.js'
import { readRmd17, readSplit, readStructures } from '../../lib/structures/index.js'
import { float64, npy, temporary, zip, type Member } from '../files/temporary.js'

const REFERENCE = join(__dirname, '../reference/structures')
const EXAMPLE = join(__dirname, '../../examples/ethanol_pbe.npz')
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const fails = (message: RegExp): object => ({ code: 'ERR_FILE', message: expect.stringMatching(message) as string })

test('reads every type that numpy writes', async () => {
  const expected: Record<string, { shape: number[]; data: unknown[] }> = {
    scalar: { shape: [], data: [7] },
    empty: { shape: [0, 3], data: [] },
    text: { shape: [], data: ['kcal/mol'] },
    texts: { shape: [2], data: ['Ang', 'μ'] },
    bool: { shape: [2, 3, 4], data: range(24).map((i) => i % 2) },
  }
  for (const name of ['f8', 'f4', 'f2', 'F8', 'F4', 'u1', 'u8', 'fortran'])
    expected[name] = { shape: [2, 3, 4], data: range(24) }
  for (const name of ['i8', 'i4', 'I2', 'i1']) expected[name] = { shape: [2, 3, 4], data: range(24).map((i) => i - 5) }
  const { names, arrays } = await readNpz(join(REFERENCE, 'numpy-types.npz'), Object.keys(expected))
  expect(names.sort()).toEqual(Object.keys(expected).sort())
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const array: NpyArray = arrays.get(name)!
    expect([...array.data], name).toEqual(data)
    expect(array.shape, name).toEqual(shape)
  }
})

test('reads halves by their definition', () => {
  const bits = [0x0001, 0x3555, 0x7bff, 0x8000, 0xfc00]
  const { data } = parseNpy(
    npy(`{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }`, Buffer.from(Uint16Array.from(bits).buffer)),
  )
  // Smallest subnormal, the half nearest to a third, the largest finite one.
  expect([...data]).toEqual([2 ** -24, 0.333251953125, 65504, -0, -Infinity])
})

test.each([1, 2, 3])('reads version %i of the format', (version) => {
  const bytes = npy(
    `{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }`,
    Buffer.from(Float64Array.of(1, 2).buffer),
    version,
  )
  expect(parseNpy(bytes)).toEqual({ shape: [2], data: Float64Array.of(1, 2) })
})

test('reads the bundled trajectory in eV and Angstrom', async () => {
  const frames = await readStructures(EXAMPLE)
  expect(frames).toHaveLength(270)
  const [first] = frames
  expect([...first.numbers].sort((a, b) => a - b)).toEqual([1, 1, 1, 1, 1, 1, 6, 6, 8])
  // Ethanol in PBE/def2-SVP: about -154.8 hartree, of 27.2114 eV.
  expect(first.energy! / 27.2114).toBeGreaterThan(-155)
  expect(first.energy! / 27.2114).toBeLessThan(-154.5)
  for (const { forces, positions } of frames) {
    for (const axis of [0, 1, 2]) {
      const net = forces!.reduce((sum, value, i) => (i % 3 === axis ? sum + value : sum), 0)
      expect(Math.abs(net)).toBeLessThan(0.03 * 0.0434) // the files' own bound, 0.03 kcal/mol/A
    }
    expect(positions).toHaveLength(27)
  }
})

test('spreads the frames it is asked for', async () => {
  const all = await readRmd17(EXAMPLE)
  const few = await readRmd17(EXAMPLE, { frames: 3 })
  expect(few).toEqual([all[0], all[90], all[180]])
  expect(await readRmd17(EXAMPLE, { frames: 1000 })).toHaveLength(270)
})

test("reads MD17's older names, and its column of energies", async () => {
  const frames = await readRmd17(join(REFERENCE, 'md17.npz'))
  const kcal = 0.0433641 // eV
  expect(frames).toHaveLength(2)
  expect([...frames[0].numbers]).toEqual([8, 1, 1])
  expect([...frames[1].positions]).toEqual(range(9).map((i) => (i + 9) / 8))
  expect(frames.map((frame) => frame.energy! / kcal)).toEqual([expect.closeTo(-10, 4), expect.closeTo(-20, 4)])
  expect(frames[1].forces![8] / kcal).toBeCloseTo(2, 4)
})

const water = (): Record<string, Buffer> => ({
  nuclear_charges: float64([3], [8, 1, 1]),
  coords: float64([2, 3, 3], range(18)),
  energies: float64([2], [1, 2]),
  forces: float64([2, 3, 3], range(18)),
})
const archive = (arrays: Record<string, Buffer>): string =>
  temporary(zip(Object.entries(arrays).map(([name, data]) => ({ name: `${name}.npy`, data, deflate: true }))), '.npz')

test('takes the units that a file states', async () => {
  const unit = (name: string): Buffer => {
    const codes = Uint32Array.from(name, (char) => char.charCodeAt(0))
    return npy(`{'descr': '<U${name.length}', 'fortran_order': False, 'shape': (), }`, Buffer.from(codes.buffer))
  }
  const [frame] = await readRmd17(archive({ ...water(), e_unit: unit('eV'), r_unit: unit('Ang') }))
  expect(frame.energy).toBe(1)
  await expect(readRmd17(archive({ ...water(), e_unit: unit('Ha') }))).rejects.toMatchObject(
    fails(/unit "Ha".*known are kcal\/mol, eV/),
  )
})

test.each<[string, Record<string, Buffer>, RegExp]>([
  ['no charges', { coords: float64([1, 1, 3], range(3)) }, /needs 'nuclear_charges' and 'coords'.*holds coords/],
  [
    'coordinates of another molecule',
    { ...water(), coords: float64([2, 2, 3], range(12)) },
    /shape 2 x 2 x 3.*2 x 3 x 3/,
  ],
  ['too few energies', { ...water(), energies: float64([1], [1]) }, /energies of shape 1, .* 2$/],
  ['forces of another shape', { ...water(), forces: float64([2, 9], range(18)) }, /forces of shape 2 x 9/],
  ['an element that is none', { ...water(), nuclear_charges: float64([3], [8, 1, 1.5]) }, /not that of an element/],
  ['NaN', { ...water(), coords: float64([2, 3, 3], range(18).fill(NaN)) }, /'coords' or 'R' holds NaN at \[0, 0, 0\]/],
])('refuses %s', async (_, arrays, message) => {
  await expect(readRmd17(archive(arrays))).rejects.toMatchObject(fails(message))
})

test.each<[string, Buffer, RegExp]>([
  ['another format', Buffer.from('not an array at all'), /does not begin as a .npy array/],
  ['version 9', npy(`{}`, Buffer.alloc(0), 9), /version 9/],
  ['a header of 4 GB', Buffer.from('\x93NUMPY\x02\x00\xff\xff\xff\xff', 'latin1'), /header claims 4294967295 bytes/],
  ['a header cut short', npy(`{'descr': '<f8', }`, Buffer.alloc(0)).subarray(0, 20), /ends within its header/],
  ['no order', npy(`{'descr': '<f8', 'shape': (1,), }`, Buffer.alloc(8)), /no fortran_order/],
  ['objects', npy(`{'descr': '|O', 'fortran_order': False, 'shape': (1,), }`, Buffer.alloc(8)), /type is '\|O'/],
  [
    'structured types',
    npy(`{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }`, Buffer.alloc(8)),
    /no simple type/,
  ],
  [
    'complex numbers',
    npy(`{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }`, Buffer.alloc(16)),
    /type is '<c16'/,
  ],
  [
    'an absurd shape',
    npy(`{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }`, Buffer.alloc(8)),
    /absurd/,
  ],
  [
    'a shape that is too large',
    npy(`{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000,), }`, Buffer.alloc(8)),
    /announces 8000000000 bytes.*has 8/,
  ],
  ['data cut short', float64([3], [1, 2, 3]).subarray(0, -1), /announces 24 bytes.*has 23/],
  ['data that go on', Buffer.concat([float64([3], [1, 2, 3]), Buffer.alloc(1)]), /announces 24 bytes.*has 25/],
])('refuses %s', async (_, data, message) => {
  expect(() => parseNpy(data)).toThrow(message)
  const path = temporary(zip([{ name: 'coords.npy', data }]), '.npz')
  await expect(readNpz(path, ['coords'])).rejects.toMatchObject(fails(message))
})

const good = float64([300], range(300))

test.each<[string, Member[], RegExp]>([
  [
    'a member that is longer than it says',
    [{ name: 'R.npy', data: good, deflate: true, claimedSize: good.length - 8 }],
    /too many bytes|announces 2400 bytes.*has 2392/,
  ],
  [
    'a member that is shorter than it says',
    [{ name: 'R.npy', data: good.subarray(0, -8), deflate: true, claimedSize: good.length }],
    /not enough bytes/,
  ],
  ['a stored member of another size', [{ name: 'R.npy', data: good, claimedSize: 2 ** 31 }], /size mismatch/i],
  ['a wrong checksum', [{ name: 'R.npy', data: good, claimedCrc: 1 }], /checksum/],
  [
    'a member twice',
    [
      { name: 'R.npy', data: good },
      { name: 'R.npy', data: good },
    ],
    /twice/,
  ],
])('refuses %s', async (_, members, message) => {
  await expect(readNpz(temporary(zip(members), '.npz'), ['R'])).rejects.toMatchObject(fails(message))
})

test('reads zeros, which deflate a thousandfold, but never more than all archives may hold', async () => {
  const count = 2 ** 20
  const zeros = npy(`{'descr': '<f8', 'fortran_order': False, 'shape': (${count},), }`, Buffer.alloc(8 * count))
  const { arrays } = await readNpz(temporary(zip([{ name: 'R.npy', data: zeros, deflate: true }]), '.npz'), ['R'])
  expect(arrays.get('R')!.data).toEqual(new Float64Array(count))
  const claim = (claimedSize: number) => {
    return temporary(zip([{ name: 'R.npy', data: zeros, deflate: true, claimedCrc: 0, claimedSize }]), '.npz')
  }
  // One that claims to be small is cut off where its directory says it ends.
  await expect(readNpz(claim(4096), ['R'])).rejects.toMatchObject({ code: 'ERR_FILE' })
  // One member of more than everything that may be read is not unpacked.
  const before = process.memoryUsage().arrayBuffers
  await expect(readNpz(claim(2 ** 31), ['R'])).rejects.toMatchObject(fails(/read up to 1073741824 in all/))
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 22)
})

test('refuses every archive cut short, and survives any single damaged byte', async () => {
  const bytes = zip(Object.entries(water()).map(([name, data]) => ({ name: `${name}.npy`, data, deflate: true })))
  const whole = await readRmd17(temporary(bytes, '.npz'))
  for (let length = 0; length < bytes.length; length += 13) {
    await expect(readRmd17(temporary(bytes.subarray(0, length), '.npz'))).rejects.toMatchObject({ code: 'ERR_FILE' })
  }
  for (let at = 0; at < bytes.length; at += 7) {
    const damaged = Buffer.from(bytes)
    damaged[at] ^= 0x55
    // Damage to a date, say, changes nothing; anything else is an error, never other numbers.
    await readRmd17(temporary(damaged, '.npz')).then(
      (frames) => {
        expect(frames.map((frame) => frame.positions)).toEqual(whole.map((frame) => frame.positions))
      },
      (error: unknown) => {
        expect(error).toMatchObject({ code: 'ERR_FILE' })
      },
    )
  }
})

test('says what is wrong with the file itself', async () => {
  await expect(readStructures('no-such-file.npz')).rejects.toMatchObject(
    fails(/Cannot read no-such-file.npz: there is no such file/),
  )
  await expect(readStructures(temporary('hello', '.npz'))).rejects.toMatchObject(fails(/not a whole .npz archive/))
  await expect(readStructures('molecule.pdb')).rejects.toMatchObject(
    fails(/Expected a file named \*\.xyz.*molecule\.pdb/),
  )
})

test('reads the frames of a split, in its order', async () => {
  const all = await readRmd17(EXAMPLE)
  const indices = await readSplit(temporary('7\r\n0\n269\n', '.csv'))
  expect(indices).toEqual(Int32Array.of(7, 0, 269))
  expect(await readRmd17(EXAMPLE, { indices })).toEqual([all[7], all[0], all[269]])
  await expect(readRmd17(EXAMPLE, { indices: [270] })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  await expect(readRmd17(EXAMPLE, { indices: [1], frames: 1 })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
})

test.each<[string, string, RegExp]>([
  ['nothing', '', /line 1: expected the number of a frame but found ""/],
  ['a fraction', '1\n2.5\n', /line 2: .* found "2.5"/],
  ['a negative number', '-1\n', /line 1: .* found "-1"/],
  ['a gap', '1\n\n2\n', /line 2: .* found ""/],
  ['a frame twice', '1\n2\n01\n', /line 3: frame 1 is there twice/],
])('refuses a split with %s', async (_, text, message) => {
  await expect(readSplit(temporary(text, '.csv'))).rejects.toMatchObject(fails(message))
})

test('reads the texts of Python 2', () => {
  const header = `{'descr': '|S3', 'fortran_order': False, 'shape': (2,), }`
  expect(parseNpy(npy(header, Buffer.from('AngeV\0'))).data).toEqual(['Ang', 'eV'])
})
