#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "cpu/program.h"

namespace gauntlet {
namespace {

using Entries = std::vector<LinearRows::Entry>;

/// The map's entries, of the transposed matrix where `transposed`.
Entries entries_of(const LinearMap& map, int32_t n, bool transposed) {
  Entries entries;
  for (size_t e = 0; e < map.value.size(); ++e) {
    const int32_t row = transposed ? map.row[e] % n * n + map.row[e] / n : map.row[e];
    entries.push_back({row, map.column[e], map.value[e]});
  }
  return entries;
}

/// One triangle of a map: entries with equal values at (a, b) and (b, a) stay at (a, b), those with opposite values go to
/// (b, a). Nothing where some entry has neither.
std::optional<Entries> fold(const Entries& entries, int32_t n) {
  std::map<std::array<int32_t, 2>, double> values;
  for (const LinearRows::Entry& entry : entries) values[{entry.row, entry.column}] += entry.value;
  Entries folded;
  for (const auto& [place, value] : values) {
    const auto [row, column] = place;
    const int32_t a = row / n, b = row % n;
    const auto mirrored = values.find({b * n + a, column});
    const auto near = [value](double other) { return std::abs(other - value) < 1e-12 * std::abs(value); };
    if (mirrored == values.end() || !(near(mirrored->second) || near(-mirrored->second))) return {};
    if (a <= b) folded.push_back({near(mirrored->second) ? row : b * n + a, column, value});
  }
  return folded;
}

class MatrixProgram : public MappedProgram<MatrixTable, TwinRows> {
 public:
  // F = trace((X1 X2 + s X2 X1) X3^T) / 2, so with A, B = X1, X2 or X1^T, X3 or X3, X2^T the one left out is (A B + s B A) / 2.
  MatrixProgram(const MatrixForm& form, const Side sides[3], const std::array<SideTiles, 3>& tiles, int target)
      : MappedProgram(sides, tiles, target) {
    if (target == 0) left = 2, right = 1;
    const int operands[2] = {left, right};
    const bool transposed[2] = {target == 1, target == 0};
    table_.size = form.size;
    const int32_t n = form.size, matrix = n * n;
    std::vector<Entries> maps[3];
    for (int o = 0; o < 3; ++o) {
      for (const LinearMap& map : form.maps[o == 2 ? target : operands[o]])
        maps[o].push_back(entries_of(map, n, o < 2 && transposed[o]));
    }
    fold_all(maps, n);
    for (int o = 0; o < 2; ++o) {
      std::vector<TwinRows> rows;
      for (const Entries& entries : maps[o]) {
        work += static_cast<double>(entries.size());
        rows.push_back(rows_of(entries));
      }
      set_into(o, std::move(rows));
    }
    Entries from;
    for (int32_t s = 0; s < static_cast<int32_t>(maps[2].size()); ++s) {
      for (const LinearRows::Entry& entry : maps[2][s])
        from.push_back({entry.column, s * matrix + entry.row, entry.value / 2});
    }
    set_from(maps[2].size(), std::move(from));
    set_terms(form.terms, target);
    signs_ = form.signs;
    table_.sign = signs_.data();
    work += static_cast<double>(from_->size()) + 2.0 * matrix * n * table_.terms;
    set_scratch(size_t(table_.sectors[0] + table_.sectors[1] + table_.sectors[2]) * matrix * kTileLanes);
  }

  void run(int, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    kernels().matrix(table_, vecs, tiles[left], tiles[right], room, scratch(room), ahead);
  }

 private:
  /// The way into a matrix: pairs (a, b) and (b, a) are twins where it is mirrored.
  TwinRows rows_of(const Entries& entries) const {
    const int32_t n = table_.size;
    std::vector<std::array<int32_t, 2>> pairs;
    std::vector<int32_t> lone;
    for (int32_t a = 0; a < n; ++a) {
      for (int32_t b = 0; b < n; ++b) {
        if (!table_.mirrored || a == b)
          lone.push_back(a * n + b);
        else if (a < b)
          pairs.push_back({a * n + b, b * n + a});
      }
    }
    const auto is_lone = [&](const LinearRows::Entry& entry) {
      return std::binary_search(lone.begin(), lone.end(), entry.row);
    };
    Entries of_pairs, of_lone;
    for (const LinearRows::Entry& entry : entries) (is_lone(entry) ? of_lone : of_pairs).push_back(entry);
    return {pairs, of_pairs, LinearRows(std::move(lone), std::move(of_lone))};
  }

  /// All maps or none: a matrix is mirrored whole.
  void fold_all(std::vector<Entries> (&maps)[3], int32_t n) {
    std::vector<Entries> folded[3];
    for (int o = 0; o < 3; ++o) {
      for (const Entries& entries : maps[o]) {
        std::optional<Entries> map = fold(entries, n);
        if (!map) return;
        folded[o].push_back(std::move(*map));
      }
    }
    std::move(folded, folded + 3, maps);
    table_.mirrored = true;
  }

  std::vector<int32_t> signs_;
};

}  // namespace

std::unique_ptr<Program> make_matrix_program(const MatrixForm& form, const Side sides[3],
                                             const std::array<SideTiles, 3>& tiles, int target) {
  return std::make_unique<MatrixProgram>(form, sides, tiles, target);
}

}  // namespace gauntlet
