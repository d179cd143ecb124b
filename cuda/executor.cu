// Evaluates a plan on one GPU.
//
// Operands in host memory go through device memory in chunks of samples, by turns on two streams, so that the copies of one
// chunk run beside the kernels of the other. Page-locked memory is read and written by the copy engines directly; any other goes
// through the driver's own staging. Operands that are on the device are used where they are.
#include <cuda_runtime.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "core/executor.h"
#include "cuda/check.h"
#include "cuda/layout.h"
#include "cuda/memory.h"
#include "cuda/program.h"
#include "cuda/runtime.h"

namespace gauntlet {
namespace cuda {
namespace {

constexpr size_t kMostStaging = size_t{256} << 20;  // bytes on the device for operands that live on the host
constexpr size_t kLeastChunk = size_t{8} << 20;     // smaller copies do not fill the bus
constexpr size_t kChunks = 8;  // to cut a batch into, between these bounds: the first copy is not hidden

std::unique_ptr<Program> make_program(const Group& group, const int32_t (&dim)[3], int target, const Device& device) {
  return std::visit(
      [&](const auto& form) {
        using F = std::decay_t<decltype(form)>;
        if constexpr (std::is_same_v<F, SparseForm>) return make_sparse_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, DenseForm>) return make_dense_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, GridForm>) return make_grid_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, FourierForm>) return make_fourier_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, MatrixForm>) return make_matrix_program(group, dim, target, device);
      },
      group.form);
}

/// What computes one target of the plan.
struct Programs {
  std::vector<std::unique_ptr<Program>> groups;
  bool clear = false;       // zero the target first
  bool accumulate = false;  // and let every group add to it
  size_t workspace_bytes = 0;

  Programs(const Plan& plan, int target, const Device& device) {
    const Coverage coverage = coverage_of(plan, target);
    accumulate = !coverage.single;
    clear = accumulate || !coverage.complete;
    for (const Group& group : plan.groups) {
      require_own_lanes(group, target);
      groups.push_back(make_program(group, plan.dim, target, device));
      workspace_bytes = std::max(workspace_bytes, groups.back()->workspace_bytes());
    }
  }
};

/// A stream, with the memory that the work in flight on it uses.
class Slot {
 public:
  Slot() { check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "create a stream"); }
  ~Slot() { cudaStreamDestroy(stream_); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  cudaStream_t stream() const { return stream_; }
  void synchronize() const { check(cudaStreamSynchronize(stream_), "run a product"); }

  DeviceBuffer operands[3];
  DeviceBuffer workspace;

 private:
  cudaStream_t stream_ = nullptr;
};

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(const Plan& plan, int device) : plan_(plan), device_(device) {
    const DeviceScope scope(device_);
    const auto attribute = [&](cudaDeviceAttr name) {
      int value = 0;
      check(cudaDeviceGetAttribute(&value, name, device_), "read a device attribute");
      return value;
    };
    limits_ = {.multiprocessors = attribute(cudaDevAttrMultiProcessorCount),
               .shared_per_block = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin),
               .shared_per_multiprocessor = attribute(cudaDevAttrMaxSharedMemoryPerMultiprocessor)};
    for (std::optional<Slot>& slot : slots_) slot.emplace();
    programs(2);  // nearly every product runs forward; the other two are made when first asked for
  }

  ~CudaExecutor() override {
    // Streams and memory are freed on their own device, or not at all once the driver is gone.
    int previous = 0;
    if (cudaGetDevice(&previous) != cudaSuccess || cudaSetDevice(device_) != cudaSuccess) return;
    for (std::optional<Slot>& slot : slots_) slot.reset();
    for (std::optional<Programs>& programs : programs_) programs.reset();
    cudaSetDevice(previous);
  }

  void evaluate(int target, const Operand (&operands)[3], size_t batch) override {
    if (target < 0 || target > 2) {
      throw Error("ERR_ARGUMENT", "Expected 0, 1 or 2 for target but received " + std::to_string(target));
    }
    if (batch == 0) return;
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    const Programs& work = programs(target);
    const size_t chunk = chunk_of(operands, batch);
    for (std::optional<Slot>& slot : slots_) {
      if (work.workspace_bytes > 0) slot->workspace.reserve(work.workspace_bytes);
      for (int o = 0; o < 3; ++o) {
        if (!operands[o].on_device) slot->operands[o].reserve(chunk * row_bytes(o));
      }
      if (chunk == batch) break;
    }
    const Settle settle{slots_};
    // A copy to memory that is not page-locked blocks, so the result of a chunk is fetched only once the next one is on its way.
    const size_t chunks = (batch + chunk - 1) / chunk;
    for (size_t n = 0; n <= chunks; ++n) {
      if (n < chunks) start(work, target, operands, n * chunk, std::min(chunk, batch - n * chunk), *slots_[n % 2]);
      if (n > 0)
        fetch(target, operands, (n - 1) * chunk, std::min(chunk, batch - (n - 1) * chunk), *slots_[(n - 1) % 2]);
    }
    for (const std::optional<Slot>& slot : slots_) slot->synchronize();
  }

 private:
  /// However evaluate ends, nothing is left in flight that touches the caller's memory.
  struct Settle {
    const std::optional<Slot> (&slots)[2];
    ~Settle() {
      for (const std::optional<Slot>& slot : slots) cudaStreamSynchronize(slot->stream());
    }
  };

  size_t row_bytes(int o) const { return plan_.dim[o] * sizeof(float); }

  /// Samples to stage at a time: all of them where nothing needs staging.
  size_t chunk_of(const Operand (&operands)[3], size_t batch) const {
    size_t bytes = 0;
    for (int o = 0; o < 3; ++o) bytes += operands[o].on_device ? 0 : row_bytes(o);
    if (bytes == 0) return batch;
    const size_t wanted = std::clamp(batch * bytes / kChunks, kLeastChunk, kMostStaging / 2);
    return std::clamp<size_t>(wanted / bytes, 1, batch);
  }

  float* on_device(const Operand& operand, int o, size_t first, Slot& slot) const {
    if (!operand.on_device) return static_cast<float*>(slot.operands[o].data());
    return operand.data + first * plan_.dim[o];
  }

  void start(const Programs& work, int target, const Operand (&operands)[3], size_t first, size_t count,
             Slot& slot) const {
    float* data[3];
    for (int o = 0; o < 3; ++o) {
      data[o] = on_device(operands[o], o, first, slot);
      if (o == target || operands[o].on_device || row_bytes(o) == 0) continue;
      check(cudaMemcpyAsync(data[o], operands[o].data + first * plan_.dim[o], count * row_bytes(o),
                            cudaMemcpyHostToDevice, slot.stream()),
            "copy an operand to the device");
    }
    if (work.clear)
      check(cudaMemsetAsync(data[target], 0, count * row_bytes(target), slot.stream()), "clear the result");
    const Call call{.left = data[left_of(target)],
                    .right = data[right_of(target)],
                    .out = data[target],
                    .samples = static_cast<int64_t>(count),
                    .accumulate = work.accumulate,
                    .workspace = static_cast<float*>(slot.workspace.data())};
    for (const std::unique_ptr<Program>& group : work.groups) group->launch(call, slot.stream());
  }

  void fetch(int target, const Operand (&operands)[3], size_t first, size_t count, Slot& slot) const {
    if (operands[target].on_device || row_bytes(target) == 0) return;
    check(cudaMemcpyAsync(operands[target].data + first * plan_.dim[target], slot.operands[target].data(),
                          count * row_bytes(target), cudaMemcpyDeviceToHost, slot.stream()),
          "copy the result to the host");
  }

  const Programs& programs(int target) {
    std::optional<Programs>& made = programs_[target];
    if (!made) made.emplace(plan_, target, limits_);
    return *made;
  }

  const Plan plan_;
  const int device_;
  Device limits_;
  std::mutex mutex_;  // one evaluation at a time: the streams and their memory are this executor's
  std::optional<Slot> slots_[2];
  std::optional<Programs> programs_[3];
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Executor> make_cuda_executor(const Plan& plan, int device) {
  const cuda::Status& status = cuda::status();
  if (!status.usable) throw Error("ERR_DEVICE", "There is no GPU to use: " + status.reason);
  if (device < 0 || device >= status.device_count) {
    throw Error("ERR_DEVICE", "Expected a GPU from 0 to " + std::to_string(status.device_count - 1) +
                                  " for device but received " + std::to_string(device));
  }
  return std::make_unique<cuda::CudaExecutor>(plan, device);
}

}  // namespace gauntlet
