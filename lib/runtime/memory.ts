import { constants } from 'node:buffer'
import { types } from 'node:util'
import { checkFloat32Array } from './arrays.js'
import { checkObject, expected, GauntletError } from './errors.js'
import type { FloatArray } from './execute.js'
import { callNative, loadAddon } from './native.js'

/** How `allocate` takes its memory. */
export interface AllocateOptions {
  /**
   * Page-locked memory, which a GPU copies from and to without a staging copy. Costly to take, so take it once and reuse
   * it. By default it is page-locked if this process has used (or listed) a GPU before.
   */
  pinned?: boolean
}

/** The most floats that one array can hold: Node-API counts to 2^31, older Node.js stops at 4 GiB. */
const maxLength = Math.min(2 ** 31 - 1, Math.floor(constants.MAX_LENGTH / Float32Array.BYTES_PER_ELEMENT))

/** Every buffer that `allocate` made, and whether it was freed since. */
const buffers = new WeakMap<ArrayBufferLike, 'live' | 'freed'>()

/**
 * A zero-filled Float32Array on memory of the package's own, aligned to 64 bytes.
 *
 * Any Float32Array can be passed to a product. What is special about these: asynchronous calls use them in place, because
 * native code can hold on to this memory, where they have to copy any other array; a GPU reads them without a staging copy;
 * and `free` gives the memory back at once. Without `free` the garbage collector does, once the array is unreachable *and*
 * the event loop has turned: a long synchronous loop should free what it allocates.
 *
 * @param length how many floats, from 0 to 2^31 - 1 (2^30 on Node.js 20)
 * @example
 * const x = allocate(product.irrepsIn1.dim * batch)
 * const y = await product.forwardAsync(x, x)
 * free(x)
 * @throws GauntletError ERR_ARGUMENT for any other length, ERR_MEMORY where there is not so much memory, ERR_DEVICE where
 * page-locked memory is asked for and there is no GPU
 */
export function allocate(length: number, options: AllocateOptions = {}): Float32Array<ArrayBuffer> {
  checkObject(options, 'options')
  if (!Number.isInteger(length) || length < 0 || length > maxLength) {
    throw expected(`an integer from 0 to ${maxLength}`, 'length', length)
  }
  const { pinned } = options
  if (pinned !== undefined && typeof pinned !== 'boolean') throw expected('true or false', 'pinned', pinned)
  const array = callNative(() => loadAddon().allocate(length, pinned))
  buffers.set(array.buffer, 'live')
  return array
}

/**
 * Gives the memory of an array from `allocate` back at once. The array, and every other view of its buffer, has length 0
 * from then on. Calls in flight finish first: their memory is released with the last of them.
 *
 * @throws GauntletError ERR_DISPOSED where it was freed before, ERR_BUFFER where it is not from `allocate` or its buffer was
 * transferred since
 */
export function free(array: Float32Array): void {
  const state = types.isFloat32Array(array) ? buffers.get(array.buffer) : undefined
  if (state === 'freed') throw new GauntletError('ERR_DISPOSED', 'This array was freed before')
  if (state === undefined) throw expected('an array from allocate()', 'array', array, 'ERR_BUFFER')
  checkFloat32Array(array, 'array') // transfer() may have moved the memory to another buffer
  callNative(() => {
    loadAddon().free(array)
  })
  buffers.set(array.buffer, 'freed')
}

/**
 * @internal The same numbers where an asynchronous call uses them in place: the array itself if it is from `allocate` or on a device,
 * else a copy.
 */
export function hold(array: FloatArray): FloatArray {
  if (!types.isFloat32Array(array) || buffers.get(array.buffer) === 'live') return array
  const copy = allocate(array.length, { pinned: false })
  copy.set(array)
  return copy
}
