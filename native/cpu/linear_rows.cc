#include <algorithm>
#include <numeric>

#include "cpu/program.h"

namespace gauntlet {

LinearRows::LinearRows(int32_t rows, std::vector<Entry> entries) : row_(rows), begin_{0} {
  std::vector<int32_t> count(rows, 0);
  for (const Entry& entry : entries) ++count[entry.row];
  // Rows of one length in a row: the loop over a row then ends where the processor expects it.
  std::iota(row_.begin(), row_.end(), 0);
  std::stable_sort(row_.begin(), row_.end(), [&](int32_t x, int32_t y) { return count[x] < count[y]; });
  std::vector<int32_t> place(rows);
  for (int32_t i = 0; i < rows; ++i) {
    place[row_[i]] = i;
    begin_.push_back(begin_.back() + count[row_[i]]);
  }
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& x, const Entry& y) { return place[x.row] < place[y.row]; });
  for (const Entry& entry : entries) entries_.push_back({entry.column, static_cast<float>(entry.value)});
}

}  // namespace gauntlet
