#include "core/contraction.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "cpu/scratch.h"
#include "cpu/tiles.h"

namespace gauntlet {
namespace {

/// Sums over nodes are split into as many as this, whatever the number of threads, so that they come out the same.
constexpr size_t kSlabs = 32;
/// Floats that the partial sums of one operand may take, as far as they can be had with fewer slabs.
constexpr size_t kSlabFloats = 1 << 24;

/// The elements that a call meets, numbered in the order of their kinds.
struct Elements {
  std::span<const int32_t> of_node;
  std::vector<int32_t> place;  // of an element among those present; -1 where it is absent
  std::vector<int32_t> present;

  Elements(std::span<const int32_t> of_node, int32_t kinds) : of_node(of_node), place(kinds, -1) {
    for (const int32_t element : of_node) place[element] = 0;
    for (int32_t element = 0; element < kinds; ++element) {
      if (place[element] < 0) continue;
      place[element] = static_cast<int32_t>(present.size());
      present.push_back(element);
    }
  }
};

/// An operand of weights during a call: lines [slab, present element, mixture] of floats, a float for each channel.
struct Mixtures {
  std::vector<float> lines;
  size_t slab = 0;  // floats of a slab
};

/// y[row][lanes] of 16 lanes each.
void copy_vector(float* to, const float* from) { std::memcpy(to, from, kLanes * sizeof(float)); }

class CpuContraction final : public Contraction {
 public:
  explicit CpuContraction(ContractionTable table) : table_(std::move(table)) {
    const auto at = [](int32_t row) { return row * kLanes; };
    std::transform(table_.targets.begin(), table_.targets.end(), table_.targets.begin(), at);
    std::transform(table_.factors.begin(), table_.factors.end(), table_.factors.begin(), at);
    for (size_t n = 0; n < table_.multiples.size(); ++n) {
      multiples_.push_back({at(table_.multiples[n]), static_cast<float>(table_.multiple_factors[n])});
    }
    split_runs();
    for (ContractionTable::Operand& operand : table_.operands) {
      Side side{0, 1, table_.channels, operand.features.blocks, {}};
      if (!operand.weights) side.fiber = static_cast<int32_t>(operand.rows.size());
      side.rows.resize(side.fiber);
      std::iota(side.rows.begin(), side.rows.end(), 0);
      sides_.emplace_back(side, operand.features.dim, table_.channels);
      tile_rows_ += side.fiber;
      sums_over_nodes_ |= operand.weights && operand.result;
      std::ranges::stable_sort(operand.mixtures.mixing, {}, &ContractionTable::Mixing::mixture);
    }
  }

  void run(std::span<const Operand> operands, std::span<const int32_t> of_node) override {
    const Elements elements(of_node, table_.elements);
    const size_t tiles = (of_node.size() * table_.channels + kTileLanes - 1) / kTileLanes;
    size_t slabs = std::max<size_t>(1, std::min(kSlabs, tiles));
    for (size_t n = 0; n < operands.size(); ++n) {
      if (is_sum(n)) slabs = std::clamp<size_t>(kSlabFloats / std::max<size_t>(lines_of(n, elements), 1), 1, slabs);
    }
    std::vector<Mixtures> mixtures(operands.size());
    for (size_t n = 0; n < operands.size(); ++n) {
      if (!table_.operands[n].weights) continue;
      mixtures[n].slab = lines_of(n, elements);
      mixtures[n].lines.resize(mixtures[n].slab * (is_sum(n) ? slabs : 1));
      if (!is_sum(n)) mix(table_.operands[n], operands[n].data, elements, mixtures[n].lines.data());
    }

    const auto run_tiles = [&](size_t slab, size_t begin, size_t end) {
      for (size_t tile = begin; tile < end; ++tile) run_tile(operands, elements, mixtures, slab, tile * kTileLanes);
    };
    if (sums_over_nodes_) {
      parallel_for(slabs, 1, "contraction", [&](size_t begin, size_t end) {
        for (size_t n = begin; n < end; ++n) run_tiles(n, n * tiles / slabs, (n + 1) * tiles / slabs);
      });
    } else {
      const double work = static_cast<double>(table_.factors.size() / 2 + multiples_.size()) * kTileLanes;
      parallel_for(tiles, grain_of(tiles, work), "contraction",
                   [&](size_t begin, size_t end) { run_tiles(0, begin, end); });
    }
    for (size_t n = 0; n < operands.size(); ++n) {
      if (is_sum(n)) unmix(table_.operands[n], elements, mixtures[n], slabs, operands[n].data);
    }
  }

 private:
  /// Where rows side by side are multiples of the same rows they are a run of their own.
  void split_runs() {
    const TableEntry* row = multiples_.data();
    for (const ContractionTable::Run& run : table_.runs) {
      const auto alike = [&](const TableEntry* other) {
        return std::equal(row, row + run.multiples, other, [](auto& a, auto& b) { return a.index == b.index; });
      };
      const auto add = [&](CircuitRun next) {
        const bool joins = !runs_.empty() && !next.alike && !runs_.back().alike;
        if (joins && runs_.back().products == next.products && runs_.back().multiples == next.multiples) {
          runs_.back().rows += next.rows;
        } else {
          runs_.push_back(next);
        }
      };
      for (int32_t left = run.rows; left > 0;) {
        int32_t rows = 1;
        const bool single = run.products > 0 || run.multiples == 0;
        while (!single && rows < left && alike(row + rows * run.multiples)) ++rows;
        add({rows, run.products, run.multiples, rows > 1});
        row += rows * run.multiples;
        left -= rows;
      }
    }
  }

  bool is_sum(size_t n) const { return table_.operands[n].weights && table_.operands[n].result; }
  size_t lines_of(size_t n, const Elements& elements) const {
    return elements.present.size() * table_.operands[n].rows.size() * table_.channels;
  }

  void run_tile(std::span<const Operand> operands, const Elements& elements, std::vector<Mixtures>& mixtures,
                size_t slab, size_t first) const {
    thread_local Scratch scratch;
    float* const file = scratch.reserve((size_t{1} * table_.rows + size_t{1} * tile_rows_ * kVecs) * kLanes);
    float* const tiles = file + table_.rows * kLanes;
    const size_t nodes = elements.of_node.size();
    const int count = static_cast<int>(std::min<size_t>(kTileLanes, nodes * table_.channels - first));

    for_features(tiles, [&](size_t n, float* tile) {
      if (table_.operands[n].result) return;
      sides_[n].pack(operands[n].data, nodes, sides_[n].cut(first, count), tile);
    });
    const CircuitTable circuit{static_cast<int32_t>(runs_.size()), runs_.data(), table_.targets.data(),
                               table_.factors.data(), multiples_.data()};
    for (int lane = 0; lane < count; lane += kLanes) {
      const int lanes = std::min(kLanes, count - lane);
      for_features(tiles, [&](size_t n, const float* tile) {
        if (table_.operands[n].result) return;
        for (const int32_t row : table_.operands[n].rows) {
          copy_vector(file + row * kLanes, tile + lane);
          tile += kTileLanes;
        }
      });
      for_mixtures(
          false, elements, mixtures, 0, first + lane, lanes,
          [&](float* file_row, float* line, int n) {
            if (n == kLanes) return copy_vector(file_row, line);
            std::copy_n(line, n, file_row);
          },
          file);
      kernels().circuit(circuit, file);
      for_features(tiles, [&](size_t n, float* tile) {
        if (!table_.operands[n].result) return;
        for (const int32_t row : table_.operands[n].rows) {
          copy_vector(tile + lane, file + row * kLanes);
          tile += kTileLanes;
        }
      });
      for_mixtures(
          true, elements, mixtures, slab, first + lane, lanes,
          [&](float* file_row, float* line, int n) {
            for (int i = 0; i < n; ++i) line[i] += file_row[i];
          },
          file);
    }
    for_features(tiles, [&](size_t n, const float* tile) {
      if (!table_.operands[n].result) return;
      const SideTiles::Segments segments = sides_[n].cut(first, count);
      for (const SideTiles::Piece& piece : sides_[n].pieces()) {
        sides_[n].unpack(operands[n].data, segments, piece, piece.rows, tile, false);
      }
    });
  }

  /// f(operand, its tile)
  template <class F>
  void for_features(float* tile, const F& f) const {
    for (size_t n = 0; n < sides_.size(); ++n) {
      if (table_.operands[n].weights) continue;
      f(n, tile);
      tile += ptrdiff_t{sides_[n].fiber()} * kTileLanes;
    }
  }

  /// f(row of the file, line of a mixture, count) where `count` lanes are channels of one node, side by side.
  template <class F>
  void for_mixtures(bool results, const Elements& elements, std::vector<Mixtures>& mixtures, size_t slab, size_t first,
                    int lanes, const F& f, float* file) const {
    const size_t channels = table_.channels;
    for (size_t n = 0; n < table_.operands.size(); ++n) {
      const ContractionTable::Operand& operand = table_.operands[n];
      if (!operand.weights || operand.result != results) continue;
      float* const lines = mixtures[n].lines.data() + slab * mixtures[n].slab;
      for (int lane = 0; lane < lanes;) {
        const size_t node = (first + lane) / channels, channel = (first + lane) % channels;
        const int count = static_cast<int>(std::min<size_t>(lanes - lane, channels - channel));
        float* line = lines + elements.place[elements.of_node[node]] * operand.rows.size() * channels + channel;
        for (const int32_t row : operand.rows) {
          f(file + row * kLanes + lane, line, count);
          line += channels;
        }
        lane += count;
      }
    }
  }

  float* weights_of(const ContractionTable::Operand& operand, float* weights, int32_t element,
                    const ContractionTable::Mixing& mixing) const {
    const ContractionTable::Part& part = operand.mixtures.parts[mixing.part];
    return weights + part.offset + (size_t{1} * element * part.paths + mixing.path) * table_.channels;
  }

  /// lines[element, mixture] = sum of value * weights, in float64: mixtures are few and every node reads them.
  void mix(const ContractionTable::Operand& operand, float* weights, const Elements& elements, float* lines) const {
    const size_t channels = table_.channels;
    std::vector<double> sum(operand.rows.size() * channels);
    for (const int32_t element : elements.present) {
      std::ranges::fill(sum, 0.0);
      for (const ContractionTable::Mixing& mixing : operand.mixtures.mixing) {
        const float* from = weights_of(operand, weights, element, mixing);
        double* const to = sum.data() + mixing.mixture * channels;
        for (size_t c = 0; c < channels; ++c) to[c] += mixing.value * from[c];
      }
      lines = std::transform(sum.begin(), sum.end(), lines, [](double value) { return static_cast<float>(value); });
    }
  }

  /// The transpose of `mix`, of the sum over slabs. Overwrites all weights.
  void unmix(const ContractionTable::Operand& operand, const Elements& elements, const Mixtures& mixtures, size_t slabs,
             float* weights) const {
    const size_t channels = table_.channels, size = operand.rows.size() * channels;
    std::fill_n(weights, operand.mixtures.numel, 0.0f);
    std::vector<double> sum(size);
    for (size_t place = 0; place < elements.present.size(); ++place) {
      std::ranges::fill(sum, 0.0);
      for (size_t slab = 0; slab < slabs; ++slab) {
        const float* from = mixtures.lines.data() + slab * mixtures.slab + place * size;
        for (size_t n = 0; n < size; ++n) sum[n] += from[n];
      }
      for (const ContractionTable::Mixing& mixing : operand.mixtures.mixing) {
        const double* const from = sum.data() + mixing.mixture * channels;
        float* const to = weights_of(operand, weights, elements.present[place], mixing);
        for (size_t c = 0; c < channels; ++c) to[c] += static_cast<float>(mixing.value * from[c]);
      }
    }
  }

  ContractionTable table_;  // its rows as offsets in floats, where the kernel reads them
  std::vector<CircuitRun> runs_;
  std::vector<TableEntry> multiples_;
  std::vector<SideTiles> sides_;  // of every operand; weights have an empty one
  int32_t tile_rows_ = 0;         // of all features
  bool sums_over_nodes_ = false;
};

}  // namespace

std::unique_ptr<Contraction> make_cpu_contraction(ContractionTable table) {
  return std::make_unique<CpuContraction>(std::move(table));
}

}  // namespace gauntlet
