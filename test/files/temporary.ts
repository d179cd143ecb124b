import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'gauntlet-structures-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})
let count = 0

/** Writes a file of its own and returns its path. */
export function temporary(content: string | Buffer, extension: string): string {
  const path = missing(extension)
  writeFileSync(path, content)
  return path
}

/** The path of a file that is not there yet. */
export function missing(extension: string): string {
  return join(folder, `file-${count++}${extension}`)
}

/** A .npy array with any header text and any bytes after it. */
export function npy(header: string, body: Buffer, version = 1): Buffer {
  const text = Buffer.from(header, 'latin1')
  const preamble = Buffer.from(
    [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, 0, 0, 0, 0].slice(0, version === 1 ? 10 : 12),
  )
  if (version === 1) preamble.writeUInt16LE(text.length, 8)
  else preamble.writeUInt32LE(text.length, 8)
  return Buffer.concat([preamble, text, body])
}

/** A .npy array of float64. */
export function float64(shape: number[], values: ArrayLike<number>): Buffer {
  const tuple = `(${shape.map((length) => `${length},`).join(' ')})`
  return npy(
    `{'descr': '<f8', 'fortran_order': False, 'shape': ${tuple}, }\n`,
    Buffer.from(Float64Array.from(values).buffer),
  )
}

export interface Member {
  name: string
  data: Buffer
  deflate?: boolean
  /** What the archive says instead of the truth. */
  claimedSize?: number
  claimedCrc?: number
}

/** A zip archive that can be made to lie. */
export function zip(members: Member[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const member of members) {
    const name = Buffer.from(member.name)
    const body = member.deflate ? deflateRawSync(member.data) : member.data
    const method = member.deflate ? 8 : 0
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(member.claimedCrc ?? crc32(member.data), 10)
    common.writeUInt32LE(body.length, 14)
    common.writeUInt32LE(member.claimedSize ?? member.data.length, 18)
    common.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, body])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, tail, name]))
    locals.push(local)
    offset += local.length
  }
  const size = directory.reduce((total, part) => total + part.length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(members.length, 8)
  end.writeUInt16LE(members.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}

/** Bit by bit, as the definition has it. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}
