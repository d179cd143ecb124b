import { expected } from './errors.js'
import { callNative, loadAddon } from './native.js'

/** Processes that work together, each with a rank from 0 to size - 1. What they all have to call, they call in the same order. */
export interface Communicator {
  readonly rank: number
  readonly size: number
  /** Every number becomes its sum over all processes, the same in each. */
  sum(array: Float32Array | Float64Array): void
  /** Every number becomes that of process 0. */
  broadcast(array: Float32Array): void
  /** Ends all processes with an exit code, for one that cannot go on while others wait for it. */
  abort(code: number): void
}

/** One process for itself. */
const ALONE: Communicator = {
  rank: 0,
  size: 1,
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
    sum: (array) => callNative(() => addon.sumOverRanks(array)),
    broadcast: (array) => callNative(() => addon.broadcastFrom(0, array)),
    abort: (code) => {
      if (!Number.isInteger(code)) throw expected('an integer', 'code', code)
      addon.abortRanks(code)
    },
  }
  return joined
}
