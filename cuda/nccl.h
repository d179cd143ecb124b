// Sums over processes that each have a GPU of their own, by NCCL, where all of them find it.
#pragma once

#include <cstddef>

namespace gauntlet::cuda {

/// Queues the sum over all processes (core/communicator.h) of numbers on a device, in place; or returns false, in every process, where
/// one of them finds no NCCL or two share a GPU. It is looked for at the first call, which waits for all of them: the file that
/// GAUNTLET_NCCL names ("off": none), else libnccl.so.2. Throws Error("ERR_MPI" | "ERR_CUDA").
bool sum_by_nccl(int device, float* values, size_t count);

}  // namespace gauntlet::cuda
