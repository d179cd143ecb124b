// Evaluates a plan on one GPU.
//
// Operands in host memory go through device memory in chunks of samples, by turns on two streams, so that the copies of one
// chunk run beside the kernels of the other. Page-locked memory is read and written by the copy engines directly; any other goes
// through the driver's own staging. Operands that are on the device are used where they are; where all are, nobody waits.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
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
#include "cuda/stream.h"

namespace gauntlet {
namespace cuda {
namespace {

constexpr size_t kMostStaging = size_t{256} << 20;  // bytes on the device for operands that live on the host
constexpr size_t kLeastChunk = size_t{8} << 20;     // smaller copies do not fill the bus
constexpr size_t kChunks = 8;  // to cut a batch into, between these bounds: the first copy is not hidden

std::unique_ptr<Program> make_program(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights,
                                      int target, const Device& device) {
  return std::visit(
      [&](const auto& form) {
        using F = std::decay_t<decltype(form)>;
        if constexpr (std::is_same_v<F, SparseForm>) return make_sparse_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, DenseForm>) return make_dense_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, GridForm>) return make_grid_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, FourierForm>) return make_fourier_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, MatrixForm>) return make_matrix_program(group, dim, target, device);
        if constexpr (std::is_same_v<F, MixedForm>)
          return make_mixed_program(group, dim, shared_weights, target, device);
      },
      group.form);
}

/// What computes one target of the plan.
struct Programs {
  std::vector<std::unique_ptr<Program>> groups;
  bool clear = false;  // what belongs to no group takes no part in the product, what belongs to several is their sum:
  bool add = false;    // zero the target first, and let every group add to it
  size_t workspace_bytes = 0;

  Programs(const Plan& plan, int target, const Device& device) {
    const Coverage coverage = coverage_of(plan, target);
    add = !coverage.single;
    clear = add || !coverage.complete;
    for (const Group& group : plan.groups) {
      const auto make = [&](const Group& one, const int32_t (&dim)[kOperands]) {
        return make_program(one, dim, plan.shared_weights, target, device);
      };
      const bool mixed = std::holds_alternative<MixedForm>(group.form);  // sums over lanes itself
      const bool shared = !mixed && target < kWeights && group.sides[target].shared_by_lanes(group.channels);
      groups.push_back(shared ? make_lane_sum(group, plan.dim, target, device, make) : make(group, plan.dim));
      workspace_bytes = std::max(workspace_bytes, groups.back()->workspace_bytes());
    }
  }
};

struct ChunkMemory {
  DeviceBuffer operands[kOperands];
  DeviceBuffer workspace;
};
using Streams = StreamPair<ChunkMemory>;
using Slot = Streams::Slot;

class CudaExecutor final : public Executor {
 public:
  CudaExecutor(const Plan& plan, int device) : plan_(plan), device_(device) {
    const DeviceScope scope(device_);
    limits_ = read_device(device_);
    streams_.emplace();
    programs(2);  // nearly every product runs forward; the others are made when first asked for
  }

  ~CudaExecutor() override {
    release_on(device_, [&] {
      streams_.reset();
      for (std::optional<Programs>& programs : programs_) programs.reset();
    });
  }

  void evaluate(std::span<const Evaluation> evaluations, size_t batch) override {
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    for (const auto& [target, operands, accumulate] : evaluations) evaluate(target, operands, batch, accumulate);
  }

 private:
  void evaluate(int target, const Operand (&operands)[kOperands], size_t batch, bool accumulate) {
    if (batch == 0) {
      if (!accumulate) clear(operands[target], plan_.rows(target, 0) * row_bytes(target));
      return;
    }
    const Work work{programs(target), target, operands, accumulate};
    Streams& streams = *streams_;
    bool staged = false;
    for (int o = 0; o < kOperands; ++o) staged = staged || (!operands[o].on_device && row_bytes(o) > 0);
    const size_t chunk = chunk_of(operands, batch);
    for (size_t n = 0; n < (chunk < batch ? 2 : 1); ++n) {
      ChunkMemory& memory = streams[n].memory;
      if (work.programs.workspace_bytes > 0) memory.workspace.reserve(work.programs.workspace_bytes);
      for (int o = 0; o < kOperands; ++o) {
        if (!operands[o].on_device) memory.operands[o].reserve(plan_.rows(o, chunk) * row_bytes(o));
      }
    }
    const Streams::Settle settle(streams, staged);
    if (chunk < batch) streams.wait("wait for the device");  // the second stream must not overtake earlier calls
    // A copy to memory that is not page-locked blocks, so the result of a chunk is fetched only once the next one is on its way.
    const bool sum = one_row(target);
    const size_t chunks = (batch + chunk - 1) / chunk;
    const auto slot = [&](size_t n) -> const Slot& { return streams[sum ? 0 : n % 2]; };
    for (size_t n = 0; n <= chunks; ++n) {
      if (n < chunks) start(work, n * chunk, std::min(chunk, batch - n * chunk), slot(n));
      if (n == 0 || (sum && n < chunks)) continue;
      fetch(work, (n - 1) * chunk, std::min(chunk, batch - (n - 1) * chunk), slot(n - 1));
    }
    if (staged) streams.wait("run a product");
  }

  struct Work {
    const Programs& programs;
    int target;
    const Operand (&operands)[kOperands];
    bool accumulate;
  };

  size_t row_bytes(int o) const { return plan_.dim[o] * sizeof(float); }

  /// Whether an operand has one row for all samples, which as a target is a sum over chunks.
  bool one_row(int o) const { return o == kWeights && plan_.shared_weights; }

  /// Samples to stage at a time: all of them where nothing needs staging.
  size_t chunk_of(const Operand (&operands)[kOperands], size_t batch) const {
    size_t bytes = 0;
    for (int o = 0; o < kOperands; ++o) bytes += operands[o].on_device || one_row(o) ? 0 : row_bytes(o);
    if (bytes == 0) return batch;
    const size_t wanted = std::clamp(batch * bytes / kChunks, kLeastChunk, kMostStaging / 2);
    return std::clamp<size_t>(wanted / bytes, 1, batch);
  }

  /// An operand's rows of the chunk that begins at sample `first`, as the caller has them.
  float* rows_of(const Operand& operand, int o, size_t first) const {
    return operand.data + (one_row(o) ? 0 : first * plan_.dim[o]);
  }

  void start(const Work& work, size_t first, size_t count, const Slot& slot) const {
    // Chunks of a sum over samples follow one another on one stream.
    const bool add = work.accumulate || (one_row(work.target) && first > 0);
    float* data[kOperands];
    for (int o = 0; o < kOperands; ++o) {
      const Operand& operand = work.operands[o];
      float* const rows = rows_of(operand, o, first);
      data[o] = operand.on_device ? rows : static_cast<float*>(slot.memory.operands[o].data());
      const bool wanted = o != work.target || (work.accumulate && !(one_row(o) && first > 0));
      if (!wanted || operand.on_device || row_bytes(o) == 0) continue;
      check(cudaMemcpyAsync(data[o], rows, plan_.rows(o, count) * row_bytes(o), cudaMemcpyHostToDevice, slot.stream),
            "copy an operand to the device");
    }
    if (work.programs.clear && !add) {
      const size_t bytes = plan_.rows(work.target, count) * row_bytes(work.target);
      if (bytes > 0) check(cudaMemsetAsync(data[work.target], 0, bytes, slot.stream), "clear the result");
    }
    const Call call{.left = data[left_of(work.target)],
                    .right = data[right_of(work.target)],
                    .out = data[work.target],
                    .data = {data[0], data[1], data[2], data[3]},
                    .samples = static_cast<int64_t>(count),
                    .accumulate = add || work.programs.add,
                    .workspace = static_cast<float*>(slot.memory.workspace.data())};
    for (const std::unique_ptr<Program>& group : work.programs.groups) group->launch(call, slot.stream);
  }

  void fetch(const Work& work, size_t first, size_t count, const Slot& slot) const {
    const Operand& operand = work.operands[work.target];
    const size_t bytes = plan_.rows(work.target, count) * row_bytes(work.target);
    if (operand.on_device || bytes == 0) return;
    check(cudaMemcpyAsync(rows_of(operand, work.target, first), slot.memory.operands[work.target].data(), bytes,
                          cudaMemcpyDeviceToHost, slot.stream),
          "copy the result to the host");
  }

  /// The value of a product of no samples.
  void clear(const Operand& operand, size_t bytes) const {
    if (bytes == 0) return;
    if (!operand.on_device) {
      std::memset(operand.data, 0, bytes);
    } else {
      check(cudaMemsetAsync(operand.data, 0, bytes, shared_stream()), "clear the result");
    }
  }

  const Programs& programs(int target) {
    std::optional<Programs>& made = programs_[target];
    if (!made) made.emplace(plan_, target, limits_);
    return *made;
  }

  const Plan plan_;
  const int device_;
  Device limits_;
  std::mutex mutex_;  // one evaluation at a time: the memory is this executor's
  std::optional<Streams> streams_;
  std::optional<Programs> programs_[kOperands];
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Executor> make_cuda_executor(const Plan& plan, int device) {
  cuda::require_device(device);
  return std::make_unique<cuda::CudaExecutor>(plan, device);
}

}  // namespace gauntlet
