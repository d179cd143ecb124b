import { checkFloat32Array } from '../runtime/arrays.js'
import { DeviceArray } from '../runtime/device-array.js'
import { type DeviceOption, resolveDevice } from '../runtime/device.js'
import { expected, GauntletError } from '../runtime/errors.js'
import type { FloatArray } from '../runtime/execute.js'
import type { Graph } from '../product/graph.js'
import { Segments } from '../product/segments.js'
import { sorted } from './gradient.js'
import { Kernels } from './kernels.js'
import { type Axis, type Bindings, describeRows, type Edges, Index, Input, type Rows, type Tensor } from './tensor.js'

/** What a program is run with. */
export interface RunArguments {
  /** How many rows every axis has. */
  counts: ReadonlyMap<Axis, number>
  /** Row-major [rows, dim], for every input. */
  inputs: ReadonlyMap<Tensor, FloatArray | Float64Array>
  indices?: ReadonlyMap<Index, Segments>
  graphs?: ReadonlyMap<Edges, Graph>
}

/** One operation: which values it reads and writes. */
interface Step {
  tensor: Tensor
  inputs: number[]
  value: number
}

/** A value during a run: where it is kept. Inputs are where the caller has them. */
interface Place {
  tensor: Tensor
  slot: number | undefined
}

/** Memory that values take turns in. */
interface Slot<A> {
  memory: A
  /** Of its memory, as long as the value that was last kept there. */
  view: A
}

/**
 * Tensors ready to be computed: what they are made of, each thing once, in an order, with memory that is used again as soon as nothing
 * needs what it holds. Memory belongs to the program and only grows, so a run that is no larger than those before allocates nothing.
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
  readonly #steps: Step[] = []
  readonly #results: number[]
  readonly #kernels: Kernels | undefined
  readonly #slots: Slot<FloatArray>[] = []
  readonly #referenceSlots: Slot<Float64Array>[] = []
  #slotCount = 0

  /** @param options.device none for a program that only `reference` is called of */
  constructor(outputs: readonly Tensor[], options: { device?: DeviceOption | 'none' } = {}) {
    this.outputs = outputs
    if (options.device !== 'none') this.#kernels = new Kernels(resolveDevice(options.device))
    this.#results = this.#number(outputs)
    this.#takeTurns()
  }

  /**
   * Computes all outputs.
   *
   * @returns an array for each output, on the device, which holds until the next run
   * @throws GauntletError ERR_ARGUMENT where an input, count, index or graph is missing, ERR_LENGTH, ERR_DTYPE, ERR_DEVICE, ERR_MEMORY
   */
  run(given: RunArguments): FloatArray[] {
    const kernels = this.#kernels
    if (kernels === undefined) throw new GauntletError('ERR_DEVICE', 'This program was made for no device')
    const memory = (length: number) => kernels.allocate(length)
    return this.#compute(given, this.#slots, memory, viewOf, ({ tensor }, inputs, out, run) => {
      tensor.operation.native(kernels, inputs, out, run)
    })
  }

  /** The same in float64, straight from the definitions. */
  reference(given: RunArguments): Float64Array[] {
    const memory = (length: number) => new Float64Array(length)
    const view = (array: Float64Array, length: number) => array.subarray(0, length)
    return this.#compute(given, this.#referenceSlots, memory, view, ({ tensor }, inputs, out, run) => {
      tensor.operation.reference(inputs, out, run)
    })
  }

  /** Floats of memory that the program holds. */
  get memory(): number {
    return this.#slots.reduce((sum, { memory }) => sum + memory.length, 0)
  }

  /** Numbers everything that outputs are made of; what has the same key and inputs has the same number. */
  #number(outputs: readonly Tensor[]): number[] {
    const known = new Map<string, number>()
    const numbers = new Map<Tensor, number>()
    for (const tensor of sorted(outputs)) {
      const inputs = tensor.inputs.map((input) => numbers.get(input)!)
      const key = `${tensor.operation.key} ${describeRows(tensor.rows)} ${tensor.dim} (${inputs.join()})`
      let value = known.get(key)
      if (value === undefined) {
        value = this.#places.push({ tensor, slot: undefined }) - 1
        known.set(key, value)
        if (!(tensor.operation instanceof Input)) this.#steps.push({ tensor, inputs, value })
      }
      numbers.set(tensor, value)
    }
    return outputs.map((output) => numbers.get(output)!)
  }

  /** Gives every value a slot that no value needed at the same time has; slots serve values of one shape. */
  #takeTurns(): void {
    const lastUse = new Map<number, number>()
    this.#steps.forEach(({ inputs, value }, step) => {
      for (const input of [...inputs, value]) lastUse.set(input, step)
    })
    for (const result of this.#results) lastUse.set(result, Infinity)
    const free = new Map<string, number[]>()
    const freeOf = (tensor: Tensor): number[] => {
      const shape = `${describeRows(tensor.rows)} ${tensor.dim}`
      if (!free.has(shape)) free.set(shape, [])
      return free.get(shape)!
    }
    this.#steps.forEach(({ tensor, inputs, value }, step) => {
      const release = (): void => {
        for (const input of new Set(inputs)) {
          const { slot, tensor: of } = this.#places[input]
          if (slot !== undefined && lastUse.get(input) === step) freeOf(of).push(slot)
        }
      }
      if (tensor.operation.inPlace) release()
      this.#places[value].slot = freeOf(tensor).pop() ?? this.#slotCount++
      if (!tensor.operation.inPlace) release()
    })
  }

  #compute<A extends FloatArray | Float64Array>(
    given: RunArguments,
    slots: Slot<A>[],
    memory: (length: number) => A,
    view: (array: A, length: number) => A,
    compute: (step: Step, inputs: A[], out: A, run: Bindings) => void,
  ): A[] {
    const run = bind(given)
    const lengthOf = (tensor: Tensor): number => run.count(tensor.rows) * tensor.dim
    const arrays = this.#places.map(({ tensor, slot }): A => {
      const length = lengthOf(tensor)
      return slot === undefined ? (inputOf(given, tensor, length) as A) : take(slots, slot, length, memory, view)
    })
    for (const step of this.#steps) {
      const inputs = step.inputs.map((input) => arrays[input])
      compute(step, inputs, arrays[step.value], run)
    }
    return this.#results.map((result) => arrays[result])
  }
}

/** A slot's memory as an array of so many floats. */
function take<A extends FloatArray | Float64Array>(
  slots: Slot<A>[],
  number: number,
  length: number,
  memory: (length: number) => A,
  view: (array: A, length: number) => A,
): A {
  let slot = slots[number] as Slot<A> | undefined
  if (slot === undefined || slot.memory.length < length) {
    const whole = memory(length)
    slot = { memory: whole, view: whole }
    slots[number] = slot
  }
  if (slot.view.length !== length) slot.view = view(slot.memory, length)
  return slot.view
}

function viewOf(array: FloatArray, length: number): FloatArray {
  if (array.length === length) return array
  if (array instanceof DeviceArray) throw new GauntletError('ERR_DEVICE', 'Runs of different sizes need the CPU')
  return array.subarray(0, length)
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
  for (const [{ senders, receivers }, found] of graphs ?? []) {
    ends.set(senders, found.senders)
    ends.set(receivers, found.receivers)
  }
  const segments = (index: Index): Segments => {
    const found = ends.get(index)
    if (found === undefined) throw expected('Segments', `index ${index.name}`, found)
    return found
  }
  return { count, graph, segments }
}
