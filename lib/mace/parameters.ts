import { countWeights } from '../product/instruction.js'
import { Random } from '../o3/random.js'
import { expected } from '../runtime/errors.js'
import { input, type Tensor } from '../tensor/tensor.js'

/** Something that is learnt. */
export interface Parameter {
  /** As in MACE's state dict. */
  readonly name: string
  /** As there; row-major. */
  readonly shape: readonly number[]
  /** What it is in a model's expressions: the same numbers as a matrix. */
  readonly tensor: Tensor
  /** The standard deviation of its first values, which are normal, of mean 0. */
  readonly deviation: number
}

/** The numbers of all parameters by their names. */
export type Weights = ReadonlyMap<string, Float64Array>

/** Parameters as the blocks of a model ask for them. */
export class ParameterList {
  readonly all: Parameter[] = []

  /** A new parameter. [rows, dim], as a row unless it is said otherwise */
  declare(name: string, shape: readonly number[], { rows = 1, deviation = 1 } = {}): Tensor {
    const tensor = input(name, rows, countWeights(shape) / rows)
    this.all.push({ name, shape, tensor, deviation })
    return tensor
  }
}

/**
 * First values of parameters, from normal distributions with MACE's standard deviations (the numbers themselves are those of `Random`,
 * not of torch).
 *
 * @throws GauntletError ERR_ARGUMENT for a seed that is none
 */
export function initialWeights(parameters: readonly Parameter[], seed: number): Weights {
  const random = new Random(seed)
  return new Map(
    parameters.map(({ name, shape, deviation }) => {
      return [name, random.normals(countWeights(shape)).map((value) => deviation * value)]
    }),
  )
}

/**
 * Refuses weights that are not those of a model.
 *
 * @throws GauntletError ERR_ARGUMENT, ERR_LENGTH
 */
export function weightOf(weights: Weights, { name, shape }: Parameter): Float64Array {
  const values = weights.get(name)
  if (!(values instanceof Float64Array)) throw expected('a Float64Array', `weight ${name}`, values)
  const count = countWeights(shape)
  if (values.length !== count) {
    throw expected(`${count} numbers (${shape.join(' x ')})`, `weight ${name}`, values.length, 'ERR_LENGTH')
  }
  return values
}
