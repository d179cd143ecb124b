#include <algorithm>
#include <cmath>

#include "cpu/program.h"

namespace gauntlet {
namespace {

class GridProgram : public TransformProgram {
 public:
  GridProgram(const GridForm& form, const Side sides[3], const SideTiles& out, int target)
      : TransformProgram(sides, out, target) {
    const int operands[3] = {left, right, target};
    table_.rings = form.rings;
    table_.odd_rings = ends_at_equator(form) ? form.rings - 1 : form.rings;
    table_.points = form.points;
    for (int o = 0; o < 3; ++o) add_bands(form, operands[o], o);
    add_trigonometry(form);
    terms_ = order_terms(form.terms, target);
    table_.terms = static_cast<int32_t>(form.terms.size());
    table_.term = terms_.data();

    size_t floats = size_t(table_.sectors[2]) * 4 * form.points * kTileLanes;
    for (int o = 0; o < 3; ++o) {
      const size_t spectrum = size_t(table_.order[o] + 1) * form.rings;
      floats += table_.sectors[o] * 4 * spectrum * kTileLanes;
      work += (o == 2 ? table_.sectors[o] : table_.terms) * 4.0 * form.points * spectrum;
    }
    work += 16.0 * form.points * form.rings * table_.terms;
    set_scratch(floats);
  }

  void run(int, int vecs, const float* left, const float* right, float* room) const override {
    kernels().grid(table_, vecs, left, right, room, scratch(room));
  }

 private:
  /// Whether everything odd about the equator is zero on the last ring.
  static bool ends_at_equator(const GridForm& form) {
    for (const auto& sectors : form.sectors) {
      for (const GridForm::Band& band : sectors) {
        const double* legendre = band.legendre.data() + form.rings - 1;
        for (int32_t m = 0; m <= band.order; ++m) {
          legendre += ptrdiff_t{band.components(m, 0)} * form.rings;
          for (int32_t l = 0; l < band.components(m, 1); ++l, legendre += form.rings) {
            if (*legendre != 0) return false;
          }
        }
      }
    }
    return true;
  }

  /// The bands of operand `operand`, in the role `o`: 0 left, 1 right, 2 target.
  void add_bands(const GridForm& form, int operand, int o) {
    for (const GridForm::Band& band : form.sectors[operand]) {
      counts_[o].push_back(band.counts);
      legendre_[o].push_back(o == 2 ? project(form, band)
                                    : std::vector<float>(band.legendre.begin(), band.legendre.end()));
      table_.order[o] = std::max(table_.order[o], band.order);
    }
    for (size_t s = 0; s < form.sectors[operand].size(); ++s) {
      const GridForm::Band& band = form.sectors[operand][s];
      bands_[o].push_back({band.first, band.order, counts_[o][s].data(), legendre_[o][s].data()});
    }
    table_.sectors[o] = static_cast<int32_t>(bands_[o].size());
    table_.bands[o] = bands_[o].data();
  }

  /// Legendre functions for the way back: [rings, count], times ring weights.
  static std::vector<float> project(const GridForm& form, const GridForm::Band& band) {
    std::vector<float> result;
    const double* legendre = band.legendre.data();
    for (int32_t count : band.counts) {
      for (int32_t r = 0; r < form.rings; ++r) {
        for (int32_t l = 0; l < count; ++l) {
          result.push_back(static_cast<float>(legendre[l * form.rings + r] * form.ring_weights[r]));
        }
      }
      legendre += ptrdiff_t{count} * form.rings;
    }
    return result;
  }

  void add_trigonometry(const GridForm& form) {
    cosines_.assign(form.cosines.begin(), form.cosines.end());
    sines_.assign(form.sines.begin(), form.sines.end());
    for (int32_t j = 0; j < form.points; ++j) {
      for (int32_t m = 0; m <= table_.order[2]; ++m) {
        const double weight = form.point_weights[j];
        target_cosines_.push_back(static_cast<float>(weight * form.cosines[m * form.points + j]));
        target_sines_.push_back(static_cast<float>(weight * form.sines[m * form.points + j]));
      }
    }
    table_.cosines = cosines_.data();
    table_.sines = sines_.data();
    table_.target_cosines = target_cosines_.data();
    table_.target_sines = target_sines_.data();
  }

  GridTable table_{};
  std::vector<std::vector<int32_t>> counts_[3];
  std::vector<std::vector<float>> legendre_[3];
  std::vector<GridBand> bands_[3];
  std::vector<float> cosines_, sines_, target_cosines_, target_sines_;
  std::vector<int32_t> terms_;
};

}  // namespace

std::unique_ptr<Program> make_grid_program(const GridForm& form, const Side sides[3], const SideTiles& out,
                                           int target) {
  auto separable = std::make_unique<GridProgram>(form, sides, out, target);
  // Many short steps cost more than their multiply-adds.
  constexpr double kSteps = 1.3;
  if (flat_grid_work(form, target) < kSteps * separable->work) return make_flat_grid_program(form, sides, out, target);
  return separable;
}

}  // namespace gauntlet
