// How the blocks of an operand in memory map to fiber rows, cut into pieces that a thread block can walk without choices.
#pragma once

#include <cstdint>
#include <vector>

#include "core/plan.h"
#include "cuda/memory.h"

namespace gauntlet::cuda {

/// `count` neighbouring components of one block, in every channel it has: component k of channel c is at
/// offset + c * stride + k within a sample, and on fiber row rows[first + k]. All rows of a segment differ.
struct Segment {
  int32_t offset, stride, channels, count, first;
  uint32_t reciprocal;  // ceil(2^32 / count), for quotients by count; 0 where count = 1
  int32_t add;          // its rows were filled by an earlier segment
  int32_t wait;         // and it is the first such: that segment's threads must be done
};

struct Range {
  int32_t begin = 0, end = 0;
};

/// What a kernel gets of an operand. Segments refer to rows by their number within the range that is being loaded or stored.
struct Layout {
  const Segment* segments;
  const int32_t* rows;
  int32_t dim, divide, modulo;
};

/// Builds a Layout range by range; a range holds some of the fiber's rows.
class LayoutBuilder {
 public:
  LayoutBuilder(const Side& side, int32_t dim) : side_(side), dim_(dim) {}

  /// The segments that fill the given fiber rows, numbered in the order given. Rows without a component are filled with zeros.
  Range load(const std::vector<int32_t>& rows) { return add(rows, true); }
  /// The segments that write every component on these rows.
  Range store(const std::vector<int32_t>& rows) { return add(rows, false); }

  const std::vector<Segment>& segments() const { return segments_; }
  const std::vector<int32_t>& rows() const { return rows_; }
  const Side& side() const { return side_; }
  int32_t dim() const { return dim_; }

 private:
  Range add(const std::vector<int32_t>& rows, bool sum);
  void push(Segment segment, const std::vector<int32_t>& rows);

  const Side& side_;
  int32_t dim_;
  std::vector<Segment> segments_;
  std::vector<int32_t> rows_;
};

/// A Layout's tables on the device.
class DeviceLayout {
 public:
  explicit DeviceLayout(const LayoutBuilder& builder)
      : segments_(builder.segments()),
        rows_(builder.rows()),
        view_{segments_.data(), rows_.data(), builder.dim(), builder.side().divide, builder.side().modulo} {}
  const Layout& view() const { return view_; }

 private:
  Table<Segment> segments_;
  Table<int32_t> rows_;
  Layout view_;
};

/// 0, 1, ..., count - 1.
std::vector<int32_t> all_rows(int32_t count);

}  // namespace gauntlet::cuda
