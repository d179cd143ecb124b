// Runs a convolution on one GPU. Any edge may need any node, so arrays in host memory are copied as a whole, each once.
#include <algorithm>
#include <mutex>
#include <optional>
#include <vector>

#include "cuda/check.h"
#include "cuda/convolution.h"
#include "cuda/device.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/stream.h"
#include "cuda/tile.h"

namespace gauntlet {
namespace cuda {
namespace {

/// Jobs on the device.
struct Part {
  explicit Part(const ConvolutionJobs& jobs)
      : matrix_floats(jobs.matrix_floats),
        task_count(static_cast<int32_t>(jobs.tasks.size())),
        terms(jobs.terms),
        tasks(jobs.tasks),
        starts(jobs.starts),
        entries(jobs.entries) {}

  int32_t matrix_floats, task_count;
  Table<MessageTerm> terms;
  Table<MessageTask> tasks;
  Table<int32_t> starts;
  Table<MapEntry> entries;
};

/// What computes one operand.
struct Parts {
  std::vector<Part> parts;
  Table<int32_t> sources[2];  // of lines of x1 and y
  int32_t line_floats[2];
  int32_t most_floats = 0;  // of an edge's matrices

  Parts(const ConvolutionTable& table, int target) {
    NodeLines lines[2];
    for (const ConvolutionJobs& jobs : list_convolution_jobs(table, target, lines)) {
      parts.emplace_back(jobs);
      most_floats = std::max(most_floats, jobs.matrix_floats);
    }
    for (int side = 0; side < 2; ++side) {
      sources[side] = Table<int32_t>(lines[side].sources());
      line_floats[side] = static_cast<int32_t>(lines[side].sources().size());
    }
  }
};

class CudaConvolution final : public Convolution {
 public:
  CudaConvolution(const ConvolutionTable& table, int device) : table_(table), device_(device) {
    const DeviceScope scope(device_);
    limits_ = read_device(device_);
    prepare_convolution(limits_.shared_per_block);
    resources_.emplace();
    parts(2);  // convolutions run forward first
  }

  ~CudaConvolution() override {
    release_on(device_, [&] {
      resources_.reset();
      for (std::optional<Parts>& parts : parts_) parts.reset();
    });
  }

  void evaluate(int target, const Operand (&operands)[kOperands], const GraphView& graph, bool add) override {
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    const Parts& made = parts(target);
    const auto floats = [&](int o) { return graph.rows(o) * table_.dim[o]; };
    if (floats(target) == 0) return;
    Resources& own = *resources_;
    Staging::Call staged(own.staging, shared_stream());
    const cudaStream_t stream = staged.stream();
    float* data[kOperands];
    for (int o = 0; o < kOperands; ++o) {
      const bool read = o != target || add;
      data[o] = staged.enter(o, operands[o], floats(o), read);
    }
    const float* lines[2] = {nullptr, nullptr};
    if (target != 0) lines[0] = fill(0, made, data[0], graph.rows(0), stream);
    if (target != 2) lines[1] = fill(1, made, data[2], graph.rows(2), stream);
    const bool at_nodes = target == 0 || target == 2;
    // The sums at nodes are added to, part by part and edges by edges.
    if (at_nodes && !add)
      check(cudaMemsetAsync(data[target], 0, floats(target) * sizeof(float), stream), "clear the result");

    const bool back = target == 0;
    ConvolutionCall call{.from = lines[back],
                         .to = lines[!back],
                         .from_floats = made.line_floats[back],
                         .to_floats = made.line_floats[!back],
                         .from_node = back ? graph.receivers : graph.senders,
                         .to_node = back ? graph.senders : graph.receivers,
                         .pairs = graph.pairs,
                         .x2 = data[1],
                         .weights = data[kWeights],
                         .x2_dim = table_.dim[1],
                         .weight_dim = table_.dim[kWeights],
                         .edges = static_cast<int64_t>(graph.edges),
                         .out = data[target],
                         .out_dim = table_.dim[target],
                         .accumulate = add};
    for (const Part& part : made.parts) {
      launch(part, target, graph, call, stream);
      call.accumulate |= target == 1;  // every path adds to x2, but has weights of its own
    }
    staged.leave(target, operands[target], floats(target));
    staged.finish("run a convolution");
  }

 private:
  struct Resources {
    Staging staging{kOperands};
    DeviceBuffer lines[2];
  };

  const float* fill(int side, const Parts& made, const float* rows, size_t nodes, cudaStream_t stream) {
    const size_t floats = made.line_floats[side];
    float* const lines = static_cast<float*>(resources_->lines[side].reserve(nodes * floats * sizeof(float)));
    fill_lines(rows, table_.dim[side == 0 ? 0 : 2], made.sources[side].data(), static_cast<int32_t>(floats),
               static_cast<int64_t>(nodes), lines, stream);
    return lines;
  }

  void launch(const Part& part, int target, const GraphView& graph, ConvolutionCall call, cudaStream_t stream) const {
    call.terms = part.terms.data();
    call.tasks = part.tasks.data();
    call.task_count = part.task_count;
    call.starts = part.starts.data();
    call.entries = part.entries.data();
    call.matrix_floats = part.matrix_floats;
    // Blocks enough for all multiprocessors, of a small graph too: several share a node, or each takes fewer edges.
    const int64_t blocks = 4 * int64_t{limits_.multiprocessors};
    const int64_t most = std::clamp(kMatrixFloats / std::max(part.matrix_floats, 1), 1, kMostEdges);
    if (target == 0 || target == 2) {
      const Incidence& incidence = target == 0 ? graph.by_sender : graph.by_receiver;
      const auto nodes = static_cast<int64_t>(incidence.groups);
      call.edges_at_once = static_cast<int32_t>(most);
      call.shares = static_cast<int32_t>(std::clamp<int64_t>(
          ceil_divide(blocks, nodes), 1, std::max<int64_t>(1, ceil_divide(part.task_count, kWarps))));
      return send_to_nodes(call, incidence, stream);
    }
    const auto items = static_cast<int64_t>(target == 1 ? graph.edges : graph.by_pair.groups);
    call.edges_at_once = static_cast<int32_t>(std::clamp<int64_t>(ceil_divide(items, blocks), 1, most));
    if (target == 1) return find_x2(call, stream);
    find_weights(call, graph.by_pair, stream);
  }

  const Parts& parts(int target) {
    std::optional<Parts>& made = parts_[target];
    if (!made) made.emplace(table_, target);
    if (int64_t{made->most_floats} * kFloatBytes > limits_.shared_per_block) {
      throw Error("ERR_ARGUMENT", "Expected paths whose matrices of (2 l1 + 1) (2 l3 + 1) floats fit into " +
                                      std::to_string(limits_.shared_per_block) + " bytes, the shared memory of cuda:" +
                                      std::to_string(device_) + ", for a convolution");
    }
    return *made;
  }

  const ConvolutionTable table_;
  const int device_;
  Device limits_;
  std::mutex mutex_;  // one call at a time: the memory is this convolution's
  std::optional<Resources> resources_;
  std::optional<Parts> parts_[kOperands];
};

/// The lists of a graph on a device.
class GraphOnDevice {
 public:
  GraphOnDevice(const GraphView& graph, int device) : device_(device) {
    const DeviceScope scope(device_);
    lists_.emplace();
    view_ = graph;
    view_.senders = copy(graph.senders, graph.edges);
    view_.receivers = copy(graph.receivers, graph.edges);
    if (graph.pairs) view_.pairs = copy(graph.pairs, graph.edges);
    for (Incidence* incidence : {&view_.by_sender, &view_.by_receiver, &view_.by_pair}) {
      if (!incidence->start) continue;
      incidence->start = copy(incidence->start, incidence->groups + 1);
      incidence->order = copy(incidence->order, graph.edges);
    }
  }
  ~GraphOnDevice() {
    release_on(device_, [&] { lists_.reset(); });
  }
  const GraphView& view() const { return view_; }

 private:
  const int32_t* copy(const int32_t* list, size_t length) {
    return lists_->emplace_back(std::vector<int32_t>(list, list + length)).data();
  }

  int device_;
  std::optional<std::vector<Table<int32_t>>> lists_;
  GraphView view_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Convolution> make_cuda_convolution(const ConvolutionTable& table, int device) {
  cuda::require_device(device);
  return std::make_unique<cuda::CudaConvolution>(table, device);
}

std::shared_ptr<const GraphView> copy_graph_to_cuda(const GraphView& graph, int device) {
  cuda::require_device(device);
  const auto copied = std::make_shared<cuda::GraphOnDevice>(graph, device);
  return {copied, &copied->view()};
}

}  // namespace gauntlet
