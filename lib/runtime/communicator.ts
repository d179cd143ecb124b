import { DeviceArray } from './device-array.js'
import { devices, resolveDevice, type DeviceOption } from './device.js'
import { expected } from './errors.js'
import { callNative, type DeviceId, loadAddon } from './native.js'

/** Processes that work together, each with a rank from 0 to size - 1. What they all have to call, they call in the same order. */
export interface Communicator {
  readonly rank: number
  readonly size: number
  /** Of this process among those of its machine. */
  readonly localRank: number
  /**
   * Every number becomes its sum over all processes, the same in each. Those of DeviceArrays are added up by NCCL where every process has a
   * GPU of its own and finds NCCL's library (GAUNTLET_NCCL names the file if it is in no usual place), else by way of host memory.
   */
  sum(array: Float32Array | Float64Array | DeviceArray): void
  /** Every number becomes that of process 0. */
  broadcast(array: Float32Array): void
  /** Ends all processes with an exit code, for one that cannot go on while others wait for it. */
  abort(code: number): void
}

/** One process for itself. */
const ALONE: Communicator = {
  rank: 0,
  size: 1,
  localRank: 0,
  sum: () => undefined,
  broadcast: () => undefined,
  abort: () => undefined,
}

let joined: Communicator | undefined

/**
 * The processes that `mpirun -n N` started together, or this one alone where mpirun did not start it. Open MPI's library is loaded
 * here and not before; GAUNTLET_MPI names the file if it is in no usual place. MPI is ended with the process; where
 * that ends with an error, all others end too.
 *
 * @throws GauntletError ERR_MPI where mpirun started this process and Open MPI cannot be loaded or fails
 * @example
 * const { rank, size, sum } = joinCommunicator()
 * sum(gradient) // over all processes
 */
export function joinCommunicator(): Communicator {
  // What Open MPI's mpirun, and Slurm's srun --mpi=pmix, tell the processes that they start.
  const { OMPI_COMM_WORLD_SIZE, PMIX_RANK, GAUNTLET_MPI } = process.env
  if (OMPI_COMM_WORLD_SIZE === undefined && PMIX_RANK === undefined) return ALONE
  if (joined) return joined
  const addon = loadAddon()
  const { rank, size } = callNative(() => addon.joinRanks(GAUNTLET_MPI))
  process.once('exit', (code) => {
    // Leaving waits for all others, who may be waiting for this one: where it failed, all have to end.
    if (code === 0) addon.leaveRanks()
    else addon.abortRanks(code)
  })
  joined = {
    rank,
    size,
    localRank: Number(process.env.OMPI_COMM_WORLD_LOCAL_RANK ?? process.env.SLURM_LOCALID ?? 0),
    sum: (array) => callNative(() => addon.sumOverRanks(array instanceof DeviceArray ? array.native : array)),
    broadcast: (array) => callNative(() => addon.broadcastFrom(0, array)),
    abort: (code) => {
      if (!Number.isInteger(code)) throw expected('an integer', 'code', code)
      addon.abortRanks(code)
    },
  }
  return joined
}

/**
 * The device that an option means for one of several processes: where it names no GPU by number, the processes of a machine take its GPUs
 * in turn.
 *
 * @throws GauntletError as `resolveDevice`
 */
export function deviceOfProcess(option: DeviceOption, { localRank }: Communicator): DeviceId {
  const device = resolveDevice(option)
  if (device === 'cpu' || option === device) return device
  const gpus = devices().filter(({ kind }) => kind === 'cuda')
  return gpus[localRank % gpus.length].id
}
