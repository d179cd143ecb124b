import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value, type ValueError } from '@sinclair/typebox/value'
import { readText } from '../files/file.js'
import { describe, GauntletError } from '../runtime/errors.js'
import { INTERACTIONS, PRODUCTS } from './configuration.js'

// A training's configuration: one definition gives its type, its defaults, its JSON schema and its check.

const positive = { exclusiveMinimum: 0 }
const closed = { additionalProperties: false }

const Files = Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })

const Data = Type.Object(
  {
    train: Type.Union([Type.String({ minLength: 1 }), Files], {
      description: 'Files to train on: .xyz, .extxyz or .npz',
    }),
    valid: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Files], {
        description: 'Files to validate on; none: a part of train',
      }),
    ),
    validFraction: Type.Number({ default: 0.1, exclusiveMinimum: 0, exclusiveMaximum: 1 }),
    test: Type.Optional(
      Type.Union([Type.String({ minLength: 1 }), Files], { description: 'Files for the final table' }),
    ),
    energyKey: Type.Optional(Type.String({ description: 'Of extended XYZ; default energy' })),
    forcesKey: Type.Optional(Type.String({ description: 'Of extended XYZ; default forces' })),
    atomicEnergies: Type.Union(
      [Type.Literal('isolated'), Type.Literal('average'), Type.Record(Type.String(), Type.Number())],
      {
        default: 'isolated',
        description: 'Of single atoms marked config_type=IsolatedAtom, by least squares (average), or eV by symbol',
      },
    ),
  },
  closed,
)

/** One of some texts. */
function choice<T extends string>(texts: readonly T[], initial: T) {
  return Type.Union(
    texts.map((text) => Type.Literal(text)),
    { default: initial },
  )
}

const Model = Type.Object(
  {
    product: choice(PRODUCTS, 'cg'),
    hiddenIrreps: Type.String({ default: '128x0e+128x1o' }),
    mlpIrreps: Type.String({ default: '16x0e', description: 'Scalars of the last readout' }),
    maxEll: Type.Integer({ default: 3, minimum: 0, maximum: 10 }),
    correlation: Type.Integer({ default: 3, minimum: 1, maximum: 4 }),
    numInteractions: Type.Integer({ default: 2, minimum: 1, maximum: 16 }),
    interactionFirst: choice(INTERACTIONS, 'RealAgnosticInteractionBlock'),
    interaction: choice(INTERACTIONS, 'RealAgnosticResidualInteractionBlock'),
    cutoff: Type.Number({ default: 5, ...positive, description: 'Angstrom' }),
    numBessel: Type.Integer({ default: 8, minimum: 1, maximum: 320 }),
    numPolynomialCutoff: Type.Integer({ default: 5, minimum: 2, maximum: 64 }),
    radialMlp: Type.Array(Type.Integer({ minimum: 1, maximum: 4096 }), { default: [64, 64, 64] }),
    scale: Type.Union([Type.Literal('rmsForces'), Type.Literal('none'), Type.Number(positive)], {
      default: 'rmsForces',
    }),
    shift: Type.Union([Type.Literal('meanEnergy'), Type.Literal('none'), Type.Number()], { default: 'none' }),
  },
  closed,
)

/** What squared errors of energies per atom, and of components of forces, count. */
function loss(energy: number, forces: number) {
  const Loss = Type.Object(
    { energy: Type.Number({ default: energy, minimum: 0 }), forces: Type.Number({ default: forces, minimum: 0 }) },
    closed,
  )
  return Type.Union([Loss], { default: {} })
}

const Schedule = Type.Union(
  [
    Type.Object(
      {
        kind: Type.Literal('plateau'),
        factor: Type.Number({ default: 0.8, exclusiveMinimum: 0, exclusiveMaximum: 1 }),
        patience: Type.Integer({ default: 50, minimum: 0, description: 'Epochs' }),
      },
      closed,
    ),
    Type.Object(
      { kind: Type.Literal('exponential'), gamma: Type.Number({ default: 0.9993, exclusiveMinimum: 0, maximum: 1 }) },
      closed,
    ),
    Type.Object({ kind: Type.Literal('constant') }, closed),
  ],
  { default: { kind: 'plateau' } },
)

const StageTwo = Type.Object(
  {
    start: Type.Optional(Type.Integer({ minimum: 1, description: 'Epoch; default three quarters of all' })),
    loss: loss(1000, 100),
    learningRate: Type.Number({ default: 0.001, ...positive }),
  },
  closed,
)

const TrainingSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors' })),
    name: Type.String({ default: 'mace', pattern: '^[A-Za-z0-9._-]+$', description: 'Of the files written' }),
    output: Type.String({ default: '.', description: 'The folder they are written to' }),
    seed: Type.Integer({ default: 123, minimum: 0, maximum: 2 ** 32 - 1 }),
    device: Type.String({ default: 'auto', pattern: '^(auto|cpu|cuda(:[0-9]+)?)$' }),
    threads: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 })),
    data: Data,
    model: Type.Union([Model], { default: {} }),
    loss: loss(1, 100),
    stageTwo: Type.Union([Type.Null(), StageTwo], {
      default: null,
      description: "Other weights and rate for the last epochs (MACE's swa)",
    }),
    epochs: Type.Integer({ default: 100, minimum: 1 }),
    batchSize: Type.Integer({ default: 10, minimum: 1, description: 'Structures of a batch' }),
    batchEdges: Type.Optional(Type.Integer({ minimum: 1, description: 'Edges of a batch at most' })),
    learningRate: Type.Number({ default: 0.01, ...positive }),
    schedule: Schedule,
    amsgrad: Type.Boolean({ default: true }),
    weightDecay: Type.Number({ default: 5e-7, minimum: 0 }),
    clip: Type.Union([Type.Null(), Type.Number(positive)], {
      default: 10,
      description: 'Norm of the gradient at most',
    }),
    averageDecay: Type.Union([Type.Null(), Type.Number({ minimum: 0, exclusiveMaximum: 1 })], {
      default: null,
      description: 'Of the moving average of weights (EMA) that is validated and kept',
    }),
    validateEvery: Type.Integer({ default: 1, minimum: 1, description: 'Epochs' }),
    patience: Type.Integer({
      default: 2048,
      minimum: 1,
      description: 'Validations without a lower loss before stopping',
    }),
  },
  { ...closed, title: 'gauntlet train' },
)

export type TrainingConfig = Omit<Static<typeof TrainingSchema>, '$schema'>

/**
 * The JSON schema (draft 7) of what a configuration may hold; what has a default may be left out.
 *
 * @example
 * JSON.stringify(trainingSchema()) // what `gauntlet train --schema` prints
 */
export function trainingSchema(): object {
  const plain = JSON.parse(JSON.stringify(TrainingSchema), (_, value: unknown) => withoutDefaults(value)) as object
  return { $schema: 'http://json-schema.org/draft-07/schema#', ...plain }
}

/** An object's schema that requires no property that has a default. */
function withoutDefaults(schema: unknown): unknown {
  const { properties, required } = (schema ?? {}) as { properties?: Record<string, object>; required?: unknown }
  if (!properties || !Array.isArray(required)) return schema
  return { ...(schema as object), required: required.filter((name: string) => !('default' in properties[name])) }
}

/**
 * A configuration, checked, with defaults for what it leaves out.
 *
 * @param given an object, as parsed from JSON
 * @throws GauntletError ERR_ARGUMENT naming what is wrong and where
 */
export function parseConfig(given: unknown, name = 'the configuration'): TrainingConfig {
  const config: unknown = Value.Default(TrainingSchema, structuredClone(given))
  const error = innermost([...Value.Errors(TrainingSchema, config)])
  if (error) throw refuse(error, name)
  const checked = config as TrainingConfig & { $schema?: string }
  delete checked.$schema
  const { stageTwo, epochs } = checked
  if (stageTwo) {
    stageTwo.start ??= Math.max(1, Math.floor(epochs / 4) * 3)
    if (stageTwo.start >= epochs) {
      throw new GauntletError(
        'ERR_ARGUMENT',
        `${name}: Expected stageTwo.start below epochs (${epochs}) but received ${stageTwo.start}`,
      )
    }
  }
  return checked
}

/** What is wrong at the deepest place: of a union, that of the member that came closest. */
function innermost(errors: readonly ValueError[]): ValueError | undefined {
  // Of a union, no member's defaults are filled in before one fits.
  const missing = ({ value, schema }: ValueError): boolean => value === undefined && schema.default !== undefined
  const all = errors
    .filter((error) => !missing(error))
    .flatMap((error): ValueError[] => {
      const kinds = kindsOf(error)
      if (kinds && !kinds.includes(kindOf(error.value))) return [wrongKind(error, kinds)]
      const members = kinds ? [error.errors[kinds.indexOf(kindOf(error.value))]] : error.errors
      const inner = members.map((member) => innermost([...member])).filter((found) => found !== undefined)
      const deeper = inner.filter(({ path }) => path.length > error.path.length)
      return deeper.length > 0 ? deeper : [error]
    })
  const depth = ({ path }: ValueError): number => path.split('/').length
  return all.reduce<ValueError | undefined>(
    (best, error) => (best && depth(best) >= depth(error) ? best : error),
    undefined,
  )
}

/** Of a union of objects that are told apart by their `kind`, all of those. */
function kindsOf({ schema }: ValueError): unknown[] | undefined {
  const members = schema.anyOf as { properties?: { kind?: TSchema } }[] | undefined
  const kinds = members?.map(({ properties }) => properties?.kind?.const as unknown)
  return kinds?.every((kind) => kind !== undefined) ? kinds : undefined
}

function kindOf(value: unknown): unknown {
  return (value as { kind?: unknown } | null)?.kind
}

function wrongKind(error: ValueError, kinds: readonly unknown[]): ValueError {
  const schema = { ...error.schema, anyOf: kinds.map((kind) => ({ const: kind })) }
  return { ...error, schema, path: `${error.path}/kind`, value: kindOf(error.value) ?? null }
}

function refuse({ path, schema, message, value }: ValueError, name: string): GauntletError {
  const place = path.slice(1).replaceAll('/', '.') || 'the whole'
  if (message === 'Unexpected property') {
    return new GauntletError('ERR_ARGUMENT', `${name}: Expected no setting ${place}: there is none of that name`)
  }
  const wanted = schema.anyOf ? describeUnion(schema.anyOf as TSchema[]) : message.replace(/^Expected /, '')
  const [what, received] = value === undefined ? ['a value', 'none'] : [wanted, describe(value)]
  return new GauntletError('ERR_ARGUMENT', `${name}: Expected ${what} for ${place} but received ${received}`)
}

/** `one of cg, grid`, `null or number`: what a union takes. */
function describeUnion(members: readonly TSchema[]): string {
  const choices = members.map((member) => String(member.const ?? member.type))
  return members.every((member) => 'const' in member) ? `one of ${choices.join(', ')}` : choices.join(' or ')
}

/**
 * What a configuration file holds, for `parseConfig`.
 *
 * @throws GauntletError ERR_FILE where it cannot be read or is not JSON
 */
export async function readConfig(path: string): Promise<unknown> {
  const text = await readText(path)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new GauntletError('ERR_FILE', `${path} is not JSON: ${String(cause)}`, { cause })
  }
}
