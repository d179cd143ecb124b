// Runs a contraction on one GPU: mixtures of weights for every element, the circuit for all nodes, and, for gradients of weights,
// what the circuit has left for each node summed by elements. A call that has such sums takes as many nodes at a time as the
// second-level cache holds of what they leave.
#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cuda/check.h"
#include "cuda/contraction.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/stream.h"

namespace gauntlet {
namespace cuda {
namespace {

/// One of the two maps between an operand of weights and its mixtures, on the device.
class WeightMap {
 public:
  WeightMap(const ContractionTable& table, const ContractionTable::Operand& operand)
      : channels_(table.channels), elements_(table.elements) {
    const ContractionTable::Weights& weights = operand.mixtures;
    const auto mixtures = static_cast<int32_t>(operand.rows.size());
    std::vector<MixPlace> places;
    std::vector<std::vector<MixEntry>> entries(mixtures);
    const auto mixture_at = [&](int32_t n) { return std::pair(n * channels_, mixtures * channels_); };
    const auto path_at = [&](int32_t part, int32_t path) {
      return std::pair(weights.parts[part].offset + path * channels_, weights.parts[part].paths * channels_);
    };
    const auto add = [&](std::pair<int32_t, int32_t> at) { places.push_back({at.first, at.second, 0, 0}); };
    if (operand.result) {
      std::vector<size_t> first;  // place of a part
      for (int32_t part = 0; part < static_cast<int32_t>(weights.parts.size()); ++part) {
        first.push_back(places.size());
        for (int32_t path = 0; path < weights.parts[part].paths; ++path) add(path_at(part, path));
      }
      entries.resize(places.size());
      for (const auto& [part, path, mixture, value] : weights.mixing) {
        const auto [offset, stride] = mixture_at(mixture);
        entries[first[part] + path].push_back({offset, stride, value});
      }
    } else {
      for (int32_t n = 0; n < mixtures; ++n) add(mixture_at(n));
      for (const auto& [part, path, mixture, value] : weights.mixing) {
        const auto [offset, stride] = path_at(part, path);
        entries[mixture].push_back({offset, stride, value});
      }
    }
    std::vector<MixEntry> all;
    for (size_t n = 0; n < places.size(); ++n) {
      places[n].first = static_cast<int32_t>(all.size());
      places[n].count = static_cast<int32_t>(entries[n].size());
      all.insert(all.end(), entries[n].begin(), entries[n].end());
    }
    count_ = static_cast<int32_t>(places.size());
    places_ = Table<MixPlace>(places);
    entries_ = Table<MixEntry>(all);
  }

  MixCall call() const { return {places_.data(), entries_.data(), count_, elements_, channels_}; }

 private:
  int32_t channels_, elements_, count_;
  Table<MixPlace> places_;
  Table<MixEntry> entries_;
};

/// Everything on the device that a contraction owns.
struct Resources {
  Circuit circuit;
  CircuitRoom room;
  Table<int32_t> levels;
  Table<CircuitSum> sums;
  Table<CircuitProduct> products;
  Table<CircuitMultiple> multiples;
  Table<RowPlace> inputs, outputs;
  std::vector<std::optional<WeightMap>> maps;  // of operands of weights
  Staging staging;
  DeviceBuffer workspace, elements, starts, order;
  std::vector<DeviceBuffer> mixtures, lines;  // of operands of weights

  Resources(const ContractionTable& table, const Device& device)
      : circuit(level_circuit(table)),
        room(fit_circuit(device, circuit.rows)),
        levels(circuit.levels),
        sums(circuit.sums),
        products(circuit.products),
        multiples(circuit.multiples),
        inputs(circuit.inputs),
        outputs(circuit.outputs),
        maps(table.operands.size()),
        staging(table.operands.size()),
        mixtures(table.operands.size()),
        lines(table.operands.size()) {
    for (size_t n = 0; n < maps.size(); ++n) {
      if (table.operands[n].weights) maps[n].emplace(table, table.operands[n]);
    }
  }
};

/// The nodes of every chunk, counted from its first, by elements.
struct ByElement {
  std::vector<int32_t> starts, order;  // starts: [chunk, elements + 1], counted from the chunk's first

  ByElement(std::span<const int32_t> elements, int32_t kinds, size_t chunk) : order(elements.size()) {
    for (size_t first = 0; first < elements.size(); first += chunk) {
      const auto nodes = elements.subspan(first, std::min(chunk, elements.size() - first));
      const size_t begin = starts.size();
      starts.resize(begin + kinds + 1, 0);
      int32_t* const start = starts.data() + begin;
      for (const int32_t element : nodes) ++start[element + 1];
      for (int32_t element = 0; element < kinds; ++element) start[element + 1] += start[element];
      std::vector<int32_t> next(start, start + kinds);
      for (size_t node = 0; node < nodes.size(); ++node)
        order[first + next[nodes[node]]++] = static_cast<int32_t>(node);
    }
  }
};

class CudaContraction final : public Contraction {
 public:
  CudaContraction(ContractionTable table, int device) : table_(std::move(table)), device_(device) {
    if (table_.operands.size() > kMostArrays)
      throw Error("ERR_ARGUMENT", "Expected at most 8 arrays for a contraction");
    const DeviceScope scope(device_);
    const Device limits = read_device(device_);
    cache_ = static_cast<size_t>(limits.cache);
    own_.emplace(table_, limits);
  }
  ~CudaContraction() override {
    release_on(device_, [&] { own_.reset(); });
  }

  void run(std::span<const Operand> operands, std::span<const int32_t> elements) override {
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    const size_t nodes = elements.size(), chunk = chunk_of(nodes);
    const ByElement by_element(sums_over_nodes() ? elements : elements.first(0), table_.elements, chunk);
    Staging::Call call(own_->staging, shared_stream());
    const cudaStream_t stream = call.stream();
    call.upload(own_->elements, elements);
    call.upload(own_->starts, by_element.starts);
    call.upload(own_->order, by_element.order);
    std::vector<float*> data;
    for (size_t n = 0; n < operands.size(); ++n)
      data.push_back(call.enter(n, operands[n], table_.length(n, nodes), !table_.operands[n].result));
    for (size_t n = 0; n < operands.size(); ++n) begin_weights(n, data[n], chunk, stream);
    for (size_t first = 0, number = 0; first < nodes; first += chunk, ++number) {
      run_chunk(data, first, std::min(chunk, nodes - first), stream);
      for (size_t n = 0; n < operands.size(); ++n) {
        if (!is_sum(n)) continue;
        sum_nodes(static_cast<const float*>(own_->lines[n].data()), floats_of(n),
                  static_cast<const int32_t*>(own_->starts.data()) + number * (table_.elements + 1),
                  static_cast<const int32_t*>(own_->order.data()) + first, table_.elements,
                  static_cast<double*>(own_->mixtures[n].data()), stream);
      }
    }
    for (size_t n = 0; n < operands.size(); ++n) {
      if (is_sum(n)) mix(own_->maps[n]->call(), static_cast<const double*>(own_->mixtures[n].data()), data[n], stream);
      if (table_.operands[n].result) call.leave(n, operands[n], table_.length(n, nodes));
    }
    call.finish("run a contraction");
  }

 private:
  bool is_sum(size_t n) const { return table_.operands[n].weights && table_.operands[n].result; }
  /// Floats of an element's mixtures.
  int32_t floats_of(size_t n) const { return static_cast<int32_t>(table_.operands[n].rows.size()) * table_.channels; }
  bool sums_over_nodes() const {
    for (size_t n = 0; n < table_.operands.size(); ++n) {
      if (is_sum(n)) return true;
    }
    return false;
  }

  size_t chunk_of(size_t nodes) const {
    size_t floats = 0;
    for (size_t n = 0; n < table_.operands.size(); ++n) floats += is_sum(n) ? floats_of(n) : 0;
    const size_t most = std::max<size_t>(nodes, 1);
    return floats == 0 ? most : std::clamp<size_t>(cache_ / (floats * sizeof(float)), 1, most);
  }

  /// Mixes an input of weights, or clears what nodes are to be added to.
  void begin_weights(size_t n, float* data, size_t chunk, cudaStream_t stream) {
    if (!table_.operands[n].weights) return;
    const size_t floats = size_t(table_.elements) * floats_of(n);
    if (!is_sum(n)) {
      float* const mixtures = static_cast<float*>(own_->mixtures[n].reserve(floats * sizeof(float)));
      return mix(own_->maps[n]->call(), data, mixtures, stream);
    }
    own_->lines[n].reserve(chunk * floats_of(n) * sizeof(float));
    void* const sums = own_->mixtures[n].reserve(floats * sizeof(double));
    if (floats > 0) check(cudaMemsetAsync(sums, 0, floats * sizeof(double), stream), "clear the sums");
    // Parts need not cover all weights.
    check(cudaMemsetAsync(data, 0, table_.length(n, 0) * sizeof(float), stream), "clear the result");
  }

  void run_chunk(const std::vector<float*>& data, size_t first, size_t nodes, cudaStream_t stream) {
    Resources& own = *own_;
    CircuitCall call{.elements = static_cast<const int32_t*>(own.elements.data()) + first,
                     .channels = table_.channels,
                     .lanes = static_cast<int64_t>(nodes) * table_.channels,
                     .rows = own.circuit.rows,
                     .level_count = static_cast<int32_t>(own.circuit.levels.size()) - 1,
                     .input_count = static_cast<int32_t>(own.circuit.inputs.size()),
                     .output_count = static_cast<int32_t>(own.circuit.outputs.size()),
                     .levels = own.levels.data(),
                     .sums = own.sums.data(),
                     .products = own.products.data(),
                     .multiples = own.multiples.data(),
                     .inputs = own.inputs.data(),
                     .outputs = own.outputs.data()};
    for (size_t n = 0; n < data.size(); ++n) {
      const ContractionTable::Operand& operand = table_.operands[n];
      if (operand.weights) {
        const DeviceBuffer& buffer = operand.result ? own.lines[n] : own.mixtures[n];
        call.arrays[n] = {static_cast<float*>(buffer.data()), floats_of(n), !operand.result};
      } else {
        call.arrays[n] = {data[n] + first * operand.features.dim, operand.features.dim, false};
      }
    }
    const size_t bytes = own.room.workspace_bytes(own.circuit.rows);
    if (bytes > 0) call.workspace = static_cast<float*>(own.workspace.reserve(bytes));
    run_circuit(call, own.room, stream);
  }

  const ContractionTable table_;
  const int device_;
  size_t cache_ = 0;  // bytes
  std::mutex mutex_;  // one call at a time: the memory is this contraction's
  std::optional<Resources> own_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<Contraction> make_cuda_contraction(ContractionTable table, int device) {
  cuda::require_device(device);
  return std::make_unique<cuda::CudaContraction>(std::move(table), device);
}

}  // namespace gauntlet
