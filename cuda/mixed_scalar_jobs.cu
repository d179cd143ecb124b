#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "cuda/layout.h"
#include "cuda/mixed_scalar.h"

namespace gauntlet::cuda {
namespace {

/// Where the rows of a side are in memory, if they follow one another there.
class Rows {
 public:
  explicit Rows(const Side& side) : offset_(side.fiber, -1) {
    size_t component = 0;
    for (const Block& block : side.blocks) {
      for (int32_t k = 0; k < block.size; ++k, ++component) {
        int32_t& offset = offset_[side.rows[component]];
        plain_ = plain_ && block.channels == 1 && offset < 0;
        offset = block.offset + k;
      }
    }
  }
  /// The offset of `count` rows from `first` on, -1 where they do not follow one another.
  int32_t find(int32_t first, int64_t count) const {
    if (!plain_ || first < 0 || first + count > static_cast<int64_t>(offset_.size())) return -1;
    for (int64_t n = 0; n < count; ++n) {
      if (offset_[first] < 0 || offset_[first + n] != offset_[first] + n) return -1;
    }
    return offset_[first];
  }

 private:
  std::vector<int32_t> offset_;
  bool plain_ = true;
};

}  // namespace

bool list_scalar_jobs(const Group& group, int target, ScalarLists& lists) {
  const MixedForm& form = std::get<MixedForm>(group.form);
  if (group.channels != 1 || target == 1) return false;
  const Rows x1(group.sides[0]), x2(group.sides[1]), y(group.sides[2]), weights(form.weights);
  struct Block {
    int32_t size, columns;
    std::vector<ScalarTerm> terms;
  };
  std::map<int32_t, Block> blocks;                  // of the target, by offset
  std::vector<std::pair<int32_t, int64_t>> ranges;  // of weights
  for (const MixedForm::Path& path : form.paths) {
    const auto [u, v, w] = std::tuple(path.count[0], path.count[1], path.count[2]);
    const MixedForm::Table& table = form.tables[path.table];
    const int32_t size = table.size[0];
    const double scalar = table.scalar();
    if (scalar == 0 || path.pairs != MixedForm::kAll || path.out != MixedForm::kEvery || path.weight < 0) return false;
    const int64_t pairs = int64_t{u} * v, numel = pairs * w;
    if (numel == 0 || (path.row[1] < 0 && v > 1)) return false;
    const int32_t x1_at = x1.find(path.row[0], int64_t{u} * size), y_at = y.find(path.row[2], int64_t{w} * size);
    const int32_t x2_at = path.row[1] < 0 ? -1 : x2.find(path.row[1], v), weight = weights.find(path.weight, numel);
    if (x1_at < 0 || y_at < 0 || weight < 0 || (path.row[1] >= 0 && x2_at < 0)) return false;

    // Terms are pairs (u, v); leaving out x1, (v, w).
    ScalarTerm term{.from = x1_at, .from_q = size, .from_r = 0, .factor = x2_at, .factor_q = 0, .factor_r = 1};
    term.weight = weight, term.weight_n = w, term.weight_column = 1;
    term.count = static_cast<int32_t>(pairs), term.inner = v;
    term.scale = static_cast<float>(path.coefficient * scalar);
    if (target == 0) {
      term.from = y_at, term.from_q = 0, term.from_r = size;
      term.factor_q = 1, term.factor_r = 0;
      term.weight_n = 1, term.weight_column = v * w;
      term.count = v * w, term.inner = w;
    }
    ranges.emplace_back(weight, weight + numel);
    if (target == kWeights) {
      lists.weights.push_back({term, y_at, size, w, reciprocal_of(size), lists.partials});
      lists.partials += numel;
      continue;
    }
    Block& block = blocks[target == 0 ? x1_at : y_at];
    const int32_t columns = target == 0 ? u : w;
    if (!block.terms.empty() && (block.size != size || block.columns != columns)) return false;
    block.size = size, block.columns = columns;
    block.terms.push_back(term);
  }
  int32_t end = 0;
  for (const auto& [to, block] : blocks) {
    if (to < end) return false;  // two blocks that share components
    end = to + block.size * block.columns;
    lists.jobs.push_back({to, block.size, block.columns, static_cast<int32_t>(lists.terms.size()),
                          static_cast<int32_t>(block.terms.size())});
    lists.terms.insert(lists.terms.end(), block.terms.begin(), block.terms.end());
  }
  std::ranges::sort(ranges);
  for (size_t n = 1; n < ranges.size(); ++n) {
    if (ranges[n].first < ranges[n - 1].second) return false;  // two paths that share weights
  }
  return true;
}

}  // namespace gauntlet::cuda
