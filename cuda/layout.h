// How the blocks of an operand in memory map to fiber rows, cut into pieces that warps can move without choices.
#pragma once

#include <cstdint>
#include <vector>

#include "core/plan.h"
#include "cuda/memory.h"

namespace gauntlet::cuda {

/// ceil(2^31 / divisor), for quotients of numbers p with p * divisor < 2^31; see `quotient` in tile.h.
inline uint32_t reciprocal_of(int32_t divisor) {
  return static_cast<uint32_t>(((uint64_t{1} << 31) + divisor - 1) / divisor);
}

constexpr int kMoves = 4;

/// What a warp moves at a time: `moves` (up to kMoves) times 32 elements of a tile, from element `at` on, of `count` neighbouring
/// components of one block. Component k of channel c is at offset + c * stride + k within a sample, and on fiber row rows[first + k],
/// in every channel that the block has; element p is component p % count of the tile's lane p / count. All of a run's rows differ.
struct alignas(16) Strip {
  int32_t offset, stride, channels, count;
  int32_t first, at, moves;
  uint32_t reciprocal;  // of count
};

/// Strips [begin, end), which may be moved in any order, then those to be added to what they filled, up to `last`.
struct Range {
  int32_t begin = 0, end = 0, last = 0;
};

/// What a kernel gets of an operand. Strips refer to rows by their number within the range that is being loaded or stored.
struct Layout {
  const Strip* strips;
  const int32_t* rows;
  int32_t dim, divide, modulo;
};

/// Builds a Layout range by range; a range holds some of the fiber's rows.
class LayoutBuilder {
 public:
  LayoutBuilder(const Side& side, int32_t dim);

  /// The strips that fill the given fiber rows, numbered in the order given. Rows without a component are filled with zeros.
  Range load(const std::vector<int32_t>& rows) { return add(rows, true); }
  /// The strips that write every component on these rows.
  Range store(const std::vector<int32_t>& rows) { return add(rows, false); }

  const std::vector<Strip>& strips() const { return strips_; }
  const std::vector<int32_t>& rows() const { return rows_; }
  const Side& side() const { return side_; }
  int32_t dim() const { return dim_; }

 private:
  Range add(const std::vector<int32_t>& rows, bool sum);
  void push(Strip run, const std::vector<int32_t>& rows);

  const Side& side_;
  int32_t dim_;
  std::vector<Strip> strips_;
  std::vector<int32_t> rows_;
};

/// A Layout's tables on the device.
class DeviceLayout {
 public:
  explicit DeviceLayout(const LayoutBuilder& builder)
      : strips_(builder.strips()),
        rows_(builder.rows()),
        view_{strips_.data(), rows_.data(), builder.dim(), builder.side().divide, builder.side().modulo} {}
  const Layout& view() const { return view_; }

 private:
  Table<Strip> strips_;
  Table<int32_t> rows_;
  Layout view_;
};

/// 0, 1, ..., count - 1.
std::vector<int32_t> all_rows(int32_t count);

}  // namespace gauntlet::cuda
