import { MARK, OPCODES, OTHER_OPCODES } from './pickle-opcodes.js'
import { messageOf } from './file.js'
import { PythonGlobal, PythonObject, type PythonValue } from './python.js'

/** What a pickle leaves to the program that reads it. */
export interface PickleHost {
  /** The value of `callable(*args)`, for the few that are known by heart; undefined makes an inert record of it. */
  reduce(callable: PythonGlobal, args: PythonValue[]): PythonValue | undefined
  /** Takes `state` into a value that is no record; false if there is no way to. */
  build(value: PythonValue, state: PythonValue): boolean
  /** What a persistent id stands for. */
  persistent(id: PythonValue): PythonValue
}

/**
 * Reads a pickle (protocols 2 to 5) as data: a stack machine that makes values and records and calls nothing, whatever the pickle
 * names. Throws a plain Error that names the opcode and its place; the caller knows the file's name.
 *
 * Source: Python's pickletools, which describes every opcode.
 */
export function unpickle(bytes: Buffer, host: PickleHost): PythonValue {
  const machine = new PickleMachine(bytes, host)
  for (;;) {
    const start = machine.position
    if (start >= bytes.length) throw new Error('its pickle ends without STOP')
    const char = String.fromCharCode(machine.u8())
    const [name, run] = OPCODES.get(char) ?? []
    if (!name || !run) {
      const known = OTHER_OPCODES.get(char)
      const code = char.charCodeAt(0).toString(16).padStart(2, '0')
      throw new Error(`opcode ${known ?? 'unknown'} (0x${code}) at byte ${start} of its pickle is not read`)
    }
    try {
      run(machine)
    } catch (error) {
      throw new Error(`opcode ${name} at byte ${start} of its pickle: ${messageOf(error)}`, { cause: error })
    }
    if (name === 'STOP') return machine.popValue()
  }
}

/** The stack, the memo and the bytes: what opcodes work on. */
export class PickleMachine {
  position = 0
  readonly memo = new Map<number, PythonValue>()
  readonly #stack: (PythonValue | typeof MARK)[] = []

  constructor(
    private readonly bytes: Buffer,
    private readonly host: PickleHost,
  ) {}

  u8(): number {
    return this.take(1)[0]
  }

  u16(): number {
    return this.take(2).readUInt16LE()
  }

  i32(): number {
    return this.take(4).readInt32LE()
  }

  u32(): number {
    return this.take(4).readUInt32LE()
  }

  u64(): number {
    return Number(this.take(8).readBigUInt64LE())
  }

  take(length: number): Buffer {
    if (length > this.bytes.length - this.position) {
      throw new Error(`it needs ${length} bytes where ${this.bytes.length - this.position} are left`)
    }
    return this.bytes.subarray(this.position, (this.position += length))
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position)
    if (end < 0) throw new Error('its line never ends')
    const text = this.bytes.toString('utf8', this.position, end)
    this.position = end + 1
    return text
  }

  push(value: PythonValue | typeof MARK): void {
    this.#stack.push(value)
  }

  popValue(): PythonValue {
    const value = this.#stack.pop()
    if (value === undefined || value === MARK) throw new Error('the stack has no value for it')
    return value
  }

  /** Takes two values, the lower first. */
  popPair(): [PythonValue, PythonValue] {
    const upper = this.popValue()
    return [this.popValue(), upper]
  }

  /** Takes what was pushed since the last mark, and the mark. */
  popMark(): PythonValue[] {
    const at = this.#stack.lastIndexOf(MARK)
    if (at < 0) throw new Error('there is no mark')
    const values = this.#stack.splice(at)
    return values.slice(1) as PythonValue[]
  }

  /** Takes a value, or a mark if that is on top. */
  pop(): void {
    if (this.#stack.pop() === undefined) throw new Error('the stack is empty')
  }

  top(): PythonValue {
    const value = this.popValue()
    this.push(value)
    return value
  }

  recall(index: number): void {
    const value = this.memo.get(index)
    if (value === undefined) throw new Error(`the memo has no entry ${index}`)
    this.push(value)
  }

  append(values: PythonValue[]): void {
    const target = this.top()
    const list = target instanceof PythonObject ? target.items : target
    if (Array.isArray(list)) for (const value of values) list.push(value)
    else if (list instanceof Set) for (const value of values) list.add(value)
    else throw new Error('what it adds to is no list or set')
  }

  setItems(values: PythonValue[]): void {
    const target = this.top()
    const map = target instanceof PythonObject ? target.entries : target
    if (!(map instanceof Map)) throw new Error('what it sets items of is no dictionary')
    if (values.length % 2 !== 0) throw new Error('it has a key without a value')
    for (let i = 0; i < values.length; i += 2) map.set(values[i], values[i + 1])
  }

  global(module: PythonValue, name: PythonValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw new Error('a global without a name')
    this.push(new PythonGlobal(module, name))
  }

  /** `callable(*args)`, or for `create` an instance of the class `callable`. */
  reduce(callable: PythonValue, args: PythonValue, create = false): void {
    if (!(callable instanceof PythonGlobal))
      throw new Error('it calls what is no global, which no record can stand for')
    if (!Array.isArray(args)) throw new Error(`the arguments of ${callable.toString()} are no tuple`)
    const value = create ? undefined : this.host.reduce(callable, args)
    this.push(value === undefined ? new PythonObject(callable, args) : value)
  }

  build(state: PythonValue): void {
    const target = this.top()
    if (target instanceof PythonObject) {
      if (target.state !== null) throw new Error(`the state of a ${target.name} is set twice`)
      target.state = state
    } else if (!this.host.build(target, state)) {
      throw new Error('it gives a state to a value that has none')
    }
  }

  persistent(id: PythonValue): void {
    this.push(this.host.persistent(id))
  }
}
