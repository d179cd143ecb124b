#include "core/communicator.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/library.h"

namespace gauntlet {

#ifdef _WIN32

Ranks join_communicator(const std::string&) { throw Error("ERR_MPI", "MPI is not supported on Windows"); }
void sum_over_ranks(float*, size_t) {}
void sum_over_ranks(double*, size_t) {}
void broadcast_from(int, float*, size_t) {}
void leave_communicator() noexcept {}
void abort_communicator(int) noexcept {}

#else

namespace {

/// Open MPI's handles are pointers to objects that it exports; other implementations' are not.
using Handle = void*;

struct Mpi {
  int (*init_thread)(int*, char***, int, int*);
  int (*initialized)(int*);
  int (*finalize)();
  int (*abort)(Handle, int);
  int (*comm_rank)(Handle, int*);
  int (*comm_size)(Handle, int*);
  int (*set_errhandler)(Handle, Handle);
  int (*error_string)(int, char*, int*);
  int (*allreduce)(const void*, void*, int, Handle, Handle, Handle);
  int (*bcast)(void*, int, Handle, int, Handle);
  Handle world, float_type, double_type, sum, errors_return;
};

constexpr int kThreadSerialized = 2;        // MPI_THREAD_SERIALIZED
constexpr size_t kChunk = size_t{1} << 28;  // counts are ints

std::mutex mutex;
Mpi mpi;
bool joined = false;
Ranks ranks;

template <typename Symbol>
void find(const Library& library, const char* name, Symbol& symbol) {
  if (library.find(name, symbol)) return;
  throw Error("ERR_MPI", std::string("The MPI library lacks ") + name + ": gauntlet needs Open MPI 4 or 5");
}

void load(const std::string& wanted) {
  std::vector<std::string> names = {"libmpi.so.40", "libmpi.so"};
#ifdef __APPLE__
  names = {"libmpi.40.dylib", "libmpi.dylib"};
#endif
  if (!wanted.empty()) names = {wanted};
  const Library library(names, true);  // Open MPI's own plugins look for its symbols among the global ones
  if (!library.loaded()) {
    throw Error("ERR_MPI",
                "Open MPI could not be loaded (Debian, Ubuntu: apt-get install openmpi-bin):" + library.reasons());
  }
  find(library, "MPI_Init_thread", mpi.init_thread);
  find(library, "MPI_Initialized", mpi.initialized);
  find(library, "MPI_Finalize", mpi.finalize);
  find(library, "MPI_Abort", mpi.abort);
  find(library, "MPI_Comm_rank", mpi.comm_rank);
  find(library, "MPI_Comm_size", mpi.comm_size);
  find(library, "MPI_Comm_set_errhandler", mpi.set_errhandler);
  find(library, "MPI_Error_string", mpi.error_string);
  find(library, "MPI_Allreduce", mpi.allreduce);
  find(library, "MPI_Bcast", mpi.bcast);
  find(library, "ompi_mpi_comm_world", mpi.world);
  find(library, "ompi_mpi_float", mpi.float_type);
  find(library, "ompi_mpi_double", mpi.double_type);
  find(library, "ompi_mpi_op_sum", mpi.sum);
  find(library, "ompi_mpi_errors_return", mpi.errors_return);
}

void check(int status, const char* what) {
  if (status == 0) return;
  char text[512] = "";  // MPI_MAX_ERROR_STRING is 256
  int length = 0;
  mpi.error_string(status, text, &length);
  throw Error("ERR_MPI", std::string(what) + " failed: " + text);
}

template <typename T>
void sum(T* values, size_t count, Handle type) {
  const std::lock_guard lock(mutex);
  if (!joined) throw Error("ERR_MPI", "This process has not joined any others");
  const Handle in_place = reinterpret_cast<Handle>(1);  // Open MPI's MPI_IN_PLACE
  for (size_t at = 0; at < count; at += kChunk) {
    const int part = static_cast<int>(std::min(kChunk, count - at));
    check(mpi.allreduce(in_place, values + at, part, type, mpi.sum, mpi.world), "MPI_Allreduce");
  }
}

}  // namespace

Ranks join_communicator(const std::string& library) {
  const std::lock_guard lock(mutex);
  if (joined) return ranks;
  load(library);
  int already = 0;
  mpi.initialized(&already);
  if (already == 0) {
    int provided = 0;
    check(mpi.init_thread(nullptr, nullptr, kThreadSerialized, &provided), "MPI_Init_thread");
    if (provided < kThreadSerialized) throw Error("ERR_MPI", "This MPI library cannot be called from several threads");
  }
  mpi.set_errhandler(mpi.world, mpi.errors_return);
  check(mpi.comm_rank(mpi.world, &ranks.rank), "MPI_Comm_rank");
  check(mpi.comm_size(mpi.world, &ranks.size), "MPI_Comm_size");
  joined = true;
  return ranks;
}

void sum_over_ranks(float* values, size_t count) { sum(values, count, mpi.float_type); }
void sum_over_ranks(double* values, size_t count) { sum(values, count, mpi.double_type); }

void broadcast_from(int root, float* values, size_t count) {
  const std::lock_guard lock(mutex);
  if (!joined) throw Error("ERR_MPI", "This process has not joined any others");
  for (size_t at = 0; at < count; at += kChunk) {
    const int part = static_cast<int>(std::min(kChunk, count - at));
    check(mpi.bcast(values + at, part, mpi.float_type, root, mpi.world), "MPI_Bcast");
  }
}

void leave_communicator() noexcept {
  const std::lock_guard lock(mutex);
  if (!joined) return;
  joined = false;
  mpi.finalize();
}

void abort_communicator(int code) noexcept {
  if (joined) mpi.abort(mpi.world, code);
}

#endif

}  // namespace gauntlet
