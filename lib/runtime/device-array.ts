import { checkFloat32Array } from './arrays.js'
import { resolveDevice, type DeviceOption } from './device.js'
import { expected } from './errors.js'
import { callNative, loadAddon, type DeviceId, type NativeDeviceArray } from './native.js'

/**
 * Floats that stay on a device between calls, so that a chain of products on a GPU copies nothing back and forth. Products
 * take them wherever they take a Float32Array. On the CPU they are plain memory: code written for one device runs on any.
 *
 * @example
 * using x = DeviceArray.from(positions, 'cuda')
 * using y = product.forward(x, x) // a DeviceArray, since both inputs are
 * y.toArray()
 */
export class DeviceArray implements Disposable {
  readonly length: number
  readonly device: DeviceId
  /** @internal What native code knows it by. */
  readonly native: NativeDeviceArray
  #disposed = false
  /** Which floats of which array it shows. */
  #part: { whole: DeviceArray; begin: number }

  private constructor(device: DeviceId, length: number, make: () => NativeDeviceArray) {
    this.native = callNative(make)
    this.device = device
    this.length = length
    this.#part = { whole: this, begin: 0 }
  }

  /** What only looks like one, as a Proxy does, is none. */
  static [Symbol.hasInstance](value: unknown): value is DeviceArray {
    return typeof value === 'object' && value !== null && #disposed in value
  }

  /**
   * A copy of `array` on a device.
   *
   * @throws GauntletError ERR_DTYPE, ERR_BUFFER, ERR_DEVICE, ERR_MEMORY
   */
  static from(array: Float32Array, device: DeviceOption = 'auto'): DeviceArray {
    checkFloat32Array(array, 'array')
    return DeviceArray.uninitialized(resolveDevice(device), array.length).set(array)
  }

  /** @internal Memory for a result, whose contents are undefined. */
  static uninitialized(device: DeviceId, length: number): DeviceArray {
    return new DeviceArray(device, length, () => new (loadAddon().NativeDeviceArray)(device, length))
  }

  /**
   * Overwrites all values.
   *
   * @throws GauntletError ERR_LENGTH where `array` has another length, ERR_DTYPE, ERR_BUFFER, ERR_DISPOSED
   */
  set(array: Float32Array): this {
    this.#check(array, 'array')
    callNative(() => {
      this.native.write(array)
    })
    return this
  }

  /**
   * Copies the values back, into `out` where it is given.
   *
   * @throws GauntletError ERR_LENGTH where `out` has another length, ERR_DTYPE, ERR_BUFFER, ERR_DISPOSED
   */
  toArray(out: Float32Array = new Float32Array(this.length)): Float32Array {
    this.#check(out, 'out')
    callNative(() => {
      this.native.read(out)
    })
    return out
  }

  /**
   * Floats `begin` to `end` - 1 of this array, not a copy: what is written to one is in the other. Like that of a Float32Array, but
   * negative numbers do not count from the end. The memory goes with the last array that shares it.
   *
   * @throws GauntletError ERR_ARGUMENT where it is no part of this array, ERR_DISPOSED
   */
  subarray(begin = 0, end = this.length): DeviceArray {
    if (!(Number.isInteger(begin) && Number.isInteger(end) && begin >= 0 && begin <= end && end <= this.length)) {
      throw expected(`a part of ${this.length} floats`, 'begin, end', `${begin}, ${end}`)
    }
    const length = end - begin
    const make = () => new (loadAddon().NativeDeviceArray)(this.native, begin, length)
    const part = new DeviceArray(this.device, length, make)
    part.#part = { whole: this.#part.whole, begin: this.#part.begin + begin }
    return part
  }

  /** @internal Whether writing into one changes the other. */
  overlaps(other: DeviceArray): boolean {
    const [a, b] = [this.#part, other.#part]
    return a.whole === b.whole && a.begin < b.begin + other.length && b.begin < a.begin + this.length
  }

  /** @internal The array whose floats it shows: itself, unless it is a part. */
  get whole(): DeviceArray {
    return this.#part.whole
  }

  /** Releases the memory, at once or with the last call in flight that works on it. Any later use is an error. */
  dispose(): void {
    this.#disposed = true
    this.native.dispose()
  }

  /** Whether its memory is gone. */
  get disposed(): boolean {
    return this.#disposed
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #check(array: Float32Array, name: string): void {
    checkFloat32Array(array, name)
    if (array.length !== this.length)
      throw expected(String(this.length), `the length of ${name}`, array.length, 'ERR_LENGTH')
  }
}
