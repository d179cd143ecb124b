// Memory of the current device, owned.
#pragma once

#include <cuda_runtime.h>

#include <utility>
#include <vector>

#include "cuda/check.h"

namespace gauntlet::cuda {

/// Grows, never shrinks: staging memory of a batch size that was seen once is there for the next.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  ~DeviceBuffer() {
    if (data_) cudaDeviceSynchronize();  // calls that use it may be in flight
    cudaFree(data_);                     // at process exit the driver may be gone: nothing is left to free then
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  /// At least `bytes`; old contents are lost, once nothing is in flight that uses them.
  void* reserve(size_t bytes) {
    if (bytes > bytes_) {
      if (data_) check(cudaDeviceSynchronize(), "wait for the device");
      check(cudaFree(std::exchange(data_, nullptr)), "free device memory");
      bytes_ = 0;
      check(cudaMalloc(&data_, bytes), "allocate device memory");
      bytes_ = bytes;
    }
    return data_;
  }
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

/// Whether the device can copy from host memory by itself, without the driver's taking it first.
inline bool is_pinned(const void* host) {
  cudaPointerAttributes attributes;
  if (cudaPointerGetAttributes(&attributes, host) == cudaSuccess) return attributes.type == cudaMemoryTypeHost;
  cudaGetLastError();
  return false;
}

/// A table that kernels read.
template <class T>
class Table {
 public:
  Table() = default;
  explicit Table(const std::vector<T>& values) {
    if (values.empty()) return;
    const size_t bytes = values.size() * sizeof(T);
    check(cudaMemcpy(buffer_.reserve(bytes), values.data(), bytes, cudaMemcpyHostToDevice), "upload a table");
    // From pageable memory the copy may return early, and the streams that read tables do not wait for the default one.
    check(cudaStreamSynchronize(nullptr), "upload a table");
  }
  const T* data() const { return static_cast<const T*>(buffer_.data()); }
  T* data() { return static_cast<T*>(buffer_.data()); }

 private:
  DeviceBuffer buffer_;
};

}  // namespace gauntlet::cuda
