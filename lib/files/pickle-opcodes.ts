import type { PickleMachine } from './pickle.js'

/** Stands on the stack below the items of a list, dictionary or tuple to be made. */
export const MARK = Symbol('MARK')

type Run = (machine: PickleMachine) => void

/** What every opcode that is read does, by its byte. */
export const OPCODES = new Map<string, readonly [name: string, run: Run]>([
  ['\x80', ['PROTO', (m) => checkProtocol(m.u8())]],
  ['\x95', ['FRAME', (m) => checkFrame(m)]],
  ['.', ['STOP', () => undefined]],
  ['(', ['MARK', (m) => m.push(MARK)]],
  ['0', ['POP', (m) => m.pop()]],
  ['1', ['POP_MARK', (m) => void m.popMark()]],
  ['2', ['DUP', (m) => m.push(m.top())]],

  ['N', ['NONE', (m) => m.push(null)]],
  ['\x88', ['NEWTRUE', (m) => m.push(true)]],
  ['\x89', ['NEWFALSE', (m) => m.push(false)]],
  ['J', ['BININT', (m) => m.push(m.i32())]],
  ['K', ['BININT1', (m) => m.push(m.u8())]],
  ['M', ['BININT2', (m) => m.push(m.u16())]],
  ['\x8a', ['LONG1', (m) => m.push(long(m.take(m.u8())))]],
  ['\x8b', ['LONG4', (m) => m.push(long(m.take(m.u32())))]],
  ['G', ['BINFLOAT', (m) => m.push(m.take(8).readDoubleBE())]],

  // What Python 2 calls a string is bytes or text; names are what checkpoints have of them.
  ['U', ['SHORT_BINSTRING', (m) => m.push(m.take(m.u8()).toString('latin1'))]],
  ['T', ['BINSTRING', (m) => m.push(m.take(m.u32()).toString('latin1'))]],
  ['\x8c', ['SHORT_BINUNICODE', (m) => m.push(m.take(m.u8()).toString('utf8'))]],
  ['X', ['BINUNICODE', (m) => m.push(m.take(m.u32()).toString('utf8'))]],
  ['\x8d', ['BINUNICODE8', (m) => m.push(m.take(m.u64()).toString('utf8'))]],
  ['C', ['SHORT_BINBYTES', (m) => m.push(Uint8Array.from(m.take(m.u8())))]],
  ['B', ['BINBYTES', (m) => m.push(Uint8Array.from(m.take(m.u32())))]],
  ['\x8e', ['BINBYTES8', (m) => m.push(Uint8Array.from(m.take(m.u64())))]],
  ['\x96', ['BYTEARRAY8', (m) => m.push(Uint8Array.from(m.take(m.u64())))]],

  [']', ['EMPTY_LIST', (m) => m.push([])]],
  [')', ['EMPTY_TUPLE', (m) => m.push([])]],
  ['}', ['EMPTY_DICT', (m) => m.push(new Map())]],
  ['\x8f', ['EMPTY_SET', (m) => m.push(new Set())]],
  ['l', ['LIST', (m) => m.push(m.popMark())]],
  ['t', ['TUPLE', (m) => m.push(m.popMark())]],
  ['\x85', ['TUPLE1', (m) => m.push([m.popValue()])]],
  ['\x86', ['TUPLE2', (m) => m.push(m.popPair())]],
  ['\x87', ['TUPLE3', (m) => makeTriple(m)]],
  ['d', ['DICT', (m) => makeDict(m)]],
  ['\x91', ['FROZENSET', (m) => m.push(new Set(m.popMark()))]],
  ['a', ['APPEND', (m) => m.append([m.popValue()])]],
  ['e', ['APPENDS', (m) => m.append(m.popMark())]],
  ['\x90', ['ADDITEMS', (m) => m.append(m.popMark())]],
  ['s', ['SETITEM', (m) => m.setItems(m.popPair())]],
  ['u', ['SETITEMS', (m) => m.setItems(m.popMark())]],

  ['q', ['BINPUT', (m) => void m.memo.set(m.u8(), m.top())]],
  ['r', ['LONG_BINPUT', (m) => void m.memo.set(m.u32(), m.top())]],
  ['\x94', ['MEMOIZE', (m) => void m.memo.set(m.memo.size, m.top())]],
  ['h', ['BINGET', (m) => m.recall(m.u8())]],
  ['j', ['LONG_BINGET', (m) => m.recall(m.u32())]],

  ['c', ['GLOBAL', (m) => m.global(m.line(), m.line())]],
  ['\x93', ['STACK_GLOBAL', (m) => m.global(...m.popPair())]],
  ['R', ['REDUCE', (m) => m.reduce(...m.popPair())]],
  ['\x81', ['NEWOBJ', (m) => m.reduce(...m.popPair(), true)]],
  ['\x92', ['NEWOBJ_EX', (m) => newWithKeywords(m)]],
  ['b', ['BUILD', (m) => m.build(m.popValue())]],
  ['Q', ['BINPERSID', (m) => m.persistent(m.popValue())]],
])

/** Opcodes that are known by name, and refused: those of protocols 0 and 1, registered extensions, memory outside the pickle. */
export const OTHER_OPCODES = new Map([
  ['I', 'INT'],
  ['L', 'LONG'],
  ['F', 'FLOAT'],
  ['S', 'STRING'],
  ['V', 'UNICODE'],
  ['p', 'PUT'],
  ['g', 'GET'],
  ['P', 'PERSID'],
  ['i', 'INST'],
  ['o', 'OBJ'],
  ['\x82', 'EXT1'],
  ['\x83', 'EXT2'],
  ['\x84', 'EXT4'],
  ['\x97', 'NEXT_BUFFER'],
  ['\x98', 'READONLY_BUFFER'],
])

function checkProtocol(protocol: number): void {
  if (protocol < 2 || protocol > 5) throw new Error(`protocol ${protocol}; 2 to 5 are read`)
}

/** A frame only says how many bytes of opcodes follow; they are read one by one all the same. */
function checkFrame(machine: PickleMachine): void {
  const length = machine.u64()
  machine.take(length)
  machine.position -= length
}

function makeTriple(machine: PickleMachine): void {
  const last = machine.popValue()
  machine.push([...machine.popPair(), last])
}

function makeDict(machine: PickleMachine): void {
  const items = machine.popMark()
  machine.push(new Map())
  machine.setItems(items)
}

/** `cls.__new__(cls, *args, **keywords)`; keywords are kept as the last argument. */
function newWithKeywords(machine: PickleMachine): void {
  const keywords = machine.popValue()
  const args = machine.popValue()
  if (!(keywords instanceof Map) || !Array.isArray(args)) throw new Error('its arguments are no tuple and dictionary')
  machine.reduce(machine.popValue(), keywords.size > 0 ? [...args, keywords] : args, true)
}

/** An integer in two's complement, little-endian. */
function long(bytes: Buffer): number | bigint {
  if (bytes.length === 0) return 0
  const hex = Buffer.from(bytes).reverse().toString('hex')
  const value = BigInt.asIntN(8 * bytes.length, BigInt(`0x${hex}`))
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
