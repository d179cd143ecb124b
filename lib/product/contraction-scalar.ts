import { type Circuit, compile, type Program, type Value } from './circuit.js'

/** Values of a circuit that are given: components of features or of gradOut, or mixtures of weights. */
export interface ContractionGiven<Name> {
  readonly like: Name
  readonly values: readonly Value[]
}

/** Some slopes of a scalar, ready to be walked. */
export interface CompiledSlopes {
  /** What they depend on, by number, in the order of the program's first rows. */
  read: readonly number[]
  program: Program
}

/**
 * A polynomial of several operands, its slopes by each of them, and its derivatives along them, which are such polynomials of one operand more:
 * the direction. So everything that a contraction computes, to any order, is a slope of one of these.
 */
export class ContractionScalar<Name> {
  readonly #along = new Map<string, ContractionScalar<Name>>()
  #slopes: ReadonlyMap<Value, Value> | undefined

  constructor(
    readonly circuit: Circuit,
    readonly given: readonly ContractionGiven<Name>[],
    readonly scalar: Value,
  ) {}

  /** <v, slope by operand n>, summed over `directions` n: each v follows as a further operand. The same object at every call. */
  along(directions: readonly number[]): ContractionScalar<Name> {
    const key = directions.join()
    let known = this.#along.get(key)
    if (known === undefined) {
      const moving = new Map<Value, Value>()
      const further = directions.map((n): ContractionGiven<Name> => {
        const { like, values } = this.given[n]
        const direction = this.circuit.inputs(values.length)
        values.forEach((value, i) => moving.set(value, direction[i]))
        return { like, values: direction }
      })
      const scalar = this.circuit.along(this.scalar, moving)
      known = new ContractionScalar(this.circuit, [...this.given, ...further], scalar)
      this.#along.set(key, known)
    }
    return known
  }

  /** The slopes by some operands. */
  compile(results: readonly number[]): CompiledSlopes {
    this.#slopes ??= this.circuit.gradient(this.scalar)
    const slopes = this.#slopes
    const zero = this.circuit.sum([])
    const outputs = results.flatMap((n) => this.given[n].values.map((value) => slopes.get(value) ?? zero))
    const needed = this.circuit.needed(outputs)
    const read = [...this.given.keys()].filter((n) => this.given[n].values.some((value) => needed.has(value)))
    const inputs = read.flatMap((n) => this.given[n].values)
    return { read, program: compile(this.circuit, inputs, outputs) }
  }
}
