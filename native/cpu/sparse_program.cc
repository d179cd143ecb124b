#include <algorithm>
#include <deque>

#include "cpu/sparse_steps.h"

namespace gauntlet {
namespace {

/// Rows of the target are in slots from the first step that adds to them until their pieces are complete and written out.
class SparseProgram : public Program {
 public:
  SparseProgram(const Coefficients& coefficients, const Side sides[3], const SideTiles& out, bool fold) {
    const std::vector<std::vector<CouplingEntry>> couplings = cut_into_steps(coefficients, sides);
    const int32_t steps = static_cast<int32_t>(couplings.size());
    std::vector<Slots::Life> rows(sides[2].fiber);
    for (int32_t s = 0; s < steps; ++s) {
      for (const CouplingEntry& entry : couplings[s]) rows[entry.row].extend(s);
    }
    std::vector<std::vector<const SideTiles::Piece*>> complete(steps);
    std::vector<Slots::Life> lives = rows;
    for (const SideTiles::Piece& piece : out.pieces()) {
      int32_t last = 0;
      for (int32_t m = 0; m < piece.size; ++m) last = std::max(last, rows[piece.rows[m]].last);
      for (int32_t m = 0; m < piece.size; ++m) lives[piece.rows[m]].last = std::max(lives[piece.rows[m]].last, last);
      complete[last].push_back(&piece);
    }
    const Slots slots(lives);
    for (int32_t s = 0; s < steps; ++s) {
      add_step(Products(couplings[s], fold), rows, s, slots);
      for (const SideTiles::Piece* piece : complete[s]) {
        steps_.back().ready.push_back({2, piece, slot_rows_.emplace_back(slots.of(*piece)).data()});
      }
    }
    slots_ = slots.count();
    room = (slots_ + most_lines_) * kTileLanes;
  }

  int steps() const override { return static_cast<int>(steps_.size()); }

  void run(int step, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    if (step == 0) Slots::clear(room);
    const Step& s = steps_[step];
    Coupling coupling = s.products.coupling();
    coupling.set = s.set->table();
    coupling.add = s.add->table();
    kernels().couple(coupling, vecs, tiles[0], tiles[1], room, room + slots_ * kTileLanes, ahead);
  }

  std::span<const Portion> ready(int step) const override { return steps_[step].ready; }

 private:
  struct Step {
    Products products;
    std::unique_ptr<LinearRows> set, add;
    std::vector<Portion> ready;
  };

  void add_step(Products products, const std::vector<Slots::Life>& rows, int32_t s, const Slots& slots) {
    std::vector<LinearRows::Entry> set, add;
    for (const LinearRows::Entry& entry : products.entries()) {
      (rows[entry.row].first == s ? set : add).push_back({slots[entry.row], entry.column, entry.value});
    }
    most_lines_ = std::max(most_lines_, products.lines());
    work += static_cast<double>(products.entries().size() + products.lines());
    steps_.push_back({std::move(products),
                      std::make_unique<LinearRows>(std::move(set)),
                      std::make_unique<LinearRows>(std::move(add)),
                      {}});
  }

  std::vector<Step> steps_;
  std::deque<std::vector<int32_t>> slot_rows_;
  size_t slots_ = 1, most_lines_ = 0;
};

std::unique_ptr<Program> make_program(const Coefficients& coefficients, const Side sides[3],
                                      const std::array<SideTiles, 3>& tiles, std::span<const int> targets, bool fold) {
  if (targets[0] == 2) return std::make_unique<SparseProgram>(coefficients, sides, tiles[2], fold);
  return make_sparse_gradient_program(coefficients, sides, tiles, targets, fold);
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
