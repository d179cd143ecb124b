import { checkFloat32Array } from '../runtime/arrays.js'
import { DeviceArray } from '../runtime/device-array.js'
import { type DeviceOption, resolveDevice, synchronize } from '../runtime/device.js'
import { expected, GauntletError } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import { checkInteger } from '../runtime/numbers.js'
import type { Graph } from '../product/graph.js'
import { Segments } from '../product/segments.js'
import { sorted } from './gradient.js'
import { Kernels } from './kernels.js'
import { Slots } from './slots.js'
import type { Profile } from './profile.js'
import {
  type Axis,
  type Bindings,
  describeShape,
  type Edges,
  Index,
  Input,
  type Rows,
  shapeKey,
  type Tensor,
} from './tensor.js'

/** What a program is run with. */
export interface RunArguments {
  /** How many rows every axis has. */
  counts: ReadonlyMap<Axis, number>
  /** Row-major [rows, dim], for every input. */
  inputs: ReadonlyMap<Tensor, FloatArray | Float64Array>
  indices?: ReadonlyMap<Index, Segments>
  graphs?: ReadonlyMap<Edges, Graph>
}

/** One operation, or several that are computed together: which values are read and written. */
interface Step {
  members: Member[]
}

interface Member {
  tensor: Tensor
  inputs: number[]
  value: number
}

/** A value during a run: where it is kept. Inputs are where the caller has them. */
interface Place {
  tensor: Tensor
  slot: number | undefined
}

/**
 * Tensors ready to be computed: what they are made of, each thing once, in an order, with memory that is used again as soon as nothing
 * needs what it holds. Memory belongs to the program and only grows, so a run that is no larger than those before allocates nothing.
 * On a GPU all of it is there: inputs in host memory are copied once, and nothing comes back but what is asked of an output.
 *
 * `run` on a device computes in float32; `reference` computes the same from the definitions of all operations in float64, slowly.
 *
 * @example
 * const program = new Program([loss, ...gradient(loss, weights)], { device: 'cpu' })
 * const [value, ...slopes] = program.run({ counts, inputs, indices, graphs })
 */
export class Program {
  readonly outputs: readonly Tensor[]
  readonly #places: Place[] = []
  #steps: Step[] = []
  readonly #results: number[]
  readonly #kernels: Kernels | undefined
  readonly #slots = new Slots((length) => this.#kernels!.allocate(length))
  /** Copies of inputs, by value. */
  readonly #uploads = new Slots((length) => this.#kernels!.allocate(length))
  readonly #referenceSlots = new Slots((length) => new Float64Array(length))
  #slotCount = 0

  /** Where the time of runs went, by operation and shape; empty unless it was asked for. */
  readonly profile: Profile = new Map()
  readonly #profiled: boolean

  /**
   * @param options.device none for a program that only `reference` is called of
   * @param options.profile whether to time every operation; on a GPU each is waited for then
   */
  constructor(outputs: readonly Tensor[], options: { device?: DeviceOption | 'none'; profile?: boolean } = {}) {
    this.outputs = outputs
    this.#profiled = options.profile ?? false
    if (options.device !== 'none') this.#kernels = new Kernels(resolveDevice(options.device))
    this.#results = this.#number(outputs)
    if (this.#kernels) this.#steps = together(this.#steps)
    this.#takeTurns()
  }

  /**
   * Computes all outputs.
   *
   * @returns an array for each output, on the device, which holds until the next run
   * @throws GauntletError ERR_ARGUMENT where an input, count, index or graph is missing, ERR_LENGTH, ERR_DTYPE, ERR_DEVICE, ERR_MEMORY;
   * ERR_BUFFER where an input is in the program's own memory, as the results of its last run are: it takes copies of those
   */
  run(given: RunArguments): FloatArray[] {
    const kernels = this.#kernels
    if (kernels === undefined) throw new GauntletError('ERR_DEVICE', 'This program was made for no device')
    const input = (value: number, array: FloatArray) => this.#onDevice(kernels, value, array)
    return this.#compute(given, this.#slots, input, ({ members }, arrays, run) => {
      const start = this.#profiled ? performance.now() : 0
      const [{ tensor, inputs, value }] = members
      if (members.length > 1) computeTogether(members, arrays, run)
      else
        tensor.operation.native(
          kernels,
          inputs.map((input) => arrays[input]),
          arrays[value],
          run,
        )
      if (!this.#profiled) return
      synchronize(kernels.device)
      this.#note(members, (performance.now() - start) / 1000)
    })
  }

  /** The same in float64, straight from the definitions. */
  reference(given: RunArguments): Float64Array[] {
    const input = (_: number, array: Float64Array) => array
    return this.#compute(given, this.#referenceSlots, input, ({ members }, arrays, run) => {
      for (const { tensor, inputs, value } of members) {
        tensor.operation.reference(
          inputs.map((input) => arrays[input]),
          arrays[value],
          run,
        )
      }
    })
  }

  /** Floats of memory that the program holds. */
  get memory(): number {
    return this.#slots.floats + this.#uploads.floats
  }

  /** An input where kernels work on it. */
  #onDevice(kernels: Kernels, value: number, array: FloatArray): FloatArray {
    if (kernels.device === 'cpu' || array instanceof DeviceArray) return array
    const copy = this.#uploads.take(value, array.length)
    kernels.write(copy, array)
    return copy
  }

  #note(members: readonly Member[], seconds: number): void {
    const names = members.map(({ tensor: { operation, rows, dim } }) => {
      return `${operation.title ?? operation.key} ${describeShape(rows, dim)}`
    })
    const name = names.join(' and ')
    const entry = this.profile.get(name) ?? { calls: 0, seconds: 0 }
    this.profile.set(name, { calls: entry.calls + 1, seconds: entry.seconds + seconds })
  }

  /** Numbers everything that outputs are made of; what has the same key and inputs has the same number. */
  #number(outputs: readonly Tensor[]): number[] {
    const known = new Map<string, number>()
    const numbers = new Map<Tensor, number>()
    for (const tensor of sorted(outputs)) {
      const inputs = tensor.inputs.map((input) => numbers.get(input)!)
      const key = `${tensor.operation.key} ${shapeKey(tensor)} (${inputs.join()})`
      let value = known.get(key)
      if (value === undefined) {
        value = this.#places.push({ tensor, slot: undefined }) - 1
        known.set(key, value)
        if (!(tensor.operation instanceof Input)) this.#steps.push({ members: [{ tensor, inputs, value }] })
      }
      numbers.set(tensor, value)
    }
    return outputs.map((output) => numbers.get(output)!)
  }

  /** Gives every value a slot that no value needed at the same time has; slots serve values of one shape. */
  #takeTurns(): void {
    const lastUse = new Map<number, number>()
    this.#steps.forEach(({ members }, step) => {
      for (const { inputs, value } of members) for (const used of [...inputs, value]) lastUse.set(used, step)
    })
    for (const result of this.#results) lastUse.set(result, Infinity)
    const free = new Map<string, number[]>()
    const freeOf = (tensor: Tensor): number[] => {
      const shape = shapeKey(tensor)
      if (!free.has(shape)) free.set(shape, [])
      return free.get(shape)!
    }
    this.#steps.forEach(({ members }, step) => {
      const release = (): void => {
        for (const input of new Set(members.flatMap(({ inputs }) => inputs))) {
          const { slot, tensor: of } = this.#places[input]
          if (slot !== undefined && lastUse.get(input) === step) freeOf(of).push(slot)
        }
      }
      const inPlace = members.length === 1 && members[0].tensor.operation.inPlace
      if (inPlace) release()
      for (const { tensor, value } of members) this.#places[value].slot = freeOf(tensor).pop() ?? this.#slotCount++
      if (!inPlace) release()
    })
  }

  #compute<A extends FloatArray | Float64Array>(
    given: RunArguments,
    slots: Slots<A>,
    input: (value: number, array: A) => A,
    compute: (step: Step, arrays: A[], run: Bindings) => void,
  ): A[] {
    const run = bind(given)
    const lengthOf = (tensor: Tensor): number => run.count(tensor.rows) * tensor.dim
    // All inputs are checked before anything is done.
    const inputs = this.#places.map(({ tensor, slot }) => {
      return slot === undefined ? (inputOf(given, tensor, lengthOf(tensor)) as A) : undefined
    })
    const own = inputs.findIndex((array) => array !== undefined && slots.holds(array))
    if (own >= 0) {
      const { key } = this.#places[own].tensor.operation
      throw new GauntletError(
        'ERR_BUFFER',
        `Expected memory of its own for ${key} but received the program's: take a copy`,
      )
    }
    const arrays = this.#places.map(({ tensor, slot }, value): A => {
      return slot === undefined ? input(value, inputs[value]!) : slots.take(slot, lengthOf(tensor))
    })
    for (const step of this.#steps) compute(step, arrays, run)
    return this.#results.map((result) => arrays[result])
  }
}

/** Joins operations of one group at the same operands, where all operands are there before the first of them. */
function together(steps: readonly Step[]): Step[] {
  const madeAt = new Map(steps.flatMap(({ members }, step) => members.map(({ value }) => [value, step] as const)))
  const groups = new Map<string, { at: number; operands: Map<number, number> }[]>()
  const joined = steps.map(({ members }): Step => ({ members: [...members] }))
  steps.forEach(({ members: [member] }, step) => {
    const { group, operands } = member.tensor.operation
    if (group === undefined || operands === undefined) return
    if (!groups.has(group)) groups.set(group, [])
    const known = groups.get(group)!
    const bound = operands.map((operand, n) => [operand, member.inputs[n]] as const)
    const found = known.find(({ at, operands }) => {
      return bound.every(([operand, value]) => {
        return (operands.get(operand) ?? value) === value && (madeAt.get(value) ?? -1) < at
      })
    })
    if (found === undefined) {
      known.push({ at: step, operands: new Map(bound) })
      return
    }
    for (const [operand, value] of bound) found.operands.set(operand, value)
    joined[found.at].members.push(member)
    joined[step].members = []
  })
  return joined.filter(({ members }) => members.length > 0)
}

function computeTogether(members: readonly Member[], arrays: readonly FloatArray[], run: Bindings): void {
  const operations = members.map(({ tensor }) => tensor.operation)
  const operands = new Map<number, FloatArray>()
  for (const { tensor, inputs } of members) {
    tensor.operation.operands!.forEach((operand, n) => operands.set(operand, arrays[inputs[n]]))
  }
  operations[0].nativeTogether!(
    operations,
    operands,
    members.map(({ value }) => arrays[value]),
    run,
  )
}

function inputOf({ inputs }: RunArguments, tensor: Tensor, length: number): FloatArray | Float64Array {
  const name = tensor.operation instanceof Input ? tensor.operation.name : tensor.operation.key
  const array = inputs.get(tensor)
  if (array === undefined) throw expected('an array', `input ${name}`, array)
  if (!(array instanceof DeviceArray) && !(array instanceof Float64Array)) checkFloat32Array(array, name)
  if (array.length !== length) throw expected(String(length), `the length of ${name}`, array.length, 'ERR_LENGTH')
  return array
}

function bind({ counts, indices, graphs }: RunArguments): Bindings {
  for (const [{ name }, found] of counts) checkInteger(found, `the count of axis ${name}`, 0, 2 ** 31 - 1)
  const count = (rows: Rows): number => {
    if (typeof rows === 'number') return rows
    const found = counts.get(rows)
    if (found === undefined) throw expected('a count', `axis ${rows.name}`, found)
    return found
  }
  const graph = (edges: Edges): Graph => {
    const found = graphs?.get(edges)
    if (found === undefined) throw expected('a Graph', `the edges of ${edges.nodes.name}`, found)
    return found
  }
  const ends = new Map<Index, Segments>(indices)
  for (const [{ senders, receivers, pairOf, pairs, edges }, found] of graphs ?? []) {
    if ((found.pairs === undefined) !== (pairs === edges)) {
      throw expected(pairs === edges ? 'no pairs' : 'pairs of edges', 'a Graph', found)
    }
    ends.set(senders, found.senders)
    ends.set(receivers, found.receivers)
    if (found.pairs) ends.set(pairOf, found.pairs)
  }
  const segments = (index: Index): Segments => {
    const found = ends.get(index)
    if (found === undefined) throw expected('Segments', `index ${index.name}`, found)
    return found
  }
  return { count, graph, segments }
}
