import { types } from 'node:util'
import { expected, GauntletError } from './errors.js'

/**
 * Checks that `value` is a Float32Array on memory that stays where it is while native code reads it.
 *
 * @throws GauntletError ERR_DTYPE where it is something else, ERR_BUFFER where its buffer is detached or can be resized
 */
export function checkFloat32Array(value: unknown, name: string): asserts value is Float32Array {
  if (!types.isFloat32Array(value)) throw expected('a Float32Array', name, value, 'ERR_DTYPE')
  const buffer = value.buffer as { resizable?: boolean; growable?: boolean } & ArrayBufferLike
  if (buffer.resizable === true || buffer.growable === true) {
    throw new GauntletError(
      'ERR_BUFFER',
      `Expected an array of fixed size for ${name} but its buffer is resizable; pass a copy (${name}.slice())`,
    )
  }
  if (value.length === 0 && isDetached(buffer)) {
    throw new GauntletError('ERR_BUFFER', `Expected an array with memory for ${name} but its buffer is detached`)
  }
}

/** A detached buffer looks like an empty one, except that no view can be made of it. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}
