// What the programs of sparse coefficients share: steps small enough for L1, and where fiber rows are while steps need them.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "cpu/products.h"
#include "cpu/program.h"

namespace gauntlet {

struct Coefficients {
  const std::vector<int32_t> (&index)[3];
  const std::vector<double>& value;
};

/// The coefficients of one or several pairs of blocks of x1 and x2 for each step.
std::vector<std::vector<CouplingEntry>> cut_into_steps(const Coefficients& coefficients, const Side sides[3]);

/// Rows of a small tile for fiber rows, each from the first step that needs it to the last: where paths are kept apart the whole
/// fiber would not fit in any cache.
class Slots {
 public:
  struct Life {
    int32_t first = -1, last = -1;  // steps; -1: none
    /// To this step; whether that changes it.
    bool extend(int32_t step) {
      const Life before = *this;
      *this = {first < 0 ? step : std::min(first, step), std::max(last, step)};
      return first != before.first || last != before.last;
    }
  };
  explicit Slots(const std::vector<Life>& lives);

  /// The row that stands for all that no step needs.
  static constexpr int32_t kZero = 0;
  int32_t operator[](int32_t row) const { return slot_[row]; }
  std::vector<int32_t> of(const SideTiles::Piece& piece) const;
  int32_t count() const { return count_; }
  /// Before the first step, where the tile begins.
  static void clear(float* tile) { std::fill_n(tile + ptrdiff_t{kZero} * kTileLanes, kTileLanes, 0.0f); }

 private:
  std::vector<int32_t> slot_;
  int32_t count_ = 1;
};

/// The gradients with respect to x1, x2 or both. `fold`: see Products.
std::unique_ptr<Program> make_sparse_gradient_program(const Coefficients& coefficients, const Side sides[3],
                                                      const std::array<SideTiles, 3>& tiles,
                                                      std::span<const int> targets, bool fold);

}  // namespace gauntlet
