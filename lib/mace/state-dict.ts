import type { DeviceOption } from '../runtime/device.js'
import { expected, GauntletError } from '../runtime/errors.js'
import { countWeights } from '../product/instruction.js'
import { symmetricBasis } from '../product/symmetric-basis.js'
import { interactionIrreps, type MaceOptions } from './configuration.js'
import { fromHyperparameters, MACE_NAMES } from './hyperparameters.js'
import { Mace } from './model.js'
import type { Weights } from './parameters.js'

/** A tensor by its values, row-major. */
export interface StateTensor {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

/** A model's parameters and buffers by the names of torch's `state_dict()`. */
export type StateDict = ReadonlyMap<string, StateTensor>

/** Options that MACE's own files need not have, since there they have one value. */
const IMPLIED: readonly string[] = ['gate', 'activationConstant', 'product'] satisfies (keyof MaceOptions)[]

/** Buffers were rounded to float32 at worst. */
const TOLERANCE = 1e-6

/**
 * A published model: what it is, by MACE's names of hyperparameters, and its weights. Energies of isolated atoms, scale and shift
 * are taken from the state dict where it has them.
 *
 * @throws GauntletError ERR_ARGUMENT, ERR_IRREPS for hyperparameters that no model has, or that are missing; as `weightsOf`
 * @example
 * const { tensors, metadata } = await readSafetensors('mace.safetensors')
 * const { model, weights } = loadMace(metadata, tensors)
 */
export function loadMace(
  hyperparameters: ReadonlyMap<string, string>,
  state: StateDict,
  options: { device?: DeviceOption } = {},
): { model: Mace; weights: Weights } {
  const numbers = (name: string): number[] | undefined => {
    const tensor = state.get(name)
    return tensor && Array.from(tensor.data)
  }
  const single = (name: string): number | undefined => numbers(name)?.at(0)
  const given = fromHyperparameters(hyperparameters)
  const stored: Partial<MaceOptions> = {
    atomicEnergies: numbers('atomic_energies_fn.atomic_energies') ?? given.atomicEnergies,
    scale: single('scale_shift.scale') ?? given.scale,
    shift: single('scale_shift.shift') ?? given.shift,
  }
  const all = { ...given, ...stored } as MaceOptions
  checkNothingMissing(all)
  const model = new Mace(all, options)
  return { model, weights: weightsOf(model, state) }
}

/** What weights mean nothing without: a default in its place would give other energies. */
function checkNothingMissing(options: MaceOptions): void {
  const shifted: readonly string[] = ['scale', 'shift']
  const missing = Object.entries(MACE_NAMES).find(([ours]) => {
    const implied = IMPLIED.includes(ours) || (options.model === 'MACE' && shifted.includes(ours))
    return !implied && options[ours as keyof MaceOptions] === undefined
  })
  if (missing === undefined) return
  throw new GauntletError('ERR_ARGUMENT', `Expected the hyperparameter ${missing[1]} of a model but received none`)
}

/**
 * The weights of a model from a state dict. Every parameter must be there, in its shape; buffers must say what the model's
 * configuration says; anything else is refused.
 *
 * @throws GauntletError ERR_ARGUMENT for what is missing, unknown or of another model, by its name; ERR_LENGTH for a wrong shape
 * @example
 * const weights = weightsOf(model, state)
 */
export function weightsOf(model: Mace, state: StateDict): Weights {
  const weights = new Map<string, Float64Array>()
  for (const { name, shape } of model.parameters) {
    const tensor = state.get(name)
    if (tensor === undefined) throw new GauntletError('ERR_ARGUMENT', `Expected a tensor ${name} but received none`)
    const fits = tensor.shape.length === shape.length && shape.every((length, n) => tensor.shape[n] === length)
    if (!fits || tensor.data.length !== countWeights(shape)) {
      throw expected(describeShape(shape), name, describeShape(tensor.shape), 'ERR_LENGTH')
    }
    const values = Float64Array.from(tensor.data)
    const wrong = values.findIndex((value) => !Number.isFinite(value))
    if (wrong >= 0) throw expected('finite numbers', `${name}[${wrong}]`, values[wrong])
    weights.set(name, values)
  }
  for (const [name, tensor] of state) if (!weights.has(name)) checkBuffer(model, name, tensor)
  return weights
}

function describeShape(shape: readonly number[]): string {
  return `numbers of shape [${shape.join(', ')}]`
}

/** What a model keeps beside its parameters: which values of each buffer agree with a configuration. */
const BUFFERS: readonly (readonly [
  pattern: RegExp,
  values: (model: Mace, match: RegExpExecArray) => ArrayLike<number>,
])[] = [
  [/^atomic_numbers$/, ({ configuration }) => configuration.atomicNumbers],
  [/(^|\.)r_max$/, ({ configuration }) => [configuration.cutoff]],
  [/^num_interactions$/, ({ configuration }) => [configuration.numInteractions]],
  [
    /\.bessel_fn\.bessel_weights$/,
    ({ configuration: { numBessel, cutoff } }) => {
      return Array.from({ length: numBessel }, (_, n) => ((n + 1) * Math.PI) / cutoff)
    },
  ],
  [/\.bessel_fn\.prefactor$/, ({ configuration }) => [Math.sqrt(2 / configuration.cutoff)]],
  [/\.cutoff_fn\.p$/, ({ configuration }) => [configuration.numPolynomialCutoff]],
  [/^atomic_energies_fn\.atomic_energies$/, ({ configuration }) => configuration.atomicEnergies],
  [/^scale_shift\.scale$/, ({ configuration }) => [configuration.scale]],
  [/^scale_shift\.shift$/, ({ configuration }) => [configuration.shift]],
  [/^products\.(\d+)\.symmetric_contractions\.contractions\.(\d+)\.U_matrix_(\d+)$/, basis],
  // Whether a part of the weights was left out.
  [/\.weights_(max|\d+)_zeroed$/, () => [0]],
]

/** What e3nn generates from irreps: masks of outputs that are reached, 3j symbols. */
const GENERATED = /\.output_mask$|\._w3j_\d+_\d+_\d+$/

/** The couplings that a product's weights belong to: other couplings would give them another meaning. */
function basis({ configuration }: Mace, [, layer, block, degree]: RegExpExecArray): ArrayLike<number> {
  const { hiddenIrreps, numInteractions } = configuration
  if (Number(layer) >= numInteractions || Number(block) >= hiddenIrreps.length) return []
  const from = [...interactionIrreps(configuration)].map(({ ir }) => ir)
  return symmetricBasis(from, hiddenIrreps.at(Number(block)).ir, Number(degree)).tensor
}

function checkBuffer(model: Mace, name: string, { data }: StateTensor): void {
  // Biases and weights that a layer does not have.
  if (data.length === 0 || GENERATED.test(name)) return
  for (const [pattern, values] of BUFFERS) {
    const match = pattern.exec(name)
    if (match === null) continue
    const wanted = values(model, match)
    const wrong = Array.from(wanted).findIndex((value, n) => {
      return !(Math.abs(value - data[n]) <= TOLERANCE * Math.max(1, Math.abs(value)))
    })
    if (data.length !== wanted.length) throw expected(`${wanted.length} numbers`, name, data.length, 'ERR_LENGTH')
    if (wrong >= 0) throw expected(`${wanted[wrong]} (as the model's options say)`, `${name}[${wrong}]`, data[wrong])
    return
  }
  throw new GauntletError('ERR_ARGUMENT', `Expected the state dict of a MACE model but received '${name}' in it`)
}
