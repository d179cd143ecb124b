#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>
#include <variant>

#include "core/error.h"
#include "cpu/group.h"
#include "cpu/mixed.h"
#include "cpu/pool.h"
#include "cpu/scratch.h"
#include "cpu/streams.h"

namespace gauntlet {
namespace {

/// Lines of weights of a portion, where samples have weights of their own and too many to hold them all.
constexpr int32_t kSlabLines = 256;
/// Sums of weights over samples are made in so many chunks of the batch at most, and of at least so many tiles each: the same
/// however many threads there are, so that results are.
constexpr size_t kMostChunks = 64, kLeastTiles = 4, kMostPartialFloats = size_t{1} << 24;

constexpr size_t lines(size_t n) { return n * kTileLanes; }

class MixedGroup final : public CpuGroup {
 public:
  MixedGroup(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights)
      : channels_(group.channels),
        dim_(dim[kWeights]),
        shared_(shared_weights),
        weights_(std::get<MixedForm>(group.form).weights),
        tiles_{SideTiles(group.sides[0], dim[0], group.channels), SideTiles(group.sides[1], dim[1], group.channels),
               SideTiles(group.sides[2], dim[2], group.channels),
               SideTiles(weights_, shared_ ? 0 : dim_, group.channels)},
        bundles_(bundle_paths(std::get<MixedForm>(group.form), group.channels, slabs() ? kSlabLines : 0)) {
    for (int o = 0; o < 3; ++o) shared_by_lanes_[o] = group.sides[o].shared_by_lanes(channels_);
    lay_out();
  }

  void evaluate(std::span<const Evaluation> evaluations, size_t batch) override {
    for (const auto& [target, operands, add] : evaluations) evaluate(target, operands, batch, add);
  }

 private:
  void evaluate(int target, const Operand (&operands)[kOperands], size_t batch, bool add) const {
    std::vector<float> transposed;
    if (numbers() && target < 2) transposed = transpose(bundles_, transposed_size_, operands[kWeights].data);
    const Call call{target, operands, batch, add, transposed.data(), streams_of(operands, batch)};
    if (target == kWeights && shared_) return sum_weights(call);
    const size_t run = run_lanes(target), runs = (batch * channels_ + run - 1) / run;
    const size_t grain = grain_of(runs, static_cast<double>(run) * work_);
    parallel_for(runs, grain, "product", [&](size_t begin, size_t end) {
      int64_t counted = 0;
      for (size_t n = begin; n < end; ++n) evaluate_run(call, n * run, run, counted);
    });
  }

  Streams streams_of(const Operand (&operands)[kOperands], size_t batch) const {
    Streams streams;
    for (int o = 0; o < kOperands; ++o) {
      if (o < kWeights || !shared_) streams.add(operands[o].data, batch, tiles_[o].dim(), channels_);
    }
    return streams;
  }

  struct Call {
    int target;
    const Operand (&operands)[kOperands];
    size_t batch;
    bool add;
    const float* transposed;
    Streams streams;
  };
  /// A portion of a bundle's pairs.
  struct Portion {
    const MixedBundle& bundle;
    int32_t first, count;
  };
  /// Lanes [first, first + count), and the tile's room.
  struct Tile {
    size_t first;
    int count, vecs;
    float* room;
    float* partial;  // sums over samples
    Ahead& ahead;
  };

  // Weights are one number for all lanes where a lane is a sample and all samples share them; else lines of a tile: all of them,
  // or portion by portion where a lane is a sample.
  bool numbers() const { return shared_ && channels_ == 1; }
  bool slabs() const { return !shared_ && channels_ == 1; }

  void lay_out() {
    size_t y_lanes = 0, most_slab = 0, most_z = 0, most_lines = 0;
    std::vector<std::pair<int32_t, size_t>> y_known;
    for (MixedBundle& bundle : bundles_) {
      most_z = std::max(most_z, size_t(bundle.portion) * bundle.z_rows);
      for (const PairCoupling& coupling : bundle.couplings) most_lines = std::max(most_lines, coupling.lines());
      work_ += static_cast<double>(bundle.pairs.size()) * static_cast<double>(bundle.couplings[2].work());
      for (MixedPart& part : bundle.parts) {
        work_ += static_cast<double>(bundle.pairs.size()) * part.size * part.weights();
        if (part.weight < 0) continue;
        part.transposed_at = transposed_size_;
        transposed_size_ += bundle.pairs.size() * part.weights();
        part.partial_at = partial_size_;
        partial_size_ += (bundle.pairs.size() * part.partial_step() + kLanes - 1) / kLanes * kLanes;
        if (part.mixed) {
          const auto known = std::find_if(y_known.begin(), y_known.end(),
                                          [&](const auto& entry) { return entry.first == part.y_row; });
          part.y_lanes_at = known == y_known.end() ? y_lanes : known->second;
          if (known == y_known.end()) {
            y_known.emplace_back(part.y_row, y_lanes);
            y_blocks_.push_back(&part);
            y_lanes += size_t(part.size) * kTileLanes * part.channel_groups();
          }
        }
        if (slabs()) make_slabs(bundle, part, dim_);
        most_slab = std::max(most_slab, size_t(bundle.portion) * part.weights());
      }
    }
    if (!numbers()) y_lanes = 0;
    if (channels_ > 1) partial_size_ = (size_t(dim_) + kLanes - 1) / kLanes * kLanes;
    size_t at = 0;
    const auto place = [&](size_t n) { return std::exchange(at, at + lines(n)); };
    for (int o = 0; o < 3; ++o) fiber_at_[o] = place(tiles_[o].fiber());
    fiber_at_[kWeights] = place(numbers() ? 0 : slabs() ? most_slab : tiles_[kWeights].fiber());
    ones_at_ = place(1);
    z_at_ = place(most_z);
    y_lanes_at_ = place(y_lanes);
    scratch_at_ = place(most_lines);
    room_ = at;
  }

  /// A tile, or whole samples where lanes of a sample share a channel of the target.
  size_t run_lanes(int target) const {
    if (target == kWeights || !shared_by_lanes_[target]) return kTileLanes;
    return size_t(channels_) * std::max(1, kTileLanes / channels_);
  }

  void evaluate_run(const Call& call, size_t first, size_t count, int64_t& counted) const {
    const size_t end = std::min(first + count, call.batch * channels_);
    bool add = call.add;
    if (!add && call.target < 3 && shared_by_lanes_[call.target]) {
      tiles_[call.target].clear(call.operands[call.target].data, first / channels_, end / channels_);
      add = true;
    }
    for (; first < end; first += kTileLanes) evaluate_tile(call, first, end, add, nullptr, counted);
  }

  /// Leaves out weights that samples share.
  void sum_weights(const Call& call) const {
    const size_t lanes = call.batch * channels_, tiles = (lanes + kTileLanes - 1) / kTileLanes;
    const size_t chunks =
        std::clamp<size_t>(std::min(tiles / kLeastTiles, kMostPartialFloats / (partial_size_ + 1)), 1, kMostChunks);
    Scratch memory;
    float* const partials = memory.reserve(chunks * partial_size_ + kLanes);
    parallel_for(chunks, 1, "product", [&](size_t begin, size_t end) {
      for (size_t chunk = begin; chunk < end; ++chunk) {
        float* const partial = partials + chunk * partial_size_;
        std::fill_n(partial, partial_size_, 0.0f);
        const size_t last = (chunk + 1) * tiles / chunks;
        int64_t counted = 0;
        for (size_t tile = chunk * tiles / chunks; tile < last; ++tile)
          evaluate_tile(call, tile * kTileLanes, lanes, call.add, partial, counted);
      }
    });
    const auto sum_run = [&](size_t from, size_t to, size_t count) {
      float* const out = call.operands[kWeights].data + to;
      for (size_t chunk = 0; chunk < chunks; ++chunk) {
        const float* const partial = partials + chunk * partial_size_ + from;
        if (chunk == 0 && !call.add)
          std::copy_n(partial, count, out);
        else
          std::transform(partial, partial + count, out, out, std::plus<>());
      }
    };
    if (channels_ > 1) {
      for (const Block& block : weights_.blocks)
        sum_run(block.offset, block.offset, size_t(block.channels) * block.size);
      return;
    }
    for (const MixedBundle& bundle : bundles_) {
      for (const MixedPart& part : bundle.parts) {
        if (part.weight < 0) continue;
        for (int32_t p = 0; p < bundle.pair_count(); ++p) {
          sum_run(part.partial_at + size_t(p) * part.partial_step(), part.offset + size_t(p) * part.weights(),
                  part.weights());
        }
      }
    }
  }

  /// Lanes from `first` on, `end` at most. `counted`: the work of the thread's last tile.
  void evaluate_tile(const Call& call, size_t first, size_t end, bool add, float* partial, int64_t& counted) const {
    thread_local Scratch scratch;
    const int count = static_cast<int>(std::min<size_t>(kTileLanes, end - first));
    Ahead ahead = call.streams.ahead_of(first, count, counted);
    const Tile tile{first, count, (count + kLanes - 1) / kLanes, scratch.reserve(room_), partial, ahead};
    const int target = call.target;
    for (int o = 0; o < kOperands; ++o) {
      float* const fiber = tile.room + fiber_at_[o];
      if (o == target) {
        if (o < kWeights) std::fill_n(fiber, lines(tiles_[o].fiber()), 0.0f);
      } else if (o < kWeights || (channels_ > 1 && dim_ > 0)) {
        tiles_[o].pack(call.operands[o].data, call.batch, tiles_[o].cut(first, count), fiber, ahead);
      }
    }
    std::fill_n(tile.room + ones_at_, kTileLanes, 1.0f);
    if (target == kWeights && numbers()) turn_y(tile);
    for (const MixedBundle& bundle : bundles_) {
      if (target == kWeights && !bundle.weighted()) continue;
      for (int32_t p = 0; p < bundle.pair_count(); p += bundle.portion) {
        const Portion portion{bundle, p, std::min(bundle.portion, bundle.pair_count() - p)};
        if (target < 2) {
          for (const MixedPart& part : bundle.parts) weigh(call, tile, portion, part);
          couple(target, tile, portion);
        } else {
          couple(2, tile, portion);
          for (const MixedPart& part : bundle.parts) {
            if (target == 2)
              weigh(call, tile, portion, part);
            else if (part.weight >= 0)
              correlate(call, tile, portion, part);
          }
        }
      }
    }
    if (target < kWeights || channels_ > 1) {
      const SideTiles& out = tiles_[target];
      for (const SideTiles::Piece& piece : out.pieces()) {
        out.unpack(partial ? partial : call.operands[target].data, out.cut(first, count), piece, piece.rows,
                   tile.room + fiber_at_[target], add || partial, false, ahead);
      }
    }
    counted = ahead.work;
  }

  /// Channels of y that mix, in place of lanes.
  void turn_y(const Tile& tile) const {
    static const auto kRows = [] {
      std::array<int32_t, kTileLanes> rows;
      std::iota(rows.begin(), rows.end(), 0);
      return rows;
    }();
    const float* const end = tile.room + room_;
    for (const MixedPart* part : y_blocks_) {
      for (size_t group = 0; group < part->channel_groups(); ++group) {
        const int channel = static_cast<int>(group) * kTileLanes;
        const Strip strip{int64_t{part->size} * kTileLanes, std::min(kTileLanes, part->mixed - channel)};
        for (int32_t k = 0; k < part->size; ++k) {
          const float* from = tile.room + fiber_at_[2] + lines(part->y_row + channel * part->size + k);
          float* to = tile.room + y_lanes_at_ + lines(part->y_lanes_at + (group * part->size + k) * kTileLanes);
          for (int lane = 0; lane < tile.vecs * kLanes; lane += kLanes)
            kernels().pack(from + lane, end, strip, kLanes, kRows.data() + lane, to, false);
        }
      }
    }
  }

  /// z from x1 and x2, or one of them from z and the other.
  void couple(int target, const Tile& tile, const Portion& portion) const {
    const MixedBundle& bundle = portion.bundle;
    const auto at = [&](int o, int32_t channel) {
      if (bundle.row[o] < 0) return tile.room + ones_at_;
      return tile.room + fiber_at_[o] + lines(bundle.row[o] + channel * bundle.size[o]);
    };
    if (target != 1 && bundle.scales()) {
      for (const MixedPart& part : bundle.parts) {
        const ptrdiff_t x_channel = lines(part.size), z_row = lines(bundle.portion);
        const Scaling scaling{portion.count, part.size, bundle.pairs[portion.first].data(),     part.scalar, at(1, 0),
                              at(0, 0),      x_channel, tile.room + z_at_ + part.first * z_row, z_row};
        (target == 2 ? kernels().scale : kernels().scale_back)(scaling, tile.vecs, tile.ahead);
      }
      return;
    }
    for (int32_t n = 0; n < portion.count; ++n) {
      const auto [u, v] = bundle.pairs[portion.first + n];
      float* const operands[3] = {at(0, u), at(1, v), tile.room + z_at_ + lines(n)};
      bundle.couplings[target].run(tile.vecs, operands[target == 0 ? 1 : 0], operands[target == 2 ? 1 : 2],
                                   operands[target], tile.room + scratch_at_, tile.ahead);
    }
  }

  /// Where the weights of a portion begin, as lines or numbers.
  const float* weights_of(const Call& call, const Tile& tile, const Portion& portion, const MixedPart& part) const {
    const size_t first = size_t(portion.first) * part.weights();
    if (numbers()) return call.operands[kWeights].data + part.offset + first;
    float* const fiber = tile.room + fiber_at_[kWeights];
    if (!slabs()) return fiber + lines(part.weight + first);
    const SideTiles& slab = part.slabs[portion.first / portion.bundle.portion];
    slab.pack(call.operands[kWeights].data, call.batch, slab.cut(tile.first, tile.count), fiber, tile.ahead);
    return fiber;
  }

  /// y from z, or z from y.
  void weigh(const Call& call, const Tile& tile, const Portion& portion, const MixedPart& part) const {
    static constexpr float kOne = 1;
    const bool forward = call.target == 2, as_lines = part.weight >= 0 && !numbers();
    const ptrdiff_t step = as_lines ? kTileLanes : 1;
    const ptrdiff_t z_row = lines(portion.bundle.portion), y_channel = lines(part.size);
    float* const z = tile.room + z_at_ + part.first * z_row;
    float* const y = tile.room + fiber_at_[2] + lines(part.y_row);
    const float* weights = part.weight < 0 ? &kOne : weights_of(call, tile, portion, part);
    Weighing w{};
    w.size = part.size, w.weights = weights, w.lines = as_lines, w.add = forward;
    if (forward) {
      w.from = z, w.from_channel = kTileLanes, w.from_row = z_row;
      w.to = y, w.to_channel = y_channel, w.to_row = kTileLanes;
    } else {
      w.from = y, w.from_channel = y_channel, w.from_row = kTileLanes;
      w.to = z, w.to_channel = kTileLanes, w.to_row = z_row;
    }
    if (part.mixed) {
      w.to_channels = forward ? part.mixed : portion.count;
      w.from_channels = forward ? portion.count : part.mixed;
      w.to_step = forward ? step : part.mixed * step;
      w.from_step = forward ? part.mixed * step : step;
      if (numbers() && !forward) {
        w.weights = call.transposed + part.transposed_at + portion.first;
        w.to_step = 1;
        w.from_step = portion.bundle.pair_count();
      }
      return kernels().weigh(w, tile.vecs, tile.ahead);
    }
    w.to_channels = w.from_channels = 1;
    for (int32_t n = 0; n < portion.count; ++n) {
      float* const channel = y + portion.bundle.channel_of(part, portion.first + n) * y_channel;
      w.from = forward ? z + lines(n) : channel;
      w.to = forward ? channel : z + lines(n);
      w.weights = part.weight < 0 ? &kOne : weights + n * step;
      kernels().weigh(w, tile.vecs, tile.ahead);
    }
  }

  /// Weights from z and y.
  void correlate(const Call& call, const Tile& tile, const Portion& portion, const MixedPart& part) const {
    const ptrdiff_t z_row = lines(portion.bundle.portion), y_channel = lines(part.size);
    const float* const z = tile.room + z_at_ + part.first * z_row;
    const float* const y = tile.room + fiber_at_[2] + lines(part.y_row);
    if (numbers() && part.mixed) {
      float* const sums = tile.partial + part.partial_at + size_t(portion.first) * part.partial_step();
      for (size_t group = 0; group < part.channel_groups(); ++group) {
        const int channel = static_cast<int>(group) * kTileLanes;
        kernels().correlate_lanes(
            {portion.count, part.size, tile.count, (std::min(kTileLanes, part.mixed - channel) + kLanes - 1) / kLanes,
             z, z_row, tile.room + y_lanes_at_ + lines(part.y_lanes_at + group * part.size * kTileLanes),
             static_cast<ptrdiff_t>(lines(kTileLanes)), sums + channel, part.partial_step()},
            tile.ahead);
      }
      return;
    }
    float* const fiber = tile.room + fiber_at_[kWeights];
    const ptrdiff_t step = numbers() ? 1 : kTileLanes;
    Correlation c{};
    c.a_channels = portion.count, c.b_channels = part.mixed, c.size = part.size, c.lines = !numbers();
    c.x = z, c.x_channel = kTileLanes, c.x_row = z_row;
    c.y = y, c.y_channel = y_channel, c.y_row = kTileLanes;
    c.weights = numbers() ? tile.partial + part.partial_at + portion.first
                : slabs() ? fiber
                          : fiber + lines(part.weight + size_t(portion.first) * part.weights());
    c.a_step = part.weights() * step, c.b_step = step;
    if (part.mixed) {
      kernels().correlate(c, tile.vecs, tile.ahead);
    } else {
      c.a_channels = c.b_channels = 1;
      float* const weights = c.weights;
      for (int32_t n = 0; n < portion.count; ++n) {
        c.x = z + lines(n);
        c.y = y + portion.bundle.channel_of(part, portion.first + n) * y_channel;
        c.weights = weights + n * step;
        kernels().correlate(c, tile.vecs, tile.ahead);
      }
    }
    if (slabs()) {
      const SideTiles& slab = part.slabs[portion.first / portion.bundle.portion];
      const SideTiles::Segments segments = slab.cut(tile.first, tile.count);
      for (const SideTiles::Piece& piece : slab.pieces())
        slab.unpack(call.operands[kWeights].data, segments, piece, piece.rows, fiber, call.add, false, tile.ahead);
    }
  }

  const int32_t channels_, dim_;
  const bool shared_;
  const Side weights_;
  const std::array<SideTiles, kOperands> tiles_;
  std::vector<MixedBundle> bundles_;
  std::vector<const MixedPart*> y_blocks_;  // one part for every block of y whose channels mix
  bool shared_by_lanes_[3];
  double work_ = 1;  // multiply-adds per lane, about
  size_t transposed_size_ = 0, partial_size_ = 0;
  size_t fiber_at_[kOperands], ones_at_, z_at_, y_lanes_at_, scratch_at_, room_;
};

}  // namespace

std::unique_ptr<CpuGroup> make_mixed_group(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights) {
  return std::make_unique<MixedGroup>(group, dim, shared_weights);
}

}  // namespace gauntlet
