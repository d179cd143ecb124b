#include <algorithm>
#include <numeric>

#include "cuda/bundle.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

struct Term {
  uint32_t key;
  double value;
};
using Terms = std::vector<Term>;  // of one row, by key

/// Issue slots for one key, about: what is loaded for it, and one multiply-add for every coefficient.
double cost_of_key(int width) { return 5 + width; }

int width_for(int rows) { return rows > 4 ? 8 : rows > 2 ? 4 : rows; }

std::vector<uint32_t> unite(const std::vector<uint32_t>& keys, const Terms& terms) {
  std::vector<uint32_t> all;
  all.reserve(keys.size() + terms.size());
  auto key = keys.begin();
  auto term = terms.begin();
  while (key != keys.end() || term != terms.end()) {
    if (term == terms.end() || (key != keys.end() && *key < term->key)) {
      all.push_back(*key++);
    } else {
      if (key != keys.end() && *key == term->key) ++key;
      all.push_back((term++)->key);
    }
  }
  return all;
}

std::vector<Terms> group_by_row(size_t rows, std::vector<Entry>& entries) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.row != b.row ? a.row < b.row : a.key < b.key; });
  std::vector<Terms> grouped(rows);
  for (const Entry& entry : entries) {
    Terms& terms = grouped[entry.row];
    if (!terms.empty() && terms.back().key == entry.key) {
      terms.back().value += entry.value;
    } else {
      terms.push_back({entry.key, entry.value});
    }
  }
  return grouped;
}

/// For every key, the rows that use it.
class Users {
 public:
  explicit Users(const std::vector<Terms>& rows) {
    for (const Terms& terms : rows) {
      for (const Term& term : terms) keys_.push_back(term.key);
    }
    std::sort(keys_.begin(), keys_.end());
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
    users_.resize(keys_.size());
    for (size_t row = 0; row < rows.size(); ++row) {
      for (const Term& term : rows[row]) users_[number(term.key)].push_back(static_cast<int>(row));
    }
  }
  std::vector<int>& of(uint32_t key) { return users_[number(key)]; }

 private:
  size_t number(uint32_t key) const { return std::lower_bound(keys_.begin(), keys_.end(), key) - keys_.begin(); }
  std::vector<uint32_t> keys_;
  std::vector<std::vector<int>> users_;
};

/// Rows by decreasing length, each taking along those that share most with it, while that lowers the cost of a row.
std::vector<std::vector<int>> choose(const std::vector<Terms>& rows) {
  Users users(rows);
  std::vector<int> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return rows[a].size() > rows[b].size(); });

  std::vector<char> taken(rows.size(), false);
  std::vector<int> shared(rows.size(), 0);
  std::vector<std::vector<int>> bundles;
  for (int seed : order) {
    if (taken[seed]) continue;
    taken[seed] = true;
    std::vector<int> candidates;
    for (const Term& term : rows[seed]) {
      std::vector<int>& of_key = users.of(term.key);
      std::erase_if(of_key, [&](int row) { return taken[row]; });
      for (int row : of_key) {
        if (shared[row]++ == 0) candidates.push_back(row);
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), [&](int a, int b) { return shared[a] > shared[b]; });
    for (int row : candidates) shared[row] = 0;

    std::vector<uint32_t> keys;
    for (const Term& term : rows[seed]) keys.push_back(term.key);
    std::vector<int> bundle{seed};
    double best = cost_of_key(1) * static_cast<double>(keys.size());
    size_t best_size = 1;
    for (size_t n = 0; n < candidates.size() && bundle.size() < kWidestBundle; ++n) {
      keys = unite(keys, rows[candidates[n]]);
      bundle.push_back(candidates[n]);
      const int size = static_cast<int>(bundle.size());
      const double cost = cost_of_key(width_for(size)) * static_cast<double>(keys.size()) / size;
      if (cost < best) best = cost, best_size = bundle.size();
    }
    bundle.resize(best_size);
    for (int row : bundle) taken[row] = true;
    bundles.push_back(std::move(bundle));
  }
  return bundles;
}

}  // namespace

std::vector<std::vector<int>> deal(const std::vector<double>& costs) {
  std::vector<int> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return costs[a] > costs[b]; });
  std::vector<std::vector<int>> lists(kWarps);
  std::vector<double> loads(kWarps, 0);
  for (int item : order) {
    const size_t least = std::min_element(loads.begin(), loads.end()) - loads.begin();
    lists[least].push_back(item);
    loads[least] += costs[item] + 1;
  }
  return lists;
}

void BundleTable::add_step(const std::vector<int32_t>& rows, std::vector<Entry> entries) {
  std::vector<int32_t> number(rows.empty() ? 0 : *std::max_element(rows.begin(), rows.end()) + 1, -1);
  for (size_t n = 0; n < rows.size(); ++n) number[rows[n]] = static_cast<int32_t>(n);
  for (Entry& entry : entries) entry.row = number[entry.row];
  const std::vector<Terms> terms = group_by_row(rows.size(), entries);
  const std::vector<std::vector<int>> chosen = choose(terms);

  std::vector<std::vector<uint32_t>> keys(chosen.size());
  std::vector<double> costs;
  for (size_t n = 0; n < chosen.size(); ++n) {
    for (int row : chosen[n]) keys[n] = unite(keys[n], terms[row]);
    costs.push_back(cost_of_key(width_for(static_cast<int>(chosen[n].size()))) * static_cast<double>(keys[n].size()));
  }
  for (const std::vector<int>& list : deal(costs)) {
    for (int n : list) {
      const std::vector<int>& members = chosen[n];
      Bundle bundle{.width = width_for(static_cast<int>(members.size())),
                    .count = static_cast<int32_t>(keys[n].size())};
      bundle.first_key = static_cast<int32_t>(keys_.size());
      bundle.first_coefficient = static_cast<int32_t>(coefficients_.size());
      keys_.insert(keys_.end(), keys[n].begin(), keys[n].end());
      coefficients_.resize(round_up(bundle.first_coefficient + bundle.count * bundle.width, 4), 0);
      std::fill(bundle.row, bundle.row + kWidestBundle, -1);
      for (size_t r = 0; r < members.size(); ++r) {
        bundle.row[r] = rows[members[r]];
        auto key = keys[n].begin();
        for (const Term& term : terms[members[r]]) {
          while (*key != term.key) ++key;
          const ptrdiff_t at = key - keys[n].begin();
          coefficients_[bundle.first_coefficient + at * bundle.width + static_cast<ptrdiff_t>(r)] =
              static_cast<float>(term.value);
        }
      }
      bundles_.push_back(bundle);
    }
    starts_.push_back(static_cast<int32_t>(bundles_.size()));
  }
}

}  // namespace gauntlet::cuda
