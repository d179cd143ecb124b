// CUDA errors as gauntlet::Error, and the calling thread's current device.
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "core/error.h"

namespace gauntlet::cuda {

/// The package's error for a failed call; `doing` completes "CUDA failed to ...".
[[nodiscard]] Error failure(cudaError_t result, const std::string& doing);

inline void check(cudaError_t result, const char* doing) {
  if (result == cudaSuccess) return;
  cudaGetLastError();  // the error is reported here and now; the next call must not find it again
  throw failure(result, doing);
}

/// Makes a device current for the calling thread, and gives back the one before.
class DeviceScope {
 public:
  explicit DeviceScope(int device) {
    check(cudaGetDevice(&previous_), "find the current device");
    if (previous_ == device) previous_ = -1;
    check(cudaSetDevice(device), "select a device");
  }
  ~DeviceScope() {
    if (previous_ >= 0) cudaSetDevice(previous_);
  }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int previous_ = -1;
};

}  // namespace gauntlet::cuda
