#include <algorithm>
#include <array>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// One coefficient, its fiber rows in the order (target, outer, inner).
struct Entry {
  int32_t row, outer, inner;
  double value;
};

class SparseProgram : public Program {
 public:
  /// `entries` carry the rows of operands 0, 1, 2 in `index`.
  SparseProgram(const std::vector<int32_t> (&index)[3], const std::vector<double>& coefficient, const Side sides[3],
                int target) {
    const int first = target == 0 ? 1 : 0, second = target == 2 ? 1 : 2;
    std::vector<Entry> entries = sorted(index, coefficient, target, first, second);
    std::vector<Entry> swapped = sorted(index, coefficient, target, second, first);
    left = first, right = second;
    if (count_runs(swapped) < count_runs(entries)) {
      entries.swap(swapped);
      std::swap(left, right);
    }
    build(entries, sides[target].fiber);
    room = static_cast<size_t>(kPieceRows) * kTileLanes;
    work = static_cast<double>(entries_.size() + runs_.size());
    for (int32_t r = 0; r < kPieceRows; ++r) identity_[r] = r;
  }

  void transform(int, const float*, const float*, float*) const override {}

  Rows piece(const SideTiles::Piece& piece, int vecs, const float* left, const float* right, float* room) const override {
    kernels().sparse({row_begin_.data(), runs_.data(), entries_.data()}, vecs, piece.rows, piece.size, left, right, room);
    return {identity_.data(), room};
  }

 private:
  static constexpr int32_t kPieceRows = 32;  // pieces are no longer

  static std::vector<Entry> sorted(const std::vector<int32_t> (&index)[3], const std::vector<double>& coefficient,
                                   int target, int outer, int inner) {
    std::vector<Entry> entries(coefficient.size());
    for (size_t e = 0; e < entries.size(); ++e) {
      entries[e] = {index[target][e], index[outer][e], index[inner][e], coefficient[e]};
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& x, const Entry& y) {
      return std::array{x.row, x.outer, x.inner} < std::array{y.row, y.outer, y.inner};
    });
    return entries;
  }

  static size_t count_runs(const std::vector<Entry>& entries) {
    size_t runs = 0;
    for (size_t e = 0; e < entries.size(); ++e) {
      runs += e == 0 || entries[e].row != entries[e - 1].row || entries[e].outer != entries[e - 1].outer;
    }
    return runs;
  }

  void build(const std::vector<Entry>& entries, int32_t rows) {
    row_begin_.push_back(0);
    size_t e = 0;
    for (int32_t row = 0; row < rows; ++row) {
      const size_t first_run = runs_.size();
      while (e < entries.size() && entries[e].row == row) {
        const int32_t outer = entries[e].outer, begin = static_cast<int32_t>(entries_.size());
        for (; e < entries.size() && entries[e].row == row && entries[e].outer == outer; ++e) {
          entries_.push_back({entries[e].inner, static_cast<float>(entries[e].value)});
        }
        runs_.push_back({outer, begin, static_cast<int32_t>(entries_.size())});
      }
      // Runs of one length in a row: the loop over a run then ends where the processor expects it.
      std::stable_sort(runs_.begin() + first_run, runs_.end(),
                       [](const SparseRun& x, const SparseRun& y) { return x.end - x.begin < y.end - y.begin; });
      row_begin_.push_back(static_cast<int32_t>(runs_.size()));
    }
  }

  std::vector<int32_t> row_begin_;
  std::vector<SparseRun> runs_;
  std::vector<SparseEntry> entries_;
  std::array<int32_t, kPieceRows> identity_;
};

}  // namespace

std::unique_ptr<Program> make_sparse_program(const SparseForm& form, const Side sides[3], int target) {
  return std::make_unique<SparseProgram>(form.index, form.coefficient, sides, target);
}

// Dense blocks are a sparse table that leaves nothing out.
std::unique_ptr<Program> make_dense_program(const DenseForm& form, const Side sides[3], int target) {
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
  return std::make_unique<SparseProgram>(index, form.coefficient, sides, target);
}

}  // namespace gauntlet
