import { decodeNpy, parseNpyType, type NpyHeader } from './npy.js'
import type { PickleHost } from './pickle.js'
import { NumpyArray, PythonGlobal, PythonObject, TorchStorage, TorchTensor, type PythonValue } from './python.js'
import { elementSize, type DType } from './stored-tensor.js'

/** What torch calls the types of tensors that are read; its storages are named after the first. */
const TORCH_TYPES: Record<string, DType> = {
  Bool: 'BOOL',
  Byte: 'U8',
  Char: 'I8',
  Short: 'I16',
  Int: 'I32',
  Long: 'I64',
  Half: 'F16',
  BFloat16: 'BF16',
  Float: 'F32',
  Double: 'F64',
}
const TORCH_DTYPES: Record<string, DType> = {
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
}

type Reduction = (...args: PythonValue[]) => PythonValue

/** The calls that a pickle of torch needs done to be of use: tensors, arrays, and containers that have no opcode. */
const REDUCTIONS: Record<string, Reduction> = {
  'collections.OrderedDict': (pairs = []) => new Map(list(pairs, 'pairs') as [PythonValue, PythonValue][]),
  'builtins.set': (items = []) => new Set(list(items, 'items')),
  'builtins.frozenset': (items = []) => new Set(list(items, 'items')),
  'builtins.bytes': () => new Uint8Array(0),
  'builtins.bytearray': (value = '') => (value instanceof Uint8Array ? value : latin1(value)),
  '_codecs.encode': (value = '') => latin1(value),
  'torch.Size': (lengths = []) => list(lengths, 'lengths'),
  'torch._utils._rebuild_tensor': rebuildTensor,
  'torch._utils._rebuild_tensor_v2': rebuildTensor,
  'torch._utils._rebuild_tensor_v3': (storage, offset, shape, strides, requiresGrad, _hooks, dtype) =>
    rebuildTensor(storage, offset, shape, strides, requiresGrad, torchDType(dtype)),
  'torch._utils._rebuild_parameter': rebuildParameter,
  'torch._utils._rebuild_parameter_with_state': rebuildParameter,
  'torch._tensor._rebuild_from_type_v2': (rebuild, _type, args) => known(rebuild)(...list(args, 'arguments')),
  'numpy.dtype': (name) => new PythonObject(NUMPY_DTYPE, [name]),
  'numpy.core.multiarray._reconstruct': () => new NumpyArray(),
  'numpy.core.multiarray.scalar': (dtype, bytes) => scalar(decoded(new NumpyArray(), dtype, [], false, bytes)),
  'numpy.core.numeric._frombuffer': (bytes, dtype, shape, order) =>
    decoded(new NumpyArray(), dtype, shape, order === 'F', bytes),
}

const NUMPY_DTYPE = new PythonGlobal('numpy', 'dtype')

/** Gives a pickle of torch.save what it needs, and remembers the storages that its tensors view. */
export class TorchHost implements PickleHost {
  readonly storages = new Map<string, TorchStorage>()

  reduce(callable: PythonGlobal, args: PythonValue[]): PythonValue | undefined {
    return reduction(callable)?.(...args)
  }

  build(value: PythonValue, state: PythonValue): boolean {
    if (value instanceof NumpyArray) {
      const [, shape, dtype, fortranOrder, bytes] = list(state, 'state of an array')
      decoded(value, dtype, shape, fortranOrder === true, bytes)
      return true
    }
    // An OrderedDict or tensor may carry attributes, as a state_dict its versions; their items are what counts.
    return value instanceof Map || value instanceof TorchTensor
  }

  persistent(id: PythonValue): TorchStorage {
    const [kind, type, key, , numel] = list(id, 'persistent id')
    if (kind !== 'storage' || !(type instanceof PythonGlobal) || typeof key !== 'string') {
      throw new Error('a persistent id that is no storage of torch')
    }
    const dtype = storageDType(type)
    const byteLength = typeof numel === 'number' ? numel * (dtype ? elementSize(dtype) : 1) : NaN
    if (!(Number.isSafeInteger(byteLength) && byteLength >= 0)) throw new Error(`storage ${key} has no length`)
    const seen = this.storages.get(key)
    if (seen && seen.byteLength !== byteLength) {
      throw new Error(`storage ${key} has ${seen.byteLength} bytes and ${byteLength}`)
    }
    const storage = seen ?? new TorchStorage(key, dtype, byteLength)
    this.storages.set(key, storage)
    return storage
  }
}

function reduction({ module, name }: PythonGlobal): Reduction | undefined {
  // Python 2 and numpy 2 have other names for the same modules.
  const key = `${module.replace(/^__builtin__$/, 'builtins').replace(/^numpy\._core\b/, 'numpy.core')}.${name}`
  return Object.hasOwn(REDUCTIONS, key) ? REDUCTIONS[key] : undefined
}

function known(callable: PythonValue): Reduction {
  const found = callable instanceof PythonGlobal && reduction(callable)
  if (!found)
    throw new Error(`a tensor made by ${callable instanceof PythonGlobal ? callable.toString() : 'no global'}`)
  return found
}

function storageDType(type: PythonGlobal): DType | undefined {
  if (type.name === 'UntypedStorage') return undefined
  const name = type.name.replace(/Storage$/, '')
  if (!Object.hasOwn(TORCH_TYPES, name)) {
    throw new Error(`a storage of type ${type.toString()}; read are those of ${Object.keys(TORCH_TYPES).join(', ')}`)
  }
  return TORCH_TYPES[name]
}

function torchDType(type: PythonValue | undefined): DType {
  if (!(type instanceof PythonGlobal) || !Object.hasOwn(TORCH_DTYPES, type.name)) {
    throw new Error(`a tensor of type ${type instanceof PythonGlobal ? type.toString() : 'unknown'}`)
  }
  return TORCH_DTYPES[type.name]
}

function rebuildTensor(
  storage: PythonValue,
  offset: PythonValue,
  shape: PythonValue,
  strides: PythonValue,
  requiresGrad?: PythonValue,
  dtype?: PythonValue,
): TorchTensor {
  if (!(storage instanceof TorchStorage)) throw new Error('a tensor without a storage')
  const type = storage.dtype ?? (dtype as DType)
  const lengths = numbers(shape, 'shape of a tensor')
  return new TorchTensor(
    type,
    lengths,
    numbers(strides, 'strides of a tensor'),
    Number(offset),
    requiresGrad === true,
    storage,
  )
}

function rebuildParameter(data: PythonValue, requiresGrad: PythonValue): TorchTensor {
  if (!(data instanceof TorchTensor)) throw new Error('a parameter that is no tensor')
  return data.asParameter(requiresGrad === true)
}

/** Fills `array` from what numpy says of one. */
function decoded(
  array: NumpyArray,
  dtype: PythonValue | undefined,
  shape: PythonValue | undefined,
  fortranOrder: boolean,
  bytes: PythonValue | undefined,
): NumpyArray {
  if (!(dtype instanceof PythonObject && dtype.name === 'dtype')) throw new Error('an array without a dtype')
  const name = dtype.args[0]
  if (typeof name !== 'string') throw new Error('a dtype without a name')
  const order = Array.isArray(dtype.state) && dtype.state[1] === '>' ? '>' : '<'
  const raw = typeof bytes === 'string' ? latin1(bytes) : bytes
  if (!(raw instanceof Uint8Array)) throw new Error(`an array of ${name} that is not bytes`)
  const header: NpyHeader = {
    ...parseNpyType(`${order}${name}`),
    fortranOrder,
    shape: numbers(shape, 'shape of an array'),
    offset: 0,
  }
  return Object.assign(array, decodeNpy(Buffer.from(raw), header))
}

function scalar({ data }: NumpyArray): PythonValue {
  return data[0]
}

function list(value: PythonValue | undefined, what: string): PythonValue[] {
  if (value instanceof Set) return [...value]
  if (!Array.isArray(value)) throw new Error(`the ${what} are no list`)
  return value
}

function numbers(value: PythonValue | undefined, what: string): number[] {
  return list(value, what).map((item) => {
    if (typeof item !== 'number') throw new Error(`the ${what} has an item that is no number`)
    return item
  })
}

/** Python 2's way to write bytes: as text of code points below 256. */
function latin1(value: PythonValue): Uint8Array {
  if (typeof value !== 'string') throw new Error('bytes that are no text')
  return Uint8Array.from(Buffer.from(value, 'latin1'))
}
