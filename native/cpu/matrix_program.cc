#include "cpu/program.h"

namespace gauntlet {
namespace {

class MatrixProgram : public MappedProgram<MatrixTable> {
 public:
  // F = trace((X1 X2 + s X2 X1) X3^T) / 2, so with A, B = X1, X2 or X1^T, X3 or X3, X2^T the one left out is (A B + s B A) / 2.
  MatrixProgram(const MatrixForm& form, const Side sides[3], const SideTiles& out, int target)
      : MappedProgram(sides, out, target) {
    if (target == 0) left = 2, right = 1;
    const int operands[2] = {left, right};
    const bool transposed[2] = {target == 1, target == 0};
    table_.size = form.size;
    const int32_t n = form.size, entries = n * n;
    for (int o = 0; o < 2; ++o) {
      std::vector<LinearRows> maps;
      for (const LinearMap& map : form.maps[operands[o]]) {
        std::vector<LinearRows::Entry> list;
        for (size_t e = 0; e < map.value.size(); ++e) {
          const int32_t row = transposed[o] ? map.row[e] % n * n + map.row[e] / n : map.row[e];
          list.push_back({row, map.column[e], map.value[e]});
        }
        maps.emplace_back(entries, std::move(list));
        work += static_cast<double>(map.value.size());
      }
      set_into(o, std::move(maps));
    }
    std::vector<LinearRows::Entry> list;
    for (int32_t s = 0; s < static_cast<int32_t>(form.maps[target].size()); ++s) {
      const LinearMap& map = form.maps[target][s];
      for (size_t e = 0; e < map.value.size(); ++e)
        list.push_back({map.column[e], s * entries + map.row[e], map.value[e] / 2});
    }
    set_from(form.maps[target].size(), std::move(list));
    set_terms(form.terms, target);
    signs_ = form.signs;
    table_.sign = signs_.data();
    work += static_cast<double>(from_->size()) + 2.0 * entries * n * table_.terms;
    set_scratch(size_t(table_.sectors[0] + table_.sectors[1] + table_.sectors[2]) * entries * kTileLanes);
  }

  void run(int, int vecs, const float* left, const float* right, float* room) const override {
    kernels().matrix(table_, vecs, left, right, room, scratch(room));
  }

 private:
  std::vector<int32_t> signs_;
};

}  // namespace

std::unique_ptr<Program> make_matrix_program(const MatrixForm& form, const Side sides[3], const SideTiles& out,
                                             int target) {
  return std::make_unique<MatrixProgram>(form, sides, out, target);
}

}  // namespace gauntlet
