import type { Irreps, IrrepsLike } from '../o3/irreps.js'
import { sharedWigner3j } from '../o3/wigner.js'
import { DeviceArray } from '../runtime/device-array.js'
import { resolveDevice } from '../runtime/device.js'
import { checkObject, expected, GauntletError } from '../runtime/errors.js'
import {
  checkArray,
  type Evaluation,
  type EncodedPlan,
  type FloatArray,
  type NamedArray,
  nativeOf,
  newFloat32Array,
  type OperandInfo,
  type ResultOf,
  type Target,
} from '../runtime/execute.js'
import { callNative, type DeviceId, loadAddon, type NativeConvolution, type NativeGraph } from '../runtime/native.js'
import type { Directions, GradientOptions, Gradients, InputName, OperandName } from './derivative.js'
import { INPUTS } from './derivative.js'
import { type Evaluator, MultilinearForm } from './form.js'
import { type Graph, graphOn } from './graph.js'
import { type Instruction, type WeightedPath, weightedPaths } from './instruction.js'
import { choose, toIrreps } from './path.js'
import type { Triple } from './plan.js'
import type { ProductOptions } from './product.js'

export interface TensorProductConvOptions extends ProductOptions {
  /** What stays constant from input to output for random inputs and weights: the variance of components, or that of norms. */
  irrepNormalization?: 'component' | 'norm'
  /** Whether all the products that are added up in an output count the same (`element`), or all paths do (`path`). */
  pathNormalization?: 'element' | 'path'
}

const ALL: readonly OperandName[] = ['x1', 'x2', 'weight', 'gradOut']

/**
 * The product of every edge's attributes with the features of the node where it begins, summed over the edges into the node where
 * it ends:
 *
 *     out[n, u, k] = sum over edges e into n, paths, i, j of
 *                    weight[pair(e), u] * coefficient * wigner3j(l1, l2, l3)[i, j, k] * x1[sender(e), u, i] * x2[e, j]
 *
 * the gather, `TensorProduct` in mode `uvu` with weights for every edge, and scatter of message passing in one pass: nothing of the
 * size of edges times channels is ever made. What an edge's attributes make of the coefficients is one small matrix for each path,
 * computed for up to sixteen edges at once; channels are lanes of the rest. A node's edges are summed by one thread in their order, so
 * the same arrays give the same numbers at every call and at any number of threads. It runs on the CPU and on CUDA; there, arrays in
 * host memory are copied as a whole for each call, DeviceArrays stay where they are.
 *
 * Every edge is a pair of its own unless the graph says which edges share weights.
 *
 * Paths are given as to `TensorProduct`: in1 counts the blocks of the node's features, in2 those of the edge's attributes, which
 * have one channel each; all of them have weights, or none has.
 *
 * @throws GauntletError ERR_IRREPS; ERR_ARGUMENT for an instruction that cannot be; ERR_UNREACHABLE for one that triangle or parity
 * forbid; ERR_DEVICE where the asked device is missing
 * @example
 * const conv = new TensorProductConv('64x0e+64x1o', '0e+1o+2e', '64x0e+64x1o', [
 *   { in1: 0, in2: 0, out: 0, mode: 'uvu', hasWeight: true },
 *   { in1: 1, in2: 1, out: 0, mode: 'uvu', hasWeight: true },
 *   { in1: 0, in2: 1, out: 1, mode: 'uvu', hasWeight: true },
 * ])
 * const graph = new Graph(senders, receivers, nodes)
 * const out = conv.forward(graph, features, harmonics, weight) // [nodes, 256]
 */
export class TensorProductConv implements Disposable {
  readonly irrepsIn1: Irreps
  readonly irrepsIn2: Irreps
  readonly irrepsOut: Irreps
  readonly paths: readonly WeightedPath[]
  /** Weights of every edge, or pair of edges. */
  readonly weightNumel: number
  readonly device: DeviceId
  readonly #native: NativeConvolution
  readonly #forms = new WeakMap<Graph, MultilinearForm<GraphExecution>>()

  constructor(
    in1: IrrepsLike,
    in2: IrrepsLike,
    out: IrrepsLike,
    instructions: readonly Instruction[],
    options: TensorProductConvOptions = {},
  ) {
    checkObject(options, 'options')
    const irreps: Triple<Irreps> = [toIrreps('irrepsIn1', in1), toIrreps('irrepsIn2', in2), toIrreps('irrepsOut', out)]
    if (!Array.isArray(instructions)) throw expected('an array of instructions', 'instructions', instructions)
    const paths = weightedPaths(irreps, instructions, {
      irrepNormalization: choose('irrepNormalization', ['component', 'norm'], options.irrepNormalization),
      pathNormalization: choose('pathNormalization', ['element', 'path'], options.pathNormalization),
      variances: irreps.map((operand) => new Array<number>(operand.length).fill(1)) as Triple<number[]>,
    })
    paths.forEach((path, n) => checkPath(irreps, path, `instructions[${n}]`))
    ;[this.irrepsIn1, this.irrepsIn2, this.irrepsOut] = irreps
    this.paths = Object.freeze(paths)
    this.weightNumel = paths.reduce((sum, { hasWeight, shape }) => sum + (hasWeight ? shape[0] : 0), 0)
    this.device = resolveDevice(options.device)
    const table = this.encodedPlan()
    this.#native = callNative(() => new (loadAddon().NativeConvolution)(this.device, table.integers, table.reals))
  }

  /**
   * Messages of all edges, summed where they end,
   *
   *     out[n] = sum over edges e into n of  F(x1[sender(e)], x2[e], weight[pair(e)])
   *
   * @param x1 features, [graph.nodes.senders, irrepsIn1.dim]
   * @param x2 attributes, [graph.edges, irrepsIn2.dim]
   * @param weight [graph.pairs?.count ?? graph.edges, weightNumel]; undefined where there are no weights
   * @returns [graph.nodes.receivers, irrepsOut.dim]: `options.out` where it is given (overwritten; it may share memory with an input)
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH, ERR_BUFFER, ERR_ARGUMENT, ERR_DEVICE, ERR_DISPOSED before anything is written,
   * ERR_MEMORY, ERR_CUDA
   */
  forward<Out extends FloatArray>(
    graph: Graph,
    x1: FloatArray,
    x2: FloatArray,
    weight: FloatArray | undefined,
    options: { out: Out },
  ): Out
  forward<A extends FloatArray, B extends FloatArray>(
    graph: Graph,
    x1: A,
    x2: B,
    weight?: FloatArray,
    options?: { out?: undefined },
  ): ResultOf<A | B>
  forward(
    graph: Graph,
    x1: FloatArray,
    x2: FloatArray,
    weight?: FloatArray,
    options: { out?: FloatArray } = {},
  ): FloatArray {
    return this.#on(graph).forward(this.#operands({ x1, x2 }, weight), options)
  }

  /**
   * The gradients of L = <gradOut, forward(graph, x1, x2, weight)>, as those of `Product`.
   *
   * @param gradOut [graph.nodes.receivers, irrepsOut.dim]
   * @returns arrays of the shapes of x1, x2 and weight
   * @throws GauntletError as `forward` does
   */
  backward<G extends FloatArray, A extends FloatArray, B extends FloatArray, Name extends InputName = InputName>(
    gradOut: G,
    graph: Graph,
    x1: A,
    x2: B,
    weight?: FloatArray,
    options: GradientOptions<Name> = {},
  ): Pick<Gradients<ResultOf<G | A | B>>, Name> {
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return this.#on(graph).gradients({ operands, possible: INPUTS }, options) as Pick<
      Gradients<ResultOf<G | A | B>>,
      Name
    >
  }

  /**
   * The gradients of <v.x1, dL/dx1> + <v.x2, dL/dx2> + <v.weight, dL/dweight> with L = <gradOut, forward(graph, x1, x2, weight)>, as
   * those of `Product`.
   *
   * @param v gradients of a loss with respect to what `backward` gave, in its shapes
   * @returns arrays of the shapes of x1, x2, weight and gradOut
   * @throws GauntletError as `forward` does
   */
  doubleBackward<
    V extends FloatArray = never,
    G extends FloatArray = FloatArray,
    A extends FloatArray = FloatArray,
    B extends FloatArray = FloatArray,
    Name extends OperandName = OperandName,
  >(
    v: Directions<V>,
    gradOut: G,
    graph: Graph,
    x1: A,
    x2: B,
    weight?: FloatArray,
    options: GradientOptions<Name> = {},
  ): Pick<Gradients<ResultOf<V | G | A | B>>, Name> {
    if (typeof v !== 'object' || v === null) throw expected('an object', 'v', v)
    const operands = this.#operands({ x1, x2, gradOut }, weight)
    return this.#on(graph).gradients({ operands, possible: ALL, v }, options) as Pick<
      Gradients<ResultOf<V | G | A | B>>,
      Name
    >
  }

  /**
   * F(x1, x2, gradOut, weight) on a graph with one operand left out, as that of `Product`.
   *
   * @returns of the shape of the operand left out
   * @throws GauntletError as `forward` does
   */
  evaluate(
    leftOut: OperandName,
    graph: Graph,
    operands: Readonly<Partial<Record<OperandName, FloatArray>>>,
    { out }: { out?: FloatArray } = {},
  ): FloatArray {
    return this.#on(graph).evaluate(leftOut, operands, out)
  }

  /** The convolution as native code reads it; see native/core/convolution.h. @internal */
  encodedPlan(): EncodedPlan {
    return encodeConvolution([this.irrepsIn1, this.irrepsIn2, this.irrepsOut], this.paths, this.weightNumel)
  }

  /** Releases its native memory; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  /** The convolution's form on a graph. */
  #on(graph: Graph): MultilinearForm<GraphExecution> {
    const native = graphOn(graph, this.device)
    let form = this.#forms.get(graph)
    if (!form) {
      const operands: OperandInfo[] = [
        { name: 'x1', dim: this.irrepsIn1.dim, irreps: this.irrepsIn1.toString() },
        { name: 'x2', dim: this.irrepsIn2.dim, irreps: this.irrepsIn2.toString() },
        { name: 'gradOut', dim: this.irrepsOut.dim, irreps: this.irrepsOut.toString() },
      ]
      if (this.weightNumel > 0) operands.push({ name: 'weight', dim: this.weightNumel })
      form = new MultilinearForm([new GraphExecution(this.device, this.#native, operands, graph, native)])
      this.#forms.set(graph, form)
    }
    return form
  }

  #operands(operands: Readonly<Partial<Record<OperandName, FloatArray>>>, weight: FloatArray | undefined) {
    if (this.weightNumel > 0) return { ...operands, weight }
    if (weight !== undefined) throw expected('nothing (this convolution has no weights)', 'weight', weight)
    return operands
  }
}

/** A convolution on one graph, which says how many rows every operand has. */
class GraphExecution implements Evaluator {
  constructor(
    private readonly device: DeviceId,
    private readonly native: NativeConvolution,
    readonly operands: readonly OperandInfo[],
    private readonly graph: Graph,
    private readonly graphOnDevice: NativeGraph,
  ) {}

  evaluateAll(evaluations: readonly Evaluation[]): void {
    for (const { target, inputs, out, accumulate = false } of evaluations) {
      const [x1, x2, y, w] = [...inputs.slice(0, target), out, ...inputs.slice(target)].map(nativeOf)
      callNative(() => this.native.evaluate(target, x1, x2, y, w, this.graphOnDevice, accumulate))
    }
  }

  samples(arrays: readonly NamedArray[]): undefined {
    for (const { name, operand, array } of arrays) {
      const { dim, irreps } = this.operands[operand]
      const [rows, what] = this.#rows(operand)
      checkArray(array, name, this.device)
      if (array.length !== rows * dim) {
        const each = irreps === undefined ? `${dim} weights` : `irreps ${irreps}`
        throw expected(
          `${rows * dim} (${rows} ${what} of ${each})`,
          `the length of ${name}`,
          array.length,
          'ERR_LENGTH',
        )
      }
    }
  }

  newResult(target: Target, _samples: number, inputs: readonly FloatArray[], onHost = newFloat32Array): FloatArray {
    const length = this.#rows(target)[0] * this.operands[target].dim
    const onDevice = inputs.every((input) => input instanceof DeviceArray)
    return onDevice ? DeviceArray.uninitialized(this.device, length) : onHost(length)
  }

  dispose(): void {
    this.native.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #rows(operand: Target): [rows: number, what: string] {
    const { nodes, edges, pairs } = this.graph
    if (operand === 0) return [nodes.senders, 'senders']
    if (operand === 2) return [nodes.receivers, 'receivers']
    return operand === 3 && pairs ? [pairs.count, 'pairs of edges'] : [edges, 'edges']
  }
}

function checkPath(irreps: Triple<Irreps>, path: WeightedPath, name: string): void {
  if (path.mode !== 'uvu') throw expected(`'uvu'`, `${name}.mode`, path.mode)
  const { mul } = irreps[1].at(path.in2)
  if (mul !== 1) throw expected(`one channel in block ${path.in2} of irrepsIn2`, name, mul)
}

/** As native/core/convolution.h reads it. */
function encodeConvolution(irreps: Triple<Irreps>, paths: readonly WeightedPath[], weightNumel: number): EncodedPlan {
  const weighted = paths.filter(({ hasWeight }) => hasWeight)
  if (weighted.length > 0 && weighted.length < paths.length) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      'Expected weights for all instructions or for none but received some of both',
    )
  }
  const slices = irreps.map((operand) => operand.slices())
  const fields: number[] = []
  const [rows, columns, values]: [number[], number[], number[]] = [[], [], []]
  let matrixRows = 0
  let count = 0
  for (const { in1, in2, out, l1, l2, l3, hasWeight, weightOffset, coefficient } of paths) {
    const { mul } = irreps[0].at(in1)
    const [d1, d2, d3] = [2 * l1 + 1, 2 * l2 + 1, 2 * l3 + 1]
    if (mul > 0) {
      count++
      fields.push(slices[0][in1].start, slices[2][out].start, mul, d1, d3, hasWeight ? weightOffset : -1, matrixRows)
    }
    sharedWigner3j(l1, l2, l3).forEach((value, n) => {
      if (value === 0 || mul === 0) return
      rows.push(matrixRows + Math.floor(n / (d2 * d3)) * d3 + (n % d3))
      columns.push(slices[1][in2].start + (Math.floor(n / d3) % d2))
      values.push(value * coefficient)
    })
    if (mul > 0) matrixRows += d1 * d3
  }
  const dims = [...irreps.map(({ dim }) => dim), weightNumel]
  return {
    integers: Int32Array.from([...dims, matrixRows, count, rows.length, ...fields, ...interleave(rows, columns)]),
    reals: Float64Array.from(values),
  }
}

function interleave(a: readonly number[], b: readonly number[]): number[] {
  return a.flatMap((value, n) => [value, b[n]])
}
