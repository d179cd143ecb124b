// Arrays that a call goes through, tile by tile.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <vector>

#include "cpu/ahead.h"
#include "cpu/kernels.h"

namespace gauntlet {

/// What the lanes of a call read or change, in the order of memory.
class Streams {
 public:
  void add(const float* data, size_t batch, size_t dim, size_t channels) {
    const size_t bytes = sizeof(float) * batch * dim;
    if (bytes <= kCached) return;  // it stays in the caches
    const double lane = static_cast<double>(sizeof(float) * dim) / static_cast<double>(channels);
    // A tile on, or a sample where that is several tiles; small tiles take less time than memory.
    const double way = std::max({lane * kTileLanes, lane * static_cast<double>(channels), kLeastWay});
    streams_.push_back({reinterpret_cast<const char*>(data), bytes, lane, way});
  }

  /// What lies ahead of `count` lanes from `first` on, to be fetched while so much is computed (0: not known yet).
  Ahead ahead_of(size_t first, int count, int64_t work) const {
    Ahead ahead;
    if (work == 0) return ahead;
    int64_t fetches = 0;
    for (const Stream& stream : streams_) {
      if (ahead.left == std::ssize(ahead.later)) break;
      const Ahead::Stretch stretch = {stream.at(first), stream.at(first + count)};
      ahead.later[ahead.left++] = stretch;
      fetches += (stretch.end - stretch.next + kFetched - 1) / kFetched;
    }
    if (fetches > 0) ahead.due = ahead.spacing = std::max<int64_t>(work / fetches, 1);
    return ahead;
  }

 private:
  static constexpr size_t kCached = size_t{1} << 16;
  static constexpr double kLeastWay = 8192;

  struct Stream {
    const char* data;
    size_t bytes;
    double lane, way;  // bytes of a lane, and to what is fetched

    const char* at(size_t n) const {
      return data + std::min(static_cast<size_t>(static_cast<double>(n) * lane + way), bytes);
    }
  };
  std::vector<Stream> streams_;
};

}  // namespace gauntlet
