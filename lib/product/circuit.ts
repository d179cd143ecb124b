/** A value of a circuit, by number. */
export type Value = number

/** What a value is: the sum of products of two values, and of multiples of values. Inputs have no terms. */
interface Sum {
  products: (readonly [Value, Value])[]
  multiples: { of: Value; factor: number }[]
}

/**
 * A polynomial as the sums and products that evaluate it, in an order in which every value follows what it is made of. Its
 * derivatives are circuits again, so that whatever evaluates circuits evaluates derivatives of any order.
 *
 * @example
 * const circuit = new Circuit()
 * const [x, y] = [circuit.input(), circuit.input()]
 * const square = circuit.product(x, x)
 * const scalar = circuit.sum([[square, y]]) // x^2 y
 * const slopes = circuit.gradient(scalar) // slopes.get(y) is `square`, slopes.get(x) a new value, 2 x y
 */
export class Circuit {
  readonly values: Sum[] = []
  readonly #products = new Map<string, Value>()

  input(): Value {
    return this.values.push({ products: [], multiples: [] }) - 1
  }

  inputs(count: number): Value[] {
    return Array.from({ length: count }, () => this.input())
  }

  /** a * b; the same value for the same factors. */
  product(a: Value, b: Value): Value {
    const key = a < b ? `${a},${b}` : `${b},${a}`
    let known = this.#products.get(key)
    if (known === undefined) {
      known = this.sum([[a, b]])
      this.#products.set(key, known)
    }
    return known
  }

  /** The sum of these products and multiples; a value that is there already where it is just that. */
  sum(products: Sum['products'], multiples: Sum['multiples'] = []): Value {
    if (products.length === 0 && multiples.length === 1 && multiples[0].factor === 1) return multiples[0].of
    return this.values.push({ products, multiples }) - 1
  }

  /**
   * The derivatives of `scalar` with respect to every value that it is made of; those that are missing are zero. `scalar` must be
   * a sum of products. Every term with one factor left out belongs to the derivative by that factor.
   */
  gradient(scalar: Value): Map<Value, Value> {
    const slopes = new Map<Value, Value>()
    const terms = new Map<Value, Sum>()
    const termsOf = (value: Value): Sum => {
      if (!terms.has(value)) terms.set(value, { products: [], multiples: [] })
      return terms.get(value)!
    }
    for (const [a, b] of this.values[scalar].products) {
      termsOf(a).multiples.push({ of: b, factor: 1 })
      termsOf(b).multiples.push({ of: a, factor: 1 })
    }
    for (let value = scalar - 1; value >= 0; value--) {
      const collected = terms.get(value)
      if (collected === undefined) continue
      const slope = this.sum(collected.products, collected.multiples)
      slopes.set(value, slope)
      for (const [a, b] of this.values[value].products) {
        termsOf(a).products.push([slope, b])
        termsOf(b).products.push([slope, a])
      }
      for (const { of, factor } of this.values[value].multiples) termsOf(of).multiples.push({ of: slope, factor })
    }
    return slopes
  }

  /** All values that some are made of, those included. */
  needed(outputs: Iterable<Value>): Set<Value> {
    const needed = new Set(outputs)
    for (let value = this.values.length - 1; value >= 0; value--) {
      if (needed.has(value)) for (const part of partsOf(this.values[value])) needed.add(part)
    }
    return needed
  }

  /** The derivative of `scalar` along a direction, given for some inputs: again a sum of products. */
  along(scalar: Value, direction: ReadonlyMap<Value, Value>): Value {
    const moving = new Map(direction)
    for (let value = 0; value <= scalar; value++) {
      const { products, multiples } = this.values[value]
      const changed: Sum = { products: [], multiples: [] }
      for (const [a, b] of products) {
        if (moving.has(a)) changed.products.push([moving.get(a)!, b])
        if (moving.has(b)) changed.products.push([a, moving.get(b)!])
      }
      for (const { of, factor } of multiples) {
        if (moving.has(of)) changed.multiples.push({ of: moving.get(of)!, factor })
      }
      if (changed.products.length + changed.multiples.length > 0) {
        moving.set(value, this.sum(changed.products, changed.multiples))
      }
    }
    return moving.get(scalar) ?? this.sum([])
  }
}

/** Rows of as many terms each, one after another, none of which is a part of another. */
export interface Run {
  rows: number
  products: number
  multiples: number
}

/**
 * The part of a circuit that some values need, ready to be walked: every value has a row of memory, taken over by another value
 * once nothing needs it any more.
 */
export interface Program {
  rows: number
  runs: Run[]
  /** Row of every sum. */
  targets: number[]
  /** Two rows for every product. */
  factors: number[]
  multiples: { row: number; factor: number }[]
  /** Of the values asked for. */
  outputs: number[]
}

/** @param inputs keep their rows, 0, 1, ..., to the end, as do outputs. */
export function compile(circuit: Circuit, inputs: readonly Value[], outputs: readonly Value[]): Program {
  const { order, depth } = schedule(circuit, inputs, outputs)
  const lastUse = new Map<Value, number>()
  order.forEach((value, at) => {
    for (const part of partsOf(circuit.values[value])) lastUse.set(part, at)
  })
  for (const kept of [...inputs, ...outputs]) lastUse.set(kept, Infinity)

  const rowOf = new Map(inputs.map((value, row) => [value, row]))
  const free: number[] = []
  const program: Program = { rows: inputs.length, runs: [], targets: [], factors: [], multiples: [], outputs: [] }
  order.forEach((value, at) => {
    const sum = circuit.values[value]
    const { products, multiples } = sum
    for (const pair of products) program.factors.push(...pair.map((part) => rowOf.get(part)!))
    program.multiples.push(...multiples.map(({ of, factor }) => ({ row: rowOf.get(of)!, factor })))
    // A sum is complete before it is stored, so it may take the place of its own parts.
    for (const part of new Set(partsOf(sum))) if (lastUse.get(part) === at) free.push(rowOf.get(part)!)
    const row = free.pop() ?? program.rows++
    rowOf.set(value, row)
    program.targets.push(row)
    const run = program.runs.at(-1)
    const level = at > 0 && depth.get(value) === depth.get(order[at - 1])
    if (level && run?.products === products.length && run.multiples === multiples.length) run.rows++
    else program.runs.push({ rows: 1, products: products.length, multiples: multiples.length })
  })
  program.outputs = outputs.map((value) => rowOf.get(value)!)
  return program
}

function partsOf({ products, multiples }: Sum): Value[] {
  return [...products.flat(), ...multiples.map(({ of }) => of)]
}

/** The values that the outputs need, by depth, within a depth by how many terms they have, then by what these are of. */
function schedule(circuit: Circuit, inputs: readonly Value[], outputs: readonly Value[]) {
  const given = new Set(inputs)
  const needed = circuit.needed(outputs)
  const depth = new Map<Value, number>()
  const found = [...needed].filter((value) => !given.has(value)).sort((a, b) => a - b)
  for (const value of found) {
    depth.set(value, 1 + Math.max(0, ...partsOf(circuit.values[value]).map((part) => depth.get(part) ?? 0)))
  }
  const terms = (value: Value): number => {
    const { products, multiples } = circuit.values[value]
    return products.length * 1e6 + multiples.length
  }
  const first = (value: Value): Value => partsOf(circuit.values[value]).at(0) ?? 0
  const order = found.sort(
    (a, b) => depth.get(a)! - depth.get(b)! || terms(a) - terms(b) || first(a) - first(b) || a - b,
  )
  return { order, depth }
}
