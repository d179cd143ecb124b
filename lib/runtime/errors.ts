/** Stable codes: programs may switch on them, so they are never renamed. */
export type ErrorCode =
  | 'ERR_ARGUMENT' // an argument has the wrong type or value
  | 'ERR_IRREPS' // an irreps string or list is malformed
  | 'ERR_DTYPE' // an array is not a Float32Array (or DeviceArray) where one is needed
  | 'ERR_LENGTH' // an array's length does not fit its irreps
  | 'ERR_BUFFER' // an array's memory is detached, resizable or otherwise unusable
  | 'ERR_UNREACHABLE' // an output irrep that no path of the product can reach
  | 'ERR_DISPOSED' // use after dispose() or free()
  | 'ERR_DEVICE' // a device that was asked for is not there
  | 'ERR_CUDA' // the CUDA runtime reported an error
  | 'ERR_MEMORY' // an allocation failed
  | 'ERR_ADDON' // the native addon is missing or of another version
  | 'ERR_PRECISION' // float64 does not decide what was asked
  | 'ERR_MPI' // Open MPI is missing or reported an error
  | 'ERR_DEPENDENCY' // an optional package that something needs is not installed
  | 'ERR_FILE' // a file cannot be read, is malformed or lies about its contents

/** The one error class of this package: `code` is stable, `message` says what was given, what was expected and what to do. */
export class GauntletError extends Error {
  override readonly name = 'GauntletError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Builds "Expected {what} for {name} but received {value}". */
export function expected(what: string, name: string, value: unknown, code: ErrorCode = 'ERR_ARGUMENT'): GauntletError {
  return new GauntletError(code, `Expected ${what} for ${name} but received ${describe(value)}`)
}

/** @throws GauntletError ERR_ARGUMENT unless it is an object */
export function checkObject(value: unknown, name: string): asserts value is object {
  if (typeof value !== 'object' || value === null) throw expected('an object', name, value)
}

/** The same error, said of a place: a file, a structure. What is no GauntletError stays as it is. */
export function errorIn(place: string, error: unknown): unknown {
  if (!(error instanceof GauntletError)) return error
  return new GauntletError(error.code, `${place}: ${error.message}`, { cause: error })
}

/** A short, safe description of any value, for error messages. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
  if (typeof value === 'bigint') return BigInt.asIntN(128, value) === value ? `${value}n` : 'a bigint of over 128 bits'
  if (typeof value === 'function') return `a function`
  if (Array.isArray(value)) return `an array of length ${value.length}`
  if (ArrayBuffer.isView(value)) {
    const length = 'length' in value ? ` of length ${String(value.length)}` : ''
    const { name } = value.constructor
    return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}${length}`
  }
  if (typeof value === 'object' && value !== null) return `an object (${value.constructor?.name ?? 'no prototype'})`
  return String(value)
}
