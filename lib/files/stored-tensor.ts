import { expected, GauntletError } from '../runtime/errors.js'
import { half } from './npy.js'

/** How each type of number in a file of weights is held: itself where JavaScript has such an array, otherwise its bits. */
const ARRAYS = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  F8_E8M0: Uint8Array,
  U16: Uint16Array,
  I16: Int16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  U32: Uint32Array,
  I32: Int32Array,
  F32: Float32Array,
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
}

/** The type of a stored tensor's numbers, as safetensors names it. */
export type DType = keyof typeof ARRAYS

export type TensorData = InstanceType<(typeof ARRAYS)[DType]>

/** A tensor as it stands in a file, row-major. */
export interface StoredTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** BOOL is 0 or 1; F16, BF16 and the F8 are bits. {@link toFloat64} has the values. */
  readonly data: TensorData
}

export const DTYPES = Object.keys(ARRAYS) as DType[]

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(ARRAYS, name)
}

/** Bytes of one element. */
export function elementSize(dtype: DType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT
}

/** How many elements a shape has; NaN if it is none or has more than can be counted. */
export function elementCount(shape: unknown): number {
  if (!Array.isArray(shape) || !shape.every((length) => Number.isSafeInteger(length) && length >= 0)) return NaN
  const count = (shape as number[]).reduce((product, length) => product * length, 1)
  return Number.isSafeInteger(count) ? count : NaN
}

/** The whole of a buffer as numbers of a type. */
export function tensorData(dtype: DType, bytes: ArrayBuffer): TensorData {
  return new ARRAYS[dtype](bytes)
}

/**
 * Refuses a tensor whose parts do not fit each other.
 *
 * @throws GauntletError `ERR_ARGUMENT`, `ERR_DTYPE`, `ERR_LENGTH`, `ERR_BUFFER`
 */
export function checkTensor(name: string, tensor: StoredTensor): void {
  const { dtype, shape, data } = tensor
  if (!isDType(dtype)) throw expected(`one of ${DTYPES.join(', ')}`, `the dtype of '${name}'`, dtype)
  const count = elementCount(shape)
  if (Number.isNaN(count)) throw expected('a list of lengths', `the shape of '${name}'`, shape)
  const array = ARRAYS[dtype]
  if (!(data instanceof array)) throw expected(`a ${array.name}`, `${dtype} data of '${name}'`, data, 'ERR_DTYPE')
  if (data.length === 0 && count > 0 && isDetached(data.buffer)) {
    throw new GauntletError('ERR_BUFFER', `The memory of '${name}' is detached: it was transferred elsewhere`)
  }
  if (data.length !== count) {
    throw expected(`${count} elements (${shape.join(' x ')})`, `data of '${name}'`, data, 'ERR_LENGTH')
  }
}

/** A detached buffer is the only one of which no view can be made. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    return new Uint8Array(buffer).length < 0
  } catch {
    return true
  }
}

/**
 * The values of a stored tensor as float64.
 *
 * @throws GauntletError `ERR_PRECISION` for an integer of more than 53 bits, `ERR_DTYPE` for a type of 8-bit floats.
 * @example
 * toFloat64({ dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) }) // [1]
 */
export function toFloat64({ dtype, data }: StoredTensor): Float64Array {
  switch (dtype) {
    case 'F16':
      return Float64Array.from(data as Uint16Array, half)
    case 'BF16': {
      const bits = Uint32Array.from(data as Uint16Array, (value) => value << 16)
      return Float64Array.from(new Float32Array(bits.buffer))
    }
    case 'F8_E4M3':
    case 'F8_E5M2':
    case 'F8_E8M0':
      throw new GauntletError('ERR_DTYPE', `${dtype} is not converted: its tensors give bits alone`)
    case 'I64':
    case 'U64': {
      const values = Float64Array.from(data as BigInt64Array, Number)
      const wide = values.findIndex((value) => !Number.isSafeInteger(value))
      if (wide >= 0) {
        throw new GauntletError('ERR_PRECISION', `Element ${wide} is ${data[wide]}, which is more than 53 bits`)
      }
      return values
    }
    default:
      return Float64Array.from(data as Float64Array)
  }
}
