#include <algorithm>
#include <numeric>
#include <string>

#include "core/error.h"
#include "cuda/layout.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

constexpr int32_t kLongestRun = 2048;  // components: elements are below 32 * count, and their quotients exact

/// Channels of one component each, end to end, are one stretch of memory, read best as one.
bool continues(const Strip& last, const Strip& next) {
  return last.channels == 1 && next.channels == 1 && last.offset + last.count == next.offset &&
         last.count + next.count <= kLongestRun;
}

}  // namespace

void LayoutBuilder::push(Strip run, const std::vector<int32_t>& rows) {
  run.first = static_cast<int32_t>(rows_.size());
  run.reciprocal = reciprocal_of(run.count);
  rows_.insert(rows_.end(), rows.begin(), rows.end());
  const int32_t parts = (run.count + kMoves - 1) / kMoves;  // about equal ones
  for (int32_t n = 0; n < parts; ++n) {
    const int32_t begin = n * run.count / parts, end = (n + 1) * run.count / parts;
    run.at = begin * kLanes, run.moves = end - begin;
    strips_.push_back(run);
  }
}

LayoutBuilder::LayoutBuilder(const Side& side, int32_t dim) : side_(side), dim_(dim) {
  constexpr int64_t kMostSamples = kMostTiles * kLanes + 1;  // of a block, where places are of 32 bits
  if (dim * kMostSamples > INT32_MAX) {
    throw Error("ERR_ARGUMENT", "Expected rows of at most " + std::to_string(INT32_MAX / kMostSamples) +
                                    " floats for a product on a GPU but received " + std::to_string(dim));
  }
}

Range LayoutBuilder::add(const std::vector<int32_t>& rows, bool sum) {
  std::vector<int32_t> number(side_.fiber, -1);
  for (size_t n = 0; n < rows.size(); ++n) number[rows[n]] = static_cast<int32_t>(n);

  // Turn t holds the components that are the t-th on their row: no two of one turn meet on a row.
  struct Piece {
    Strip run;
    std::vector<int32_t> rows;
  };
  std::vector<std::vector<Piece>> turns(1);
  std::vector<int32_t> filled(rows.size(), 0);
  size_t component = 0;
  for (const Block& block : side_.blocks) {
    int32_t last_turn = -1;  // of the component before, where that is in a piece of this block
    for (int32_t k = 0; k < block.size; ++k, ++component) {
      const int32_t row = number[side_.rows[component]];
      if (row < 0 || (!sum && block.channels == 0)) {
        last_turn = -1;
        continue;
      }
      const int32_t turn = sum ? filled[row] : 0;
      ++filled[row];
      if (turn >= static_cast<int32_t>(turns.size())) turns.emplace_back();
      std::vector<Piece>& pieces = turns[turn];
      if (turn == last_turn && pieces.back().run.count < kLongestRun) {
        ++pieces.back().run.count;
        pieces.back().rows.push_back(row);
      } else {
        const Strip run{.offset = block.offset + k, .stride = block.size, .channels = block.channels, .count = 1};
        pieces.push_back({run, {row}});
      }
      last_turn = turn;
    }
  }
  if (sum) {
    std::vector<int32_t> empty;
    for (size_t row = 0; row < rows.size(); ++row) {
      if (filled[row] == 0) empty.push_back(static_cast<int32_t>(row));
    }
    for (size_t at = 0; at < empty.size(); at += kLongestRun) {
      const auto end = empty.begin() + static_cast<ptrdiff_t>(std::min(empty.size(), at + kLongestRun));
      const std::vector<int32_t> part(empty.begin() + static_cast<ptrdiff_t>(at), end);
      turns[0].push_back({Strip{.count = static_cast<int32_t>(part.size())}, part});
    }
  }

  Range range{.begin = static_cast<int32_t>(strips_.size())};
  for (size_t turn = 0; turn < turns.size(); ++turn) {
    std::vector<Piece> merged;
    for (Piece& piece : turns[turn]) {
      if (!merged.empty() && continues(merged.back().run, piece.run)) {
        merged.back().run.count += piece.run.count;
        merged.back().rows.insert(merged.back().rows.end(), piece.rows.begin(), piece.rows.end());
      } else {
        merged.push_back(std::move(piece));
      }
    }
    for (const Piece& piece : merged) push(piece.run, piece.rows);
    if (turn == 0) range.end = static_cast<int32_t>(strips_.size());
  }
  range.last = static_cast<int32_t>(strips_.size());
  return range;
}

std::vector<int32_t> all_rows(int32_t count) {
  std::vector<int32_t> rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

}  // namespace gauntlet::cuda
