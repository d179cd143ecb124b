#include <algorithm>
#include <map>
#include <numeric>

#include "cpu/program.h"

namespace gauntlet {

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
  std::map<int32_t, int32_t> count;
  for (const Entry& entry : entries) ++count[entry.row];
  std::stable_sort(row_.begin(), row_.end(), [&](int32_t x, int32_t y) { return count[x] < count[y]; });
  std::map<int32_t, int32_t> place;
  for (int32_t row : row_) {
    place[row] = static_cast<int32_t>(place.size());
    if (runs_.empty() || runs_.back().entries != count[row]) runs_.push_back({0, count[row]});
    ++runs_.back().rows;
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [&](const Entry& x, const Entry& y) { return place[x.row] < place[y.row]; });
  for (const Entry& entry : entries) entries_.push_back({entry.column, static_cast<float>(entry.value)});
}

TwinRows::TwinRows(std::span<const std::array<int32_t, 2>> pairs, std::span<const LinearRows::Entry> entries,
                   LinearRows lone)
    : lone_(std::move(lone)) {
  std::map<int32_t, std::vector<TableEntry>> by_row;
  for (const LinearRows::Entry& entry : entries)
    by_row[entry.row].push_back({entry.column, static_cast<float>(entry.value)});
  const auto count = [&](int32_t row) { return static_cast<int32_t>(by_row[row].size()); };
  for (const auto& [first, second] : pairs) twins_.push_back({{first, second}, count(first), count(second)});
  // Loops of the same length after one another: their ends can be foreseen.
  std::stable_sort(twins_.begin(), twins_.end(), [](const Twins& a, const Twins& b) {
    return std::pair(a.sums, a.differences) < std::pair(b.sums, b.differences);
  });
  for (const Twins& twins : twins_) {
    for (const int32_t row : twins.row) entries_.insert(entries_.end(), by_row[row].begin(), by_row[row].end());
  }
}

}  // namespace gauntlet
