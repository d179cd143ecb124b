import { describe } from '../runtime/errors.js'
import { elementCount, elementSize, tensorData, type DType, type StoredTensor } from './stored-tensor.js'

/**
 * A Python value as a pickle describes it. Lists and tuples are arrays; dictionaries and OrderedDicts are Maps; integers are numbers
 * as far as a number holds them exactly. Values may contain themselves.
 */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PythonValue[]
  | Map<PythonValue, PythonValue>
  | Set<PythonValue>
  | PythonGlobal
  | PythonObject
  | NumpyArray
  | TorchTensor
  | TorchStorage

/** A class or function: its name alone. */
export class PythonGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  toString(): string {
    return `${this.module}.${this.name}`
  }
}

/**
 * What a class or function made, or would have made: which, from what arguments, and what was put into it afterwards. Nothing was
 * called.
 */
export class PythonObject {
  readonly module: string
  readonly name: string
  /** What the object's `__setstate__` or `__dict__` would have got. */
  state: PythonValue = null
  /** What was appended to it, where its class is a kind of list or set. */
  readonly items: PythonValue[] = []
  /** What was set in it, where its class is a kind of dictionary. */
  readonly entries = new Map<PythonValue, PythonValue>()

  constructor(
    type: PythonGlobal,
    readonly args: PythonValue[],
  ) {
    this.module = type.module
    this.name = type.name
  }

  /** Its `__dict__`, as far as its state is one. */
  get attributes(): ReadonlyMap<PythonValue, PythonValue> {
    // With __slots__ the state is a pair of dictionaries.
    const maps = Array.isArray(this.state) ? this.state : [this.state]
    return new Map(maps.flatMap((map) => (map instanceof Map ? [...map] : [])))
  }
}

/** A short description of a value, for messages. */
export function describeValue(value: PythonValue | undefined): string {
  return value instanceof PythonObject ? `a ${value.module}.${value.name}` : describe(value)
}

/** An array of numpy, row-major, every number as float64; 0-dimensional for a scalar that is not one of Python's own. */
export class NumpyArray {
  shape: readonly number[] = []
  data: Float64Array | string[] = []
}

/** The memory that tensors of torch share. */
export class TorchStorage {
  /** Little-endian; empty until the archive's member has been read. */
  bytes: Uint8Array = new Uint8Array(0)

  constructor(
    readonly key: string,
    /** Undefined where the tensors alone say what it holds. */
    readonly dtype: DType | undefined,
    readonly byteLength: number,
  ) {}
}

/** A tensor that shows its storage to fewer elements than it has makes no more than this of them (1 GiB of float64). */
const MAX_EXPANDED = 2 ** 27

/** A tensor of torch: a view of a storage. */
export class TorchTensor {
  /** Throws a plain Error for a view that leaves its storage. */
  constructor(
    readonly dtype: DType,
    readonly shape: readonly number[],
    /** In elements, as `offset`. */
    readonly strides: readonly number[],
    readonly offset: number,
    readonly requiresGrad: boolean,
    private readonly storage: TorchStorage,
    /** Whether it was an nn.Parameter. */
    readonly parameter = false,
  ) {
    const count = elementCount(shape)
    const places = [...strides, offset]
    if (
      Number.isNaN(count) ||
      strides.length !== shape.length ||
      !places.every((n) => Number.isSafeInteger(n) && n >= 0)
    ) {
      throw new Error(`a tensor of shape (${shape.join(', ')}), strides (${strides.join(', ')}) and offset ${offset}`)
    }
    const available = Math.floor(storage.byteLength / elementSize(dtype))
    const end = count === 0 ? 0 : shape.reduce((at, length, axis) => at + (length - 1) * strides[axis], offset + 1)
    if (end > available) {
      throw new Error(`a tensor that reaches to element ${end} of storage ${storage.key}, which has ${available}`)
    }
    if (count > Math.max(available, MAX_EXPANDED)) {
      throw new Error(`a tensor of shape (${shape.join(', ')}) on a storage of ${available} elements`)
    }
  }

  /** The same view as an nn.Parameter. */
  asParameter(requiresGrad: boolean): TorchTensor {
    const { dtype, shape, strides, offset, storage } = this
    return new TorchTensor(dtype, shape, strides, offset, requiresGrad, storage, true)
  }

  /** Its elements, row-major, in memory of their own. */
  stored(): StoredTensor {
    const { dtype, shape, strides } = this
    const size = elementSize(dtype)
    const count = elementCount(shape)
    const bytes = new Uint8Array(count * size)
    const copy = (from: number, to: number, elements: number): void =>
      bytes.set(this.storage.bytes.subarray(from * size, (from + elements) * size), to * size)
    // Whole rows at a time where their elements stand together.
    const length = strides.at(-1) === 1 || shape.length === 0 ? (shape.at(-1) ?? 1) : 1
    const outer = length === 1 ? shape : shape.slice(0, -1)
    const index = outer.map(() => 0)
    for (let at = 0; at < count; at += length) {
      copy(
        index.reduce((sum, i, axis) => sum + i * strides[axis], this.offset),
        at,
        length,
      )
      for (let axis = outer.length - 1; axis >= 0 && ++index[axis] === outer[axis]; axis--) index[axis] = 0
    }
    return { dtype, shape, data: tensorData(dtype, bytes.buffer) }
  }
}
