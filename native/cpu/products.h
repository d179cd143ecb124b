// The products x[i] * y[j] that a table of coefficients reads, folded where coefficients are the same; see Coupling in kernels.h.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/program.h"

namespace gauntlet {

/// One coefficient, by fiber rows of the target and of its left and right operands.
struct CouplingEntry {
  int32_t row, left, right;
  double value;
};

/// The products of one step as the kernel makes them, and how each coefficient reads them.
class Products {
 public:
  /// Without `fold` every product stands alone.
  Products(const std::vector<CouplingEntry>& entries, bool fold);

  /// Without its maps.
  Coupling coupling() const { return {{twins_[0], twins_[1]}, {lone_[0], lone_[1]}, lines_.data(), {}, {}}; }
  size_t lines() const { return lines_.size(); }
  const Line& line(size_t n) const { return lines_[n]; }
  /// How many products line n is made of.
  int products_of(size_t n) const;
  /// Lines 2n and 2n + 1 are twins up to this one.
  size_t twin_lines() const { return 2 * size_t(twins_[0] + twins_[1]); }
  /// Coefficients by row of the target and place of the line.
  const std::vector<LinearRows::Entry>& entries() const { return entries_; }

 private:
  using Pair = std::array<int32_t, 2>;
  using Terms = std::vector<std::pair<int32_t, double>>;  // row, coefficient
  struct Member {
    Line line;
    const Terms* terms;  // of its first product
  };

  void add_twins(const Member& first, const Member& second);

  int32_t twins_[2], lone_[2];
  std::vector<Line> lines_;
  std::vector<LinearRows::Entry> entries_;
};

}  // namespace gauntlet
