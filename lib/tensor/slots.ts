import { DeviceArray } from '../runtime/device-array.js'
import type { FloatArray } from '../runtime/execute.js'

interface Slot<A> {
  memory: A
  /** Of its memory, as long as the value that was last kept there. */
  view: A
}

/**
 * Memory that values take turns in, by number. A slot only grows, and then lets go of what it had: values no larger than those before
 * take none.
 */
export class Slots<A extends FloatArray | Float64Array> {
  readonly #slots = new Map<number, Slot<A>>()
  readonly #owners = new Set<object>()

  /** @param allocate memory of so many floats, holding anything */
  constructor(readonly allocate: (length: number) => A) {}

  /** A slot's memory as an array of so many floats. */
  take(number: number, length: number): A {
    let slot = this.#slots.get(number)
    if (slot === undefined || slot.memory.length < length) {
      // What a slot of the device has goes first: both need not fit.
      if (slot) this.#release(slot)
      this.#slots.delete(number)
      const memory = this.allocate(length)
      this.#owners.add(ownerOf(memory))
      slot = { memory, view: memory }
      this.#slots.set(number, slot)
    }
    if (slot.view.length !== length) {
      const { memory } = slot
      slot.view = memory.length === length ? memory : (memory.subarray(0, length) as A)
    }
    return slot.view
  }

  /** Whether an array is in memory of a slot. */
  holds(array: A): boolean {
    return this.#owners.has(ownerOf(array))
  }

  /** Floats of all. */
  get floats(): number {
    return [...this.#slots.values()].reduce((sum, { memory }) => sum + memory.length, 0)
  }

  #release({ memory, view }: Slot<A>): void {
    this.#owners.delete(ownerOf(memory))
    for (const array of [memory, view]) if (array instanceof DeviceArray) array.dispose()
  }
}

/** What all arrays of the same memory share. */
function ownerOf(array: FloatArray | Float64Array): object {
  return array instanceof DeviceArray ? array.whole : array.buffer
}
