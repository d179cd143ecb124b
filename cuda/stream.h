// Streams, and the arrays of a call on their way to and from the device.
#pragma once

#include <cuda_runtime.h>

#include <vector>

#include "core/executor.h"
#include "cuda/check.h"
#include "cuda/memory.h"

namespace gauntlet::cuda {

class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "create a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t stream() const { return stream_; }
  /// `doing`: what has been at work on it.
  void synchronize(const char* doing) const { check(cudaStreamSynchronize(stream_), doing); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// However a call ends, nothing is left in flight that touches the caller's memory.
struct Settle {
  const Stream& stream;
  ~Settle() { cudaStreamSynchronize(stream.stream()); }
};

/// Frees streams and memory by `release` on their own device, or not at all once the driver is gone.
template <class Release>
void release_on(int device, const Release& release) {
  int previous = 0;
  if (cudaGetDevice(&previous) != cudaSuccess || cudaSetDevice(device) != cudaSuccess) return;
  release();
  cudaSetDevice(previous);
}

/// Copies the arrays of a call that live on the host to the device, each as a whole, and results back. For calls that may need any
/// row at any time; what goes through its rows in order is better cut into chunks.
class Staging {
 public:
  explicit Staging(size_t arrays) : buffers_(arrays) {}

  /// Where array n is on the device; with `read`, once the stream is there, with its contents.
  float* enter(size_t n, const Operand& operand, size_t floats, bool read, cudaStream_t stream) {
    if (operand.on_device || floats == 0) return operand.data;
    float* const data = static_cast<float*>(buffers_[n].reserve(floats * sizeof(float)));
    if (read) {
      check(cudaMemcpyAsync(data, operand.data, floats * sizeof(float), cudaMemcpyHostToDevice, stream),
            "copy an operand to the device");
    }
    return data;
  }
  void leave(size_t n, const Operand& operand, size_t floats, cudaStream_t stream) const {
    if (operand.on_device || floats == 0) return;
    check(cudaMemcpyAsync(operand.data, buffers_[n].data(), floats * sizeof(float), cudaMemcpyDeviceToHost, stream),
          "copy the result to the host");
  }

 private:
  std::vector<DeviceBuffer> buffers_;
};

}  // namespace gauntlet::cuda
