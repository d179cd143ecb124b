import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  readSafetensors,
  SafetensorsFile,
  toFloat64,
  writeSafetensors,
  type DType,
  type StoredTensor,
  type TensorData,
} from '../../lib/files/index.js'
import { dataFolder, hasData } from './data-folder.js'
import { temporary } from './temporary.js'

const fails = (message: RegExp): object => ({ code: 'ERR_FILE', message: expect.stringMatching(message) as string })

/** A file as the format's definition has it: length, header, data. */
function file(header: string | object, data = Buffer.alloc(0), claimed?: number): string {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(claimed ?? text.length))
  return temporary(Buffer.concat([length, text, data]), '.safetensors')
}
const place = (dtype: string, shape: unknown, begin: unknown, end: unknown): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})

test('reads a file written by hand, byte for byte', async () => {
  const bytes = Buffer.from('000000000000f83f' + '0100000000000080' + '0000803f' + '003c' + '803f' + 'ff' + '01', 'hex')
  const path = file(
    `{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},` +
      `"c":{"dtype":"F32","shape":[1,1],"data_offsets":[16,20]},"d":{"dtype":"F16","shape":[1],"data_offsets":[20,22]},` +
      `"e":{"dtype":"BF16","shape":[1],"data_offsets":[22,24]},"f":{"dtype":"I8","shape":[1],"data_offsets":[24,25]},` +
      `"g":{"dtype":"BOOL","shape":[1],"data_offsets":[25,26]},"none":{"dtype":"F32","shape":[0,3],"data_offsets":[26,26]},` +
      `"__metadata__":{"format":"pt"}}   `,
    bytes,
  )
  const { tensors, metadata } = await readSafetensors(path)
  expect([...metadata]).toEqual([['format', 'pt']])
  expect(Object.fromEntries(tensors)).toEqual({
    a: { dtype: 'F64', shape: [1], data: Float64Array.of(1.5) },
    b: { dtype: 'I64', shape: [], data: BigInt64Array.of(-(2n ** 63n) + 1n) },
    c: { dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) },
    d: { dtype: 'F16', shape: [1], data: Uint16Array.of(0x3c00) },
    e: { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) },
    f: { dtype: 'I8', shape: [1], data: Int8Array.of(-1) },
    g: { dtype: 'BOOL', shape: [1], data: Uint8Array.of(1) },
    none: { dtype: 'F32', shape: [0, 3], data: new Float32Array(0) },
  })
  expect(['d', 'e', 'f'].map((name) => [...toFloat64(tensors.get(name)!)])).toEqual([[1], [1], [-1]])
  expect(() => toFloat64(tensors.get('b')!)).toThrow(expect.objectContaining({ code: 'ERR_PRECISION' }) as Error)
})

test('what is written is read again, and every tensor is aligned', async () => {
  const tensors = new Map<string, StoredTensor>([
    ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) }],
    ['__proto__', { dtype: 'F32', shape: [2, 1], data: Float32Array.of(-0, NaN) }],
    ['part', { dtype: 'F64', shape: [2], data: Float64Array.of(1, 2, 3, 4).subarray(1, 3) }],
    ['µ "quoted"', { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }],
    ['0', { dtype: 'BF16', shape: [], data: Uint16Array.of(7) }],
  ])
  const metadata = new Map([
    ['__proto__', 'x'],
    ['config', '{"a": "b"}'],
  ])
  const path = temporary('', '.safetensors')
  await writeSafetensors(path, tensors, metadata)
  const read = await readSafetensors(path)
  expect(read.metadata).toEqual(metadata)
  expect([...read.tensors].sort()).toEqual([...tensors].sort())
  const bytes = readFileSync(path)
  const length = Number(bytes.readBigUInt64LE())
  expect(length % 8).toBe(0)
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as object
  const places = new Map(Object.entries(header) as [string, { data_offsets: number[] }][])
  for (const [name, { data }] of tensors) {
    expect(places.get(name)!.data_offsets[0] % data.BYTES_PER_ELEMENT, name).toBe(0)
  }
})

test('an empty file of weights is one', async () => {
  const path = temporary('', '.safetensors')
  await writeSafetensors(path, new Map())
  expect(await readSafetensors(path)).toEqual({ tensors: new Map(), metadata: new Map() })
})

test('reads one tensor of a file in which only that is whole', async () => {
  await using weights = await SafetensorsFile.open(
    file({ a: place('F32', [1], 0, 4), b: place('U8', [2 ** 20], 4, 4 + 2 ** 20) }, Buffer.alloc(4 + 2 ** 20, 1)),
  )
  expect([...weights.tensors.keys()]).toEqual(['a', 'b'])
  expect((await weights.read('a')).data).toHaveLength(1)
  await expect(weights.read('c')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
})

test.each<[string, () => string, RegExp]>([
  ['nothing', () => temporary('', '.safetensors'), /within the length of its header/],
  ['a header longer than the file', () => file('{}', undefined, 3), /claims 3 bytes but the file has 10/],
  ['a header of absurd length', () => file('{}', undefined, 2 ** 52), /claims 4503599627370496 bytes; up to/],
  ['another format', () => file('[]'), /does not begin with '\{'/],
  ['no JSON', () => file('{"a"'), /not a whole .safetensors file/],
  ['text that is not UTF-8', () => temporary(Buffer.from('02000000000000007bff', 'hex'), '.s'), /not a whole/],
  ['a tensor that is no object', () => file({ a: 1 }), /tensor 'a' is not an object/],
  ['a missing field', () => file({ a: { dtype: 'F32' } }), /'a': expected dtype, shape and data_offsets/],
  ['an unknown dtype', () => file({ a: place('F4', [1], 0, 1) }, Buffer.alloc(1)), /its dtype is "F4"; known are/],
  ['a dtype of the prototype', () => file({ a: place('toString', [1], 0, 1) }), /its dtype is "toString"/],
  ['a negative length', () => file({ a: place('U8', [-1, -1], 0, 1) }), /its shape is \[-1,-1\]/],
  ['an absurd shape', () => file({ a: place('U8', [2 ** 40, 2 ** 40], 0, 0) }), /its shape is/],
  ['offsets backwards', () => file({ a: place('U8', [1], 4, 3) }), /its data_offsets are \[4,3\]/],
  ['offsets of text', () => file({ a: place('U8', [1], '0', '1') }), /its data_offsets are \["0","1"\]/],
  ['a size that is not its shape', () => file({ a: place('F32', [2], 0, 4) }), /2 has 8 bytes but .* hold 4/],
  [
    'data beyond the file',
    () => file({ a: place('U8', [9], 0, 9) }, Buffer.alloc(8)),
    /end at byte 9 of the data, of which there are 8/,
  ],
  ['data after the last tensor', () => file({ a: place('U8', [1], 0, 1) }, Buffer.alloc(2)), /end at byte 1 .* 2$/],
  [
    'a hole',
    () => file({ a: place('U8', [1], 0, 1), b: place('U8', [1], 2, 3) }, Buffer.alloc(3)),
    /'b' begins at byte 2 of the data, not at 1/,
  ],
  [
    'an overlap',
    () => file({ a: place('U8', [2], 0, 2), b: place('U8', [2], 1, 3) }, Buffer.alloc(3)),
    /'b' begins at byte 1 of the data, not at 2/,
  ],
  [
    'a name twice',
    () =>
      file(
        '{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      ),
    /has the key 'a' twice/,
  ],
  ['metadata of numbers', () => file({ __metadata__: { a: 1 } }), /must hold text but 'a' is 1/],
])('refuses %s', async (_, path, message) => {
  await expect(readSafetensors(path())).rejects.toMatchObject(fails(message))
})

test('refuses every file cut short', async () => {
  const path = temporary('', '.safetensors')
  await writeSafetensors(path, new Map([['a', { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2, 3) }]]))
  const bytes = readFileSync(path)
  for (let length = 0; length < bytes.length; length++) {
    await expect(readSafetensors(temporary(bytes.subarray(0, length), '.s'))).rejects.toMatchObject({
      code: 'ERR_FILE',
    })
  }
})

test('refuses tensors that are none, and leaves the file as it was', async () => {
  const path = temporary('before', '.safetensors')
  const write = (dtype: string, shape: number[], data: TensorData): Promise<void> =>
    writeSafetensors(path, new Map([['w', { dtype: dtype as DType, shape, data }]]))
  const detached = new Float32Array(2)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  await expect(write('F32', [3], new Float32Array(2))).rejects.toMatchObject({ code: 'ERR_LENGTH' })
  await expect(write('F32', [2], new Float64Array(2))).rejects.toMatchObject({ code: 'ERR_DTYPE' })
  await expect(write('F32', [2], detached)).rejects.toMatchObject({ code: 'ERR_BUFFER' })
  await expect(write('C64', [2], new Float32Array(2))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  await expect(write('F32', [NaN], new Float32Array(2))).rejects.toMatchObject({ code: 'ERR_ARGUMENT' })
  expect(readFileSync(path, 'utf8')).toBe('before')
  const nowhere = join(dirname(path), 'no-such-folder', 'w.safetensors')
  await expect(writeSafetensors(nowhere, new Map())).rejects.toMatchObject(fails(/there is no such folder/))
  await expect(writeSafetensors(dirname(path), new Map())).rejects.toMatchObject({ code: 'ERR_FILE' })
  expect(readdirSync(dirname(path)).filter((name) => name.startsWith('.'))).toEqual([])
})

const published = join(dataFolder, 'solvent/mace01_swa.safetensors')
test.skipIf(!hasData)('reads a published model', async () => {
  const { tensors, metadata } = await readSafetensors(published)
  expect(metadata.get('model')).toBe('ScaleShiftMACE')
  expect([...tensors.get('atomic_numbers')!.data]).toEqual([1n, 6n, 8n])
  // The energies of isolated atoms in its training file.
  const [first] = readFileSync(join(dataFolder, 'solvent/train_200.xyz'), 'utf8').split('\n').slice(1)
  expect(first).toContain(`energy_xtb=${tensors.get('atomic_energies_fn.atomic_energies')!.data[0]} `)
  for (const [name, { dtype, data }] of tensors) {
    expect(toFloat64({ dtype, shape: [], data }).every(Number.isFinite), name).toBe(true)
  }
})
