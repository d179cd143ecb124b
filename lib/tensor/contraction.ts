import type { Program } from '../product/circuit.js'
import type { Contraction, ContractionOperand } from '../product/contraction.js'
import type { CompiledSlopes, ContractionScalar } from '../product/contraction-scalar.js'
import type { FeatureOperand, WeightOperand } from '../product/contraction-table.js'
import { type FloatArray, nativeOf } from '../runtime/execute.js'
import { callNative, loadAddon, type NativeContraction } from '../runtime/native.js'
import { identify } from './identity.js'
import type { Kernels } from './kernels.js'
import { type Bindings, checkShape, type Index, type Operation, type Rows, Tensor } from './tensor.js'

type Scalar = ContractionScalar<ContractionOperand>

/** A contraction of the rows of `index.of`, each of which belongs to the element that `index` says. */
interface Site {
  contraction: Contraction
  index: Index
}

/**
 * `Contraction.forward` of every node, see `SymmetricContraction` and `GridContraction`.
 *
 * @param x [nodes, irrepsIn.dim]
 * @param index which of the contraction's elements each node is: from nodes into `contraction.elements`
 * @param weight [1, weightNumel]
 * @returns [nodes, irrepsOut.dim]
 */
export function contract(contraction: Contraction, x: Tensor, index: Index, weight: Tensor): Tensor {
  checkShape(x, index.of, contraction.irrepsIn.dim, 'x')
  checkShape(weight, 1, contraction.weightNumel, 'weight')
  const all = new Map([x, weight].entries())
  return slope({ contraction, index }, contraction.scalar, 2, all)
}

/** The slope of a scalar by operand `result`, at those operands that it needs. */
function slope(site: Site, scalar: Scalar, result: number, operands: ReadonlyMap<number, Tensor>): Tensor {
  const operation = new Slope(site, scalar, result)
  const inputs = operation.compiled.read.map((n) => operands.get(n)!)
  return new Tensor(operation, inputs)
}

class Slope implements Operation {
  readonly key: string
  readonly title: string
  readonly rows: Rows
  readonly dim: number
  readonly group: string
  readonly compiled: CompiledSlopes

  constructor(
    readonly site: Site,
    readonly scalar: Scalar,
    readonly result: number,
  ) {
    const { contraction, index } = site
    const { like } = scalar.given[result]
    this.rows = like === 'weight' ? 1 : index.of
    this.dim = contraction.operand(like).kind === 'weights' ? contraction.weightNumel : dimOf(contraction, like)
    this.title = `${contraction.constructor.name} of ${scalar.given.length} operands, slope ${result}`
    this.key = `slope ${identify(scalar)} ${identify(index)} ${result}`
    this.group = `slopes ${identify(scalar)} ${identify(index)}`
    this.compiled = compiled(scalar, result)
  }

  get operands(): readonly number[] {
    return this.compiled.read
  }

  vjp(inputs: readonly Tensor[], grad: Tensor, wanted: readonly boolean[]): (Tensor | undefined)[] {
    const { read } = this.compiled
    const along = this.scalar.along([this.result])
    const operands = new Map(read.map((n, at) => [n, inputs[at]]))
    operands.set(along.given.length - 1, grad)
    return read.map((n, at) => (wanted[at] ? slope(this.site, along, n, operands) : undefined))
  }

  reference(inputs: readonly Float64Array[], out: Float64Array, run: Bindings): void {
    const { contraction, index } = this.site
    const operands = [...this.compiled.read, this.result].map((n) => contraction.operand(this.scalar.given[n].like))
    const { of } = run.segments(index)
    out.fill(0)
    for (let channel = 0; channel < contraction.channels; channel++) {
      of.forEach((element, node) => {
        const place: Place = { contraction, node, element, channel }
        const rows = inputs.flatMap((input, n) => load(operands[n], input, place))
        store(operands.at(-1)!, out, place, walk(this.compiled.program, rows))
      })
    }
  }

  native(_kernels: Kernels, inputs: readonly FloatArray[], out: FloatArray, run: Bindings): void {
    this.nativeTogether([this], new Map(this.operands.map((operand, n) => [operand, inputs[n]])), [out], run)
  }

  nativeTogether(
    members: readonly Slope[],
    operands: ReadonlyMap<number, FloatArray>,
    outs: readonly FloatArray[],
    run: Bindings,
  ): void {
    const results = members.map(({ result }) => result)
    const { native, read } = nativeSlopes(this.site.contraction, this.scalar, results)
    const inputs = read.map((operand) => operands.get(operand)!)
    const { of } = run.segments(this.site.index)
    callNative(() => native.run(of, ...inputs.map(nativeOf), ...outs.map(nativeOf)))
  }
}

const slopes = new WeakMap<Scalar, Map<string, CompiledSlopes>>()
const natives = new WeakMap<Scalar, Map<string, { native: NativeContraction; read: readonly number[] }>>()

function compiled(scalar: Scalar, result: number): CompiledSlopes {
  return remember(slopes, scalar, String(result), () => scalar.compile([result]))
}

/** What computes several slopes at once, and which operands it reads. */
function nativeSlopes(contraction: Contraction, scalar: Scalar, results: readonly number[]) {
  return remember(natives, scalar, results.join(), () => {
    const { plan, read } = contraction.encodeSlopes(scalar, results)
    const { integers, reals } = plan
    return { native: callNative(() => new (loadAddon().NativeContraction)(contraction.device, integers, reals)), read }
  })
}

function remember<T>(known: WeakMap<Scalar, Map<string, T>>, scalar: Scalar, key: string, make: () => T): T {
  let of = known.get(scalar)
  if (of === undefined) known.set(scalar, (of = new Map<string, T>()))
  let found = of.get(key)
  if (found === undefined) of.set(key, (found = make()))
  return found
}

function dimOf({ irrepsIn, irrepsOut }: Contraction, like: ContractionOperand): number {
  return (like === 'x' ? irrepsIn : irrepsOut).dim
}

// One channel of one node in float64.

interface Place {
  contraction: Contraction
  node: number
  element: number
  channel: number
}

function load(operand: FeatureOperand | WeightOperand, values: Float64Array, place: Place): number[] {
  if (operand.kind === 'features') return [...components(operand, place)].map((at) => values[at])
  const mixtures = new Array<number>(operand.mixtures).fill(0)
  for (const { mixture, value, at } of mixed(operand, place)) mixtures[mixture] += value * values[at]
  return mixtures
}

function store(operand: FeatureOperand | WeightOperand, out: Float64Array, place: Place, values: number[]): void {
  if (operand.kind === 'features') {
    let n = 0
    for (const at of components(operand, place)) out[at] = values[n++]
  } else {
    for (const { mixture, value, at } of mixed(operand, place)) out[at] += value * values[mixture]
  }
}

function* components({ dim, blocks }: FeatureOperand, { node, channel }: Place): Generator<number> {
  for (const { offset, size } of blocks) {
    for (let m = 0; m < size; m++) yield node * dim + offset + channel * size + m
  }
}

function* mixed(
  { parts, mixing }: WeightOperand,
  { contraction, element, channel }: Place,
): Generator<{ mixture: number; value: number; at: number }> {
  for (const { part, path, mixture, value } of mixing) {
    const { offset, paths } = parts[part]
    yield { mixture, value, at: offset + (element * paths + path) * contraction.channels + channel }
  }
}

/** The program's outputs. */
function walk(program: Program, inputs: readonly number[]): number[] {
  const rows = [...inputs]
  let [sum, product, multiple] = [0, 0, 0]
  for (const run of program.runs) {
    for (let row = 0; row < run.rows; row++) {
      let value = 0
      for (let n = 0; n < run.products; n++, product++) {
        value += rows[program.factors[2 * product]] * rows[program.factors[2 * product + 1]]
      }
      for (let n = 0; n < run.multiples; n++, multiple++) {
        value += program.multiples[multiple].factor * rows[program.multiples[multiple].row]
      }
      rows[program.targets[sum++]] = value
    }
  }
  return program.outputs.map((row) => rows[row])
}
