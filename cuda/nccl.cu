#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/communicator.h"
#include "core/library.h"
#include "cuda/check.h"
#include "cuda/nccl.h"
#include "cuda/stream.h"

#ifndef _WIN32
#include <unistd.h>
#endif

namespace gauntlet::cuda {

#ifdef _WIN32

bool sum_by_nccl(int, float*, size_t) { return false; }  // nor is there MPI

#else

namespace {

using Handle = void*;
constexpr int kFloat = 7, kSum = 0;  // ncclFloat32, ncclSum

/// ncclUniqueId, in units that a communicator can send.
struct Id {
  float bits[32];
};

struct Nccl {
  int (*get_id)(Id*);
  int (*join)(Handle*, int, Id, int);
  int (*all_reduce)(const void*, void*, size_t, int, int, Handle, cudaStream_t);
  const char* (*error_string)(int);
  bool found = false;

  Nccl() {
    const char* const named = std::getenv("GAUNTLET_NCCL");
    const std::string name = named && *named ? named : "libnccl.so.2";
    if (name == "off") return;
    const Library library({name});
    found = library.find("ncclGetUniqueId", get_id) && library.find("ncclCommInitRank", join) &&
            library.find("ncclAllReduce", all_reduce) && library.find("ncclGetErrorString", error_string);
  }

  void check(int status, const char* doing) const {
    if (status != 0) throw Error("ERR_CUDA", std::string("NCCL failed to ") + doing + ": " + error_string(status));
  }
};

/// A number, the same for the same GPU of the same machine only.
double number_of(int device) {
  char host[256] = "", bus[32] = "";
  gethostname(host, sizeof host - 1);
  check(cudaDeviceGetPCIBusId(bus, sizeof bus, device), "read a device's address");
  constexpr size_t kExact = size_t{1} << 53;  // what a double holds exactly
  return static_cast<double>(std::hash<std::string>()(std::string(host) + ' ' + bus) % (kExact - 1) + 1);
}

/// Whether all processes find NCCL and have GPUs of their own. All of them call it.
bool all_can(const Nccl& nccl, int device, const Ranks& ranks) {
  std::vector<double> numbers(ranks.size, 0);
  if (nccl.found) numbers[ranks.rank] = number_of(device);
  sum_over_ranks(numbers.data(), numbers.size());
  std::ranges::sort(numbers);
  return numbers.front() > 0 && std::ranges::adjacent_find(numbers) == numbers.end();
}

/// The processes with these devices, or none where they cannot.
Handle join(const Nccl& nccl, int device) {
  const Ranks ranks = join_communicator("");
  if (!all_can(nccl, device, ranks)) return nullptr;
  Id id{};
  if (ranks.rank == 0) nccl.check(nccl.get_id(&id), "begin");
  broadcast_from(0, id.bits, std::size(id.bits));
  Handle handle = nullptr;
  nccl.check(nccl.join(&handle, ranks.size, id, ranks.rank), "join the processes");
  return handle;
}

}  // namespace

bool sum_by_nccl(int device, float* values, size_t count) {
  static std::mutex mutex;
  static auto* handles = new std::map<int, Handle>;  // leaked: the driver may be gone before static objects are
  const std::lock_guard lock(mutex);
  static const Nccl nccl;
  const DeviceScope scope(device);
  if (!handles->contains(device)) handles->emplace(device, join(nccl, device));
  const Handle handle = handles->at(device);
  if (!handle) return false;
  nccl.check(nccl.all_reduce(values, values, count, kFloat, kSum, handle, shared_stream()), "sum over the processes");
  return true;
}

#endif

}  // namespace gauntlet::cuda
