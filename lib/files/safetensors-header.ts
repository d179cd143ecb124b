import { elementCount, elementSize, DTYPES, isDType, type DType, type StoredTensor } from './stored-tensor.js'
import { repeatedKey } from './json-keys.js'

/** Where a tensor stands. */
export interface TensorPlace {
  dtype: DType
  shape: readonly number[]
  /** Bytes from the end of the header. */
  begin: number
  end: number
}

export interface SafetensorsHeader {
  metadata: Map<string, string>
  tensors: Map<string, TensorPlace>
}

/** The header of the reference implementation may have so many bytes. */
export const MAX_HEADER = 100_000_000

/**
 * Reads a header and checks that its tensors fill `dataSize` bytes without holes or overlap. Throws a plain Error; the caller
 * knows the file's name.
 */
export function parseHeader(bytes: Uint8Array, dataSize: number): SafetensorsHeader {
  if (bytes[0] !== 0x7b) throw new Error("its header does not begin with '{'")
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  const root = members(JSON.parse(text), 'its header')
  const repeated = repeatedKey(text)
  if (repeated !== undefined) throw new Error(`its header has the key '${repeated}' twice`)
  const header: SafetensorsHeader = { metadata: new Map(), tensors: new Map() }
  for (const [name, value] of root) {
    if (name === '__metadata__') header.metadata = parseMetadata(value)
    else header.tensors.set(name, parsePlace(name, value))
  }
  checkPlaces(header.tensors, dataSize)
  return header
}

function parseMetadata(value: unknown): Map<string, string> {
  const entries = members(value, '__metadata__')
  for (const [key, text] of entries) {
    if (typeof text !== 'string') throw new Error(`__metadata__ must hold text but '${key}' is ${JSON.stringify(text)}`)
  }
  return new Map(entries as [string, string][])
}

function parsePlace(name: string, value: unknown): TensorPlace {
  const fields = new Map(members(value, `tensor '${name}'`))
  const [dtype, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((key) => fields.get(key))
  const fail = (what: string): never => {
    throw new Error(`tensor '${name}': ${what}`)
  }
  if (fields.size !== 3) fail(`expected dtype, shape and data_offsets but found ${[...fields.keys()].join(', ')}`)
  if (!isDType(dtype)) return fail(`its dtype is ${JSON.stringify(dtype)}; known are ${DTYPES.join(', ')}`)
  const count = elementCount(shape)
  if (Number.isNaN(count)) fail(`its shape is ${JSON.stringify(shape)}`)
  const isRange = Array.isArray(offsets) && offsets.length === 2 && offsets.every((at) => Number.isSafeInteger(at))
  const [begin, end] = isRange ? (offsets as number[]) : [NaN, NaN]
  if (!(0 <= begin && begin <= end)) fail(`its data_offsets are ${JSON.stringify(offsets)}`)
  const bytes = count * elementSize(dtype)
  if (end - begin !== bytes) {
    fail(`${dtype} of ${(shape as number[]).join(' x ')} has ${bytes} bytes but its data_offsets hold ${end - begin}`)
  }
  return { dtype, shape: shape as number[], begin, end }
}

function checkPlaces(tensors: Map<string, TensorPlace>, dataSize: number): void {
  let at = 0
  const places = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  for (const [name, { begin, end }] of places) {
    if (begin !== at)
      throw new Error(`tensor '${name}' begins at byte ${begin} of the data, not at ${at} where the one before ends`)
    at = end
  }
  if (at !== dataSize) throw new Error(`its tensors end at byte ${at} of the data, of which there are ${dataSize}`)
}

function members(value: unknown, what: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`)
  return Object.entries(value)
}

/**
 * The header of a file that holds these tensors, its length before it, and the order in which their data follow: wide elements
 * first, then by name, so that all are aligned.
 */
export function formatHeader(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
): { bytes: Uint8Array; order: StoredTensor[] } {
  const sorted = [...tensors].sort(
    ([a, { dtype: x }], [b, { dtype: y }]) => elementSize(y) - elementSize(x) || (a < b ? -1 : 1),
  )
  let at = 0
  const places = sorted.map(([name, { dtype, shape, data }]): [string, object] => {
    const begin = at
    at += data.byteLength
    return [name, { dtype, shape, data_offsets: [begin, at] }]
  })
  const named: [string, object][] = metadata.size > 0 ? [['__metadata__', Object.fromEntries(metadata)]] : []
  const text = Buffer.from(JSON.stringify(Object.fromEntries([...named, ...places])))
  const length = Math.ceil(text.length / 8) * 8
  const bytes = Buffer.alloc(8 + length, ' ')
  bytes.writeBigUInt64LE(BigInt(length))
  text.copy(bytes, 8)
  return { bytes, order: sorted.map(([, tensor]) => tensor) }
}
