import { join } from 'node:path'
import { readModel } from '../../lib/mace/model-file.js'
import { dataFolder } from '../files/data-folder.js'

export const solvent = join(dataFolder, 'solvent')

/** The model in the data folder, of carbonate solvents: 32x0e, max_ell 2, correlation 2, two layers. */
export function publishedModel(): ReturnType<typeof readModel> {
  return readModel(join(solvent, 'mace01_swa.safetensors'), { device: 'cpu' })
}
