import { type Irreps, type IrrepsLike } from '../o3/irreps.js'
import { Random } from '../o3/random.js'
import { checkObject, describe, expected, GauntletError } from '../runtime/errors.js'
import { DeviceArray } from '../runtime/device-array.js'
import type { FloatArray } from '../runtime/execute.js'
import { checkFloat32Array } from '../runtime/arrays.js'
import { countWeights, type Instruction, type WeightedPath, weightedPaths } from './instruction.js'
import { mixedPlan } from './mixed.js'
import { choose, toIrreps } from './path.js'
import { Product, type ProductOptions } from './product.js'
import type { Triple } from './plan.js'

/** Where weights come from that a product keeps for itself. */
export interface OwnWeightOptions {
  /** One weight vector for all samples (the default), or one for each. */
  sharedWeights?: boolean
  /** Lets the product have weights of its own, drawn from the normal distribution with this seed. */
  seed?: number
  /** Lets the product have these weights for its own; they are used in place, so that changing them changes the product. */
  weight?: FloatArray
}

export interface TensorProductOptions extends ProductOptions, OwnWeightOptions {
  /** What stays constant from input to output for random inputs and weights: the variance of components, or that of norms. */
  irrepNormalization?: 'component' | 'norm'
  /** Whether all the products that are added up in an output count the same (`element`), or all paths do (`path`). */
  pathNormalization?: 'element' | 'path'
  /** The variance that normalization assumes for each block of in1; 1 by default. */
  in1Var?: readonly number[]
  /** The same for in2. */
  in2Var?: readonly number[]
  /** The variance wanted for each block of out; 1 by default. */
  outVar?: readonly number[]
}

/** The weights of one path, as `weightViews` gives them. */
export interface WeightView {
  path: WeightedPath
  /** Row-major, in the memory of the whole vector; `shape` says which index counts what, see `Mode`. */
  weight: Float32Array
  shape: readonly number[]
}

/**
 * A tensor product made of the paths that it is told to have, with or without learnable weights: e3nn's `TensorProduct`, number
 * by number and weight by weight,
 *
 *     out[w, k] = sum over paths, u, v, i, j of  W[u, v, w] * coefficient * wigner3j(l1, l2, l3)[i, j, k] * x1[u, i] * x2[v, j]
 *
 * where a path's mode says which channels u, v and w it connects (see `Mode`), and its coefficient keeps variances: see
 * `weightedPaths`. The weights of all paths follow one another, row-major, in the order of the instructions. Blocks of out that
 * no instruction names are zero.
 *
 * Calls take weights after x2, unless the product was given its own by `seed` or `weight`.
 *
 * @throws GauntletError ERR_IRREPS; ERR_ARGUMENT for an instruction that cannot be, by its multiplicities or otherwise;
 * ERR_UNREACHABLE for one that triangle or parity forbid; ERR_DTYPE, ERR_LENGTH for weights of the wrong kind; ERR_DEVICE
 * @example
 * const product = new TensorProduct('8x0e+8x1o', '0e+1o', '8x1o', [
 *   { in1: 0, in2: 1, out: 0, mode: 'uvu', hasWeight: true },
 *   { in1: 1, in2: 0, out: 0, mode: 'uvu', hasWeight: true },
 * ])
 * product.weightNumel // 16
 * const out = product.forward(x1, x2, weight) // [batch, 32], [batch, 4], [16] -> [batch, 24]
 */
export class TensorProduct extends Product {
  declare readonly paths: readonly WeightedPath[]
  readonly sharedWeights: boolean
  readonly irrepNormalization: 'component' | 'norm'
  readonly pathNormalization: 'element' | 'path'

  constructor(
    in1: IrrepsLike,
    in2: IrrepsLike,
    out: IrrepsLike,
    instructions: readonly Instruction[],
    options: TensorProductOptions = {},
  ) {
    checkObject(options, 'options')
    const irreps: Triple<Irreps> = [toIrreps('irrepsIn1', in1), toIrreps('irrepsIn2', in2), toIrreps('irrepsOut', out)]
    const irrepNormalization = choose('irrepNormalization', ['component', 'norm'], options.irrepNormalization)
    const pathNormalization = choose('pathNormalization', ['element', 'path'], options.pathNormalization)
    if (!Array.isArray(instructions)) throw expected('an array of instructions', 'instructions', instructions)
    const paths = weightedPaths(irreps, instructions, {
      irrepNormalization,
      pathNormalization,
      variances: [
        checkVariances('in1Var', irreps[0], options.in1Var),
        checkVariances('in2Var', irreps[1], options.in2Var),
        checkVariances('outVar', irreps[2], options.outVar),
      ],
    })
    const shared = checkShared(options.sharedWeights)
    const weighted = paths.filter(({ hasWeight }) => hasWeight)
    const weightless = paths.filter(({ hasWeight }) => !hasWeight)
    const numel = weighted.reduce((sum, { shape }) => sum + countWeights(shape), 0)
    const weights = numel > 0 ? { numel, shared } : undefined
    // A form is linear in its weights as in everything else, so paths without weights are a form of their own.
    const plans = [
      ...(weights ? [() => mixedPlan(irreps, weighted, weights)] : []),
      ...(weightless.length > 0 || !weights ? [() => mixedPlan(irreps, weightless)] : []),
    ]
    super({ irreps, paths, channels: 'mixed', plan: plans[0], unweightedPlan: plans[1], weights }, options)
    this.sharedWeights = shared
    this.irrepNormalization = irrepNormalization
    this.pathNormalization = pathNormalization
    this.ownWeight = makeOwnWeight(options, numel, shared)
  }

  /** The product's own weights, [weightNumel], where it was given a `seed` or a `weight`; calls without weights use them. */
  get weight(): FloatArray | undefined {
    return this.ownWeight
  }

  /**
   * A weight vector path by path, without copying; paths without weights are left out.
   *
   * @param weight [weightNumel]; the product's own by default
   * @throws GauntletError ERR_DTYPE, ERR_LENGTH
   * @example
   * for (const { path, weight, shape } of product.weightViews()) console.log(path.mode, shape, weight[0])
   */
  weightViews(weight: FloatArray | undefined = this.ownWeight): WeightView[] {
    checkFloat32Array(weight, 'weight')
    checkWeightLength(weight, this.weightNumel)
    return this.paths
      .filter(({ hasWeight }) => hasWeight)
      .map((path) => {
        const view = weight.subarray(path.weightOffset, path.weightOffset + countWeights(path.shape))
        return { path, weight: view, shape: path.shape }
      })
  }
}

/** Refuses anything but a boolean; undefined means true. */
export function checkShared(sharedWeights: unknown): boolean {
  if (sharedWeights !== undefined && typeof sharedWeights !== 'boolean') {
    throw expected('true or false', 'sharedWeights', sharedWeights)
  }
  return sharedWeights ?? true
}

/**
 * Weights that a product keeps: given ones, or drawn from the normal distribution, as e3nn initializes its own.
 *
 * @throws GauntletError ERR_ARGUMENT where there is nothing to keep or both were given, ERR_DTYPE, ERR_LENGTH
 */
export function makeOwnWeight(
  { seed, weight }: OwnWeightOptions,
  numel: number,
  shared: boolean,
): FloatArray | undefined {
  if (seed === undefined && weight === undefined) return undefined
  if (seed !== undefined && weight !== undefined) {
    throw new GauntletError('ERR_ARGUMENT', 'Expected a seed or weights but received both')
  }
  if (!shared) {
    throw new GauntletError(
      'ERR_ARGUMENT',
      'Expected weights with every call, as sharedWeights is false, but received some for the product itself',
    )
  }
  if (seed !== undefined) return Float32Array.from(new Random(seed).normals(numel))
  if (!(weight instanceof DeviceArray)) checkFloat32Array(weight, 'weight')
  checkWeightLength(weight, numel)
  return weight
}

/** Refuses a weight vector of another length. */
export function checkWeightLength({ length }: FloatArray, numel: number): void {
  if (length !== numel) throw expected(numel.toString(), 'the length of weight', length, 'ERR_LENGTH')
}

function checkVariances(name: string, irreps: Irreps, value: unknown): readonly number[] {
  if (value === undefined) return new Array<number>(irreps.length).fill(1)
  const fits = (entry: unknown) => typeof entry === 'number' && Number.isFinite(entry) && entry > 0
  if (!Array.isArray(value) || value.length !== irreps.length || !value.every(fits)) {
    const received = Array.isArray(value) ? `[${value.map((entry) => describe(entry)).join(', ')}]` : describe(value)
    throw new GauntletError(
      'ERR_ARGUMENT',
      `Expected ${irreps.length} positive numbers, one for each block of "${irreps.toString()}", for ${name} but received ` +
        received,
    )
  }
  return value as readonly number[]
}
