/** A numpy array as read from a .npy file; numbers in C (row-major) order. */
export interface NpyArray {
  shape: number[]
  /** float64 for every numeric type; text for a string of fixed length. */
  data: Float64Array | string[]
}

export interface NpyHeader {
  /** b(ool), i(nt), u(nsigned), f(loat), U(nicode) or S (bytes). */
  kind: 'b' | 'i' | 'u' | 'f' | 'U' | 'S'
  /** Bytes of one element. */
  size: number
  littleEndian: boolean
  fortranOrder: boolean
  shape: number[]
  /** Where the elements begin. */
  offset: number
}

/** What precedes the header text: magic, version, length. */
export const NPY_PREAMBLE = 12
/** Longer headers than this are refused; numpy's own limit is 10000 characters. */
const MAX_HEADER = 10_000

const DTYPE = /^([<>|=]?)([biufUS])(\d{1,4})$/
const SIZES: Record<NpyHeader['kind'], number[]> = {
  b: [1],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
  f: [2, 4, 8],
  U: [],
  S: [],
}

/** How many bytes hold preamble and header, from the first {@link NPY_PREAMBLE} bytes. Throws a plain Error. */
export function npyHeaderLength(bytes: Buffer): number {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY')
    throw new Error('it does not begin as a .npy array')
  const version = bytes[6]
  if (version < 1 || version > 3) throw new Error(`version ${version} of the .npy format is unknown`)
  if (version > 1 && bytes.length < NPY_PREAMBLE) throw new Error('it ends within its header')
  const [start, length] = version === 1 ? [10, bytes.readUInt16LE(8)] : [12, bytes.readUInt32LE(8)]
  if (length > MAX_HEADER) throw new Error(`its header claims ${length} bytes`)
  return start + length
}

/** Reads the header of a .npy array from (at least) its first npyHeaderLength bytes. Throws a plain Error. */
export function parseNpyHeader(bytes: Buffer): NpyHeader {
  const offset = npyHeaderLength(bytes)
  if (bytes.length < offset) throw new Error('it ends within its header')
  const text = bytes.toString(bytes[6] === 3 ? 'utf8' : 'latin1', bytes[6] === 1 ? 10 : 12, offset)
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1]
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1]
  const tuple = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text)?.[1]
  if (descr === undefined)
    throw new Error('its header names no simple type (structured and object arrays are not read)')
  if (order === undefined || tuple === undefined) throw new Error('its header has no fortran_order or no shape')
  const parts = tuple.split(',').map((part) => part.trim())
  if (parts.at(-1) === '') parts.pop()
  const shape = parts.map(Number)
  if (shape.some((length, i) => parts[i] === '' || !Number.isSafeInteger(length)))
    throw new Error(`its shape is (${tuple})`)
  const type = parseNpyType(descr)
  const count = shape.reduce((product, length) => product * length, 1)
  if (!Number.isSafeInteger(count * type.size)) throw new Error(`its shape (${tuple}) is absurd`)
  return { ...type, fortranOrder: order === 'True', shape, offset }
}

/** Reads numpy's short name of a type, e.g. `<f8`. Throws a plain Error. */
export function parseNpyType(name: string): Pick<NpyHeader, 'kind' | 'size' | 'littleEndian'> {
  const [, endian, letter, digits] = DTYPE.exec(name) ?? []
  const kind = letter as NpyHeader['kind'] | undefined
  const size = kind === 'U' ? 4 * Number(digits) : Number(digits)
  if (!kind || size === 0 || (SIZES[kind].length > 0 && !SIZES[kind].includes(size))) {
    throw new Error(`its type is '${name}'; real numbers of 1 to 8 bytes and strings are read`)
  }
  return { kind, size, littleEndian: endian !== '>' }
}

/** The number of elements and of bytes that a header announces. */
export function npyExtent(header: NpyHeader): { count: number; bytes: number } {
  const count = header.shape.reduce((product, length) => product * length, 1)
  return { count, bytes: count * header.size }
}

/** Reads a whole .npy file. Throws a plain Error; the caller knows the file's name. */
export function parseNpy(bytes: Buffer): NpyArray {
  return decodeNpy(bytes, parseNpyHeader(bytes))
}

/** Reads the elements that a header announces from `header.offset` to the end. Throws a plain Error. */
export function decodeNpy(bytes: Buffer, header: NpyHeader): NpyArray {
  const extent = npyExtent(header)
  const present = bytes.length - header.offset
  if (present !== extent.bytes) {
    throw new Error(
      `its header announces ${extent.bytes} bytes of data (${header.shape.join(' x ')}) but it has ${present}`,
    )
  }
  const body = bytes.subarray(header.offset)
  if (header.kind === 'U' || header.kind === 'S')
    return { shape: header.shape, data: readStrings(body, header, extent.count) }
  const data = readNumbers(body, header, extent.count)
  return { shape: header.shape, data: header.fortranOrder ? toRowMajor(data, header.shape) : data }
}

function readNumbers(body: Buffer, { kind, size, littleEndian }: NpyHeader, count: number): Float64Array {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const data = new Float64Array(count)
  const read = reader(kind, size)
  for (let i = 0; i < count; i++) data[i] = read(view, i * size, littleEndian)
  return data
}

type Read = (view: DataView, at: number, little: boolean) => number

function reader(kind: NpyHeader['kind'], size: number): Read {
  switch (`${kind}${size}`) {
    case 'f8':
      return (view, at, little) => view.getFloat64(at, little)
    case 'f4':
      return (view, at, little) => view.getFloat32(at, little)
    case 'f2':
      return (view, at, little) => half(view.getUint16(at, little))
    case 'i8':
      return (view, at, little) => exact(view.getBigInt64(at, little))
    case 'u8':
      return (view, at, little) => exact(view.getBigUint64(at, little))
    case 'i4':
      return (view, at, little) => view.getInt32(at, little)
    case 'u4':
      return (view, at, little) => view.getUint32(at, little)
    case 'i2':
      return (view, at, little) => view.getInt16(at, little)
    case 'u2':
      return (view, at, little) => view.getUint16(at, little)
    case 'i1':
      return (view, at) => view.getInt8(at)
    default: // u1, b1
      return (view, at) => view.getUint8(at)
  }
}

function exact(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Error(`it holds the integer ${value}, which is more than 53 bits`)
  return number
}

/** The value of an IEEE 754 binary16 number. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction ? NaN : sign * Infinity
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

function readStrings(body: Buffer, { kind, size, littleEndian }: NpyHeader, count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    if (kind === 'S') return body.toString('latin1', i * size, (i + 1) * size).replace(/\0+$/, '')
    let text = ''
    for (let at = i * size; at < (i + 1) * size; at += 4) {
      const code = littleEndian ? body.readUInt32LE(at) : body.readUInt32BE(at)
      if (code === 0) break
      if (code > 0x10ffff) throw new Error('it holds text that is not Unicode')
      text += String.fromCodePoint(code)
    }
    return text
  })
}

/** Column-major to row-major. */
function toRowMajor(data: Float64Array, shape: number[]): Float64Array {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, length) => product * length, 1))
  const index = shape.map(() => 0)
  return data.map(() => {
    const value = data[index.reduce((at, position, axis) => at + position * strides[axis], 0)]
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0
    return value
  })
}
