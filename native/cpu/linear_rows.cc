#include <algorithm>
#include <map>
#include <numeric>

#include "cpu/program.h"

namespace gauntlet {

LinearRows::LinearRows(int32_t rows, std::vector<Entry> entries) : row_(rows) {
  std::iota(row_.begin(), row_.end(), 0);
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

}  // namespace gauntlet
