#include <algorithm>

#include "cuda/coupling.h"

namespace gauntlet::cuda {
namespace {

/// Consecutive rows of `order`, at most `most` at a time, in pieces of about equal length.
std::vector<std::vector<int32_t>> cut(const std::vector<int32_t>& order, int32_t most) {
  const size_t count = std::max<size_t>(1, (order.size() + most - 1) / most);
  std::vector<std::vector<int32_t>> pieces;
  for (size_t n = 0; n < count; ++n) {
    const auto at = [&](size_t piece) { return order.begin() + static_cast<ptrdiff_t>(piece * order.size() / count); };
    pieces.emplace_back(at(n), at(n + 1));
  }
  return pieces;
}

/// The target's rows, block by block (a row belongs to the first block that has it), blocks by their rows' first use.
std::vector<int32_t> order_rows(const Side& side, const std::vector<uint64_t>& first_use) {
  struct Place {
    uint64_t use;
    int32_t block, row;
  };
  std::vector<Place> places;
  std::vector<char> seen(side.fiber, false);
  size_t component = 0;
  int32_t number = 0;
  for (const Block& block : side.blocks) {
    const size_t begin = places.size();
    uint64_t use = UINT64_MAX;
    for (int32_t k = 0; k < block.size; ++k) {
      const int32_t row = side.rows[component++];
      use = std::min(use, first_use[row]);
      if (!seen[row]) places.push_back({0, number, row});
      seen[row] = true;
    }
    for (size_t n = begin; n < places.size(); ++n) places[n].use = use;
    ++number;
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.use != b.use ? a.use < b.use : a.block < b.block; });
  std::vector<int32_t> order;
  for (const Place& place : places) order.push_back(place.row);
  return order;  // rows without a component are nobody's result
}

}  // namespace

int Pieces::longest(int side) const {
  size_t most = 0;
  for (const std::vector<int32_t>& piece : rows[side]) most = std::max(most, piece.size());
  return static_cast<int>(most);
}

std::vector<std::pair<int32_t, int32_t>> Pieces::places(int side, int32_t fiber) const {
  std::vector<std::pair<int32_t, int32_t>> places(fiber, {-1, -1});
  for (size_t piece = 0; piece < rows[side].size(); ++piece) {
    for (size_t n = 0; n < rows[side][piece].size(); ++n) {
      places[rows[side][piece][n]] = {static_cast<int32_t>(piece), static_cast<int32_t>(n)};
    }
  }
  return places;
}

Pieces cut_fibers(const Device& device, const Group& group, int target, const std::vector<uint64_t>& first_use) {
  constexpr int kRowBytes = kFiberStride * kFloatBytes;
  constexpr int kReserved = 1024, kMostRows = 0xffff / kFiberStride;  // whose places fit into 16 bits
  const int32_t left = group.sides[left_of(target)].fiber, right = group.sides[right_of(target)].fiber;
  const std::vector<int32_t> order = order_rows(group.sides[target], first_use);
  const int32_t out = static_cast<int32_t>(order.size());
  // Rows that each of `tiles` tiles may have, if `blocks` blocks are to share a multiprocessor.
  const auto capacity = [&](int tiles, int blocks) {
    const int bytes = std::min(device.shared_per_block, device.shared_per_multiprocessor / blocks - kReserved);
    return std::min((bytes - lane_bytes(tiles)) / tiles / kRowBytes, kMostRows);
  };

  Pieces pieces{.most_tiles = 1, .together = 1};
  int32_t room[3] = {left, right, out};
  const auto settle = [&] {
    for (int tiles = kMostTiles; tiles >= 2; tiles /= 2) {
      if (left + right + out <= capacity(tiles, 3)) {
        pieces.most_tiles = tiles, pieces.together = 2;
        return;
      }
    }
    const int32_t fewest = std::min(out, 96);  // shorter pieces of y would make loading and waiting dear
    for (const auto& [tiles, blocks] : {std::pair{2, 3}, {2, 2}, {2, 1}, {1, 2}, {1, 1}}) {
      if (left + right + fewest > capacity(tiles, blocks)) continue;
      pieces.most_tiles = pieces.together = tiles;
      room[2] = capacity(tiles, blocks) - left - right;
      return;
    }
    const int32_t rows = capacity(1, 1);
    room[0] = std::min(left, rows / 3);
    room[1] = std::min(right, rows / 3);
    room[2] = rows - room[0] - room[1];
  };
  settle();
  pieces.rows[0] = cut(all_rows(left), std::max(1, room[0]));
  pieces.rows[1] = cut(all_rows(right), std::max(1, room[1]));
  pieces.rows[2] = cut(order, std::max(1, room[2]));
  return pieces;
}

Steps::Steps(const Group& group, const int32_t (&dim)[kOperands], int target, const Pieces& pieces)
    : layouts_{LayoutBuilder(group.sides[left_of(target)], dim[left_of(target)]),
               LayoutBuilder(group.sides[right_of(target)], dim[right_of(target)]),
               LayoutBuilder(group.sides[target], dim[target])} {
  for (int side = 0; side < 3; ++side) {
    for (const std::vector<int32_t>& rows : pieces.rows[side]) {
      ranges_[side].push_back(side < 2 ? layouts_[side].load(rows) : layouts_[side].store(rows));
    }
  }
}

void Steps::add(int left, int right, int out) {
  Step step{.add = out == out_};
  if (left >= 0 && left != left_) step.left = ranges_[0][left], left_ = left;
  if (right >= 0 && right != right_) step.right = ranges_[1][right], right_ = right;
  out_ = out;
  steps_.push_back(step);
}

}  // namespace gauntlet::cuda
