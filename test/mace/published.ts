import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadMace, type StateTensor } from '../../lib/mace/index.js'
import { dataFolder } from '../files/data-folder.js'

export const solvent = join(dataFolder, 'solvent')

/** The model in the data folder, of carbonate solvents: 32x0e, max_ell 2, correlation 2, two layers. */
export function publishedModel(): ReturnType<typeof loadMace> {
  const { metadata, tensors } = readWeights(join(solvent, 'mace01_swa.safetensors'))
  return loadMace(metadata, tensors, { device: 'cpu' })
}

function readWeights(path: string): { metadata: Map<string, string>; tensors: Map<string, StateTensor> } {
  const file = readFileSync(path)
  const start = 8 + Number(file.readBigUInt64LE(0))
  const { __metadata__, ...entries } = JSON.parse(file.toString('utf8', 8, start)) as Record<string, Entry> & {
    __metadata__: Record<string, string>
  }
  const tensors = Object.entries(entries).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const bytes = file.subarray(start + from, start + to)
      const read = {
        F64: (at: number) => bytes.readDoubleLE(at),
        I64: (at: number) => Number(bytes.readBigInt64LE(at)),
      }
      const data = Float64Array.from({ length: bytes.length / 8 }, (_, n) => read[dtype](8 * n))
      return [name, { shape, data }] as const
    },
  )
  return { metadata: new Map(Object.entries(__metadata__)), tensors: new Map(tensors) }
}

interface Entry {
  dtype: 'F64' | 'I64'
  shape: number[]
  data_offsets: [from: number, to: number]
}
