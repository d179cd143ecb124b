// What the CPU does for one group and some targets: tables made from the plan once, and the kernels that walk them.
#pragma once

#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/plan.h"
#include "cpu/kernels.h"
#include "cpu/tiles.h"

namespace gauntlet {

/// Works tile by tile, in steps: the pieces that needed(step) names are packed, run(step), then those of targets that ready(step)
/// names are complete.
class Program {
 public:
  virtual ~Program() = default;

  struct Portion {
    int operand;
    const SideTiles::Piece* piece;
    const int32_t* rows;  // of the tile at `room`, one for each component
  };
  /// The packed tiles of the other operands that it reads.
  using Tiles = const float* const (&)[3];

  virtual int steps() const { return 1; }
  virtual std::span<const Portion> needed(int) const { return {}; }
  /// `vecs` vectors of every line.
  virtual void run(int step, int vecs, Tiles tiles, float* room, Ahead& ahead) const = 0;
  virtual std::span<const Portion> ready(int step) const = 0;

  int piecewise = -1;  // the operand of which steps need pieces, not a packed tile
  size_t room = 0;     // floats: the result's tile, then scratch
  double work = 0;     // multiply-adds per lane, about: how finely a call is worth cutting
};

/// Of one target, or of x1 and x2 at once, which share most of their work.
std::unique_ptr<Program> make_sparse_program(const SparseForm& form, const Side sides[3],
                                             const std::array<SideTiles, 3>& tiles, std::span<const int> targets);
std::unique_ptr<Program> make_dense_program(const DenseForm& form, const Side sides[3],
                                            const std::array<SideTiles, 3>& tiles, std::span<const int> targets);
std::unique_ptr<Program> make_grid_program(const GridForm& form, const Side sides[3],
                                           const std::array<SideTiles, 3>& tiles, std::span<const int> targets);
/// The same product by another kernel, and how many multiply-adds per lane that takes: few where operands have few components.
double flat_grid_work(const GridForm& form, std::span<const int> targets);
std::unique_ptr<Program> make_flat_grid_program(const GridForm& form, const Side sides[3],
                                                const std::array<SideTiles, 3>& tiles, std::span<const int> targets);
std::unique_ptr<Program> make_fourier_program(const FourierForm& form, const Side sides[3],
                                              const std::array<SideTiles, 3>& tiles, int target);
std::unique_ptr<Program> make_matrix_program(const MatrixForm& form, const Side sides[3],
                                             const std::array<SideTiles, 3>& tiles, int target);

/// The programs that transform their operands make the whole fibers of their targets in one step, one after another.
class TransformProgram : public Program {
 public:
  std::span<const Portion> ready(int) const override { return ready_; }

 protected:
  TransformProgram(const Side sides[3], const std::array<SideTiles, 3>& tiles, std::span<const int> targets) {
    for (const int target : targets) {
      first_[target] = fiber_;
      for (const SideTiles::Piece& piece : tiles[target].pieces()) ready_.push_back({target, &piece, piece.rows});
      fiber_ += sides[target].fiber;
    }
    if (targets.size() > 1) {
      std::vector<int32_t> place(fiber_);
      std::iota(place.begin(), place.end(), 0);
      set_places(place);
    }
  }
  int32_t fiber() const { return fiber_; }
  /// The row where a target's fiber begins.
  int32_t first_row(int target) const { return first_[target]; }
  float* scratch(float* room) const { return room + static_cast<size_t>(fiber_) * kTileLanes; }
  void set_scratch(size_t floats) { room = floats + static_cast<size_t>(fiber_) * kTileLanes; }
  /// The kernel leaves row r on row place[r].
  void set_places(const std::vector<int32_t>& place) {
    places_.clear();
    places_.reserve(ready_.size());
    for (Portion& ready : ready_) {
      std::vector<int32_t>& rows = places_.emplace_back();
      for (int32_t m = 0; m < ready.piece->size; ++m) {
        rows.push_back(place[first_[ready.operand] + ready.piece->rows[m]]);
      }
      ready.rows = rows.data();
    }
  }

 private:
  int32_t first_[3] = {}, fiber_ = 0;
  std::vector<Portion> ready_;
  std::vector<std::vector<int32_t>> places_;
};

/// The programs of one target, from two operands.
class PairProgram : public TransformProgram {
 protected:
  PairProgram(const Side sides[3], const std::array<SideTiles, 3>& tiles, int target)
      : TransformProgram(sides, tiles, {&target, 1}), left(target == 0 ? 1 : 0), right(target == 2 ? 1 : 2) {}
  /// The terms as [left sector, right sector, target sector].
  std::vector<int32_t> order_terms(const std::vector<Term>& terms, int target) const {
    std::vector<int32_t> ordered;
    for (const Term& term : terms) {
      for (int o : {left, right, target}) ordered.push_back(term.sector[o]);
    }
    return ordered;
  }

  int left, right;  // which operands
};

/// The programs on the grid: each target is the product of one operand, its partner, and one that is common to all targets.
class PointwiseProgram : public TransformProgram {
 protected:
  PointwiseProgram(const Side sides[3], const std::array<SideTiles, 3>& tiles, std::span<const int> targets)
      : TransformProgram(sides, tiles, targets), targets_(targets.begin(), targets.end()) {}

  static int common_of(int target) { return target == 2 ? 1 : 2; }
  static int partner_of(int target) { return target == 0 ? 1 : 0; }
  /// Brackets are {x1, x2}, {x2, gradOut} and {gradOut, x1}: whether {common, partner} is meant, not {partner, common}.
  static bool is_reversed(int target) { return target == 1; }

  const std::vector<int> targets_;
};

/// As few blocks as possible of at most `most`, of nearly one size.
std::vector<std::vector<int32_t>> cut_evenly(const std::vector<int32_t>& rows, size_t most);

/// A LinearTable that owns its memory.
class LinearRows {
 public:
  struct Entry {
    int32_t row, column;
    double value;
  };
  /// Every row of 0..rows-1, also those without entries.
  LinearRows(int32_t rows, std::vector<Entry> entries);
  /// These rows, also those without entries.
  LinearRows(std::vector<int32_t> rows, std::vector<Entry> entries);
  /// The rows that have entries.
  explicit LinearRows(std::vector<Entry> entries);
  LinearTable table() const {
    return {static_cast<int32_t>(row_.size()), row_.data(), static_cast<int32_t>(runs_.size()), runs_.data(),
            words_.data()};
  }
  size_t size() const { return size_; }

 private:
  void build(std::vector<Entry> entries);

  std::vector<int32_t> row_;
  std::vector<TableRun> runs_;
  std::vector<TableWord> words_;
  size_t size_ = 0;
};

/// A TwinTable that owns its memory.
class TwinRows {
 public:
  /// Entries of a pair's first row are added up for the sum, those of its second for the difference; `lone` are the others.
  TwinRows(std::span<const std::array<int32_t, 2>> pairs, std::span<const LinearRows::Entry> entries, LinearRows lone);
  TwinTable table() const { return {static_cast<int32_t>(twins_.size()), twins_.data(), words_.data(), lone_.table()}; }
  size_t size() const { return size_ + lone_.size(); }

 private:
  std::vector<Twins> twins_;
  std::vector<TableWord> words_;
  size_t size_ = 0;
  LinearRows lone_;
};

/// The programs whose way in and way back are sparse linear maps; Table is the kernel's, Into what holds a map of the way in.
template <class Table, class Into>
class MappedProgram : public PairProgram {
 protected:
  using PairProgram::PairProgram;

  /// Side o (0 left, 1 right), one map for each sector.
  void set_into(int o, std::vector<Into> maps) {
    into_[o] = std::move(maps);
    for (const Into& map : into_[o]) into_tables_[o].push_back(map.table());
    table_.into[o] = into_tables_[o].data();
    table_.sectors[o] = static_cast<int32_t>(into_[o].size());
  }
  /// From what all sectors of the target hold to its fiber.
  void set_from(size_t sectors, std::vector<LinearRows::Entry> entries) {
    from_.emplace(fiber(), std::move(entries));
    from_table_ = from_->table();
    table_.from = &from_table_;
    table_.sectors[2] = static_cast<int32_t>(sectors);
  }
  void set_terms(const std::vector<Term>& terms, int target) {
    terms_ = order_terms(terms, target);
    table_.terms = static_cast<int32_t>(terms.size());
    table_.term = terms_.data();
  }

  Table table_{};
  std::vector<Into> into_[2];
  std::optional<LinearRows> from_;

 private:
  std::vector<decltype(std::declval<Into>().table())> into_tables_[2];
  LinearTable from_table_{};
  std::vector<int32_t> terms_;
};

}  // namespace gauntlet
