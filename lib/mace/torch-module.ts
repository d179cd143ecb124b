import { moduleAttributes } from '../files/state-dict.js'
import { describeValue, PythonGlobal, PythonObject, type PythonValue, TorchTensor } from '../files/python.js'
import { toFloat64 } from '../files/stored-tensor.js'
import { Irreps } from '../o3/irreps.js'
import { GauntletError } from '../runtime/errors.js'

/** A module of torch in a checkpoint, by its name within the whole. */
export class TorchModule {
  readonly #attributes: ReadonlyMap<PythonValue, PythonValue>
  readonly #object: PythonObject

  /** @throws GauntletError ERR_FILE for a value that is no module */
  constructor(
    value: PythonValue | undefined,
    readonly name = '',
  ) {
    const attributes = value === undefined ? undefined : moduleAttributes(value)
    if (!(value instanceof PythonObject && attributes)) {
      throw refused(`Expected a torch module for ${this.#where()} but received ${describeValue(value)}`)
    }
    this.#object = value
    this.#attributes = attributes
  }

  /** Its class without the modules of Python between package and class: `mace.ScaleShiftMACE`. */
  get kind(): string {
    return `${this.#object.module.split('.')[0]}.${this.className}`
  }

  get className(): string {
    return this.#object.name
  }

  /** Whether it is code that torch.fx has generated. */
  get isGraph(): boolean {
    return this.#object.module === 'torch.fx.graph_module'
  }

  /** Modules in it, by their names there. */
  get children(): Map<string, TorchModule> {
    const modules = this.#attributes.get('_modules') as Map<PythonValue, PythonValue>
    return new Map(
      [...modules]
        .filter(([, module]) => module !== null)
        .map(([key, module]) => [textOf(key), new TorchModule(module, this.#within(textOf(key)))]),
    )
  }

  /** @throws GauntletError ERR_FILE where there is none */
  child(key: string): TorchModule {
    return this.children.get(key) ?? this.#missing(key)
  }

  /** A list of modules, in order. */
  list(key: string): TorchModule[] {
    return [...this.child(key).children.values()]
  }

  /** It and all modules within. */
  *all(): Generator<TorchModule, void, undefined> {
    yield this
    for (const child of this.children.values()) yield* child.all()
  }

  /** Names of what it has beside torch's own. */
  get attributeNames(): string[] {
    return [...this.#attributes.keys()].map(textOf).filter((key) => !key.startsWith('_') && key !== 'training')
  }

  /** An attribute, a buffer or a parameter, if it has it. */
  attribute(key: string): PythonValue | undefined {
    const holders = [this.#attributes, this.#attributes.get('_buffers'), this.#attributes.get('_parameters')]
    for (const holder of holders) if (holder instanceof Map && holder.has(key)) return holder.get(key) as PythonValue
    return undefined
  }

  /** A number, or a tensor of one. */
  number(key: string): number {
    const value = this.attribute(key)
    if (typeof value === 'number') return value
    const numbers = value instanceof TorchTensor ? this.numbers(key) : []
    return numbers.length === 1 ? numbers[0] : this.#wrong('a number', key, value)
  }

  /** A tensor's numbers, row-major. */
  numbers(key: string): Float64Array {
    const value = this.attribute(key)
    return value instanceof TorchTensor ? toFloat64(value.stored()) : this.#wrong('a tensor', key, value)
  }

  /** A tensor's shape. */
  shape(key: string): readonly number[] {
    const value = this.attribute(key)
    return value instanceof TorchTensor ? value.shape : this.#wrong('a tensor', key, value)
  }

  /** The name of a function, or of the class whose object stands for one. */
  functionName(key: string): string {
    const value = this.attribute(key)
    // Functions of torch's own are got from it by name.
    if (value instanceof PythonObject && value.name === 'getattr') return textOf(value.args.at(-1))
    return value instanceof PythonGlobal || value instanceof PythonObject ? value.name : describeValue(value)
  }

  /** An attribute that is e3nn's Irreps, or text of them. */
  irreps(key: string): Irreps {
    const value = this.attribute(key)
    if (typeof value === 'string') return new Irreps(value)
    return new Irreps(
      fields(value).map((block) => {
        const [mul, irrep] = fields(block)
        const [l, p] = fields(irrep)
        if (typeof mul !== 'number' || typeof l !== 'number') return this.#wrong('irreps of e3nn', key, value)
        return { mul, ir: `${l}${p === 1 ? 'e' : 'o'}` }
      }),
    )
  }

  #missing(key: string): never {
    throw refused(`Expected a module ${this.#within(key)} in the model of ${this.#where()} but there is none`)
  }

  #wrong(what: string, key: string, value: PythonValue | undefined): never {
    throw refused(`Expected ${what} for ${this.#within(key)} but received ${describeValue(value)}`)
  }

  #within(key: string): string {
    return this.name === '' ? key : `${this.name}.${key}`
  }

  #where(): string {
    return this.name === '' ? 'the whole' : this.name
  }
}

/** A tuple with a class of its own is a record with the tuple for its argument. */
function fields(value: PythonValue | undefined): PythonValue[] {
  if (Array.isArray(value)) return value
  const inner = value instanceof PythonObject ? value.args.at(0) : undefined
  return Array.isArray(inner) ? inner : []
}

function textOf(value: PythonValue | undefined): string {
  return typeof value === 'string' ? value : describeValue(value)
}

export function refused(what: string): GauntletError {
  return new GauntletError('ERR_FILE', what)
}
