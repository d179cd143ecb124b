import { Irreps, type IrrepsLike } from '../o3/irreps.js'
import { DeviceArray } from '../runtime/device-array.js'
import { checkObject, expected, GauntletError } from '../runtime/errors.js'
import { Execution, type FloatArray, type ResultOf } from '../runtime/execute.js'
import type { DeviceId } from '../runtime/native.js'
import { biasPlan, type LinearPath, linearPlan } from './mixed.js'
import { choose, toIrreps } from './path.js'
import { encodePlan } from './plan.js'
import { Product, type ProductOptions } from './product.js'
import { checkShared, makeOwnWeight, type OwnWeightOptions } from './tensor-product.js'

export interface LinearOptions extends ProductOptions, OwnWeightOptions {
  /** Whether all channels that are added up in an output count the same (`element`), or all blocks do (`path`). */
  pathNormalization?: 'element' | 'path'
  /** Whether each block of out has biases, which only scalars (0e) can have; true stands for all of those. None by default. */
  biases?: boolean | readonly boolean[]
  /** The layer's own biases where it has its own weights; zero by default. Used in place. */
  bias?: FloatArray
}

/** What a call takes beside its arrays: weights and biases, which a layer with its own does not need. */
export interface LinearParameters {
  weight?: FloatArray
  bias?: FloatArray
}

export interface LinearGradients<Result extends FloatArray = FloatArray> {
  x: Result
  weight: Result
  /** Where the layer has biases. */
  bias?: Result
}

/**
 * A linear layer of irreps: in each irrep, every channel of the input into every channel of the output,
 *
 *     out[w, k] = sum over blocks of in, u of  coefficient * W[u, w] * x[u, k]  (+ b[w] for scalars)
 *
 * with coefficient = 1 / sqrt(channels added up) (element), or 1 / sqrt(channels of this block * blocks added up) (path). It
 * is e3nn's `Linear`, number by number and weight by weight: weights of all paths follow one another, row-major [u, w], in order
 * of the blocks of in, then of out; biases in the order of the blocks of out.
 *
 * @throws GauntletError ERR_IRREPS, ERR_ARGUMENT, ERR_UNREACHABLE for an output block whose irrep the input lacks, ERR_DTYPE,
 * ERR_LENGTH, ERR_DEVICE
 * @example
 * const linear = new Linear('16x0e+8x1o', '4x0e+4x1o', { seed: 1, biases: true })
 * const out = linear.forward(x) // [batch, 40] -> [batch, 16]
 * const { x: gradX, weight, bias } = linear.backward(gradOut, x)
 */
export class Linear implements Disposable {
  readonly irrepsIn: Irreps
  readonly irrepsOut: Irreps
  readonly paths: readonly LinearPath[]
  readonly weightNumel: number
  readonly biasNumel: number
  readonly sharedWeights: boolean
  readonly device: DeviceId
  readonly weight: FloatArray | undefined
  readonly bias: FloatArray | undefined
  readonly #product: LinearProduct
  readonly #biases: Execution | undefined

  constructor(irrepsIn: IrrepsLike, irrepsOut: IrrepsLike, options: LinearOptions = {}) {
    checkObject(options, 'options')
    this.irrepsIn = toIrreps('irrepsIn', irrepsIn)
    this.irrepsOut = toIrreps('irrepsOut', irrepsOut)
    const normalization = choose('pathNormalization', ['element', 'path'], options.pathNormalization)
    this.paths = linearPaths(this.irrepsIn, this.irrepsOut, normalization)
    this.weightNumel = this.paths.reduce((sum, { shape }) => sum + shape[0] * shape[1], 0)
    const blocks = biasBlocks(this.irrepsOut, options.biases)
    this.biasNumel = blocks.reduce((sum, block) => sum + this.irrepsOut.at(block).dim, 0)
    this.sharedWeights = checkShared(options.sharedWeights)
    this.weight = makeOwnWeight(options, this.weightNumel, this.sharedWeights)
    this.bias = this.#ownBias(options.bias)
    this.#product = new LinearProduct(this, options)
    this.device = this.#product.device
    if (this.biasNumel > 0) {
      const weights = { numel: this.biasNumel, shared: this.sharedWeights }
      this.#biases = new Execution(this.device, encodePlan(biasPlan(this.irrepsOut, blocks, weights)), [
        { name: 'x1', dim: 0 },
        { name: 'x2', dim: 0 },
        { name: 'gradOut', dim: this.irrepsOut.dim, irreps: this.irrepsOut.toString() },
        { name: 'bias', dim: this.biasNumel, shared: this.sharedWeights },
      ])
    }
  }

  /**
   * The layer of every sample.
   *
   * @param x [batch, irrepsIn.dim]
   * @returns [batch, irrepsOut.dim]: `out` where it is given, a DeviceArray if x is one, else a Float32Array
   * @throws GauntletError as Product.forward
   */
  forward<Out extends FloatArray>(x: FloatArray, options: LinearParameters & { out: Out }): Out
  forward<A extends FloatArray>(x: A, options?: LinearParameters): ResultOf<A>
  forward(x: FloatArray, { weight, bias, out }: LinearParameters & { out?: FloatArray } = {}): FloatArray {
    const none = this.#nothing(x)
    const biases = this.#biasOf(bias)
    const result = this.#product.forward(x, none, ...this.#weightOf(weight), { out })
    if (biases) this.#biases!.evaluate(2, [none, none, biases], { out: result, accumulate: true })
    return result
  }

  /**
   * The gradients of L = <gradOut, forward(x)> with respect to x, weights and biases; those of shared ones are summed over
   * samples.
   *
   * @throws GauntletError as Product.backward
   */
  backward<G extends FloatArray, A extends FloatArray>(
    gradOut: G,
    x: A,
    { weight }: Pick<LinearParameters, 'weight'> = {},
  ): LinearGradients<ResultOf<G | A>> {
    const none = this.#nothing(x)
    const gradients = this.#product.backward(gradOut, x, none, ...this.#weightOf(weight), { only: this.#names() })
    const bias = this.#biases?.evaluate(3, [none, none, gradOut])
    const results = { x: gradients.x1, weight: gradients.weight ?? none, ...(bias && { bias }) }
    return results as LinearGradients<ResultOf<G | A>>
  }

  /**
   * The gradients of <v.x, dL/dx> + <v.weight, dL/dweight> + <v.bias, dL/dbias> with L = <gradOut, forward(x)> with respect to x,
   * weights and gradOut. Biases take no part in the first two.
   *
   * @throws GauntletError as Product.doubleBackward
   */
  doubleBackward<G extends FloatArray, A extends FloatArray, V extends FloatArray = never>(
    v: { x?: V } & LinearParameters,
    gradOut: G,
    x: A,
    { weight }: Pick<LinearParameters, 'weight'> = {},
  ): { x: ResultOf<V | G | A>; weight: ResultOf<V | G | A>; gradOut: ResultOf<V | G | A> } {
    const none = this.#nothing(x)
    const directions = { x1: v.x, weight: this.weightNumel > 0 ? v.weight : undefined }
    const got = this.#product.doubleBackward(directions, gradOut, x, none, ...this.#weightOf(weight), {
      only: [...this.#names(), 'gradOut'],
    })
    if (this.#biases && v.bias) {
      this.#biases.evaluate(2, [none, none, v.bias], { out: got.gradOut, accumulate: true })
    }
    const results = { x: got.x1, weight: got.weight ?? none, gradOut: got.gradOut }
    return results as Record<keyof typeof results, ResultOf<V | G | A>>
  }

  /**
   * F(x, gradOut, weight) = <gradOut, forward(x)>, biases apart, with one operand left out.
   *
   * @returns of the shape of the operand left out
   * @throws GauntletError as Product.evaluate
   */
  evaluate(
    leftOut: 'x' | 'gradOut' | 'weight',
    { x, gradOut, weight }: { x?: FloatArray; gradOut?: FloatArray; weight?: FloatArray },
    options: { out?: FloatArray } = {},
  ): FloatArray {
    const operands = { x2: this.#nothing(x ?? gradOut!), ...(x && { x1: x }), ...(gradOut && { gradOut }) }
    return this.#product.evaluate(leftOut === 'x' ? 'x1' : leftOut, { ...operands, ...(weight && { weight }) }, options)
  }

  /** Releases its native memory; any later call throws ERR_DISPOSED. */
  dispose(): void {
    this.#product.dispose()
    this.#biases?.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #names(): ('x1' | 'weight')[] {
    return this.weightNumel > 0 ? ['x1', 'weight'] : ['x1']
  }

  #weightOf(given: FloatArray | undefined): [FloatArray | undefined] {
    return [given ?? (this.weightNumel > 0 ? this.weight : undefined)]
  }

  #biasOf(given: FloatArray | undefined): FloatArray | undefined {
    if (this.biasNumel === 0) {
      if (given !== undefined) throw expected('nothing (this layer has no biases)', 'bias', given)
      return undefined
    }
    const bias = given ?? this.bias
    if (bias === undefined) throw expected(`an array of ${this.biasNumel} biases`, 'bias', bias, 'ERR_DTYPE')
    this.#biases!.samples([{ name: 'bias', operand: 3, array: bias }])
    return bias
  }

  #ownBias(given: FloatArray | undefined): FloatArray | undefined {
    if (given === undefined) return this.weight && this.biasNumel > 0 ? new Float32Array(this.biasNumel) : undefined
    if (given.length === this.biasNumel) return given
    throw expected(this.biasNumel.toString(), 'the length of bias', given.length, 'ERR_LENGTH')
  }

  /** No numbers, where x is: the second factor. */
  #nothing(x: FloatArray): FloatArray {
    return x instanceof DeviceArray ? DeviceArray.uninitialized(this.device, 0) : new Float32Array(0)
  }
}

/** The layer as a product of x with the constant 1. */
class LinearProduct extends Product {
  constructor({ irrepsIn, irrepsOut, paths, weightNumel, sharedWeights }: Linear, options: ProductOptions) {
    const weights = { numel: weightNumel, shared: sharedWeights }
    super(
      {
        irreps: [irrepsIn, new Irreps(), irrepsOut],
        paths: [],
        channels: 'mixed',
        plan: () => linearPlan(irrepsIn, irrepsOut, paths, weights),
        weights,
      },
      { device: options.device },
    )
  }
}

function linearPaths(irrepsIn: Irreps, irrepsOut: Irreps, normalization: 'element' | 'path'): LinearPath[] {
  const [ins, outs] = [[...irrepsIn].entries(), [...irrepsOut].entries()].map((entries) => [...entries])
  for (const [, { mul, ir }] of outs) {
    if (mul === 0 || irrepsIn.multiplicity(ir) > 0) continue
    throw new GauntletError(
      'ERR_UNREACHABLE',
      `Expected output irreps that "${irrepsIn.toString()}" has, since a linear layer keeps irreps apart, but received ` +
        `${mul}x${ir.toString()}`,
    )
  }
  let weightOffset = 0
  return ins.flatMap(([i, a]) =>
    outs.flatMap(([o, c]): LinearPath[] => {
      if (!a.ir.equals(c.ir)) return []
      const together = ins.filter(([, other]) => other.ir.equals(c.ir)).map(([, { mul }]) => mul)
      const x = normalization === 'element' ? together.reduce((sum, mul) => sum + mul, 0) : a.mul * together.length
      const path: LinearPath = {
        in: i,
        out: o,
        coefficient: 1 / Math.sqrt(x || 1),
        shape: [a.mul, c.mul],
        weightOffset,
      }
      weightOffset += a.mul * c.mul
      return [Object.freeze(path)]
    }),
  )
}

/** The blocks of out that have biases. */
function biasBlocks(irreps: Irreps, biases: boolean | readonly boolean[] = false): number[] {
  const scalar = (block: number) => irreps.at(block).ir.equals('0e')
  const all = [...irreps].map((_, block) => block)
  if (biases === true) return all.filter(scalar)
  if (biases === false) return []
  if (!Array.isArray(biases) || biases.length !== irreps.length || !biases.every((bias) => typeof bias === 'boolean')) {
    throw expected(`true, false, or either for each of ${irreps.length} blocks`, 'biases', biases)
  }
  const wrong = all.find((block) => biases[block] && !scalar(block))
  if (wrong !== undefined) {
    throw expected('false (only scalars, 0e, can have biases)', `biases[${wrong}] of "${irreps.toString()}"`, true)
  }
  return all.filter((block) => biases[block])
}
