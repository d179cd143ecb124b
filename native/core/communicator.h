// Processes that work together, by Open MPI, which is looked for when it is first asked for: nothing of it is needed to build
// or load the addon.
#pragma once

#include <cstddef>
#include <string>

namespace gauntlet {

struct Ranks {
  int rank;
  int size;
};

/// Joins the processes that mpirun started together, once per process; later calls return the same.
/// `library`: the file to load, or empty for the usual names. Throws Error("ERR_MPI").
Ranks join_communicator(const std::string& library);

/// In place, the same numbers in every process. All have to call it, with as many. Throws Error("ERR_MPI").
void sum_over_ranks(float* values, size_t count);
void sum_over_ranks(double* values, size_t count);
/// What the process of rank `root` has.
void broadcast_from(int root, float* values, size_t count);

/// Ends what join_communicator began, if it did; MPI wants it before the process ends.
void leave_communicator() noexcept;
/// Ends all processes, for one that cannot go on while others wait for it.
void abort_communicator(int code) noexcept;

}  // namespace gauntlet
