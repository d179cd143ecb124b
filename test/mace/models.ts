import { type Batch, fromHyperparameters, Mace, type MaceOptions, type StateDict } from '../../lib/mace/index.js'
import { loadReference, type ReferenceCase } from '../reference/load.js'

export const models = loadReference('mace-models')

/** What the reference program was made with, by its Python names. */
interface PythonConfiguration {
  [name: string]: string | number | number[] | boolean
  interaction_cls: string
  interaction_cls_first: string
}

/** Options of a reference model. */
export function optionsOf({ config, cls, state_dict }: ReferenceCase): MaceOptions {
  const { interaction_cls, interaction_cls_first, ...rest } = config as PythonConfiguration
  // What Python prints of a function and of an array.
  const unreadable = ['gate', 'atomic_energies']
  const className = (name: string): string => /blocks\.(\w+)/.exec(name)![1]
  const hyperparameters = new Map<string, string>([
    ['model', cls as string],
    ['interaction', className(interaction_cls)],
    ['interaction_first', className(interaction_cls_first)],
  ])
  for (const [name, value] of Object.entries(rest)) {
    if (unreadable.includes(name)) continue
    hyperparameters.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  const energies = models.array((state_dict as Record<string, string>)['atomic_energies_fn.atomic_energies'])
  return { ...fromHyperparameters(hyperparameters), atomicEnergies: [...energies.data] } as MaceOptions
}

/** Tensors by names, of a map from names to arrays of the reference. */
export function stateOf(entries: unknown): StateDict {
  return new Map(Object.entries(entries as Record<string, string>).map(([name, array]) => [name, models.array(array)]))
}

/** The four geometries of ethanol of a reference model. */
export function batchOf(model: Mace, { arrays }: ReferenceCase): Batch {
  const integers = (name: string): Int32Array => Int32Array.from(models.array(arrays[name]).data)
  const edges = integers('edge_index')
  return {
    structures: 4,
    structureOf: integers('batch'),
    elements: model.elementsOf(integers('numbers')),
    positions: models.array(arrays.positions).data,
    senders: edges.subarray(0, edges.length / 2),
    receivers: edges.subarray(edges.length / 2),
    shifts: models.array(arrays.shifts).data,
  }
}
