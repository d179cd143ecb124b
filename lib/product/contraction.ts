import { types } from 'node:util'
import type { Irreps } from '../o3/irreps.js'
import { checkFloat32Array } from '../runtime/arrays.js'
import { DeviceArray } from '../runtime/device-array.js'
import { type DeviceOption, resolveDevice } from '../runtime/device.js'
import { expected, GauntletError } from '../runtime/errors.js'
import {
  checkArray,
  type EncodedPlan,
  type FloatArray,
  nativeOf,
  newFloat32Array,
  type ResultOf,
} from '../runtime/execute.js'
import { callNative, type DeviceId, loadAddon, type NativeContraction } from '../runtime/native.js'
import { checkApart } from '../runtime/overlap.js'
import { type Circuit, type Value } from './circuit.js'
import {
  encodeContraction,
  type FeatureOperand,
  type Mixing,
  type TableOperand,
  type WeightOperand,
} from './contraction-table.js'
import { ContractionScalar } from './contraction-scalar.js'
import { chooseNames } from './derivative.js'

export interface ContractionOptions {
  /** How many factors of x are multiplied at most: 1 to 4. */
  correlation: number
  /** How many kinds of nodes have weights of their own. */
  elements: number
  /** Where it runs; `auto`, the default, takes the first GPU where there is one. An asked device that is missing is an error. */
  device?: DeviceOption
}

/** Weights of one kind within the array of all: row-major [elements, paths, channels] at `offset`. */
export interface WeightPart {
  name: string
  offset: number
  shape: readonly [elements: number, paths: number, channels: number]
}

/** L = <gradOut, out> of one channel of one node as a circuit. */
export interface ContractionForm {
  circuit: Circuit
  x: readonly Value[]
  gradOut: readonly Value[]
  /** Mixtures of weights. */
  weight: readonly Value[]
  scalar: Value
  mixing: readonly Mixing[]
}

/** What a subclass hands over. */
export interface ContractionDefinition {
  irrepsIn: Irreps
  irrepsOut: Irreps
  channels: number
  elements: number
  weightParts: readonly WeightPart[]
  form: () => ContractionForm
}

export type ContractionInput = 'x' | 'weight'
export type ContractionOperand = ContractionInput | 'gradOut'
type Arrays<Name extends ContractionOperand, Result extends FloatArray = FloatArray> = Record<Name, Result>

export interface ContractionGradientOptions<Name extends ContractionOperand> {
  /** The gradients wanted; all by default. Others are not computed. */
  only?: readonly Name[]
  /** Where results go (overwritten), each a new array by default. They may share memory with inputs, not with each other. */
  out?: Readonly<Partial<Record<Name, FloatArray>>>
}

/** Where the native code for some results along some directions is, and what it reads before it writes them. */
interface Compiled {
  native: NativeContraction
  inputs: readonly string[]
}

/** Slopes of a polynomial as native code reads them, and the operands, by number, that they need. */
export interface EncodedSlopes {
  plan: EncodedPlan
  read: readonly number[]
}

const INPUTS: readonly ContractionInput[] = ['x', 'weight']
const OPERANDS: readonly ContractionOperand[] = ['x', 'weight', 'gradOut']

/**
 * An equivariant polynomial of the features of a node, channel by channel, with weights that depend on the node's element.
 *
 * Arrays are row-major: x [nodes, irrepsIn.dim] and gradOut [nodes, irrepsOut.dim] in layout mul_ir, where every block has the same
 * multiplicity, the channels; `elements` [nodes]; `weight` [weightNumel], of which `weightParts` says what lies where. How many
 * nodes there are is read off x.
 *
 * The polynomial is kept as a circuit of sums and products. A derivative is the circuit's own, found when it is first asked for,
 * so that one kernel evaluates all of them; nothing is computed that no result needs. Gradients of weights are sums over nodes,
 * the same floats at every call whatever the number of threads.
 *
 * It runs on the CPU and on CUDA. Arrays may be DeviceArrays, which stay where they are; `elements` are an Int32Array always. A
 * result that no `out` is given for is a DeviceArray where x, gradOut and v.x are, as far as they are there, else a Float32Array.
 *
 * @throws GauntletError from every method, before anything is written: ERR_DTYPE, ERR_BUFFER, ERR_LENGTH, ERR_ARGUMENT (an element
 * that there is none of, unknown names in `only`, results that share memory), ERR_DEVICE (a DeviceArray that lives elsewhere),
 * ERR_DISPOSED; ERR_MEMORY, ERR_CUDA
 */
export abstract class Contraction implements Disposable {
  readonly irrepsIn: Irreps
  readonly irrepsOut: Irreps
  /** The multiplicity of every block. */
  readonly channels: number
  /** How many kinds of nodes there are. */
  readonly elements: number
  readonly weightNumel: number
  readonly weightParts: readonly WeightPart[]
  readonly device: DeviceId
  readonly #makeForm: () => ContractionForm
  #form: ContractionForm | undefined
  #scalar: ContractionScalar<ContractionOperand> | undefined
  readonly #compiled = new Map<string, Compiled>()
  #disposed = false

  protected constructor(definition: ContractionDefinition, { device }: ContractionOptions) {
    this.device = resolveDevice(device)
    this.irrepsIn = definition.irrepsIn
    this.irrepsOut = definition.irrepsOut
    this.channels = definition.channels
    this.elements = definition.elements
    this.weightParts = Object.freeze([...definition.weightParts])
    this.weightNumel = this.weightParts.reduce((sum, { shape }) => sum + shape[0] * shape[1] * shape[2], 0)
    if (this.weightNumel >= 2 ** 31) throw expected('fewer than 2^31 weights', 'irreps and elements', this.weightNumel)
    this.#makeForm = definition.form
  }

  /**
   * The weights by name, as views of one array: what is written to them is written there.
   *
   * @param weight [weightNumel]
   */
  weightViews(weight: Float32Array): Record<string, Float32Array> {
    checkFloat32Array(weight, 'weight')
    this.#checkLength(weight, 'weight', this.weightNumel)
    const size = ({ shape }: WeightPart): number => shape[0] * shape[1] * shape[2]
    return Object.fromEntries(
      this.weightParts.map((part) => [part.name, weight.subarray(part.offset, part.offset + size(part))]),
    )
  }

  /**
   * The polynomial of every node.
   *
   * @param x [nodes, irrepsIn.dim]
   * @param elements [nodes], each from 0 to elements - 1
   * @param weight [weightNumel]
   * @returns [nodes, irrepsOut.dim]: `options.out` where it is given (overwritten; it may share memory with an input)
   */
  forward<Out extends FloatArray>(x: FloatArray, elements: Int32Array, weight: FloatArray, options: { out: Out }): Out
  forward<X extends FloatArray>(
    x: X,
    elements: Int32Array,
    weight: FloatArray,
    options?: { out?: undefined },
  ): ResultOf<X>
  forward(x: FloatArray, elements: Int32Array, weight: FloatArray, options: { out?: FloatArray } = {}): FloatArray {
    const out = options.out === undefined ? {} : { gradOut: options.out }
    return this.#run(['gradOut'], { x, weight }, elements, out, () => 'out').gradOut
  }

  /**
   * The gradients of L = <gradOut, forward(x, elements, weight)> with respect to x and to weight.
   *
   * @param gradOut [nodes, irrepsOut.dim]
   * @returns arrays of the shapes of x and weight; weights of elements that no node is get zero
   * @example
   * const { x: gradX } = contraction.backward(gradOut, x, elements, weight, { only: ['x'] })
   */
  backward<G extends FloatArray, X extends FloatArray, Name extends ContractionInput = ContractionInput>(
    gradOut: G,
    x: X,
    elements: Int32Array,
    weight: FloatArray,
    options: ContractionGradientOptions<Name> = {},
  ): Arrays<Name, ResultOf<G | X>> {
    const names = chooseNames<ContractionOperand>(options.only, INPUTS) as readonly Name[]
    return this.#run(names, { x, weight, gradOut }, elements, options.out) as Arrays<Name, ResultOf<G | X>>
  }

  /**
   * The gradients of <v.x, dL/dx> + <v.weight, dL/dweight> with respect to x, weight and gradOut: what training on forces needs.
   *
   * @param v gradients of a loss with respect to what `backward` gave; a direction that is missing is zero and costs nothing
   * @returns arrays of the shapes of x, weight and gradOut
   */
  doubleBackward<
    V extends FloatArray,
    G extends FloatArray,
    X extends FloatArray,
    Name extends ContractionOperand = ContractionOperand,
  >(
    v: { readonly x?: V; readonly weight?: FloatArray },
    gradOut: G,
    x: X,
    elements: Int32Array,
    weight: FloatArray,
    options: ContractionGradientOptions<Name> = {},
  ): Arrays<Name, ResultOf<V | G | X>> {
    if (typeof v !== 'object' || v === null) throw expected('an object of x, weight', 'v', v)
    const names = chooseNames(options.only, OPERANDS) as readonly Name[]
    const inputs = { x, weight, gradOut, 'v.x': v.x, 'v.weight': v.weight }
    const results = this.#run(names, inputs, elements, options.out, nameResult, true)
    return results as Arrays<Name, ResultOf<V | G | X>>
  }

  /** L = <gradOut, out> of one channel of one node as a polynomial of x, weight and gradOut. @internal */
  get scalar(): ContractionScalar<ContractionOperand> {
    if (this.#scalar === undefined) {
      const form = (this.#form ??= this.#makeForm())
      const given = OPERANDS.map((like) => ({ like, values: form[like] }))
      this.#scalar = new ContractionScalar(form.circuit, given, form.scalar)
    }
    return this.#scalar
  }

  /** Slopes of such a polynomial by some of its operands, and which operands they need. @internal */
  encodeSlopes(scalar: ContractionScalar<ContractionOperand>, results: readonly number[]): EncodedSlopes {
    const { read, program } = scalar.compile(results)
    let row = 0
    let output = 0
    const operands: TableOperand[] = [
      ...read.map((n) => {
        const { like, values } = scalar.given[n]
        return { operand: this.operand(like), result: false, rows: values.map(() => row++) }
      }),
      ...results.map((n) => {
        const { like, values } = scalar.given[n]
        return { operand: this.operand(like), result: true, rows: values.map(() => program.outputs[output++]) }
      }),
    ]
    return { plan: encodeContraction(this, operands, program), read }
  }

  /** What computes these results, of L or of its derivative along directions, as native code reads it. @internal */
  encodedPlan(
    results: readonly ContractionOperand[],
    directions?: readonly ContractionInput[],
  ): { plan: EncodedPlan; inputs: readonly string[] } {
    const at = (name: ContractionOperand): number => OPERANDS.indexOf(name)
    const scalar = directions === undefined ? this.scalar : this.scalar.along(directions.map(at))
    const names = [...OPERANDS, ...(directions ?? []).map((name) => `v.${name}`)]
    const { plan, read } = this.encodeSlopes(scalar, results.map(at))
    return { plan, inputs: read.map((n) => names[n]) }
  }

  /** Releases its native memory; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#disposed = true
    for (const { native } of this.#compiled.values()) native.dispose()
    this.#compiled.clear()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #run<Name extends ContractionOperand>(
    results: readonly Name[],
    inputs: Record<string, unknown>,
    elements: unknown,
    out: unknown = {},
    nameOf: (name: ContractionOperand) => string = nameResult,
    second = false,
  ): Arrays<Name> {
    if (this.#disposed) throw new GauntletError('ERR_DISPOSED', 'This product was disposed of')
    if (typeof out !== 'object' || out === null) throw expected(`{ ${results.join(', ')} }`, 'out', out)
    checkArray(inputs.x, 'x', this.device)
    const dim = this.irrepsIn.dim
    if (inputs.x.length % dim !== 0) {
      throw expected(
        `a multiple of ${dim} (irreps ${this.irrepsIn.toString()})`,
        'the length of x',
        inputs.x.length,
        'ERR_LENGTH',
      )
    }
    const nodes = inputs.x.length / dim
    if (!types.isInt32Array(elements)) throw expected('an Int32Array', 'elements', elements, 'ERR_DTYPE')
    if (elements.length !== nodes) {
      throw expected(`${nodes} (as many as x has nodes)`, 'the length of elements', elements.length, 'ERR_LENGTH')
    }
    const given = Object.entries(inputs).filter(([, array]) => array !== undefined)
    for (const [name, array] of given) this.#checkLength(array, name, this.#length(name, nodes))
    const onDevice = given.every(([name, array]) => name.endsWith('weight') || array instanceof DeviceArray)
    const places = out as Readonly<Partial<Record<ContractionOperand, unknown>>>
    const wanted = results.map((name) => {
      const place = places[name]
      if (place === undefined) return this.#newResult(this.#length(name, nodes), onDevice)
      this.#checkLength(place, nameOf(name), this.#length(name, nodes))
      return place
    })
    checkApart(wanted.map((array, n) => ({ name: nameOf(results[n]), array })))
    const directions = INPUTS.filter((name) => inputs[`v.${name}`] !== undefined)
    const { native, inputs: read } = this.#compile(results, second ? directions : undefined)
    const arrays = [...read.map((name) => inputs[name] as FloatArray), ...wanted].map(nativeOf)
    callNative(() => native.run(elements, ...arrays))
    return Object.fromEntries(results.map((name, n) => [name, wanted[n]])) as Arrays<Name>
  }

  /** What computes these results, of L or of its derivative along directions. */
  #compile(results: readonly ContractionOperand[], directions: readonly ContractionInput[] | undefined): Compiled {
    const key = `${results.join()} ${directions?.join() ?? 'first'}`
    let compiled = this.#compiled.get(key)
    if (compiled === undefined) {
      compiled = this.#build(results, directions)
      this.#compiled.set(key, compiled)
    }
    return compiled
  }

  #build(results: readonly ContractionOperand[], directions: readonly ContractionInput[] | undefined): Compiled {
    const { plan, inputs } = this.encodedPlan(results, directions)
    const { integers, reals } = plan
    return { native: callNative(() => new (loadAddon().NativeContraction)(this.device, integers, reals)), inputs }
  }

  /** An operand as native code reads it. @internal */
  operand(name: ContractionOperand): FeatureOperand | WeightOperand {
    if (name === 'weight') {
      const { weight, mixing } = (this.#form ??= this.#makeForm())
      const parts = this.weightParts.map(({ offset, shape }) => ({ offset, paths: shape[1] }))
      return { kind: 'weights', numel: this.weightNumel, parts, mixtures: weight.length, mixing }
    }
    const irreps = name === 'x' ? this.irrepsIn : this.irrepsOut
    const slices = irreps.slices()
    const blocks = [...irreps].map(({ ir }, n) => ({ offset: slices[n].start, size: ir.dim }))
    return { kind: 'features', dim: irreps.dim, blocks }
  }

  #length(name: string, nodes: number): number {
    if (name.endsWith('weight')) return this.weightNumel
    return nodes * (name === 'gradOut' ? this.irrepsOut : this.irrepsIn).dim
  }

  #newResult(length: number, onDevice: boolean): FloatArray {
    return onDevice ? DeviceArray.uninitialized(this.device, length) : newFloat32Array(length)
  }

  #checkLength(array: unknown, name: string, length: number): asserts array is FloatArray {
    checkArray(array, name, this.device)
    if (array.length !== length) throw expected(String(length), `the length of ${name}`, array.length, 'ERR_LENGTH')
  }
}

function nameResult(name: ContractionOperand): string {
  return `out.${name}`
}
