#include "cpu/tiles.h"

#include <algorithm>
#include <cstring>

namespace gauntlet {
namespace {

/// What it costs to pack or unpack a vector, in vectors multiplied.
constexpr int kMove = 4;

/// The sum of some lanes of a line, sixteen partial sums first.
float sum_of(const float* line, int lanes) {
  float partial[kLanes] = {};
  int lane = 0;
  for (; lane + kLanes <= lanes; lane += kLanes) {
    for (int n = 0; n < kLanes; ++n) partial[n] += line[lane + n];
  }
  for (int n = 0; lane < lanes; ++lane, ++n) partial[n] += line[lane];
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int n = 0; n < half; ++n) partial[n] += partial[n + half];
  }
  return partial[0];
}

/// Unpacks a strip and adds it to memory.
void unpack_add(float* memory, const Strip& strip, int size, const int32_t* rows, const float* tile) {
  alignas(64) float values[kTileLanes * kPieceSize];
  // Where lanes follow one another without a gap, they are one stretch of memory.
  const bool whole = strip.stride == size;
  const int stretches = whole ? 1 : strip.lanes, length = whole ? strip.lanes * size : size;
  for (int sample = 0; sample < strip.count; ++sample, memory += strip.step, tile += strip.lane_step) {
    kernels().unpack(values, {size, strip.lanes}, size, rows, tile);
    for (int n = 0; n < stretches; ++n) {
      float* to = memory + n * strip.stride;
      const float* from = values + n * length;
      for (int m = 0; m < length; ++m) to[m] += from[m];
    }
  }
}

}  // namespace

SideTiles::SideTiles(const Side& side, int32_t dim, int32_t channels)
    : fiber_(side.fiber),
      dim_(dim),
      channels_(channels),
      divide_(side.divide),
      modulo_(side.modulo),
      channels_seen_(side.channels_seen(channels)),
      rows_(side.rows) {
  std::vector<bool> written(fiber_, false);
  const int32_t* rows = rows_.data();
  for (const Block& block : side.blocks) {
    for (int32_t m = 0; m < block.size;) {
      const bool add = written[rows[m]];
      int32_t size = 0;
      while (m + size < block.size && size < kPieceSize && written[rows[m + size]] == add) ++size;
      // A sample of single channels is one stretch of memory: longer pieces transpose better.
      Piece* last = pieces_.empty() ? nullptr : &pieces_.back();
      const int32_t offset = block.offset + m, stride = block.channels == 1 ? 0 : block.size;
      if (last && stride == 0 && last->stride == 0 && last->channels == 1 && last->add == add &&
          last->offset + last->size == offset && last->size + size <= kPieceSize &&
          last->rows + last->size == rows + m) {
        last->size += size;
      } else {
        pieces_.push_back({offset, stride, block.channels, size, add, rows + m});
      }
      m += size;
    }
    for (int32_t m = 0; m < block.size; ++m) written[rows[m]] = true;
    rows += block.size;
  }
  lone_rows_ = std::find(written.begin(), written.end(), false) != written.end();
}

SideTiles::Segments SideTiles::cut(size_t first, int count) const {
  Segments segments;
  if (channels_ == 1) {
    segments.list[segments.n++] = {static_cast<int64_t>(first) * dim_, 0, 0, count, true, 1};
    return segments;
  }
  int64_t sample = static_cast<int64_t>(first / channels_) * dim_;
  int32_t channel = static_cast<int32_t>(first % channels_);
  const bool moves = divide_ == 1 && modulo_ > 1;
  for (int lane = 0; lane < count;) {
    const int32_t at = modulo_ == channels_ ? channel : channel / divide_ % modulo_;
    int lanes = std::min(count - lane, channels_ - channel);
    if (moves) lanes = std::min(lanes, modulo_ - at);
    if (divide_ > 1) lanes = std::min(lanes, divide_ - channel % divide_);
    Segment* const last = segments.n > 0 ? &segments.list[segments.n - 1] : nullptr;
    if (last && last->channel == at && last->lanes == lanes && sample == last->sample + int64_t{last->samples} * dim_) {
      ++last->samples;
    } else {
      segments.list[segments.n++] = {sample, at, lane, lanes, moves, 1};
    }
    lane += lanes;
    channel += lanes;
    if (channel == channels_) channel = 0, sample += dim_;
  }
  return segments;
}

/// Calls f(offset in memory, lane, strip) for the lanes of each segment that the piece's block has.
template <class F>
void SideTiles::for_strips(const Segments& segments, const Piece& piece, const F& f) const {
  const bool one = channels_ == 1;
  for (int n = 0; n < segments.n; ++n) {
    const Segment& segment = segments.list[n];
    const int there = segment.moves && !one              ? std::min(segment.lanes, piece.channels - segment.channel)
                      : segment.channel < piece.channels ? segment.lanes
                                                         : 0;
    if (there <= 0) continue;
    const int64_t stride = one ? dim_ : segment.moves ? piece.stride : 0;
    f(segment.sample + piece.offset + int64_t{segment.channel} * piece.stride, segment.lane,
      Strip{stride, there, segment.samples, dim_, segment.lanes});
  }
}

void SideTiles::pack(const float* memory, size_t batch, const Segments& segments, float* tile, Ahead& ahead) const {
  if (lone_rows_) std::memset(tile, 0, sizeof(float) * fiber_ * kTileLanes);
  for (const Piece& piece : pieces_) pack(memory, batch, segments, piece, piece.rows, tile, ahead);
}

void SideTiles::pack(const float* memory, size_t batch, const Segments& segments, const Piece& piece,
                     const int32_t* rows, float* tile, Ahead& ahead) const {
  const bool fills_vectors = segments.list[segments.n - 1].end() % kLanes == 0;
  if (!piece.add && !(fills_vectors && piece.channels >= std::min(modulo_, channels_))) {
    for (int m = 0; m < piece.size; ++m) std::fill_n(tile + ptrdiff_t{rows[m]} * kTileLanes, kTileLanes, 0.0f);
  }
  const float* end = memory + batch * dim_;
  for_strips(segments, piece, [&](int64_t offset, int lane, const Strip& strip) {
    fetch(ahead, kMove * piece.size * strip.lanes * strip.count / kLanes);
    kernels().pack(memory + offset, end, strip, piece.size, rows, tile + lane, piece.add);
  });
}

void SideTiles::unpack(float* memory, const Segments& segments, const Piece& piece, const int32_t* rows,
                       const float* tile, bool add, bool large, Ahead& ahead) const {
  const auto unpack = add ? unpack_add : kernels().unpack;
  for_strips(segments, piece, [&](int64_t offset, int lane, const Strip& strip) {
    fetch(ahead, kMove * piece.size * strip.lanes * strip.count / kLanes);
    const bool past_caches = large && !add && strip.stride == piece.size && strip.lanes >= kLanes;
    const bool summed = strip.stride == 0 && strip.lanes > 1;
    if (!past_caches && !summed) return unpack(memory + offset, strip, piece.size, rows, tile + lane);
    for (int n = 0; n < strip.count; ++n, offset += strip.step, lane += strip.lane_step) {
      if (past_caches) {
        kernels().unpack_past_caches(memory + offset, strip.lanes, piece.size, rows, tile + lane);
        continue;
      }
      for (int m = 0; m < piece.size; ++m)
        memory[offset + m] += sum_of(tile + ptrdiff_t{rows[m]} * kTileLanes + lane, strip.lanes);
    }
  });
}

void SideTiles::clear(float* memory, size_t begin, size_t end) const {
  for (size_t sample = begin; sample < end; ++sample) {
    for (const Piece& piece : pieces_) {
      for (int32_t channel = 0; channel < std::min(piece.channels, channels_seen_); ++channel) {
        std::fill_n(memory + sample * dim_ + piece.offset + ptrdiff_t{channel} * piece.stride, piece.size, 0.0f);
      }
    }
  }
}

}  // namespace gauntlet
