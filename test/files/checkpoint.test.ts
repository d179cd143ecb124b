import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import {
  moduleAttributes,
  NumpyArray,
  PythonGlobal,
  PythonObject,
  readCheckpoint,
  stateDict,
  toFloat64,
  TorchTensor,
  type PythonValue,
  type StoredTensor,
} from '../../lib/files/index.js'
import { readNpz } from '../../lib/files/npz.js'
import type { NpyArray } from '../../lib/files/npy.js'
import { Archive } from '../../lib/files/zip.js'
import { temporary, zip, type Member } from './temporary.js'

const REFERENCE = join(__dirname, '../reference/torch')
const fails = (message: RegExp): object => ({ code: 'ERR_FILE', message: expect.stringMatching(message) as string })

type Values = Map<PythonValue, PythonValue>
let values: Values
beforeAll(async () => {
  values = (await readCheckpoint(join(REFERENCE, 'values.pt'))) as Values
})

async function numpy(file: string): Promise<Map<string, NpyArray>> {
  const path = join(REFERENCE, file)
  return (await readNpz(path, (await readNpz(path, [])).names)).arrays
}

/** A type of 8 to 64 bits has its values in float64 exactly, so there is no tolerance. */
function expectSame(tensors: ReadonlyMap<string, StoredTensor>, arrays: ReadonlyMap<string, NpyArray>): void {
  for (const [name, tensor] of tensors) {
    const array = arrays.get(name)!
    expect(tensor.shape, name).toEqual(array.shape)
    expect(toFloat64(tensor), name).toEqual(array.data)
  }
}

test('reads tensors of every type and layout as numpy has them', async () => {
  const tensors = stateDict(values.get('tensors')!)
  const arrays = await numpy('values.npz')
  expect([...tensors.keys()]).toEqual([...arrays.keys()].filter((name) => !name.startsWith('module/')))
  expectSame(tensors, arrays)
  expect(Object.fromEntries([...tensors].map(([name, { dtype }]) => [name, dtype]))).toMatchObject({
    bool: 'BOOL',
    u8: 'U8',
    i8: 'I8',
    i16: 'I16',
    i32: 'I32',
    i64: 'I64',
    f16: 'F16',
    bf16: 'BF16',
    f32: 'F32',
    f64: 'F64',
    transposed: 'F64',
  })
  const transposed = (values.get('tensors') as Values).get('transposed') as TorchTensor
  expect([transposed.strides, transposed.shape]).toEqual([
    [1, 12, 4],
    [4, 2, 3],
  ])
})

test("reads Python's own values", () => {
  expect(values.get('none')).toBe(null)
  expect([values.get('true'), values.get('false')]).toEqual([true, false])
  expect(values.get('integers')).toEqual([0, 255, 65535, -1, 2 ** 31, -(2 ** 53) + 1, 2n ** 63n, -(2n ** 70n)])
  expect(values.get('floats')).toEqual([0.1, -0, Infinity])
  expect(values.get('text')).toBe('Å and \n')
  expect(values.get('bytes')).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i))
  expect(values.get('bytearray')).toEqual(Uint8Array.of(97, 98, 255))
  expect([...(values.get('ordered') as Values)]).toEqual([
    ['b', 1],
    ['a', [2]],
  ])
  expect(values.get('set')).toEqual(new Set([3]))
  expect(values.get('frozenset')).toEqual(new Set([4]))
  expect(values.get('size')).toEqual([2, 3])
  const list = values.get('list in itself') as PythonValue[]
  expect(list[1]).toBe(list)
})

test("reads numpy's arrays and scalars", () => {
  const array = values.get('array') as NumpyArray
  expect([array.shape, array.data]).toEqual([[2, 3], Float64Array.of(0, 1, 2, 3, 4, 5)])
  expect(values.get('fortran')).toEqual(array)
  expect(values.get('texts')).toMatchObject({ shape: [2], data: ['H', 'He'] })
  expect(values.get('scalars')).toEqual([0.1, -7, 1])
})

test('what it does not know it keeps as a record, and calls nothing', () => {
  const record = (name: string): object => {
    const { module, name: type, args, state } = values.get(name) as PythonObject
    return { module, name: type, args, state }
  }
  expect(record('slice')).toEqual({ module: '__builtin__', name: 'slice', args: [1, null, 2], state: null })
  expect(record('complex')).toMatchObject({ name: 'complex', args: [1, 2] })
  expect(record('device')).toEqual({ module: 'torch', name: 'device', args: ['cpu'], state: null })
  expect(values.get('dtype')).toEqual(new PythonGlobal('torch', 'float64'))
  expect(values.get('function')).toEqual(new PythonGlobal('torch.nn.functional', 'silu'))
  const partial = record('partial') as { args: PythonValue[]; state: PythonValue[] }
  expect(partial.args).toEqual([new PythonGlobal('torch.nn.functional', 'softmax')])
  expect(partial.state[2]).toEqual(new Map([['dim', 1]]))
  const dictionary = values.get('default') as PythonObject
  expect([dictionary.name, [...dictionary.entries]]).toEqual(['defaultdict', [['k', [1]]]])
})

test("names a module's tensors as torch does, in its order", async () => {
  const arrays = await numpy('values.npz')
  const module = new Map([...arrays].map(([name, array]) => [name.replace('module/', ''), array]))
  for (const saved of ['module', 'state_dict']) {
    const tensors = stateDict(values.get(saved)!)
    expect([...tensors.keys()]).toEqual(['own', 'kept', 'first.weight', 'first.bias', 'rest.0.weight'])
    expectSame(tensors, module)
  }
  const own = (moduleAttributes(values.get('module')!)!.get('_parameters') as Values).get('own') as TorchTensor
  expect([own.parameter, own.requiresGrad]).toEqual([true, true])
  expect((values.get('parameter') as TorchTensor).parameter).toBe(true)
})

test('reads a whole MACE model', async () => {
  const model = (await readCheckpoint(join(REFERENCE, 'mace.model'))) as PythonObject
  expect([model.module, model.name]).toEqual(['mace.modules.models', 'ScaleShiftMACE'])
  const tensors = stateDict(model)
  const arrays = await numpy('mace.npz')
  // What TorchScript keeps in compiled programs, a module's `__codegen__`, is not in the module tree.
  const outside = [...arrays.keys()].filter((name) => name.includes('._compiled_main_'))
  expect(outside.length).toBeGreaterThan(0)
  expect([...tensors.keys()]).toEqual([...arrays.keys()].filter((name) => !outside.includes(name)))
  expectSame(tensors, arrays)
  const modules = moduleAttributes(model)!.get('_modules') as Values
  const linear = (moduleAttributes(modules.get('node_embedding')!)!.get('_modules') as Values).get('linear')
  const irreps = (linear as PythonObject).attributes.get('irreps_out') as PythonObject
  expect([irreps.module, irreps.name]).toEqual(['e3nn.o3._irreps', 'Irreps'])
  const compiled = (linear as PythonObject).attributes.get('__codegen__') as Values
  expect(compiled.get('_compiled_main')).toBeInstanceOf(Uint8Array)
  const radial = modules.get('radial_embedding') as PythonObject
  expect(radial.attributes.get('out_dim')).toBe(4)
})

/** A checkpoint of a pickle, as text of bytes, and storages of so many bytes. */
function checkpoint(pickle: string, storages: Record<string, number> = {}): string {
  const members: Member[] = [{ name: 'a/data.pkl', data: Buffer.from(pickle, 'latin1') }]
  for (const [key, length] of Object.entries(storages)) {
    members.push({ name: `a/data/${key}`, data: Buffer.alloc(length, 1) })
  }
  return temporary(zip(members), '.pt')
}
/** Opcodes of a storage of `numel` float32, and of a tensor on it. */
const storage = (numel: string, type = 'torch\nFloatStorage'): string =>
  `(X\x07\0\0\0storagec${type}\nX\x01\0\0\x000X\x03\0\0\0cpu${numel}tQ`
const tensor = (numel: string, offset: string, shape: string, strides: string): string =>
  `\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(${storage(numel)}${offset}(${shape}t(${strides}t\x89NtR.`

test('reads a tensor written by hand', async () => {
  const value = (await readCheckpoint(checkpoint(tensor('K\x04', 'K\x01', 'K\x03', 'K\x01'), { 0: 16 }))) as TorchTensor
  expect(value.stored()).toEqual({
    dtype: 'F32',
    shape: [3],
    data: new Float32Array(Uint8Array.from({ length: 12 }, () => 1).buffer),
  })
})

test('a call of the operating system is a record like any other', async () => {
  const value = await readCheckpoint(checkpoint('\x80\x02cposix\nsystem\nX\x05\0\0\0false\x85R.'))
  expect(value).toEqual(new PythonObject(new PythonGlobal('posix', 'system'), ['false']))
})

test.each<[string, string, Record<string, number>, RegExp]>([
  ['an opcode that there is not', '\x80\x02\xff.', {}, /opcode unknown \(0xff\) at byte 2/],
  ['an opcode of protocol 0', '\x80\x02I1\n.', {}, /opcode INT \(0x49\) at byte 2/],
  ['a registered extension', '\x80\x02\x82\x01.', {}, /opcode EXT1 \(0x82\)/],
  ['a protocol of the future', '\x80\x06N.', {}, /opcode PROTO at byte 0 of its pickle: protocol 6/],
  ['no end', '\x80\x02N', {}, /ends without STOP/],
  ['nothing at all', '', {}, /ends without STOP/],
  ['text longer than the pickle', '\x80\x02X\xff\xff\xff\x7fabc.', {}, /BINUNICODE at byte 2.*needs 2147483647 bytes/],
  ['a frame longer than the pickle', '\x80\x04\x95\xff\xff\xff\xff\xff\xff\x0f\0N.', {}, /FRAME/],
  ['an empty stack', '\x80\x02.', {}, /no value/],
  ['a mark for a value', '\x80\x02(\x85.', {}, /TUPLE1 at byte 3.*no value/],
  ['no mark', '\x80\x02t.', {}, /TUPLE at byte 2.*no mark/],
  ['a memo that was never written', '\x80\x02h\x07.', {}, /the memo has no entry 7/],
  ['items of a number', '\x80\x02K\x01(K\x02e.', {}, /APPENDS.*no list/],
  ['a key without a value', '\x80\x02}(K\x02u.', {}, /SETITEMS.*key without a value/],
  ['a call of what is no global', '\x80\x02X\x01\0\0\0x)R.', {}, /REDUCE at byte 9.*calls what is no global/],
  ['a global that never ends', '\x80\x02cposix', {}, /its line never ends/],
  ['a state of a number', '\x80\x02K\x01}b.', {}, /BUILD.*a value that has none/],
  ['a persistent id of another kind', '\x80\x02X\x01\0\0\0xQ.', {}, /persistent id are no list/],
  [
    'a storage of unknown type',
    `\x80\x02${storage('K\x01', 'torch\nComplexFloatStorage')}.`,
    {},
    /torch.ComplexFloatStorage; read are/,
  ],
  ['a storage of negative length', `\x80\x02${storage('J\xff\xff\xff\xff')}.`, {}, /storage 0 has no length/],
  ['a storage that is not there', tensor('K\x04', 'K\0', 'K\x04', 'K\x01'), {}, /'a\/data\/0' is not there/],
  ['a storage of another size', tensor('K\x04', 'K\0', 'K\x04', 'K\x01'), { 0: 15 }, /has 15 bytes, where .* need 16/],
  [
    'a tensor beyond its storage',
    tensor('K\x04', 'K\x02', 'K\x03', 'K\x01'),
    { 0: 16 },
    /reaches to element 5 of storage 0, which has 4/,
  ],
  ['strides beyond its storage', tensor('K\x04', 'K\0', 'K\x02K\x02', 'K\x04K\x01'), { 0: 16 }, /reaches to element 6/],
  ['negative strides', tensor('K\x04', 'K\x03', 'K\x02', 'J\xff\xff\xff\xff'), { 0: 16 }, /strides \(-1\)/],
  ['a negative offset', tensor('K\x04', 'J\xff\xff\xff\xff', 'K\x02', 'K\x01'), { 0: 16 }, /offset -1/],
  ['a shape of text', tensor('K\x04', 'K\0', 'X\x01\0\0\x002', 'K\x01'), { 0: 16 }, /an item that is no number/],
  [
    'a shape without strides',
    tensor('K\x04', 'K\0', 'K\x02K\x02', 'K\x01'),
    { 0: 16 },
    /shape \(2, 2\), strides \(1\)/,
  ],
  [
    'a tensor of absurd size',
    tensor('K\x04', 'K\0', 'J\xff\xff\xff\x7f', 'K\0'),
    { 0: 16 },
    /\(2147483647\) on a storage of 4/,
  ],
])('refuses %s', async (_, pickle, storages, message) => {
  await expect(readCheckpoint(checkpoint(pickle, storages))).rejects.toMatchObject(fails(message))
})

test('says what else a file is', async () => {
  await expect(readCheckpoint(join(REFERENCE, 'legacy.pt'))).rejects.toMatchObject(fails(/torch.save writes since 1.6/))
  await expect(readCheckpoint(join(REFERENCE, 'script.pt'))).rejects.toMatchObject(fails(/is a TorchScript program/))
  await expect(readCheckpoint('no-such-file.pt')).rejects.toMatchObject(fails(/there is no such file/))
  await expect(readCheckpoint(temporary(zip([]), '.pt'))).rejects.toMatchObject(fails(/0 members named \*\/data.pkl/))
  const big: Member[] = [
    { name: 'a/data.pkl', data: Buffer.from('\x80\x02N.', 'latin1') },
    { name: 'a/byteorder', data: Buffer.from('big') },
  ]
  await expect(readCheckpoint(temporary(zip(big), '.pt'))).rejects.toMatchObject(fails(/in "big" order/))
})

test('modules that contain each other over and over are refused, not followed', async () => {
  // Makes a module of the children that `modules` puts into its dictionary.
  const module = (modules: string, memo = ''): string => `cm\nM\n)\x81${memo}}X\x08\0\0\0_modules}${modules}sb`
  const itself = await readCheckpoint(checkpoint(`\x80\x02${module('X\x01\0\0\0ah\x01s', 'q\x01')}.`))
  expect(() => stateDict(itself)).toThrow(expect.objectContaining(fails(/'a' contains itself/)) as Error)
  // Every level has the one below twice: 2 ** 64 modules from a few kilobytes.
  let pickle = module('')
  for (let level = 0; level < 64; level++) pickle += `q\x010${module('(X\x01\0\0\0ah\x01X\x01\0\0\0bh\x01u')}`
  const twice = await readCheckpoint(checkpoint(`\x80\x02${pickle}.`))
  expect(() => stateDict(twice)).toThrow(expect.objectContaining(fails(/over 1000000 modules/)) as Error)
  expect(() => stateDict([1])).toThrow(/Expected a torch module or state_dict for what was saved/)
})

test('any damage to a pickle gives an error or other values, never anything else', async () => {
  const { members, pickle } = await Archive.with(join(REFERENCE, 'values.pt'), 'archive', 2 ** 20, async (archive) => {
    const read = await Promise.all(archive.names.map(async (name) => ({ name, data: await archive.read(name) })))
    return { members: read.slice(1), pickle: read[0] }
  })
  expect(pickle.name).toBe('values/data.pkl')
  let errors = 0
  for (let at = 0; at < pickle.data.length; at += 17) {
    const data = Buffer.from(pickle.data)
    data[at] ^= 1 << (at % 8)
    try {
      const value = await readCheckpoint(temporary(zip([{ ...pickle, data }, ...members]), '.pt'))
      if (value instanceof Map) stateDict(value)
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_FILE' })
      errors++
    }
  }
  expect(errors).toBeGreaterThan(30)
  const bytes = readFileSync(join(REFERENCE, 'values.pt'))
  for (let length = 0; length < bytes.length; length += 501) {
    await expect(readCheckpoint(temporary(bytes.subarray(0, length), '.pt'))).rejects.toMatchObject({
      code: 'ERR_FILE',
    })
  }
})
