#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// Entries of each row by index.
class RowEntries {
 public:
  explicit RowEntries(std::span<const LinearRows::Entry> entries) {
    for (const LinearRows::Entry& entry : entries)
      rows_[entry.row].push_back({entry.column, static_cast<float>(entry.value)});
    for (auto& [row, of_row] : rows_)
      std::stable_sort(of_row.begin(), of_row.end(), [](auto& x, auto& y) { return x.index < y.index; });
  }

  std::vector<int32_t> indices(int32_t row) const {
    std::vector<int32_t> indices;
    for (const TableEntry& entry : of(row)) indices.push_back(entry.index);
    return indices;
  }

  int32_t count(int32_t row) const { return static_cast<int32_t>(of(row).size()); }

  /// The words of a block of rows with the same indices.
  void append(std::vector<TableWord>& words, const std::vector<int32_t>& rows) const {
    for (size_t e = 0; e < of(rows[0]).size(); ++e) {
      words.push_back({.index = of(rows[0])[e].index});
      for (const int32_t row : rows) words.push_back({.coefficient = of(row)[e].coefficient});
    }
  }

 private:
  const std::vector<TableEntry>& of(int32_t row) const {
    static const std::vector<TableEntry> none;
    const auto found = rows_.find(row);
    return found == rows_.end() ? none : found->second;
  }

  std::map<int32_t, std::vector<TableEntry>> rows_;
};

}  // namespace

std::vector<std::vector<int32_t>> cut_evenly(const std::vector<int32_t>& rows, size_t most) {
  std::vector<std::vector<int32_t>> blocks;
  auto first = rows.begin();
  for (size_t left = (rows.size() + most - 1) / most; left > 0; --left) {
    const auto end = first + (rows.end() - first + left - 1) / left;
    blocks.emplace_back(first, end);
    first = end;
  }
  return blocks;
}

LinearRows::LinearRows(int32_t rows, std::vector<Entry> entries) : row_(rows) {
  std::iota(row_.begin(), row_.end(), 0);
  build(std::move(entries));
}

LinearRows::LinearRows(std::vector<int32_t> rows, std::vector<Entry> entries) : row_(std::move(rows)) {
  build(std::move(entries));
}

LinearRows::LinearRows(std::vector<Entry> entries) {
  for (const Entry& entry : entries) row_.push_back(entry.row);
  std::sort(row_.begin(), row_.end());
  row_.erase(std::unique(row_.begin(), row_.end()), row_.end());
  build(std::move(entries));
}

void LinearRows::build(std::vector<Entry> entries) {
  size_ = entries.size();
  const RowEntries by_row(entries);
  std::map<std::vector<int32_t>, std::vector<int32_t>> alike;  // rows by their indices
  for (const int32_t row : row_) alike[by_row.indices(row)].push_back(row);
  std::vector<std::vector<int32_t>> blocks;
  for (const auto& [indices, rows] : alike) {
    for (const std::vector<int32_t>& block : cut_evenly(rows, indices.empty() ? 1 : kBlockRows))
      blocks.push_back(block);
  }
  const auto key = [&](const std::vector<int32_t>& block) {
    return std::tuple(block.size(), by_row.count(block[0]), block[0]);
  };
  std::sort(blocks.begin(), blocks.end(), [&](auto& x, auto& y) { return key(x) < key(y); });
  row_.clear();
  for (const std::vector<int32_t>& block : blocks) {
    const int32_t rows = static_cast<int32_t>(block.size());
    const int32_t count = by_row.count(block[0]);
    if (runs_.empty() || runs_.back().rows != rows || runs_.back().entries != count) runs_.push_back({0, rows, count});
    ++runs_.back().blocks;
    row_.insert(row_.end(), block.begin(), block.end());
    by_row.append(words_, block);
  }
}

TwinRows::TwinRows(std::span<const std::array<int32_t, 2>> pairs, std::span<const LinearRows::Entry> entries,
                   LinearRows lone)
    : size_(entries.size()), lone_(std::move(lone)) {
  const RowEntries by_row(entries);
  std::map<std::array<std::vector<int32_t>, 2>, std::vector<int32_t>> alike;  // pairs by their indices
  for (int32_t n = 0; n < std::ssize(pairs); ++n) {
    alike[{by_row.indices(pairs[n][0]), by_row.indices(pairs[n][1])}].push_back(n);
  }
  std::vector<std::vector<int32_t>> blocks;
  for (const auto& [indices, numbers] : alike) {
    for (const std::vector<int32_t>& block : cut_evenly(numbers, 2)) blocks.push_back(block);
  }
  const auto key = [&](const std::vector<int32_t>& block) {
    const auto [first, second] = pairs[block[0]];
    // Loops of the same length after one another: their ends can be foreseen.
    return std::tuple(block.size(), by_row.count(first), by_row.count(second), block[0]);
  };
  std::sort(blocks.begin(), blocks.end(), [&](auto& x, auto& y) { return key(x) < key(y); });
  for (const std::vector<int32_t>& block : blocks) {
    Twins& twins = twins_.emplace_back();
    twins.pairs = static_cast<int32_t>(block.size());
    std::vector<int32_t> rows[2];
    for (int32_t n = 0; n < twins.pairs; ++n) {
      for (const int which : {0, 1}) rows[which].push_back(twins.row[n][which] = pairs[block[n]][which]);
    }
    twins.sums = by_row.count(rows[0][0]);
    twins.differences = by_row.count(rows[1][0]);
    for (const int which : {0, 1}) by_row.append(words_, rows[which]);
  }
}

}  // namespace gauntlet
