import { Irreps, type IrrepsLike } from '../o3/irreps.js'
import { checkObject, expected } from '../runtime/errors.js'
import { checkFinite, checkInteger, checkPositive } from '../runtime/numbers.js'
import { choose } from '../product/path.js'
import { MACE_NAMES } from './hyperparameters.js'

export const PRODUCTS = ['cg', 'gaunt-fourier', 'grid', 'grid-large', 'grid-odd'] as const
export const INTERACTIONS = ['RealAgnosticResidualInteractionBlock', 'RealAgnosticInteractionBlock'] as const
export const MODELS = ['ScaleShiftMACE', 'MACE'] as const

/**
 * How the product basis multiplies a node's features with themselves.
 *
 * | choice          | product                                                                    |
 * | --------------- | -------------------------------------------------------------------------- |
 * | `cg`            | MACE's symmetric contraction of Clebsch-Gordan couplings                   |
 * | `grid`          | functions on the sphere, multiplied at the fewest points that are exact    |
 * | `grid-large`    | the same function at points that are exact to twice the degree             |
 * | `gaunt-fourier` | the same function by Gaunt products of two, each by 2D Fourier coefficients |
 * | `grid-odd`      | the same chain of products, of vector products: odd paths too              |
 */
export type ProductChoice = (typeof PRODUCTS)[number]
export type InteractionName = (typeof INTERACTIONS)[number]

/** What a model is made of; everything but the elements has a default, MACE's where it has one. */
export interface MaceOptions {
  /** `ScaleShiftMACE` (the default) scales and shifts what readouts say of a node; `MACE` does not. */
  model?: (typeof MODELS)[number]
  /** How far a node sees, Angstrom; 5 by default. */
  cutoff?: number
  numBessel?: number
  /** The power p of the envelope. */
  numPolynomialCutoff?: number
  /** The highest degree of edge harmonics. */
  maxEll?: number
  interactionFirst?: InteractionName
  /** Of every layer but the first. */
  interaction?: InteractionName
  numInteractions?: number
  /** Of every layer but the last, which keeps the scalars: the same multiplicity of each, scalars first. */
  hiddenIrreps?: IrrepsLike
  /** Scalars of the last readout. */
  mlpIrreps?: IrrepsLike
  /** Factors of a product: of every layer, or of each. */
  correlation?: number | readonly number[]
  /** Widths of the hidden layers of the radial network. */
  radialMlp?: readonly number[]
  gate?: 'silu'
  /** What silu is multiplied with, so that it keeps a second moment of 1. */
  activationConstant?: number
  /** Edges of a node on average, by which messages are divided. */
  avgNumNeighbors?: number
  atomicNumbers: readonly number[]
  /** Energy of an isolated atom of each element, eV. */
  atomicEnergies: readonly number[]
  /** eV; of ScaleShiftMACE. */
  scale?: number
  /** eV; of ScaleShiftMACE. */
  shift?: number
  product?: ProductChoice
}

/** Options checked, with every default filled in. */
export interface MaceConfiguration extends Required<MaceOptions> {
  readonly hiddenIrreps: Irreps
  readonly mlpIrreps: Irreps
  /** Of each layer. */
  readonly correlation: readonly number[]
}

/**
 * What e3nn multiplies silu with: 1 / sqrt(E[silu(z)^2]) of a million samples z, with which published weights were trained. The
 * expectation itself would give 1.67653.
 */
export const SILU_CONSTANT = 1.6791767923989418

/**
 * Checks the options of a model.
 *
 * @throws GauntletError ERR_ARGUMENT, ERR_IRREPS
 * @example
 * configure({ atomicNumbers: [1, 8], atomicEnergies: [-13.6, -2042] }).hiddenIrreps.toString() // 128x0e+128x1o
 */
export function configure(options: MaceOptions): MaceConfiguration {
  checkObject(options, 'options')
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(MACE_NAMES, name))
  if (unknown !== undefined) throw expected(`options among ${Object.keys(MACE_NAMES).join(', ')}`, 'a model', unknown)
  const atomicNumbers = checkAtomicNumbers(options.atomicNumbers)
  const atomicEnergies = checkList(options.atomicEnergies, 'atomicEnergies', checkFinite)
  if (atomicEnergies.length !== atomicNumbers.length) {
    throw expected(`${atomicNumbers.length} energies, one of each element`, 'atomicEnergies', atomicEnergies)
  }
  const numInteractions = checkInteger(options.numInteractions ?? 2, 'numInteractions', 1, 16)
  const model = choose('model', MODELS, options.model)
  const scale = checkFinite(options.scale ?? 1, 'scale')
  const shift = checkFinite(options.shift ?? 0, 'shift')
  if (model === 'MACE' && scale !== 1) throw expected('1 (MACE does not scale)', 'scale', scale)
  if (model === 'MACE' && shift !== 0) throw expected('0 (MACE does not shift)', 'shift', shift)
  return {
    model,
    cutoff: checkPositive(options.cutoff ?? 5, 'cutoff'),
    numBessel: checkInteger(options.numBessel ?? 8, 'numBessel', 1, 320),
    numPolynomialCutoff: checkInteger(options.numPolynomialCutoff ?? 5, 'numPolynomialCutoff', 2, 64),
    maxEll: checkInteger(options.maxEll ?? 3, 'maxEll', 0, 10),
    interactionFirst: choose('interactionFirst', INTERACTIONS, options.interactionFirst),
    interaction: choose('interaction', INTERACTIONS, options.interaction),
    numInteractions,
    hiddenIrreps: checkHidden(Irreps.from(options.hiddenIrreps ?? '128x0e+128x1o')),
    mlpIrreps: checkScalars(Irreps.from(options.mlpIrreps ?? '16x0e')),
    correlation: checkCorrelation(options.correlation ?? 3, numInteractions),
    radialMlp: checkList(options.radialMlp ?? [64, 64, 64], 'radialMlp', (width, name) =>
      checkInteger(width, name, 1, 4096),
    ),
    gate: choose('gate', ['silu'], options.gate),
    activationConstant: checkPositive(options.activationConstant ?? SILU_CONSTANT, 'activationConstant'),
    avgNumNeighbors: checkPositive(options.avgNumNeighbors ?? 1, 'avgNumNeighbors'),
    atomicNumbers,
    atomicEnergies,
    scale,
    shift,
    product: choose('product', PRODUCTS, options.product),
  }
}

/** Irreps of what a node hears: as many of every harmonic as there are scalars. */
export function interactionIrreps({
  hiddenIrreps,
  maxEll,
}: Pick<MaceConfiguration, 'hiddenIrreps' | 'maxEll'>): Irreps {
  const { mul } = hiddenIrreps.at(0)
  return new Irreps([...Irreps.sphericalHarmonics(maxEll)].map(({ ir }) => ({ mul, ir })))
}

function checkAtomicNumbers(value: unknown): number[] {
  const numbers = checkList(value, 'atomicNumbers', (number, name) => checkInteger(number, name, 0, 118))
  if (numbers.length === 0 || new Set(numbers).size < numbers.length) {
    throw expected('different elements, at least one', 'atomicNumbers', numbers.join())
  }
  return numbers
}

function checkList(value: unknown, name: string, check: (entry: unknown, name: string) => number): number[] {
  if (!Array.isArray(value)) throw expected('an array of numbers', name, value)
  return value.map((entry, n) => check(entry, `${name}[${n}]`))
}

function checkCorrelation(value: unknown, layers: number): number[] {
  const list: unknown = Array.isArray(value) ? value : new Array<unknown>(layers).fill(value)
  const all = checkList(list, 'correlation', (entry, name) => checkInteger(entry, name, 1, 4))
  if (all.length === layers) return all
  throw expected(`an integer, or ${layers} of them (one for each layer)`, 'correlation', value)
}

function checkHidden(irreps: Irreps): Irreps {
  const blocks = [...irreps]
  const first = blocks.at(0)
  const sound =
    first?.ir.equals('0e') &&
    blocks.every(({ mul }) => mul === first.mul && mul > 0) &&
    irreps.sort().irreps.simplify().equals(irreps)
  if (sound) return irreps
  const what = 'different irreps of one multiplicity, sorted, scalars (0e) first'
  throw expected(what, 'hiddenIrreps', irreps.toString(), 'ERR_IRREPS')
}

function checkScalars(irreps: Irreps): Irreps {
  const simple = irreps.simplify()
  if (simple.length === 1 && simple.at(0).ir.equals('0e')) return simple
  throw expected('scalars (0e)', 'mlpIrreps', irreps.toString(), 'ERR_IRREPS')
}
