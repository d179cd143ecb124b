import { expected } from '../runtime/errors.js'
import { checkInteger } from '../runtime/numbers.js'

/**
 * A small seeded generator of pseudo-random numbers, the same on every machine: xoshiro128** (Blackman and Vigna), its state filled from
 * the seed by splitmix32 (a Weyl sequence through murmur3's finalizer). For tests, examples and probing; not for cryptography.
 *
 * @example
 * const random = new Random(1)
 * const x = Float32Array.from(random.normals(320))
 */
export class Random {
  readonly #state = new Uint32Array(4)

  /**
   * @param seed integer from 0 to 2^32 - 1
   * @throws GauntletError ERR_ARGUMENT for anything else
   */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw expected('an integer from 0 to 4294967295', 'seed', seed)
    }
    for (let i = 0; i < 4; i++) {
      seed = (seed + 0x9e3779b9) >>> 0
      let mixed = Math.imul(seed ^ (seed >>> 16), 0x85ebca6b)
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
      this.#state[i] = mixed ^ (mixed >>> 16)
    }
  }

  /** An integer, uniform from 0 to 2^32 - 1. */
  uint32(): number {
    const s = this.#state
    const result = Math.imul(rotateLeft(Math.imul(s[1], 5), 7), 9) >>> 0
    const shifted = s[1] << 9
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotateLeft(s[3], 11)
    return result
  }

  /** A number uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53
  }

  /** A number from the normal distribution of mean 0 and variance 1 (Box-Muller). */
  normal(): number {
    // 1 - uniform() lies in (0, 1], where the logarithm is finite.
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
  }

  /** `length` numbers uniform in [0, 1). */
  uniforms(length: number): Float64Array {
    return Float64Array.from({ length: checkInteger(length, 'length', 0, 2 ** 31 - 1) }, () => this.uniform())
  }

  /** `length` numbers from the normal distribution. */
  normals(length: number): Float64Array {
    return Float64Array.from({ length: checkInteger(length, 'length', 0, 2 ** 31 - 1) }, () => this.normal())
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
