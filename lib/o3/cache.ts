/**
 * Computed arrays by key, at most `capacity` numbers in all: when full it forgets those added first, and it does not
 * keep arrays of more than an eighth of that.
 */
export class ArrayCache {
  readonly #arrays = new Map<string, Float64Array>()
  #size = 0

  constructor(private readonly capacity: number) {}

  /** The array under `key`, computed where it is not known. It is shared: nobody may write to it. */
  get(key: string, compute: () => Float64Array): Float64Array {
    const known = this.#arrays.get(key)
    if (known !== undefined) return known
    const array = compute()
    if (array.length > this.capacity / 8) return array
    for (const [oldest, { length }] of this.#arrays) {
      if (this.#size + array.length <= this.capacity) break
      this.#arrays.delete(oldest)
      this.#size -= length
    }
    this.#arrays.set(key, array)
    this.#size += array.length
    return array
  }
}
