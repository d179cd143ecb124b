#include <cuda_runtime.h>

#include <mutex>
#include <vector>

#include "cuda/check.h"
#include "cuda/device.h"
#include "cuda/runtime.h"
#include "cuda/stream.h"

namespace gauntlet::cuda {
namespace {

/// 13020 -> "13.2"
std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

std::string reason_of(cudaError_t result, const Status& status) {
  const std::string needed = version(status.runtime_version);
  switch (result) {
    case cudaErrorInsufficientDriver:
      if (status.driver_version == 0) return "no NVIDIA driver was found";
      return "the NVIDIA driver supports CUDA " + version(status.driver_version) + ", this build needs CUDA " + needed;
    case cudaErrorNoDevice: return "the NVIDIA driver reports no GPU";
    default: return std::string(cudaGetErrorName(result)) + ": " + cudaGetErrorString(result);
  }
}

Status probe() {
  Status status;
  cudaDriverGetVersion(&status.driver_version);  // stays 0 where there is no driver
  cudaRuntimeGetVersion(&status.runtime_version);
  cudaError_t result = cudaGetDeviceCount(&status.device_count);
  if (result == cudaSuccess && status.device_count == 0) result = cudaErrorNoDevice;
  status.usable = result == cudaSuccess;
  if (!status.usable) {
    cudaGetLastError();
    status.device_count = 0;
    status.reason = reason_of(result, status);
  }
  return status;
}

int attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  check(cudaDeviceGetAttribute(&value, name, device), "read a device attribute");
  return value;
}

/// After all calls before it. Waits where the host takes part.
void copy(int device, void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return;
  require_device(device);
  const DeviceScope scope(device);
  const cudaStream_t stream = shared_stream();
  check(cudaMemcpyAsync(to, from, bytes, kind, stream), "copy memory");
  if (kind != cudaMemcpyDeviceToDevice) synchronize(stream, "copy memory");
}

}  // namespace

Error failure(cudaError_t result, const std::string& doing) {
  const char* code = "ERR_CUDA";
  if (result == cudaErrorMemoryAllocation) code = "ERR_MEMORY";
  if (result == cudaErrorNoDevice || result == cudaErrorInvalidDevice || result == cudaErrorInsufficientDriver) {
    code = "ERR_DEVICE";
  }
  return Error(code,
               "CUDA failed to " + doing + ": " + cudaGetErrorName(result) + " (" + cudaGetErrorString(result) + ")");
}

const Status& status() {
  static const Status* found = new Status(probe());  // leaked: may be asked for while the process exits
  return *found;
}

void require_device(int device) {
  if (!status().usable) throw Error("ERR_DEVICE", "No GPU can be used: " + status().reason);
  if (device < 0 || device >= status().device_count) {
    throw Error("ERR_DEVICE", "Expected a GPU from 0 to " + std::to_string(status().device_count - 1) +
                                  " for device but received " + std::to_string(device));
  }
}

namespace {

std::vector<DeviceInfo> find_devices() {
  std::vector<DeviceInfo> found;
  for (int index = 0; index < status().device_count; ++index) {
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, index), "read a device's properties");
    found.push_back({
        .index = index,
        .name = properties.name,
        .memory = properties.totalGlobalMem,
        .major = properties.major,
        .minor = properties.minor,
        .multiprocessors = properties.multiProcessorCount,
        .clock_khz = attribute(cudaDevAttrClockRate, index),
        .memory_clock_khz = attribute(cudaDevAttrMemoryClockRate, index),
        .bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth, index),
    });
  }
  return found;
}

}  // namespace

const std::vector<DeviceInfo>& devices() {
  static const auto* found = new std::vector<DeviceInfo>(find_devices());  // CUDA takes long to tell; leaked as above
  return *found;
}

Device read_device(int device) {
  return {.multiprocessors = attribute(cudaDevAttrMultiProcessorCount, device),
          .shared_per_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
          .shared_per_multiprocessor = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor, device),
          .cache = attribute(cudaDevAttrL2CacheSize, device)};
}

cudaStream_t shared_stream() {
  static std::mutex mutex;
  static auto* streams = new std::vector<cudaStream_t>;  // leaked: threads may still be working while the process exits
  int device = 0;
  check(cudaGetDevice(&device), "find the current device");
  const std::lock_guard lock(mutex);
  if (streams->size() <= static_cast<size_t>(device)) streams->resize(device + 1, nullptr);
  cudaStream_t& stream = (*streams)[device];
  if (!stream) check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create a stream");
  return stream;
}

void synchronize(int device) {
  require_device(device);
  const DeviceScope scope(device);
  synchronize(shared_stream(), "finish what it was called for");
}

void* allocate_pinned(size_t bytes) {
  require_device(0);
  void* pointer = nullptr;
  check(cudaHostAlloc(&pointer, bytes ? bytes : 1, cudaHostAllocPortable), "allocate page-locked memory");
  return pointer;
}

void free_pinned(void* pointer) noexcept { cudaFreeHost(pointer); }

void* allocate_device(int device, size_t bytes) {
  require_device(device);
  const DeviceScope scope(device);
  void* pointer = nullptr;
  check(cudaMalloc(&pointer, bytes ? bytes : 1), "allocate device memory");
  return pointer;
}

void free_device(int device, void* pointer) noexcept {
  try {
    const DeviceScope scope(device);
    cudaDeviceSynchronize();  // calls that use it may be in flight
    cudaFree(pointer);
  } catch (const Error&) {  // the driver is gone, and the memory with it
  }
}

void copy_to_device(int device, void* to, const void* from, size_t bytes) {
  copy(device, to, from, bytes, cudaMemcpyHostToDevice);
}

void copy_to_host(int device, void* to, const void* from, size_t bytes) {
  copy(device, to, from, bytes, cudaMemcpyDeviceToHost);
}

void copy_on_device(int device, void* to, const void* from, size_t bytes) {
  copy(device, to, from, bytes, cudaMemcpyDeviceToDevice);
}

}  // namespace gauntlet::cuda
