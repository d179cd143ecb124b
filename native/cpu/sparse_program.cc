#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

#include "cpu/products.h"
#include "cpu/program.h"

namespace gauntlet {
namespace {

/// Which block of a side each fiber row belongs to: a pair of blocks, one (l1, l2), is one coupling.
std::vector<int32_t> blocks_of_rows(const Side& side) {
  std::vector<int32_t> block_of(side.fiber, 0);
  size_t at = 0;
  for (size_t b = 0; b < side.blocks.size(); ++b) {
    for (int32_t m = 0; m < side.blocks[b].size; ++m) block_of[side.rows[at++]] = static_cast<int32_t>(b);
  }
  return block_of;
}

size_t count_pairs(const std::vector<CouplingEntry>& entries) {
  std::set<std::array<int32_t, 2>> pairs;
  for (const CouplingEntry& entry : entries) pairs.insert({entry.left, entry.right});
  return pairs.size();
}

bool share_rows(const std::vector<CouplingEntry>& some, const std::vector<CouplingEntry>& others) {
  std::set<int32_t> rows;
  for (const CouplingEntry& entry : some) rows.insert(entry.row);
  return std::any_of(others.begin(), others.end(),
                     [&](const CouplingEntry& entry) { return rows.count(entry.row) > 0; });
}

/// Products made in one step, where one pair of blocks has not more: as many as L1 holds beside the rest.
constexpr size_t kStepPairs = 96;

struct Coefficients {
  const std::vector<int32_t> (&index)[3];
  const std::vector<double>& value;
};

/// The coefficients of one or several pairs of blocks of x1 and x2 for each step.
std::vector<std::vector<CouplingEntry>> cut_into_steps(const Coefficients& coefficients, const Side sides[3]) {
  const std::vector<int32_t> left_block = blocks_of_rows(sides[0]), right_block = blocks_of_rows(sides[1]);
  std::map<std::array<int32_t, 2>, std::vector<CouplingEntry>> by_blocks;
  for (size_t e = 0; e < coefficients.value.size(); ++e) {
    const auto& index = coefficients.index;
    const CouplingEntry entry{index[2][e], index[0][e], index[1][e], coefficients.value[e]};
    by_blocks[{left_block[entry.left], right_block[entry.right]}].push_back(entry);
  }
  for (auto& [blocks, entries] : by_blocks) {
    // (l1, l2) and (l2, l1) may share coefficients where they share rows.
    const auto swapped = by_blocks.find({blocks[1], blocks[0]});
    if (blocks[0] < blocks[1] && swapped != by_blocks.end() && share_rows(entries, swapped->second)) {
      entries.insert(entries.end(), swapped->second.begin(), swapped->second.end());
      swapped->second.clear();
    }
  }
  std::vector<std::vector<CouplingEntry>> steps(
      1);  // one even if there is nothing to compute: the target is to become zero
  size_t pairs = 0;
  for (const auto& [blocks, entries] : by_blocks) {
    if (entries.empty()) continue;
    const size_t more = count_pairs(entries);
    if (pairs > 0 && pairs + more > kStepPairs) {
      steps.emplace_back();
      pairs = 0;
    }
    steps.back().insert(steps.back().end(), entries.begin(), entries.end());
    pairs += more;
  }
  return steps;
}

/// Target rows live in slots of a small tile, from the first step that adds to them until
/// their pieces are complete and written out: where paths are kept apart the whole fiber would not fit in any cache.
class SparseProgram : public Program {
 public:
  SparseProgram(const Coefficients& coefficients, const Side sides[3], const SideTiles& out, bool fold) {
    const std::vector<std::vector<CouplingEntry>> couplings = cut_into_steps(coefficients, sides);
    const Lifetimes lifetimes(couplings, out, sides[2].fiber);
    std::vector<int32_t> slot(sides[2].fiber, kZeroSlot), free;
    for (int32_t s = 0; s < static_cast<int32_t>(couplings.size()); ++s) {
      add_step(Products(couplings[s], fold), lifetimes, s, slot, free);
      for (size_t p = 0; p < out.pieces().size(); ++p) {
        if (lifetimes.piece_complete[p] == s) add_ready(out.pieces()[p], slot);
      }
      for (size_t row = 0; row < slot.size(); ++row) {
        if (lifetimes.row_done[row] == s && slot[row] != kZeroSlot) free.push_back(slot[row]);
      }
    }
    room = (slots_ + most_lines_) * kTileLanes;
  }

  int steps() const override { return static_cast<int>(steps_.size()); }

  void run(int step, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    if (step == 0 && needs_zeros_) std::fill_n(room + size_t{kZeroSlot} * kTileLanes, kTileLanes, 0.0f);
    const Step& s = steps_[step];
    Coupling coupling = s.products.coupling();
    coupling.set = s.set->table();
    coupling.add = s.add->table();
    kernels().couple(coupling, vecs, tiles[0], tiles[1], room, room + slots_ * kTileLanes, ahead);
  }

  std::span<const Ready> ready(int step) const override { return steps_[step].ready; }

 private:
  static constexpr int32_t kZeroSlot = 0;  // stands for the rows that no coefficient reaches

  /// Which steps use what.
  struct Lifetimes {
    std::vector<int32_t> row_begun;       // first step that adds to a row
    std::vector<int32_t> row_done;        // step after which no piece needs it
    std::vector<int32_t> piece_complete;  // last step that adds to a row of the piece

    Lifetimes(const std::vector<std::vector<CouplingEntry>>& couplings, const SideTiles& out, int32_t fiber)
        : row_begun(fiber, -1), row_done(fiber, 0) {
      std::vector<int32_t> last(fiber, 0);
      for (int32_t s = 0; s < static_cast<int32_t>(couplings.size()); ++s) {
        for (const CouplingEntry& entry : couplings[s]) {
          if (row_begun[entry.row] < 0) row_begun[entry.row] = s;
          last[entry.row] = s;
        }
      }
      for (const SideTiles::Piece& piece : out.pieces()) {
        int32_t complete = 0;
        for (int32_t m = 0; m < piece.size; ++m) complete = std::max(complete, last[piece.rows[m]]);
        for (int32_t m = 0; m < piece.size; ++m) row_done[piece.rows[m]] = std::max(row_done[piece.rows[m]], complete);
        piece_complete.push_back(complete);
      }
    }
  };

  struct Step {
    Products products;
    std::unique_ptr<LinearRows> set, add;
    std::vector<Ready> ready;
  };

  void add_step(Products products, const Lifetimes& lifetimes, int32_t s, std::vector<int32_t>& slot,
                std::vector<int32_t>& free) {
    std::vector<LinearRows::Entry> set, add;
    for (const LinearRows::Entry& entry : products.entries()) {
      const bool begins = lifetimes.row_begun[entry.row] == s;
      if (begins && slot[entry.row] == kZeroSlot) {
        slot[entry.row] = free.empty() ? static_cast<int32_t>(slots_++) : free.back();
        if (!free.empty()) free.pop_back();
      }
      (begins ? set : add).push_back({slot[entry.row], entry.column, entry.value});
    }
    most_lines_ = std::max(most_lines_, products.lines());
    work += static_cast<double>(products.entries().size() + products.lines());
    steps_.push_back({std::move(products),
                      std::make_unique<LinearRows>(std::move(set)),
                      std::make_unique<LinearRows>(std::move(add)),
                      {}});
  }

  void add_ready(const SideTiles::Piece& piece, const std::vector<int32_t>& slot) {
    std::vector<int32_t> rows;
    for (int32_t m = 0; m < piece.size; ++m) {
      rows.push_back(slot[piece.rows[m]]);
      needs_zeros_ |= rows.back() == kZeroSlot;
    }
    slot_rows_.push_back(std::move(rows));
    steps_.back().ready.push_back({2, &piece, slot_rows_.back().data()});
  }

  std::vector<Step> steps_;
  std::deque<std::vector<int32_t>> slot_rows_;
  size_t slots_ = 1, most_lines_ = 0;
  bool needs_zeros_ = false;
};

/// The gradients with respect to x1, x2 or both, by the same coefficients read the other way; what they make of the product's
/// gradient is the same for both.
class SparseGradientProgram : public Program {
 public:
  SparseGradientProgram(const Coefficients& coefficients, const Side sides[3], const std::array<SideTiles, 3>& tiles,
                        std::span<const int> targets, bool fold) {
    for (int target : targets) add_target(target, tiles[target]);
    size_t most_lines = 0;
    for (const std::vector<CouplingEntry>& entries : cut_into_steps(coefficients, sides)) {
      const Products products(entries, fold);
      add_step(products);
      most_lines = std::max(most_lines, products.lines());
    }
    room = (lines_ + most_lines) * kTileLanes;
  }

  void run(int, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    std::fill_n(room, lines_ * kTileLanes, 0.0f);
    float* const h = room + lines_ * kTileLanes;
    for (const Step& step : steps_) {
      kernels().unmap(step.lines.table(), vecs, tiles[2], h, ahead);
      for (const Sums& sums : step.sums) {
        const Decoupling decoupling{static_cast<int32_t>(sums.groups.size()), sums.groups.data(), sums.terms.data()};
        kernels().decouple(decoupling, vecs, tiles[1 - sums.target], h, room, ahead);
      }
    }
  }

  std::span<const Ready> ready(int) const override { return ready_; }

 private:
  struct Target {
    int operand;
    int32_t first;  // where its fiber begins in the room, in lines
  };
  struct Sums {
    int target;
    std::vector<DecouplingRows> groups;
    std::vector<int32_t> terms;
  };
  struct Step {
    TwinRows lines;
    std::vector<Sums> sums;
  };
  /// Of one row, by sign: lines by the row of the other input.
  using RowTerms = std::array<std::map<int32_t, int32_t>, 2>;

  void add_target(int target, const SideTiles& out) {
    const int32_t first = static_cast<int32_t>(lines_);
    targets_.push_back({target, first});
    for (const SideTiles::Piece& piece : out.pieces()) {
      std::vector<int32_t>& rows = rows_.emplace_back(piece.rows, piece.rows + piece.size);
      for (int32_t& row : rows) row += first;
      ready_.push_back({target, &piece, rows.data()});
    }
    lines_ += out.fiber();
  }

  void add_step(const Products& products) {
    const int32_t twin_lines = static_cast<int32_t>(products.twin_lines());
    std::vector<std::array<int32_t, 2>> pairs;
    for (int32_t line = 0; line < twin_lines; line += 2) pairs.push_back({line, line + 1});
    std::vector<LinearRows::Entry> entries, lone;
    for (const auto& [row, line, value] : products.entries())
      (line < twin_lines ? entries : lone).push_back({line, row, value});
    Step step{{pairs, entries, LinearRows(std::move(lone))}, {}};
    for (const Target& target : targets_) step.sums.push_back(sums_of(products, target));
    work += static_cast<double>(products.entries().size());
    steps_.push_back(std::move(step));
  }

  Sums sums_of(const Products& products, const Target& target) {
    std::map<int32_t, RowTerms> by_row;
    for (size_t n = 0; n < products.lines(); ++n) {
      const Line& line = products.line(n);
      for (int p = 0; p < products.products_of(n); ++p) {
        const int32_t rows[2] = {line.i[p], line.j[p]};
        const bool minus = p == 1 && line.sign < 0;
        by_row[rows[target.operand]][minus][rows[1 - target.operand]] = static_cast<int32_t>(n);
        work += 1;
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
    Sums sums{target.operand, {}, {}};
    for (const auto& [others, rows] : alike) {
      for (size_t first = 0; first < rows.size();) {
        const size_t left = rows.size() - first;
        DecouplingRows& group = sums.groups.emplace_back();
        group.count = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        group.plus = static_cast<int32_t>(others[0].size());
        group.minus = static_cast<int32_t>(others[1].size());
        for (int32_t n = 0; n < group.count; ++n) group.row[n] = target.first + rows[first + n];
        for (const int sign : {0, 1}) {
          for (const int32_t other : others[sign]) {
            sums.terms.push_back(other);
            for (int32_t n = 0; n < group.count; ++n) sums.terms.push_back(by_row[rows[first + n]][sign].at(other));
          }
        }
        first += group.count;
      }
    }
    return sums;
  }

  std::vector<Target> targets_;
  size_t lines_ = 0;  // of all targets
  std::deque<std::vector<int32_t>> rows_;
  std::vector<Ready> ready_;
  std::vector<Step> steps_;
};

std::unique_ptr<Program> make_program(const Coefficients& coefficients, const Side sides[3],
                                      const std::array<SideTiles, 3>& tiles, std::span<const int> targets, bool fold) {
  if (targets[0] == 2) return std::make_unique<SparseProgram>(coefficients, sides, tiles[2], fold);
  return std::make_unique<SparseGradientProgram>(coefficients, sides, tiles, targets, fold);
}

}  // namespace

std::unique_ptr<Program> make_sparse_program(const SparseForm& form, const Side sides[3],
                                             const std::array<SideTiles, 3>& tiles, std::span<const int> targets) {
  return make_program({form.index, form.coefficient}, sides, tiles, targets, true);
}

// Dense blocks are a table that leaves nothing out.
std::unique_ptr<Program> make_dense_program(const DenseForm& form, const Side sides[3],
                                            const std::array<SideTiles, 3>& tiles, std::span<const int> targets) {
  std::vector<int32_t> index[3];
  for (const DenseForm::Path& path : form.paths) {
    for (int32_t i = 0; i < path.size[0]; ++i) {
      for (int32_t j = 0; j < path.size[1]; ++j) {
        for (int32_t k = 0; k < path.size[2]; ++k) {
          index[0].push_back(path.row[0] + i);
          index[1].push_back(path.row[1] + j);
          index[2].push_back(path.row[2] + k);
        }
      }
    }
  }
  return make_program({index, form.coefficient}, sides, tiles, targets, false);
}

}  // namespace gauntlet
