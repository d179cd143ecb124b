#include <algorithm>
#include <cmath>
#include <numeric>

#include "cpu/program.h"

namespace gauntlet {
namespace {

class GridProgram : public TransformProgram {
 public:
  GridProgram(const GridForm& form, const Side sides[3], const SideTiles& out, int target)
      : TransformProgram(sides, out, target) {
    set_cycle(target);
    const int operands[3] = {left, right, target};
    table_.rings = form.rings;
    table_.odd_rings = ends_at_equator(form) ? form.rings - 1 : form.rings;
    table_.points = form.points;
    table_.pairs = is_mirrored(form) ? form.points / 2 : 0;
    for (int o = 0; o < 3; ++o) add_bands(form, operands[o], o);
    add_trigonometry(form);
    terms_ = order_terms(form.terms, target);
    brackets_ = form.brackets;
    table_.terms = static_cast<int32_t>(form.terms.size());
    table_.term = terms_.data();
    table_.brackets = brackets_.data();

    size_t floats = size_t(table_.sectors[2]) * 4 * form.points * kTileLanes;
    const double multiplications = table_.terms + std::accumulate(brackets_.begin(), brackets_.end(), 0.0);
    for (int o = 0; o < 3; ++o) {
      floats += size_t(table_.sectors[o]) * 4 * (table_.order[o] + 1) * table_.lines[o] * kTileLanes;
      const double orders = table_.pairs ? table_.order[o] / 2 + 2 : table_.order[o] + 1;
      work += (o == 2 ? table_.sectors[o] : multiplications) * 4.0 * form.points * orders * form.rings;
    }
    work += 16.0 * form.points * form.rings * multiplications;
    set_scratch(floats);
  }

  void run(int, int vecs, Tiles tiles, float* room) const override {
    kernels().grid(table_, vecs, tiles[left], tiles[right], room, scratch(room));
  }

 private:
  /// Whether the points of a ring are symmetric about azimuth pi / 2.
  static bool is_mirrored(const GridForm& form) {
    if (form.order == 0) return false;                                // and nothing to gain
    const double* const cosines = form.cosines.data() + form.points;  // of order 1
    for (int32_t j = 0; j < form.points; ++j) {
      if (std::abs(cosines[j] + cosines[form.points - 1 - j]) > 1e-12) return false;
    }
    return true;
  }

  /// Whether everything odd about the equator, with slopes of what is even, is zero on the last ring.
  static bool ends_at_equator(const GridForm& form) {
    for (const auto& sectors : form.sectors) {
      for (const GridForm::Band& band : sectors) {
        size_t last = form.rings - 1;
        for (size_t n = 0; n < band.counts.size(); ++n) {
          const std::vector<double>& odd = n % 2 ? band.legendre : band.slopes;
          for (int32_t l = 0; l < band.counts[n]; ++l, last += form.rings) {
            if (!odd.empty() && odd[last] != 0) return false;
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
      legendre_[o].push_back(o == 2 ? project(form, band) : transform(form, band));
      table_.order[o] = std::max(table_.order[o], band.order);
    }
    for (size_t s = 0; s < form.sectors[operand].size(); ++s) {
      const GridForm::Band& band = form.sectors[operand][s];
      const int32_t lines = o == 2 || band.slopes.empty() ? form.rings : 2 * form.rings;
      bands_[o].push_back({band.first, band.order, counts_[o][s].data(), lines, legendre_[o][s].data()});
      // An odd number: the lines of one ring lie that far apart, and powers of two would share few cache sets.
      table_.lines[o] = std::max(table_.lines[o], lines | 1);
    }
    table_.sectors[o] = static_cast<int32_t>(bands_[o].size());
    table_.bands[o] = bands_[o].data();
  }

  /// Legendre functions, and their slopes if there are any, for the way in: [count, lines].
  static std::vector<float> transform(const GridForm& form, const GridForm::Band& band) {
    std::vector<float> result;
    for (size_t row = 0; row < band.legendre.size(); row += form.rings) {
      for (const std::vector<double>* values : {&band.legendre, &band.slopes}) {
        if (!values->empty()) result.insert(result.end(), values->begin() + row, values->begin() + row + form.rings);
      }
    }
    return result;
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
    for (int o = 0; o < 2; ++o) {
      for (int32_t m = 0; m <= form.order; ++m) {
        const double slope = o == 0 ? -m : m;
        for (int32_t j = 0; j < form.points; ++j) {
          even_slopes_[o].push_back(static_cast<float>(slope * form.cosines[m * form.points + j]));
          odd_slopes_[o].push_back(static_cast<float>(-slope * form.sines[m * form.points + j]));
        }
      }
      table_.even_slopes[o] = even_slopes_[o].data();
      table_.odd_slopes[o] = odd_slopes_[o].data();
    }
    const int32_t step = table_.pairs ? 2 : 1;
    for (int32_t j = 0; j < form.points; ++j) {
      const double weight = form.point_weights[j];
      for (int32_t first = 0; first < step; ++first) {
        for (int32_t m = first; m <= table_.order[2]; m += step) {
          target_cosines_.push_back(static_cast<float>(weight * form.cosines[m * form.points + j]));
          target_sines_.push_back(static_cast<float>(weight * form.sines[m * form.points + j]));
        }
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
  std::vector<float> even_slopes_[2], odd_slopes_[2];
  std::vector<int32_t> terms_, brackets_;
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
