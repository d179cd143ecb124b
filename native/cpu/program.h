// What the CPU does for one group and one target: tables made from the plan once, and the kernels that walk them.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/plan.h"
#include "cpu/kernels.h"
#include "cpu/tiles.h"

namespace gauntlet {

class Program {
 public:
  virtual ~Program() = default;

  /// Where the components of a piece lie after piece() returned: on rows[m] of a tile.
  struct Rows {
    const int32_t* rows;
    const float* tile;
  };

  /// Computes whatever all pieces share, from `vecs` vectors of the packed tiles of the operands `left` and `right`.
  virtual void transform(int vecs, const float* left, const float* right, float* room) const = 0;
  virtual Rows piece(const SideTiles::Piece& piece, int vecs, const float* left, const float* right, float* room) const = 0;

  int left = 0, right = 1;  // which operands
  size_t room = 0;          // floats of scratch, for intermediates and results
  double work = 0;          // multiply-adds per lane, about: how finely a call is worth cutting
};

std::unique_ptr<Program> make_sparse_program(const SparseForm& form, const Side sides[3], int target);
std::unique_ptr<Program> make_dense_program(const DenseForm& form, const Side sides[3], int target);
std::unique_ptr<Program> make_grid_program(const GridForm& form, const Side sides[3], int target);
std::unique_ptr<Program> make_fourier_program(const FourierForm& form, const Side sides[3], int target);
std::unique_ptr<Program> make_matrix_program(const MatrixForm& form, const Side sides[3], int target);

/// The programs that transform their operands keep the target's whole fiber as a tile at the end of their room.
class TransformProgram : public Program {
 public:
  Rows piece(const SideTiles::Piece& piece, int, const float*, const float*, float* room) const override {
    return {piece.rows, room + scratch_};
  }

 protected:
  TransformProgram(const Side sides[3], int target) {
    left = target == 0 ? 1 : 0;
    right = target == 2 ? 1 : 2;
    fiber_ = sides[target].fiber;
  }
  /// Call once the scratch that the kernel needs is known.
  void set_scratch(size_t floats) {
    scratch_ = floats;
    room = floats + static_cast<size_t>(fiber_) * kTileLanes;
  }
  /// The terms as [left sector, right sector, target sector].
  std::vector<int32_t> order_terms(const std::vector<Term>& terms, int target) const {
    std::vector<int32_t> ordered;
    for (const Term& term : terms) {
      for (int o : {left, right, target}) ordered.push_back(term.sector[o]);
    }
    return ordered;
  }

  size_t scratch_ = 0;
  int32_t fiber_ = 0;
};

/// A LinearTable that owns its memory.
class LinearRows {
 public:
  struct Entry {
    int32_t row, column;
    double value;
  };
  LinearRows(int32_t rows, std::vector<Entry> entries);
  LinearTable table() const { return {static_cast<int32_t>(row_.size()), row_.data(), begin_.data(), entries_.data()}; }
  size_t size() const { return entries_.size(); }

 private:
  std::vector<int32_t> row_, begin_;
  std::vector<SparseEntry> entries_;
};

}  // namespace gauntlet
