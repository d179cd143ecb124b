import { GauntletError } from '../runtime/errors.js'
import { messageOf } from './file.js'
import { unpickle } from './pickle.js'
import type { PythonValue } from './python.js'
import { TorchHost } from './torch-pickle.js'
import { Archive } from './zip.js'

/** All members read from one checkpoint may have this many bytes; a Buffer has no more. */
const MAX_BYTES = 2 ** 32

/**
 * Reads what PyTorch's `torch.save` has written, a whole module or anything else, as a tree of plain values. Nothing is executed:
 * objects of classes become records of class, arguments and state ({@link PythonObject}), tensors views of the archive's storages
 * ({@link TorchTensor}), numpy's arrays numbers; a function that a pickle calls becomes such a record too.
 *
 * @throws GauntletError `ERR_FILE` that names the file, and the opcode or global where the pickle has something that cannot be
 *     represented: registered extensions, calls of what is no global, tensors of unknown storage.
 * @example
 * const model = await readCheckpoint('MACE.model') // PythonObject { module: 'mace.modules.models', name: 'ScaleShiftMACE', ... }
 * const tensors = stateDict(model)
 */
export async function readCheckpoint(path: string): Promise<PythonValue> {
  return Archive.with(
    path,
    'PyTorch checkpoint (a zip archive, as torch.save writes since 1.6)',
    MAX_BYTES,
    (archive) => readArchive(path, archive),
  )
}

async function readArchive(path: string, archive: Archive): Promise<PythonValue> {
  const pickles = archive.names.filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickles.length !== 1) throw new Error(`it has ${pickles.length} members named */data.pkl`)
  const folder = pickles[0].slice(0, -'data.pkl'.length)
  if (archive.has(`${folder}constants.pkl`)) {
    throw new GauntletError('ERR_FILE', `${path} is a TorchScript program: save the module itself, with torch.save`)
  }
  const read = async (member: string): Promise<Buffer> => {
    try {
      return await archive.read(member)
    } catch (error) {
      throw new GauntletError('ERR_FILE', `${path}, member '${member}': ${messageOf(error)}`, { cause: error })
    }
  }
  if (archive.has(`${folder}byteorder`)) {
    const order = (await read(`${folder}byteorder`)).toString('latin1')
    if (order !== 'little')
      throw new GauntletError('ERR_FILE', `${path} has its numbers in ${JSON.stringify(order)} order`)
  }
  const host = new TorchHost()
  const pickle = await read(pickles[0])
  let root: PythonValue
  try {
    root = unpickle(pickle, host)
  } catch (error) {
    throw new GauntletError('ERR_FILE', `${path}: ${messageOf(error)}`, { cause: error })
  }
  for (const storage of host.storages.values()) {
    const member = `${folder}data/${storage.key}`
    const size = archive.has(member) ? archive.size(member) : NaN
    if (size !== storage.byteLength) {
      const what = Number.isNaN(size) ? 'is not there' : `has ${size} bytes`
      throw new GauntletError('ERR_FILE', `${path}: '${member}' ${what}, where its tensors need ${storage.byteLength}`)
    }
    storage.bytes = await read(member)
  }
  return root
}
