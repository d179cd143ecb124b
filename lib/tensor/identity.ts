const numbers = new WeakMap<object, number>()
let given = 0

/** A number that no other object has: what is made from equal names need not be the same. */
export function identify(object: object): number {
  if (!numbers.has(object)) numbers.set(object, given++)
  return numbers.get(object)!
}
