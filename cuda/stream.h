// Streams, and the arrays of a call on their way to and from the device.
//
// All work on arrays that live on a device follows on one stream of that device, in the order of the calls, so that a call need not wait
// for its result: the next one will. A call with arrays in host memory waits before it returns, since the caller may read or change
// them then.
#pragma once

#include <cuda_runtime.h>

#include <span>
#include <vector>

#include "core/executor.h"
#include "cuda/check.h"
#include "cuda/memory.h"

namespace gauntlet::cuda {

/// The stream of the current device that its calls share; never destroyed.
cudaStream_t shared_stream();

/// A stream for copies that run beside the shared one.
class Stream {
 public:
  Stream() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "create a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Waits for all work on a stream; `doing` says what it has been at.
inline void synchronize(cudaStream_t stream, const char* doing) { check(cudaStreamSynchronize(stream), doing); }

/// The shared stream and one beside it, which take chunks of a call by turns, each with the memory M that the work in flight uses.
template <class M>
class StreamPair {
 public:
  struct Slot {
    cudaStream_t stream;
    M memory = {};
  };

  Slot& operator[](size_t n) { return slots_[n]; }
  void wait(const char* doing) const {
    for (const Slot& slot : slots_) synchronize(slot.stream, doing);
  }

  /// However a call ends, nothing is left in flight that touches the caller's memory, if any takes part.
  class Settle {
   public:
    Settle(const StreamPair& pair, bool waits) : pair_(pair), waits_(waits) {}
    ~Settle() {
      if (!waits_) return;
      for (const Slot& slot : pair_.slots_) cudaStreamSynchronize(slot.stream);
    }
    Settle(const Settle&) = delete;
    Settle& operator=(const Settle&) = delete;

   private:
    const StreamPair& pair_;
    const bool waits_;
  };

 private:
  Stream beside_;
  Slot slots_[2] = {{shared_stream()}, {beside_.stream()}};
};

/// Frees memory by `release` on its own device, or not at all once the driver is gone.
template <class Release>
void release_on(int device, const Release& release) {
  int previous = 0;
  if (cudaGetDevice(&previous) != cudaSuccess || cudaSetDevice(device) != cudaSuccess) return;
  release();
  cudaSetDevice(previous);
}

/// Device memory for arrays of calls that live on the host. For calls that may need any row at any time; what goes through its rows in
/// order is better cut into chunks.
class Staging {
 public:
  explicit Staging(size_t arrays) : buffers_(arrays) {}

  /// One call on the shared stream, and what it has copied. However it ends, nothing is left in flight that touches the caller's memory.
  class Call {
   public:
    Call(Staging& staging, cudaStream_t stream) : buffers_(staging.buffers_), stream_(stream) {}
    ~Call() {
      if (waits_) cudaStreamSynchronize(stream_);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    cudaStream_t stream() const { return stream_; }

    /// Where array n is on the device; with `read`, once the stream is there, with its contents.
    float* enter(size_t n, const Operand& operand, size_t floats, bool read) {
      if (operand.on_device || floats == 0) return operand.data;
      float* const data = static_cast<float*>(buffers_[n].reserve(floats * sizeof(float)));
      if (read) copy(data, operand.data, floats, cudaMemcpyHostToDevice, "copy an operand to the device");
      return data;
    }
    /// Copies array n back to where it came from.
    void leave(size_t n, const Operand& operand, size_t floats) {
      if (operand.on_device || floats == 0) return;
      copy(operand.data, static_cast<float*>(buffers_[n].data()), floats, cudaMemcpyDeviceToHost,
           "copy the result to the host");
    }
    /// A list that lies on the host.
    const int32_t* upload(DeviceBuffer& buffer, std::span<const int32_t> list) {
      if (list.empty()) return nullptr;
      auto* const data = static_cast<int32_t*>(buffer.reserve(list.size_bytes()));
      // The driver takes a list from ordinary memory before the copy returns, but from page-locked memory at any time.
      waits_ = waits_ || is_pinned(list.data());
      check(cudaMemcpyAsync(data, list.data(), list.size_bytes(), cudaMemcpyHostToDevice, stream_),
            "copy a list to the device");
      return data;
    }
    /// Waits if the caller's memory takes part.
    void finish(const char* doing) {
      if (waits_) synchronize(stream_, doing);
      waits_ = false;
    }

   private:
    void copy(float* to, const float* from, size_t floats, cudaMemcpyKind kind, const char* doing) {
      waits_ = true;
      check(cudaMemcpyAsync(to, from, floats * sizeof(float), kind, stream_), doing);
    }

    std::vector<DeviceBuffer>& buffers_;
    const cudaStream_t stream_;
    bool waits_ = false;
  };

 private:
  std::vector<DeviceBuffer> buffers_;
};

}  // namespace gauntlet::cuda
