// Runs an edge function on one GPU. Arrays in host memory go through device memory in chunks of rows, by turns on two streams, so
// that the copies of one chunk run beside the kernel of the other; arrays on the device are used where they are, and where all are,
// nobody waits.
#include <algorithm>
#include <mutex>
#include <optional>

#include "core/edge_function.h"
#include "cuda/check.h"
#include "cuda/edge.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/stream.h"

namespace gauntlet {
namespace cuda {
namespace {

constexpr size_t kLeastChunk = size_t{8} << 20;  // bytes; smaller copies do not fill the bus
constexpr size_t kMostChunk = size_t{128} << 20;
constexpr size_t kChunks = 8;  // to cut a call into, between these bounds: the first copy is not hidden

/// The arrays of a call, as they are staged.
struct Array {
  Operand EdgeOperands::* operand;
  bool values;  // rows of values, else of x
  Pass from;    // the first pass that has it
  bool result;
};
constexpr Array kArrays[] = {{&EdgeOperands::v, false, Pass::double_backward, false},
                             {&EdgeOperands::grad_out, true, Pass::backward, false},
                             {&EdgeOperands::x, false, Pass::forward, false},
                             {&EdgeOperands::values, true, Pass::forward, true},
                             {&EdgeOperands::grad, false, Pass::backward, true}};
constexpr int kArrayCount = 5;

bool takes_part(const Array& array, Pass pass) {
  return pass >= array.from && !(pass == Pass::backward && array.result && array.values);
}

struct ChunkMemory {
  DeviceBuffer staged[kArrayCount];
};
using Streams = StreamPair<ChunkMemory>;
using Slot = Streams::Slot;

class CudaEdgeFunction final : public EdgeFunction {
 public:
  CudaEdgeFunction(const EdgeTable& table, int device)
      : device_(device), inputs_(edge_inputs(table)), values_(edge_values(table)) {
    const DeviceScope scope(device_);
    const int multiprocessors = read_device(device_).multiprocessors;
    streams_.emplace();
    program_ = std::visit([&](const auto& of) { return make_edge_program(of, multiprocessors); }, table);
  }

  ~CudaEdgeFunction() override {
    release_on(device_, [&] { streams_.reset(); });
  }

  void run(Pass pass, const EdgeOperands& operands, size_t rows) override {
    if (rows == 0) return;
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    const size_t chunk = chunk_of(pass, operands, rows), chunks = (rows + chunk - 1) / chunk;
    const auto count = [&](size_t n) { return std::min(chunk, rows - n * chunk); };
    Streams& streams = *streams_;
    bool staged = false;
    for_staged(pass, operands, [&](const Array&, const Operand&, int) { staged = true; });
    for (size_t n = 0; n < std::min<size_t>(chunks, 2); ++n) reserve(pass, operands, chunk, streams[n]);
    const Streams::Settle settle(streams, staged);
    if (chunks > 1) streams.wait("wait for the device");  // the second stream must not overtake earlier calls
    // A copy to memory that is not page-locked blocks, so the result of a chunk is fetched only once the next one is on its way.
    for (size_t n = 0; n <= chunks; ++n) {
      if (n < chunks) start(pass, operands, n * chunk, count(n), streams[n % 2]);
      if (n > 0) fetch(pass, operands, (n - 1) * chunk, count(n - 1), streams[(n - 1) % 2]);
    }
    if (staged) streams.wait("run an edge function");
  }

 private:
  size_t row_floats(const Array& array) const { return array.values ? values_ : inputs_; }

  /// Calls f(array, operand, its number) for the arrays of a pass that live on the host.
  template <class F>
  static void for_staged(Pass pass, const EdgeOperands& operands, const F& f) {
    for (int n = 0; n < kArrayCount; ++n) {
      const Operand& operand = operands.*kArrays[n].operand;
      if (takes_part(kArrays[n], pass) && !operand.on_device) f(kArrays[n], operand, n);
    }
  }

  /// Rows to stage at a time: all of them where nothing needs staging.
  size_t chunk_of(Pass pass, const EdgeOperands& operands, size_t rows) const {
    size_t bytes = 0;
    for_staged(pass, operands,
               [&](const Array& array, const Operand&, int) { bytes += row_floats(array) * sizeof(float); });
    if (bytes == 0) return rows;
    const size_t wanted = std::clamp(rows * bytes / kChunks, kLeastChunk, kMostChunk);
    return std::clamp<size_t>(wanted / bytes, 1, rows);
  }

  void reserve(Pass pass, const EdgeOperands& operands, size_t chunk, Slot& slot) const {
    for_staged(pass, operands, [&](const Array& array, const Operand&, int n) {
      slot.memory.staged[n].reserve(chunk * row_floats(array) * sizeof(float));
    });
  }

  void start(Pass pass, const EdgeOperands& operands, size_t first, size_t count, Slot& slot) const {
    for_staged(pass, operands, [&](const Array& array, const Operand& operand, int n) {
      if (array.result) return;
      const size_t floats = row_floats(array);
      check(cudaMemcpyAsync(slot.memory.staged[n].data(), operand.data + first * floats, count * floats * sizeof(float),
                            cudaMemcpyHostToDevice, slot.stream),
            "copy an operand to the device");
    });
    float* data[kArrayCount] = {};
    for (int n = 0; n < kArrayCount; ++n) {
      const Operand& operand = operands.*kArrays[n].operand;
      if (!takes_part(kArrays[n], pass)) continue;
      data[n] = operand.on_device ? operand.data + first * row_floats(kArrays[n])
                                  : static_cast<float*>(slot.memory.staged[n].data());
    }
    const EdgeCall call{.v = data[0],
                        .grad_out = data[1],
                        .x = data[2],
                        .values = data[3],
                        .grad = data[4],
                        .rows = static_cast<int64_t>(count)};
    program_->launch(pass, call, slot.stream);
  }

  void fetch(Pass pass, const EdgeOperands& operands, size_t first, size_t count, Slot& slot) const {
    for_staged(pass, operands, [&](const Array& array, const Operand& operand, int n) {
      if (!array.result) return;
      const size_t floats = row_floats(array);
      check(cudaMemcpyAsync(operand.data + first * floats, slot.memory.staged[n].data(), count * floats * sizeof(float),
                            cudaMemcpyDeviceToHost, slot.stream),
            "copy the result to the host");
    });
  }

  const int device_;
  const size_t inputs_, values_;
  std::mutex mutex_;  // one call at a time: the memory is this function's
  std::optional<Streams> streams_;
  std::unique_ptr<EdgeProgram> program_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<EdgeFunction> make_cuda_edge_function(const EdgeTable& table, int device) {
  cuda::require_device(device);
  return std::make_unique<cuda::CudaEdgeFunction>(table, device);
}

}  // namespace gauntlet
