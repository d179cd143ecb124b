import { GauntletError, describe } from '../runtime/errors.js'
import { describeValue, PythonObject, TorchTensor, type PythonValue } from './python.js'
import type { StoredTensor } from './stored-tensor.js'

/** More modules or bytes than this are no network but one that refers to itself over and over. */
const MAX_MODULES = 1e6
const MAX_DEPTH = 100
const MAX_BYTES = 2 ** 33

/**
 * The parameters and persistent buffers of a module read by readCheckpoint, by the names and in the order of torch's
 * `state_dict()`; of a `state_dict()` that was saved itself, its tensors.
 *
 * What a module keeps compiled beside its tree (e3nn's generated code, say) is not in it.
 *
 * @throws GauntletError `ERR_FILE` for a value that is neither, or a module that contains itself
 * @example
 * stateDict(await readCheckpoint('MACE.model')).get('scale_shift.scale') // { dtype: 'F64', shape: [], data }
 */
export function stateDict(root: PythonValue): Map<string, StoredTensor> {
  const collector = new Collector()
  if (root instanceof Map) collector.addTensors('', root)
  else collector.addModule('', root)
  return collector.tensors
}

/** The attributes of a module, or undefined for a value that is none. */
export function moduleAttributes(value: PythonValue): ReadonlyMap<PythonValue, PythonValue> | undefined {
  if (!(value instanceof PythonObject)) return undefined
  // A torch.fx.GraphModule is made from its __dict__ by a function.
  const isGraph = value.module === 'torch.fx.graph_module' && value.args[0] instanceof Map
  const attributes = isGraph ? (value.args[0] as Map<PythonValue, PythonValue>) : value.attributes
  return attributes.get('_modules') instanceof Map ? attributes : undefined
}

class Collector {
  readonly tensors = new Map<string, StoredTensor>()
  #modules = 0
  #bytes = 0
  /** The modules around the one at hand. */
  readonly #parents: PythonValue[] = []

  addModule(prefix: string, module: PythonValue): void {
    const attributes = moduleAttributes(module)
    const name = prefix === '' ? 'what was saved' : `'${prefix.slice(0, -1)}'`
    if (!attributes) fail(`Expected a torch module or state_dict for ${name} but received ${describeValue(module)}`)
    if (this.#parents.includes(module)) fail(`The module ${name} contains itself`)
    if (this.#parents.length > MAX_DEPTH) fail(`Its modules stand over ${MAX_DEPTH} deep in each other`)
    if (++this.#modules > MAX_MODULES) fail(`It has over ${MAX_MODULES} modules`)
    this.#parents.push(module)
    this.addTensors(prefix, attributes.get('_parameters'))
    const hidden = attributes.get('_non_persistent_buffers_set')
    this.addTensors(prefix, attributes.get('_buffers'), hidden instanceof Set ? hidden : undefined)
    for (const [key, child] of attributes.get('_modules') as Map<PythonValue, PythonValue>) {
      if (child !== null) this.addModule(`${prefix}${text(key)}.`, child)
    }
    this.#parents.pop()
  }

  /** Adds the tensors of a dictionary; one that is None there is not set. */
  addTensors(prefix: string, dictionary: PythonValue | undefined, hidden = new Set<PythonValue>()): void {
    if (!(dictionary instanceof Map)) return
    for (const [key, value] of dictionary) {
      if (value === null || hidden.has(key)) continue
      const name = `${prefix}${text(key)}`
      if (!(value instanceof TorchTensor)) fail(`Expected a tensor for '${name}' but received ${describeValue(value)}`)
      const tensor = value.stored()
      this.#bytes += tensor.data.byteLength
      if (this.#bytes > MAX_BYTES) fail(`Its tensors have over ${MAX_BYTES} bytes`)
      this.tensors.set(name, tensor)
    }
  }
}

function text(key: PythonValue): string {
  return typeof key === 'string'
    ? key
    : fail(`Expected text for the name of a tensor or module but received ${describe(key)}`)
}

function fail(what: string): never {
  throw new GauntletError('ERR_FILE', what)
}
