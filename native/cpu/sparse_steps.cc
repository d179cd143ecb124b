#include "cpu/sparse_steps.h"

#include <algorithm>
#include <map>
#include <set>

namespace gauntlet {
namespace {

/// Which block of a side each fiber row belongs to: a pair of blocks, one (l1, l2), is one coupling.
std::vector<int32_t> blocks_of_rows(const Side& side) {
  std::vector<int32_t> block_of(side.fiber, 0);
  size_t at = 0;
  for (size_t b = 0; b < side.blocks.size(); ++b) {
    for (int32_t m = 0; m < side.blocks[b].size; ++m) block_of[side.rows[at++]] = static_cast<int32_t>(b);
  }
  return block_of;
}

size_t count_pairs(const std::vector<CouplingEntry>& entries) {
  std::set<std::array<int32_t, 2>> pairs;
  for (const CouplingEntry& entry : entries) pairs.insert({entry.left, entry.right});
  return pairs.size();
}

bool share_rows(const std::vector<CouplingEntry>& some, const std::vector<CouplingEntry>& others) {
  std::set<int32_t> rows;
  for (const CouplingEntry& entry : some) rows.insert(entry.row);
  return std::any_of(others.begin(), others.end(),
                     [&](const CouplingEntry& entry) { return rows.count(entry.row) > 0; });
}

/// Products made in one step, where one pair of blocks has not more: as many as L1 holds beside the rest.
constexpr size_t kStepPairs = 80;

}  // namespace

std::vector<std::vector<CouplingEntry>> cut_into_steps(const Coefficients& coefficients, const Side sides[3]) {
  const std::vector<int32_t> left_block = blocks_of_rows(sides[0]), right_block = blocks_of_rows(sides[1]);
  std::map<std::array<int32_t, 2>, std::vector<CouplingEntry>> by_blocks;
  for (size_t e = 0; e < coefficients.value.size(); ++e) {
    const auto& index = coefficients.index;
    const CouplingEntry entry{index[2][e], index[0][e], index[1][e], coefficients.value[e]};
    by_blocks[{left_block[entry.left], right_block[entry.right]}].push_back(entry);
  }
  for (auto& [blocks, entries] : by_blocks) {
    // (l1, l2) and (l2, l1) may share coefficients where they share rows.
    const auto swapped = by_blocks.find({blocks[1], blocks[0]});
    if (blocks[0] < blocks[1] && swapped != by_blocks.end() && share_rows(entries, swapped->second)) {
      entries.insert(entries.end(), swapped->second.begin(), swapped->second.end());
      swapped->second.clear();
    }
  }
  std::vector<std::vector<CouplingEntry>> steps(
      1);  // one even if there is nothing to compute: the target is to become zero
  size_t pairs = 0;
  for (const auto& [blocks, entries] : by_blocks) {
    if (entries.empty()) continue;
    const size_t more = count_pairs(entries);
    if (pairs > 0 && pairs + more > kStepPairs) {
      steps.emplace_back();
      pairs = 0;
    }
    steps.back().insert(steps.back().end(), entries.begin(), entries.end());
    pairs += more;
  }
  return steps;
}

Slots::Slots(const std::vector<Life>& lives) : slot_(lives.size(), kZero) {
  std::map<int32_t, std::vector<int32_t>> first, last;  // rows by step
  for (size_t row = 0; row < lives.size(); ++row) {
    if (lives[row].first < 0) continue;
    first[lives[row].first].push_back(static_cast<int32_t>(row));
    last[lives[row].last].push_back(static_cast<int32_t>(row));
  }
  std::vector<int32_t> free;
  auto done = last.begin();
  for (const auto& [step, rows] : first) {
    for (; done != last.end() && done->first < step; ++done) {
      for (const int32_t row : done->second) free.push_back(slot_[row]);
    }
    for (const int32_t row : rows) {
      slot_[row] = free.empty() ? count_++ : free.back();
      if (!free.empty()) free.pop_back();
    }
  }
}

std::vector<int32_t> Slots::of(const SideTiles::Piece& piece) const {
  std::vector<int32_t> slots;
  for (int32_t m = 0; m < piece.size; ++m) slots.push_back(slot_[piece.rows[m]]);
  return slots;
}

}  // namespace gauntlet
