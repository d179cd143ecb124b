import { expected, GauntletError } from '../runtime/errors.js'
import type { MaceConfiguration, MaceOptions } from './configuration.js'

/** MACE's own names (its command line's) of a model's options. */
export const MACE_NAMES = {
  model: 'model',
  cutoff: 'r_max',
  numBessel: 'num_bessel',
  numPolynomialCutoff: 'num_polynomial_cutoff',
  maxEll: 'max_ell',
  interactionFirst: 'interaction_first',
  interaction: 'interaction',
  numInteractions: 'num_interactions',
  hiddenIrreps: 'hidden_irreps',
  mlpIrreps: 'MLP_irreps',
  correlation: 'correlation',
  radialMlp: 'radial_MLP',
  gate: 'gate',
  activationConstant: 'activation_second_moment_constant',
  avgNumNeighbors: 'avg_num_neighbors',
  atomicNumbers: 'atomic_numbers',
  atomicEnergies: 'atomic_energies',
  scale: 'atomic_inter_scale',
  shift: 'atomic_inter_shift',
  product: 'product',
} as const satisfies Record<keyof MaceOptions, string>

/** Of MACE's further options, the values that mean what this package computes. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  radial_type: ['bessel'],
  distance_transform: ['None', 'null'],
  pair_repulsion: ['False', 'false'],
  apply_cutoff: ['True', 'true'],
  use_reduced_cg: ['False', 'false'],
}

/** What a file may say about itself. */
const REMARKS = ['format', 'num_elements']

/**
 * Options by MACE's names, as the metadata of a file of weights has them: text, numbers and lists in JSON.
 *
 * @throws GauntletError ERR_ARGUMENT for a name or a value that this package does not know
 * @example
 * fromHyperparameters(new Map([['r_max', '4.0'], ['hidden_irreps', '32x0e']])) // { cutoff: 4, hiddenIrreps: '32x0e' }
 */
export function fromHyperparameters(values: ReadonlyMap<string, string>): Partial<MaceOptions> {
  const known = new Map<string, string>(Object.entries(MACE_NAMES).map(([ours, theirs]) => [theirs, ours]))
  const options: Record<string, unknown> = {}
  for (const [name, text] of values) {
    const ours = known.get(name)
    if (ours !== undefined) options[ours] = parse(text)
    else if (Object.hasOwn(FIXED, name)) checkFixed(name, text)
    else if (!REMARKS.includes(name)) {
      throw new GauntletError('ERR_ARGUMENT', `Expected MACE's names of hyperparameters but received '${name}'`)
    }
  }
  return options
}

/** The other way: options by MACE's names, to be written beside weights. */
export function toHyperparameters(configuration: MaceConfiguration): Map<string, string> {
  return new Map(
    Object.entries(MACE_NAMES).map(([ours, theirs]) => {
      const value = configuration[ours as keyof MaceOptions]
      return [theirs, Array.isArray(value) ? JSON.stringify(value) : String(value)]
    }),
  )
}

function checkFixed(name: string, text: string): void {
  if (!FIXED[name].includes(text)) throw expected(FIXED[name].join(' or '), name, text)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
