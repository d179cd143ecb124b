import { Irreps } from '../o3/irreps.js'
import { describeValue, PythonObject, type PythonValue } from '../files/python.js'
import { interactionIrreps, INTERACTIONS, type InteractionName, type MaceOptions, MODELS } from './configuration.js'
import { refused, type TorchModule } from './torch-module.js'

/** Classes of a model that this package computes, by package. What torch.fx generates is code alone. */
const KNOWN = new Set(
  [
    ...[...MODELS, ...INTERACTIONS].map((name) => `mace.${name}`),
    'mace.LinearNodeEmbeddingBlock mace.RadialEmbeddingBlock mace.BesselBasis mace.PolynomialCutoff mace.reshape_irreps',
    'mace.AtomicEnergiesBlock mace.EquivariantProductBasisBlock mace.SymmetricContraction mace.Contraction',
    'mace.LinearReadoutBlock mace.NonLinearReadoutBlock mace.ScaleShiftBlock',
    'e3nn.Linear e3nn.TensorProduct e3nn.FullyConnectedTensorProduct e3nn.SphericalHarmonics e3nn.FullyConnectedNet',
    'e3nn._Layer e3nn.Activation e3nn.normalize2mom torch.ModuleList torch.ParameterList',
  ].flatMap((names) => names.split(' ')),
)

/** What classes that are met in published models are for, where their names do not say it. */
const PURPOSES: Readonly<Record<string, string>> = {
  ZBLBasis: 'pair repulsion',
  AgnesiTransform: 'a distance transform',
  SoftTransform: 'a distance transform',
  GaussianBasis: 'another radial basis',
  ChebychevBasis: 'another radial basis',
  AtomicDipolesMACE: 'dipoles',
  AtomicDielectricMACE: 'dipoles and polarizabilities',
  EnergyDipolesMACE: 'dipoles',
  MACELES: 'long-range electrostatics',
  GenericJointEmbedding: 'embeddings of more than elements',
}

/** Attributes that may be true. */
const TRUTHS = ['apply_cutoff', 'use_reduced_cg', 'use_sc', 'internal_weights', 'shared_weights', 'normalize']

/** Constants of activations may differ by the rounding of float32. */
const SAME = 1e-6

/**
 * The options of a MACE model, read off the tree of its modules.
 *
 * @throws GauntletError ERR_FILE for anything that this package does not compute, by its name
 */
export function optionsOf(root: TorchModule): MaceOptions {
  const model = MODELS.find((name) => root.kind === `mace.${name}`)
  if (model === undefined) throw unknownClass(root)
  for (const module of root.all()) checkModule(module)
  const interactions = root.list('interactions')
  const products = root.list('products')
  const readouts = root.list('readouts')
  const count = interactions.length
  if (count === 0 || products.length !== count || readouts.length !== count) {
    const counts = `${count} interactions, ${products.length} products, ${readouts.length} readouts`
    throw refused(`Expected as many interactions as products and readouts but received ${counts}`)
  }
  const radial = root.child('radial_embedding')
  const options: MaceOptions = {
    model,
    cutoff: root.number('r_max'),
    numBessel: radial.child('bessel_fn').numbers('bessel_weights').length,
    numPolynomialCutoff: radial.child('cutoff_fn').number('p'),
    maxEll: harmonicDegree(root.child('spherical_harmonics')),
    interactionFirst: interactionName(interactions[0]),
    interaction: interactionName(interactions[count - 1]),
    numInteractions: count,
    hiddenIrreps: products[0].child('linear').irreps('irreps_out'),
    correlation: products.map(correlation),
    radialMlp: radialWidths(interactions[0]),
    activationConstant: activationConstant([...interactions, ...readouts]),
    avgNumNeighbors: agreed(interactions, 'avg_num_neighbors', (module) => module.number('avg_num_neighbors')),
    atomicNumbers: [...root.numbers('atomic_numbers')],
    atomicEnergies: [...root.child('atomic_energies_fn').numbers('atomic_energies')],
    ...(count > 1 && { mlpIrreps: readouts[count - 1].child('linear_1').irreps('irreps_out') }),
    ...(model === 'ScaleShiftMACE' && {
      scale: root.child('scale_shift').number('scale'),
      shift: root.child('scale_shift').number('shift'),
    }),
  }
  agreed(interactions.slice(1), 'the class', interactionName)
  for (const interaction of interactions) checkWidth(interaction.child('linear_up'))
  checkHeard(products, options)
  return options
}

function checkModule(module: TorchModule): void {
  if (!KNOWN.has(module.kind) && !module.isGraph) throw unknownClass(module)
  if (!module.kind.startsWith('mace.')) return
  const refuse = (key: string, value: PythonValue | undefined): never => {
    throw refused(`${place(module)} has ${key} = ${describeValue(value)}, which this package does not compute`)
  }
  for (const key of module.attributeNames) {
    const value = module.attribute(key)
    if (value === true && !TRUTHS.includes(key)) refuse(key, value)
    if (value === false && key === 'apply_cutoff') refuse(key, value)
    if (key === 'embedding_specs' && value !== null) refuse(key, value)
    if (key === 'num_heads' && value !== 1) refuse(key, value)
    if (/^(cueq|oeq)_config$/.test(key) && isEnabled(value)) refuse(key, value)
    if (key === 'heads' && Array.isArray(value) && value.length > 1) {
      throw refused(`The model has ${value.length} heads (${value.map(String).join(', ')}); of one head are computed`)
    }
  }
}

/** cuequivariance's or openequivariance's layers in place of e3nn's. */
function isEnabled(value: PythonValue | undefined): boolean {
  return value instanceof PythonObject && value.attributes.get('enabled') !== false
}

function unknownClass(module: TorchModule): Error {
  const purpose = Object.hasOwn(PURPOSES, module.className) ? ` (${PURPOSES[module.className]})` : ''
  return refused(`${place(module)} is a ${module.kind}${purpose}, which this package does not compute`)
}

function place({ name }: TorchModule): string {
  return name === '' ? 'The model' : name
}

function interactionName(module: TorchModule): InteractionName {
  return INTERACTIONS.find((name) => name === module.className) ?? unknown(module)
}

function unknown(module: TorchModule): never {
  throw unknownClass(module)
}

function harmonicDegree(module: TorchModule): number {
  const irreps = module.irreps('irreps_out')
  const sound =
    irreps.equals(Irreps.sphericalHarmonics(irreps.lmax)) &&
    module.attribute('normalize') === true &&
    module.attribute('normalization') === 'component'
  if (sound) return irreps.lmax
  throw refused(`Expected all harmonics of unit vectors in 'component' normalization for ${module.name}`)
}

function correlation(product: TorchModule): number {
  return agreed(product.child('symmetric_contractions').list('contractions'), 'correlation', (contraction) => {
    return contraction.number('correlation')
  })
}

/** Widths of the radial network but the last. */
function radialWidths(interaction: TorchModule): number[] {
  const layers = [...interaction.child('conv_tp_weights').children.values()]
  return layers.slice(0, -1).map((layer) => layer.shape('weight').at(-1) ?? 0)
}

/** What the only activation, silu, is multiplied with. */
function activationConstant(modules: readonly TorchModule[]): number {
  const acts = modules.flatMap((module) => [...module.all()].filter(({ className }) => className === 'normalize2mom'))
  for (const act of acts) {
    const name = act.functionName('f')
    if (!/^silu$/i.test(name)) throw refused(`${act.name} is ${name}; the activation that is computed is silu`)
  }
  return agreed(acts, 'the constant of silu', (act) => act.number('cst'))
}

/** The value that all modules have. */
function agreed<T extends number | string>(
  modules: readonly TorchModule[],
  what: string,
  valueOf: (module: TorchModule) => T,
): T {
  const values = modules.map(valueOf)
  const first = values[0]
  const same = (value: T): boolean =>
    typeof value === 'number' && typeof first === 'number'
      ? Math.abs(value - first) <= SAME * Math.abs(first)
      : value === first
  const other = values.findIndex((value) => !same(value))
  if (other < 0) return first
  throw refused(
    `Expected ${what} of ${modules[other].name} as of ${modules[0].name}, ${first}, but it is ${values[other]}`,
  )
}

/** Messages have to be as wide as features (no `edge_irreps`). */
function checkWidth(linear: TorchModule): void {
  const [from, to] = [linear.irreps('irreps_in'), linear.irreps('irreps_out')]
  if (!from.equals(to)) {
    throw refused(
      `Expected irreps ${from.toString()} out of ${linear.name} but received ${to.toString()}: no edge_irreps`,
    )
  }
}

/** Nodes have to hear every harmonic of its own parity, and the last layer to keep scalars alone. */
function checkHeard(products: readonly TorchModule[], options: MaceOptions): void {
  const hidden = Irreps.from(options.hiddenIrreps ?? '')
  const heard = interactionIrreps({ hiddenIrreps: hidden, maxEll: options.maxEll ?? 0 })
  for (const [n, product] of products.entries()) {
    const contractions = product.child('symmetric_contractions')
    const to = n > 0 && n === products.length - 1 ? new Irreps([hidden.at(0)]) : hidden
    for (const [irreps, wanted] of [
      [contractions.irreps('irreps_in'), heard],
      [contractions.irreps('irreps_out'), to],
    ]) {
      if (irreps.equals(wanted)) continue
      throw refused(`Expected irreps ${wanted.toString()} for ${contractions.name} but received ${irreps.toString()}`)
    }
  }
}
