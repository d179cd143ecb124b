#include <algorithm>

#include "cpu/program.h"

namespace gauntlet {

LinearRows::LinearRows(int32_t rows, std::vector<Entry> entries) : row_begin_(rows + 1, 0) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& x, const Entry& y) { return x.row < y.row; });
  for (const Entry& entry : entries) {
    ++row_begin_[entry.row + 1];
    entries_.push_back({entry.column, static_cast<float>(entry.value)});
  }
  for (int32_t row = 0; row < rows; ++row) row_begin_[row + 1] += row_begin_[row];
}

}  // namespace gauntlet
