#include "cpu/tiles.h"

#include <algorithm>
#include <cstring>

namespace gauntlet {
SideTiles::SideTiles(const Side& side, int32_t dim, int32_t channels)
    : fiber_(side.fiber), dim_(dim), channels_(channels), divide_(side.divide), modulo_(side.modulo), rows_(side.rows) {
  std::vector<bool> written(fiber_, false);
  sparse_rows_ = false;
  const int32_t* rows = rows_.data();
  for (const Block& block : side.blocks) {
    if (block.channels < std::min(modulo_, channels_)) sparse_rows_ = true;
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
  if (std::find(written.begin(), written.end(), false) != written.end()) sparse_rows_ = true;
}

/// Calls f(offset in memory, lane, strip) for the longest stretches of lanes that are evenly spaced in memory.
template <class F>
void SideTiles::for_strips(size_t first, int count, const Piece& piece, const F& f) const {
  if (channels_ == 1) {
    f(static_cast<int64_t>(first) * dim_ + piece.offset, 0, Strip{dim_, count, int64_t{dim_} * kTileLanes});
    return;
  }
  // The next tile's lanes: further channels of the sample where it has so many, else (about) the next sample's.
  const int64_t ahead = channels_ >= 2 * kTileLanes && divide_ == 1 ? int64_t{piece.stride} * kTileLanes : dim_;
  size_t sample = first / channels_;
  int32_t channel = static_cast<int32_t>(first % channels_);
  for (int lane = 0; lane < count;) {
    int lanes = std::min(count - lane, channels_ - channel);
    const int32_t at = channel / divide_ % modulo_;
    const bool moves = divide_ == 1 && modulo_ > 1;
    if (moves) lanes = std::min(lanes, modulo_ - at);
    if (divide_ > 1) lanes = std::min(lanes, divide_ - channel % divide_);
    const int32_t there = moves ? std::min(lanes, piece.channels - at) : (at < piece.channels ? lanes : 0);
    if (there > 0) {
      const int64_t offset = static_cast<int64_t>(sample) * dim_ + piece.offset + int64_t{at} * piece.stride;
      f(offset, lane, Strip{moves ? piece.stride : 0, there, ahead});
    }
    lane += lanes;
    channel += lanes;
    if (channel == channels_) channel = 0, ++sample;
  }
}

void SideTiles::pack(const float* memory, size_t batch, size_t first, int count, float* tile) const {
  if (sparse_rows_ || count % kLanes != 0) std::memset(tile, 0, sizeof(float) * fiber_ * kTileLanes);
  const float* end = memory + batch * dim_;
  const auto pack = kernels().pack;
  for (const Piece& piece : pieces_) {
    for_strips(first, count, piece, [&](int64_t offset, int lane, Strip strip) {
      pack(memory + offset, end, strip, piece.size, piece.rows, tile + lane, piece.add);
    });
  }
}

void SideTiles::unpack(float* memory, size_t first, int count, const Piece& piece, const int32_t* rows,
                       const float* tile) const {
  const auto unpack = kernels().unpack;
  for_strips(first, count, piece, [&](int64_t offset, int lane, Strip strip) {
    unpack(memory + offset, strip, piece.size, rows, tile + lane);
  });
}

}  // namespace gauntlet
