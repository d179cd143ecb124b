import { Irreps } from '../o3/irreps.js'
import { countWeights } from '../product/instruction.js'
import { expected } from '../runtime/errors.js'
import type { DeviceOption } from '../runtime/device.js'
import { elementSymbol } from '../structures/structure.js'
import { add, apply, multiply, subtract } from '../tensor/elementwise.js'
import { power } from '../tensor/functions.js'
import { gradient } from '../tensor/gradient.js'
import { SolidHarmonics } from '../tensor/harmonics.js'
import { matmul } from '../tensor/matmul.js'
import { broadcastColumns, gather, scatter, sumColumns } from '../tensor/rows.js'
import { Axis, constant, Edges, fill, Index, input, type Tensor } from '../tensor/tensor.js'
import { radialBasis, type Site } from './blocks.js'
import { configure, interactionIrreps, type MaceConfiguration, type MaceOptions } from './configuration.js'
import { interaction } from './interaction.js'
import { initialWeights, type Parameter, ParameterList, type Weights } from './parameters.js'
import { productBasis } from './product-basis.js'
import { readout } from './readout.js'

/**
 * MACE: energies of atomic structures and forces on their atoms, from messages between neighbours whose features are multiplied with
 * themselves. A model is what it computes as expressions (`tensors`), of inputs that are bound when a Program runs: parameters, and a
 * batch of structures (see `bindBatch`). It holds no numbers of its own; for those see `initialWeights` and `weightsOf`.
 *
 * Source: Batatia et al., NeurIPS 2022 (arXiv 2206.07697); parameters are those of that program, by name and number by number.
 *
 * @example
 * const model = new Mace({ atomicNumbers: [1, 6, 8], atomicEnergies: [-13.6, -1029, -2042], hiddenIrreps: '32x0e+32x1o' })
 * const evaluator = new Evaluator(model, model.initialWeights(1))
 * const { energies, forces } = evaluator.evaluate(makeBatch(model, structures))
 */
export class Mace {
  readonly configuration: MaceConfiguration
  readonly device: DeviceOption
  readonly parameters: readonly Parameter[]
  readonly nodes = new Axis('nodes')
  readonly structures = new Axis('structures')
  readonly edges = new Edges(new Axis('edges'), this.nodes, new Axis('pairs'))
  /** An edge of every pair. */
  readonly edgeOf = new Index('edge', this.edges.pairs, this.edges.edges)
  /** Which of `configuration.atomicNumbers` each node is. */
  readonly elementOf: Index
  /** Which structure each node belongs to. */
  readonly structureOf = new Index('structure', this.nodes, this.structures)
  /** [edges, 3], Angstrom: from sender to receiver. */
  readonly vectors = input('vectors', this.edges.edges, 3)
  /** Of each layer: [nodes, its irreps]. */
  readonly nodeFeatures: readonly Tensor[]
  /** [nodes, 1], eV, isolated atoms apart. */
  readonly nodeEnergies: Tensor
  /** [structures, 1], eV, isolated atoms apart. */
  readonly energies: Tensor
  /** [nodes, 3], eV/Angstrom: minus the gradient of the energy by positions. */
  readonly forces: Tensor

  /** @throws GauntletError ERR_ARGUMENT, ERR_IRREPS, ERR_UNREACHABLE where a product cannot make hidden irreps, ERR_DEVICE */
  constructor(options: MaceOptions, { device = 'auto' }: { device?: DeviceOption } = {}) {
    this.configuration = configure(options)
    this.device = device
    const elements = this.configuration.atomicNumbers.length
    this.elementOf = new Index('element', this.nodes, elements)
    const identity = Float64Array.from({ length: elements ** 2 }, (_, n) => (n % (elements + 1) === 0 ? 1 : 0))
    const parameters = new ParameterList()
    const site: Site = {
      configuration: this.configuration,
      parameters,
      device,
      edges: this.edges,
      edgeOf: this.edgeOf,
      elementOf: this.elementOf,
      oneHot: gather(constant(elements, elements, identity), this.elementOf),
    }
    const { features, energies } = layers(site, this.vectors)
    this.parameters = parameters.all
    this.nodeFeatures = features
    const { scale, shift } = this.configuration
    this.nodeEnergies = add([energies, fill(this.nodes, 1, 1)], [scale, shift])
    this.energies = scatter(this.nodeEnergies, this.structureOf)
    const [slope] = gradient(this.nodeEnergies, [this.vectors])
    this.forces = subtract(scatter(slope, this.edges.senders), scatter(slope, this.edges.receivers))
  }

  /** How many numbers all parameters have together. */
  get parameterCount(): number {
    return this.parameters.reduce((sum, { shape }) => sum + countWeights(shape), 0)
  }

  /** First values of all parameters, by a seed. */
  initialWeights(seed: number): Weights {
    return initialWeights(this.parameters, seed)
  }

  /**
   * Which element of the model each atom is.
   *
   * @param numbers atomic numbers
   * @throws GauntletError ERR_ARGUMENT for an element that the model does not know
   */
  elementsOf(numbers: ArrayLike<number>): Int32Array {
    const { atomicNumbers } = this.configuration
    return Int32Array.from(numbers, (number, atom) => {
      const element = atomicNumbers.indexOf(number)
      if (element < 0) {
        const known = atomicNumbers.map(elementSymbol).join(', ')
        throw expected(`an element that the model knows (${known})`, `numbers[${atom}]`, elementSymbol(number))
      }
      return element
    })
  }
}

/** Features of every layer, and the sum of what readouts make of them. */
function layers(site: Site, vectors: Tensor): { features: Tensor[]; energies: Tensor } {
  const { configuration } = site
  const squares = sumColumns(multiply([vectors, vectors]))
  const units = multiply([vectors, broadcastColumns(apply(power(-0.5), squares), 3)])
  const attributes = new SolidHarmonics(configuration.maxEll, { device: site.device }).of(units)
  const radial = radialBasis(configuration, apply(power(0.5), gather(squares, site.edgeOf)))

  const { numInteractions, hiddenIrreps } = configuration
  const heard = interactionIrreps(configuration)
  const scalars = new Irreps([hiddenIrreps.at(0)])
  let x = embedding(site, scalars.dim)
  let from = scalars
  const features: Tensor[] = []
  const energies: Tensor[] = []
  for (let n = 0; n < numInteractions; n++) {
    const last = n === numInteractions - 1
    // A model of one layer keeps all irreps and has the linear readout, as MACE does.
    const to = last && n > 0 ? scalars : hiddenIrreps
    const kind = n === 0 ? configuration.interactionFirst : configuration.interaction
    const irreps = { from, heard, hidden: to }
    const { message, skip } = interaction(site, kind, `interactions.${n}`, irreps, x, attributes, radial)
    const shape = { from: heard, to, correlation: configuration.correlation[n] }
    x = productBasis(site, `products.${n}`, shape, message, skip)
    features.push(x)
    energies.push(readout(site, `readouts.${n}`, x, to, last && n > 0))
    from = to
  }
  return { features, energies: add(energies) }
}

/** Features that every element begins with: one-hot elements through a linear layer. [nodes, channels] */
function embedding(site: Site, channels: number): Tensor {
  const elements = site.configuration.atomicNumbers.length
  const weight = site.parameters.declare('node_embedding.linear.weight', [elements * channels], { rows: elements })
  return matmul(site.oneHot, weight, 'none', 1 / Math.sqrt(elements))
}
