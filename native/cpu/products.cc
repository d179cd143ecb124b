#include "cpu/products.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gauntlet {

Products::Products(const std::vector<CouplingEntry>& entries, bool fold) {
  // By the absolute values of their coefficients, then by the signs of all but the first.
  std::map<Pair, Terms> columns;
  for (const CouplingEntry& entry : entries) columns[{entry.left, entry.right}].push_back({entry.row, entry.value});
  std::map<Terms, std::map<std::vector<bool>, std::vector<Pair>>> alike;
  for (auto& [pair, terms] : columns) {
    std::sort(terms.begin(), terms.end());
    Terms magnitudes;
    std::vector<bool> signs;
    for (const auto& [row, value] : terms) {
      magnitudes.push_back({row, std::abs(static_cast<float>(value))});
      signs.push_back((value < 0) != (terms[0].second < 0));
    }
    if (!fold) magnitudes.push_back({-1, static_cast<double>(alike.size())});  // like no other
    alike[magnitudes][signs].push_back(pair);
  }

  std::vector<Member> members[2][2];  // [twins, lone][products - 1]
  for (const auto& [magnitudes, by_signs] : alike) {
    std::vector<Member> by_count[2];
    for (const auto& [signs, pairs] : by_signs) {
      for (size_t n = 0; n < pairs.size(); n += 2) {
        const Terms& terms = columns[pairs[n]];
        const bool two = n + 1 < pairs.size();
        const Pair second = two ? pairs[n + 1] : pairs[n];
        const bool opposite = (columns[second][0].second < 0) != (terms[0].second < 0);
        by_count[two].push_back(
            {{{pairs[n][0], second[0]}, {pairs[n][1], second[1]}, opposite ? -1.0f : 1.0f}, &terms});
      }
    }
    for (int count = 0; count < 2; ++count) {
      const auto begin = by_count[count].begin(), lone = begin + by_count[count].size() / 2 * 2;
      members[0][count].insert(members[0][count].end(), begin, lone);
      members[1][count].insert(members[1][count].end(), lone, by_count[count].end());
    }
  }
  for (int count = 0; count < 2; ++count) {
    twins_[count] = static_cast<int32_t>(members[0][count].size() / 2);
    for (size_t n = 0; n < members[0][count].size(); n += 2) add_twins(members[0][count][n], members[0][count][n + 1]);
  }
  for (int count = 0; count < 2; ++count) {
    lone_[count] = static_cast<int32_t>(members[1][count].size());
    for (const Member& member : members[1][count]) {
      const int32_t place = static_cast<int32_t>(lines_.size());
      lines_.push_back(member.line);
      for (const auto& [row, value] : *member.terms) entries_.push_back({row, place, value});
    }
  }
}

int Products::products_of(size_t n) const {
  if (n < twin_lines()) return n < 2 * size_t(twins_[0]) ? 1 : 2;
  return n < twin_lines() + lone_[0] ? 1 : 2;
}

void Products::add_twins(const Member& first, const Member& second) {
  const int32_t sum = static_cast<int32_t>(lines_.size()), difference = sum + 1;
  lines_.insert(lines_.end(), {first.line, second.line});
  for (size_t n = 0; n < first.terms->size(); ++n) {
    const auto [row, value] = (*first.terms)[n];
    const bool same_sign = (value < 0) == ((*second.terms)[n].second < 0);
    entries_.push_back({row, same_sign ? sum : difference, value});
  }
}

}  // namespace gauntlet
