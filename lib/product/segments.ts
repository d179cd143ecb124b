import { types } from 'node:util'
import { expected, GauntletError } from '../runtime/errors.js'
import { checkInteger } from '../runtime/numbers.js'

/**
 * Rows that belong to others: row r of one array to row of[r] of another, as edges do to their receivers and nodes to their
 * structures. Rows of segment s are order[start[s]] to order[start[s + 1] - 1], ascending.
 *
 * @example
 * const structureOf = new Index('structure', nodes, structures)
 * const segments = new Segments(Int32Array.of(0, 0, 1), 2) // atoms 0 and 1 are of structure 0, atom 2 is of structure 1
 * program.run({ counts, inputs, indices: new Map([[structureOf, segments]]) })
 */
export class Segments {
  readonly of: Int32Array
  readonly start: Int32Array
  readonly order: Int32Array

  /**
   * @param of [rows], copied
   * @param name what messages call it, and `segment` what it counts
   * @throws GauntletError ERR_DTYPE, ERR_ARGUMENT for a segment that does not exist, naming the row
   */
  constructor(
    of: Int32Array,
    readonly count: number,
    name = 'of',
    segment = 'segment',
  ) {
    checkInteger(count, `the number of ${segment}s`, 0, 2 ** 31 - 1)
    if (!types.isInt32Array(of)) throw expected('an Int32Array', name, of, 'ERR_DTYPE')
    this.of = Int32Array.from(of)
    const wrong = this.of.findIndex((segment) => segment < 0 || segment >= count)
    if (wrong >= 0) {
      const known = count > 0 ? `a ${segment} from 0 to ${count - 1}` : `nothing (there are no ${segment}s)`
      throw new GauntletError('ERR_ARGUMENT', `Expected ${known} for ${name}[${wrong}] but received ${this.of[wrong]}`)
    }
    this.start = new Int32Array(count + 1)
    for (const segment of this.of) this.start[segment + 1]++
    for (let segment = 0; segment < count; segment++) this.start[segment + 1] += this.start[segment]
    const next = this.start.slice()
    this.order = new Int32Array(of.length)
    // A counting sort, which keeps the order of rows that share a segment.
    this.of.forEach((segment, row) => {
      this.order[next[segment]++] = row
    })
  }
}
