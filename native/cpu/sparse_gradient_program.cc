#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "cpu/sparse_steps.h"

namespace gauntlet {
namespace {

/// The gradients with respect to x1, x2 or both, by the same coefficients read the other way; what they make of the product's
/// gradient is the same for both.
class SparseGradientProgram : public Program {
 public:
  SparseGradientProgram(const Coefficients& coefficients, const Side sides[3], const std::array<SideTiles, 3>& tiles,
                        std::span<const int> targets, bool fold)
      : targets_(targets.begin(), targets.end()) {
    for (int target : targets_) add_target(target, tiles[target]);
    const std::vector<std::vector<CouplingEntry>> couplings = cut_into_steps(coefficients, sides);
    steps_.resize(couplings.size());
    const Slots slots(add_needed(couplings, tiles[2]));
    for (Step& step : steps_) {
      for (Portion& portion : step.needed) {
        std::vector<int32_t>& rows = rows_.emplace_back(slots.of(*portion.piece));
        for (int32_t& row : rows) row += lines_;
        portion.rows = rows.data();
      }
    }
    size_t most_lines = 0;
    for (size_t s = 0; s < steps_.size(); ++s) {
      const Products products(couplings[s], fold);
      add_sums(steps_[s], products, slots);
      most_lines = std::max(most_lines, products.lines());
    }
    slots_ = slots.count();
    piecewise = 2;
    room = (lines_ + slots_ + most_lines) * kTileLanes;
  }

  int steps() const override { return static_cast<int>(steps_.size()); }

  std::span<const Portion> needed(int step) const override { return steps_[step].needed; }

  void run(int step, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    float *const gradient = room + lines_ * kTileLanes, *const h = gradient + slots_ * kTileLanes;
    if (step == 0) {
      std::fill_n(room, lines_ * kTileLanes, 0.0f);
      Slots::clear(gradient);
    }
    kernels().unmap(steps_[step].lines->table(), vecs, gradient, h, ahead);
    const Sums& sums = steps_[step].sums;
    const Decoupling decoupling{static_cast<int32_t>(sums.groups.size()), sums.groups.data(), sums.terms.data()};
    const int target = targets_[0], other = 1 - target;
    float* const others = targets_.size() > 1 ? room + second_ * kTileLanes : nullptr;
    kernels().decouple(decoupling, vecs, {tiles[target], tiles[other]}, h, {room, others}, ahead);
  }

  std::span<const Portion> ready(int step) const override {
    return step + 1 == steps() ? std::span<const Portion>(ready_) : std::span<const Portion>();
  }

 private:
  /// Of the first target, by which the second's come too.
  struct Sums {
    std::vector<DecouplingRows> groups;
    std::vector<int32_t> terms;
  };
  struct Step {
    std::vector<Portion> needed;
    std::optional<TwinRows> lines;
    Sums sums;
  };
  /// Of one row, by sign: lines by the row of the other input.
  using RowTerms = std::array<std::map<int32_t, int32_t>, 2>;

  void add_target(int target, const SideTiles& out) {
    const int32_t first = second_ = lines_;
    for (const SideTiles::Piece& piece : out.pieces()) {
      std::vector<int32_t>& rows = rows_.emplace_back(piece.rows, piece.rows + piece.size);
      for (int32_t& row : rows) row += first;
      ready_.push_back({target, &piece, rows.data()});
    }
    lines_ += out.fiber();
  }

  /// Gives each step the pieces of the gradient that it is the first to read, not yet their rows, and returns how long these are needed.
  std::vector<Slots::Life> add_needed(const std::vector<std::vector<CouplingEntry>>& couplings,
                                      const SideTiles& gradient) {
    std::vector<Slots::Life> lives(gradient.fiber());
    for (int32_t s = 0; s < std::ssize(couplings); ++s) {
      for (const CouplingEntry& entry : couplings[s]) lives[entry.row].extend(s);
    }
    // Pieces that share rows are packed in one step, in their order.
    for (bool changed = true; std::exchange(changed, false);) {
      for (const SideTiles::Piece& piece : gradient.pieces()) {
        const int32_t first = first_of(piece, lives);
        for (int32_t m = 0; first >= 0 && m < piece.size; ++m) changed |= lives[piece.rows[m]].extend(first);
      }
    }
    for (const SideTiles::Piece& piece : gradient.pieces()) {
      const int32_t first = first_of(piece, lives);
      if (first >= 0) steps_[first].needed.push_back({2, &piece, nullptr});
    }
    return lives;
  }

  /// The first step that reads any of its rows, or -1.
  static int32_t first_of(const SideTiles::Piece& piece, const std::vector<Slots::Life>& lives) {
    Slots::Life all;
    for (int32_t m = 0; m < piece.size; ++m) {
      if (lives[piece.rows[m]].first >= 0) all.extend(lives[piece.rows[m]].first);
    }
    return all.first;
  }

  void add_sums(Step& step, const Products& products, const Slots& slots) {
    const int32_t twin_lines = static_cast<int32_t>(products.twin_lines());
    std::vector<std::array<int32_t, 2>> pairs;
    for (int32_t line = 0; line < twin_lines; line += 2) pairs.push_back({line, line + 1});
    std::vector<LinearRows::Entry> entries, lone;
    for (const auto& [row, line, value] : products.entries())
      (line < twin_lines ? entries : lone).push_back({line, slots[row], value});
    step.lines.emplace(pairs, entries, LinearRows(std::move(lone)));
    step.sums = sums_of(products, targets_[0]);
    work += static_cast<double>(products.entries().size());
  }

  Sums sums_of(const Products& products, int target) {
    std::map<int32_t, RowTerms> by_row;
    for (size_t n = 0; n < products.lines(); ++n) {
      const Line& line = products.line(n);
      for (int p = 0; p < products.products_of(n); ++p) {
        const int32_t rows[2] = {line.i[p], line.j[p]};
        const bool minus = p == 1 && line.sign < 0;
        by_row[rows[target]][minus][rows[1 - target]] = static_cast<int32_t>(n);
        work += static_cast<double>(targets_.size());
      }
    }
    // Rows by the others that they meet.
    std::map<std::array<std::vector<int32_t>, 2>, std::vector<int32_t>> alike;
    for (const auto& [row, terms] : by_row) {
      std::array<std::vector<int32_t>, 2> others;
      for (const int sign : {0, 1}) {
        for (const auto& [other, line] : terms[sign]) others[sign].push_back(other);
      }
      alike[others].push_back(row);
    }
    Sums sums;
    for (const auto& [others, rows] : alike) {
      for (const std::vector<int32_t>& together : cut_evenly(rows, DecouplingRows::kMost)) {
        DecouplingRows& group = sums.groups.emplace_back();
        group.count = static_cast<int32_t>(together.size());
        group.plus = static_cast<int32_t>(others[0].size());
        group.minus = static_cast<int32_t>(others[1].size());
        std::copy(together.begin(), together.end(), group.row);
        for (const int sign : {0, 1}) {
          for (const int32_t other : others[sign]) {
            sums.terms.push_back(other);
            for (const int32_t row : together) sums.terms.push_back(by_row[row][sign].at(other));
          }
        }
      }
    }
    return sums;
  }

  const std::vector<int> targets_;
  int32_t lines_ = 0, second_ = 0;  // of all targets, and where those of the second begin
  size_t slots_ = 1;
  std::deque<std::vector<int32_t>> rows_;
  std::vector<Portion> ready_;
  std::vector<Step> steps_;
};

}  // namespace

std::unique_ptr<Program> make_sparse_gradient_program(const Coefficients& coefficients, const Side sides[3],
                                                      const std::array<SideTiles, 3>& tiles,
                                                      std::span<const int> targets, bool fold) {
  return std::make_unique<SparseGradientProgram>(coefficients, sides, tiles, targets, fold);
}

}  // namespace gauntlet
