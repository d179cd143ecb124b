// CUDA C++ for a machine without a GPU: enough of the language and of the runtime to compile cuda/*.cu with a C++ compiler, as
// they are, and to run their kernels on the CPU. It exists to test index arithmetic, barriers and the order of copies.
//
// A thread block is a set of fibers, each of which runs until its next barrier, of the block or of its warp; the order in which
// they run is chosen by the test, so that a missing barrier shows as a result that depends on it. Shared memory beyond what a launch asked for is poisoned
// for AddressSanitizer, and filled with NaN before every block. Streams are queues that run when they are waited for.
#pragma once

#include <ucontext.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <tuple>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

// ---- language ----

#define __global__
#define __device__
#define __host__
#define __shared__
#define __launch_bounds__(...)
#define __grid_constant__

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

template <class T>
T __ldg(const T* from) {
  if (reinterpret_cast<uintptr_t>(from) % alignof(T) != 0) std::abort();
  return *from;
}
inline uint32_t __umulhi(uint32_t a, uint32_t b) { return static_cast<uint32_t>(uint64_t{a} * b >> 32); }
using std::max;
using std::min;

// ---- the machine ----

enum class Order { forward, backward, shuffled };

namespace emulated {

struct Machine {
  int multiprocessors = 2;
  int shared_per_block = 227 << 10;
  int shared_per_multiprocessor = 228 << 10;
  int cache = 16 << 10;
  Order order = Order::forward;
  uint64_t launches = 0;
};
inline Machine machine;

constexpr size_t kSharedBytes = size_t{256} << 10;
extern std::byte* const shared_memory;  // shared_memory.cc

/// Runs one block of `threads` fibers; `body` is the kernel for the current thread.
class BlockRunner {
 public:
  void run(unsigned threads, const std::function<void()>& body);
  void barrier() { wait(true); }
  /// All threads of a warp go through the same of these.
  void warp_barrier() { wait(false); }
  unsigned current = 0;

 private:
  static void enter();
  void wait(bool for_block);
  struct Fiber {
    ucontext_t context;
    std::unique_ptr<std::byte[]> stack;
    bool done, waits_for_block;
  };
  std::vector<Fiber> fibers_;
  ucontext_t scheduler_;
  const std::function<void()>* body_ = nullptr;
};
inline BlockRunner block_runner;
inline std::mt19937 shuffle{1};

constexpr size_t kStackBytes = size_t{256} << 10;

inline void BlockRunner::enter() {
  (*block_runner.body_)();
  block_runner.fibers_[block_runner.current].done = true;
  swapcontext(&block_runner.fibers_[block_runner.current].context, &block_runner.scheduler_);
}

inline void BlockRunner::wait(bool for_block) {
  fibers_[current].waits_for_block = for_block;
  swapcontext(&fibers_[current].context, &scheduler_);
}

inline void BlockRunner::run(unsigned threads, const std::function<void()>& body) {
  body_ = &body;
  fibers_.resize(threads);
  for (Fiber& fiber : fibers_) {
    if (!fiber.stack) fiber.stack = std::make_unique<std::byte[]>(kStackBytes);
    fiber.done = fiber.waits_for_block = false;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, &BlockRunner::enter, 0);
  }
  std::vector<unsigned> order(threads);
  std::iota(order.begin(), order.end(), 0u);
  if (machine.order == Order::backward) std::reverse(order.begin(), order.end());
  for (;;) {
    if (machine.order == Order::shuffled) std::shuffle(order.begin(), order.end(), shuffle);
    // Warps may go through barriers of their own while others wait for the block.
    unsigned done = 0, waiting = 0;
    for (unsigned thread : order) {
      current = thread;
      if (!fibers_[thread].done && !fibers_[thread].waits_for_block) {
        swapcontext(&scheduler_, &fibers_[thread].context);
      }
      done += fibers_[thread].done;
      waiting += !fibers_[thread].done && fibers_[thread].waits_for_block;
    }
    if (done == threads) return;
    if (done + waiting < threads) continue;
    if (done != 0) {
      std::fprintf(stderr, "%u of %u threads ended before a barrier that the others wait at\n", done, threads);
      std::abort();
    }
    for (Fiber& fiber : fibers_) fiber.waits_for_block = false;
  }
}

}  // namespace emulated

struct ThreadIndex {
  struct {
    operator unsigned() const { return emulated::block_runner.current; }
  } x;
};
inline ThreadIndex threadIdx;
inline dim3 blockIdx, gridDim, blockDim;
template <class T>
T __ldcg(const T* from) {
  return *from;
}
inline void __threadfence() {}
inline unsigned atomicAdd(unsigned* to, unsigned value) {
  const unsigned before = *to;
  *to += value;
  return before;
}
inline void __syncthreads() { emulated::block_runner.barrier(); }
inline int __syncthreads_or(int truth) {
  static bool any;
  any = false;
  __syncthreads();
  any |= truth != 0;
  __syncthreads();
  const bool found = any;
  __syncthreads();  // before the next call clears what others have yet to read
  return found;
}
inline void __syncwarp() { emulated::block_runner.warp_barrier(); }
inline float __shfl_xor_sync(unsigned, float value, int mask) {
  static float values[1024];
  const unsigned thread = threadIdx.x;
  values[thread] = value;
  emulated::block_runner.warp_barrier();
  const float other = values[thread ^ static_cast<unsigned>(mask)];
  emulated::block_runner.warp_barrier();  // before the next exchange overwrites what others have yet to read
  return other;
}

// ---- runtime ----

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaDeviceAttr {
  cudaDevAttrClockRate,
  cudaDevAttrMemoryClockRate,
  cudaDevAttrGlobalMemoryBusWidth,
  cudaDevAttrMultiProcessorCount,
  cudaDevAttrMaxSharedMemoryPerBlockOptin,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor,
  cudaDevAttrL2CacheSize,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize, cudaFuncAttributePreferredSharedMemoryCarveout };
enum { cudaStreamNonBlocking = 1, cudaHostAllocPortable = 1, cudaSharedmemCarveoutMaxShared = 100 };
struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem;
  int major, minor, multiProcessorCount;
};
struct EmulatedStream {
  std::deque<std::function<void()>> work;
};
using cudaStream_t = EmulatedStream*;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

namespace emulated {
inline std::vector<cudaStream_t> streams;
inline void drain(cudaStream_t stream) {
  while (!stream->work.empty()) {
    const auto work = std::move(stream->work.front());
    stream->work.pop_front();
    work();
  }
}
inline void enqueue(cudaStream_t stream, std::function<void()> work) { stream->work.push_back(std::move(work)); }
}  // namespace emulated

inline const char* cudaGetErrorName(cudaError_t) { return "cudaErrorEmulated"; }
inline const char* cudaGetErrorString(cudaError_t) { return "an emulated error"; }
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int* count) { return *count = 1, cudaSuccess; }
inline cudaError_t cudaGetDevice(int* device) { return *device = 0, cudaSuccess; }
inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"an emulated GPU", size_t{1} << 30, 9, 0, emulated::machine.multiprocessors};
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int) {
  *value = name == cudaDevAttrMultiProcessorCount                ? emulated::machine.multiprocessors
           : name == cudaDevAttrMaxSharedMemoryPerBlockOptin     ? emulated::machine.shared_per_block
           : name == cudaDevAttrMaxSharedMemoryPerMultiprocessor ? emulated::machine.shared_per_multiprocessor
           : name == cudaDevAttrL2CacheSize                      ? emulated::machine.cache
                                                                 : 1;
  return cudaSuccess;
}
template <class T>
cudaError_t cudaMalloc(T** pointer, size_t bytes) {
  *pointer = static_cast<T*>(std::aligned_alloc(256, (bytes + 255) / 256 * 256));
  std::memset(static_cast<void*>(*pointer), 0xff, bytes);  // NaN
  return cudaSuccess;
}
inline cudaError_t cudaFree(void* pointer) { return std::free(pointer), cudaSuccess; }
inline cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) { return cudaMalloc(pointer, bytes); }
inline cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }
inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
  return std::memcpy(to, from, bytes), cudaSuccess;
}
/// From ordinary host memory: what is there at the call.
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (kind != cudaMemcpyHostToDevice) return emulated::enqueue(stream, [=] { std::memcpy(to, from, bytes); }), cudaSuccess;
  const auto* const first = static_cast<const std::byte*>(from);
  emulated::enqueue(stream, [to, taken = std::vector<std::byte>(first, first + bytes)] {
    std::memcpy(to, taken.data(), taken.size());
  });
  return cudaSuccess;
}
inline cudaError_t cudaMemset(void* to, int value, size_t bytes) { return std::memset(to, value, bytes), cudaSuccess; }
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  return emulated::enqueue(stream, [=] { std::memset(to, value, bytes); }), cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  emulated::streams.push_back(*stream = new EmulatedStream);
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::erase(emulated::streams, stream);
  delete stream;
  return cudaSuccess;
}
/// Whatever other streams hold runs first: nothing may rely on it coming later.
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  for (cudaStream_t other : emulated::streams) {
    if (other != stream) emulated::drain(other);
  }
  if (stream) emulated::drain(stream);
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetPCIBusId(char* address, int length, int) {
  return std::snprintf(address, length, "0000:00:00.0"), cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaStreamSynchronize(nullptr); }
enum cudaMemoryType { cudaMemoryTypeUnregistered, cudaMemoryTypeHost };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void*) {
  return attributes->type = cudaMemoryTypeUnregistered, cudaSuccess;
}
inline cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int value) {
  return value <= emulated::machine.shared_per_block ? cudaSuccess : cudaErrorInvalidValue;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  if (config->dynamicSmemBytes > static_cast<size_t>(emulated::machine.shared_per_block)) return cudaErrorInvalidValue;
  const cudaLaunchConfig_t launch = *config;
  emulated::enqueue(launch.stream, [launch, kernel, values = std::tuple<std::decay_t<Parameters>...>(arguments...)] {
    ++emulated::machine.launches;
    gridDim = launch.gridDim, blockDim = launch.blockDim;
    std::byte* shared = emulated::shared_memory;
    const std::function<void()> body = [&] { std::apply(kernel, values); };
    for (unsigned block = 0; block < launch.gridDim.x; ++block) {
      blockIdx.x = block;
#if defined(__SANITIZE_ADDRESS__)
      ASAN_UNPOISON_MEMORY_REGION(shared, emulated::kSharedBytes);
#endif
      std::memset(shared, 0xff, emulated::kSharedBytes);
#if defined(__SANITIZE_ADDRESS__)
      ASAN_POISON_MEMORY_REGION(shared + launch.dynamicSmemBytes, emulated::kSharedBytes - launch.dynamicSmemBytes);
#endif
      emulated::block_runner.run(launch.blockDim.x, body);
    }
  });
  return cudaSuccess;
}
