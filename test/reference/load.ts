import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'

/** A numpy array, converted to float64 whatever its type was. */
export interface ReferenceArray {
  data: Float64Array
  shape: number[]
}

/** One entry of `cases[]` in a folder's index.json; what else it holds depends on its kind. */
export interface ReferenceCase {
  kind: string
  name: string
  arrays: Record<string, string>
  [parameter: string]: unknown
}

export interface Reference {
  cases: ReferenceCase[]
  /** The case of this name; throws where there is none. */
  case(name: string): ReferenceCase
  /** An array by its name in the archive, with or without `.npy`; throws where there is none. */
  array(name: string): ReferenceArray
}

/**
 * Reads test/reference/{folder}: its index.json and arrays.npz. Arrays are decoded when asked for.
 *
 * @example
 * const e3nn = loadReference('e3nn')
 * const { data, shape } = e3nn.array(e3nn.case('sh').arrays.Y_integral)
 */
export function loadReference(folder: string): Reference {
  const directory = join(__dirname, folder)
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8')) as { cases: ReferenceCase[] }
  const entries = readZip(readFileSync(join(directory, 'arrays.npz')))
  return {
    cases: index.cases,
    case(name) {
      const found = index.cases.find((entry) => entry.name === name)
      if (found === undefined) throw new Error(`no case ${name} in ${directory}`)
      return found
    },
    array(name) {
      const read = entries.get(name.endsWith('.npy') ? name : `${name}.npy`)
      if (read === undefined) throw new Error(`no array ${name} in ${directory}`)
      return readNpy(read())
    },
  }
}

/** The entries of a zip archive without zip64 or encryption, by name, each inflated when called. */
function readZip(archive: Buffer): Map<string, () => Buffer> {
  const end = archive.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (end < 0) throw new Error('not a zip archive')
  const entries = new Map<string, () => Buffer>()
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const method = archive.readUInt16LE(at + 10)
    const size = archive.readUInt32LE(at + 20)
    const nameLength = archive.readUInt16LE(at + 28)
    const local = archive.readUInt32LE(at + 42)
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength)
    entries.set(name, () => {
      const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
      const bytes = archive.subarray(start, start + size)
      return method === 0 ? bytes : inflateRawSync(bytes)
    })
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return entries
}

const ITEMS: Record<string, [size: number, read: (bytes: Buffer, at: number) => number]> = {
  '<f8': [8, (bytes, at) => bytes.readDoubleLE(at)],
  '<f4': [4, (bytes, at) => bytes.readFloatLE(at)],
  '<i8': [8, (bytes, at) => Number(bytes.readBigInt64LE(at))],
  '<i4': [4, (bytes, at) => bytes.readInt32LE(at)],
  '<i2': [2, (bytes, at) => bytes.readInt16LE(at)],
  '|b1': [1, (bytes, at) => bytes.readUInt8(at)],
}

/** A .npy file, version 1 to 3, in C order. */
export function readNpy(bytes: Buffer): ReferenceArray {
  if (bytes.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error('not a .npy file')
  const long = bytes[6] >= 2
  const start = long ? 12 + bytes.readUInt32LE(8) : 10 + bytes.readUInt16LE(8)
  const header = bytes.toString('latin1', long ? 12 : 10, start)
  const [, descr] = /'descr': '([^']+)'/.exec(header) ?? []
  const [, dimensions] = /'shape': \(([^)]*)\)/.exec(header) ?? []
  const item = ITEMS[descr ?? '']
  if (item === undefined || dimensions === undefined || !header.includes("'fortran_order': False")) {
    throw new Error(`cannot read a .npy file with header ${header}`)
  }
  const [size, read] = item
  const shape = dimensions.split(',').filter((text) => text.trim() !== '').map(Number)
  const length = shape.reduce((product, n) => product * n, 1)
  if (bytes.length < start + length * size) throw new Error('a .npy file ends early')
  return { data: Float64Array.from({ length }, (_, i) => read(bytes, start + i * size)), shape }
}
