#include <algorithm>
#include <cmath>

#include "cpu/program.h"

namespace gauntlet {
namespace {

class GridProgram : public PointwiseProgram {
 public:
  GridProgram(const GridForm& form, const Side sides[3], const std::array<SideTiles, 3>& tiles,
              std::span<const int> targets)
      : PointwiseProgram(sides, tiles, targets) {
    table_.rings = form.rings;
    table_.odd_rings = ends_at_equator(form) ? form.rings - 1 : form.rings;
    table_.points = form.points;
    table_.pairs = is_mirrored(form) ? form.points / 2 : 0;
    add_azimuths(form);
    add_input(form, common_of(targets_[0]), false);
    for (const int target : targets_) {
      add_input(form, partner_of(target), is_reversed(target));
      add_target(form, target);
    }
    add_terms(form);
    add_target_azimuths(form);
    fill_table();
  }

  void run(int, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    kernels().grid(table_, vecs, tiles, room, scratch(room), ahead);
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

  /// Sectors of an input; where `negative`, with all derivatives negative.
  void add_input(const GridForm& form, int operand, bool negative) {
    first_input_[operand] = static_cast<int32_t>(inputs_.size());
    // {partner, common} is one's polar derivative times the other's azimuthal, with minus where the partner's is the azimuthal.
    const bool minus = operand != common_of(targets_[0]) && !negative;
    for (const GridForm::Band& band : form.sectors[operand]) {
      add_band(inputs_, form, band, transform(form, band, negative ? -1 : 1));
      GridBand& added = inputs_.back();
      added.operand = operand;
      added.first = band.first;
      added.even_slopes = even_slopes_[minus].data();
      added.odd_slopes = odd_slopes_[minus].data();
    }
  }

  void add_target(const GridForm& form, int target) {
    first_target_[target] = static_cast<int32_t>(outputs_.size());
    for (const GridForm::Band& band : form.sectors[target]) {
      add_band(outputs_, form, band, project(form, band));
      outputs_.back().first = first_row(target) + band.first;
      outputs_.back().lines = form.rings;
      table_.target_order = std::max(table_.target_order, band.order);
    }
  }

  void add_band(std::vector<GridBand>& bands, const GridForm& form, const GridForm::Band& band,
                std::vector<float> legendre) {
    counts_.push_back(band.counts);
    legendre_.push_back(std::move(legendre));
    GridBand& added = bands.emplace_back();
    added.order = band.order;
    added.counts = counts_.back().data();
    added.lines = band.slopes.empty() ? form.rings : 2 * form.rings;
    added.legendre = legendre_.back().data();
    added.spectrum = floats_;
    // An odd number of lines: those of one ring lie that far apart, and powers of two would share few cache sets.
    added.step = ptrdiff_t{added.lines | 1} * kLanes;
    added.vec = 4 * (band.order + 1) * added.step;
    floats_ += kVecs * added.vec;
  }

  void add_terms(const GridForm& form) {
    const int common = common_of(targets_[0]);
    for (size_t t = 0; t < form.terms.size(); ++t) {
      const int32_t* sector = form.terms[t].sector;
      GridTerm& term = terms_.emplace_back();
      term.common = first_input_[common] + sector[common];
      term.bracket = form.brackets[t];
      double multiplications = azimuth_work(inputs_[term.common]);
      for (size_t n = 0; n < targets_.size(); ++n) {
        const int target = targets_[n], partner = partner_of(target);
        term.partner[n] = first_input_[partner] + sector[partner];
        term.target[n] = first_target_[target] + sector[target];
        multiplications += azimuth_work(inputs_[term.partner[n]]) + 16.0 * form.points * form.rings;
      }
      work += term.bracket ? 2 * multiplications : multiplications;
    }
    for (const GridBand& band : outputs_) work += azimuth_work(band);
  }

  /// Multiply-adds between the spectra and the values of one function.
  double azimuth_work(const GridBand& band) const {
    return 4.0 * table_.points * table_.rings * (table_.pairs ? band.order / 2 + 2 : band.order + 1);
  }

  /// Legendre functions, and their slopes if there are any, for the way in: [count, lines].
  static std::vector<float> transform(const GridForm& form, const GridForm::Band& band, double sign) {
    std::vector<float> result;
    for (size_t row = 0; row < band.legendre.size(); row += form.rings) {
      for (int32_t r = 0; r < form.rings; ++r) result.push_back(static_cast<float>(band.legendre[row + r]));
      if (band.slopes.empty()) continue;
      for (int32_t r = 0; r < form.rings; ++r) result.push_back(static_cast<float>(sign * band.slopes[row + r]));
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

  void add_azimuths(const GridForm& form) {
    cosines_.assign(form.cosines.begin(), form.cosines.end());
    sines_.assign(form.sines.begin(), form.sines.end());
    for (const int minus : {0, 1}) {
      for (int32_t m = 0; m <= form.order; ++m) {
        const double slope = minus ? -m : m;
        for (int32_t j = 0; j < form.points; ++j) {
          even_slopes_[minus].push_back(static_cast<float>(slope * form.cosines[m * form.points + j]));
          odd_slopes_[minus].push_back(static_cast<float>(-slope * form.sines[m * form.points + j]));
        }
      }
    }
  }

  void add_target_azimuths(const GridForm& form) {
    const int32_t step = table_.pairs ? 2 : 1;
    for (int32_t j = 0; j < form.points; ++j) {
      const double weight = form.point_weights[j];
      for (int32_t first = 0; first < step; ++first) {
        for (int32_t m = first; m <= table_.target_order; m += step) {
          target_cosines_.push_back(static_cast<float>(weight * form.cosines[m * form.points + j]));
          target_sines_.push_back(static_cast<float>(weight * form.sines[m * form.points + j]));
        }
      }
    }
  }

  void fill_table() {
    table_.inputs = static_cast<int32_t>(inputs_.size());
    table_.input = inputs_.data();
    table_.targets = static_cast<int32_t>(outputs_.size());
    table_.target = outputs_.data();
    table_.cosines = cosines_.data();
    table_.sines = sines_.data();
    table_.target_cosines = target_cosines_.data();
    table_.target_sines = target_sines_.data();
    table_.results = static_cast<int32_t>(targets_.size());
    table_.terms = static_cast<int32_t>(terms_.size());
    table_.term = terms_.data();
    table_.values = floats_;
    set_scratch(floats_ + outputs_.size() * 4 * table_.points * kTileLanes);
  }

  GridTable table_{};
  std::vector<GridBand> inputs_, outputs_;
  int32_t first_input_[3] = {}, first_target_[3] = {};  // of each operand
  std::vector<GridTerm> terms_;
  std::vector<std::vector<int32_t>> counts_;
  std::vector<std::vector<float>> legendre_;
  std::vector<float> cosines_, sines_, target_cosines_, target_sines_;
  std::vector<float> even_slopes_[2], odd_slopes_[2];  // with plus, with minus
  ptrdiff_t floats_ = 0;                               // of scratch so far
};

}  // namespace

std::unique_ptr<Program> make_grid_program(const GridForm& form, const Side sides[3],
                                           const std::array<SideTiles, 3>& tiles, std::span<const int> targets) {
  auto separable = std::make_unique<GridProgram>(form, sides, tiles, targets);
  // Many short steps cost more than their multiply-adds.
  constexpr double kSteps = 1.3;
  if (flat_grid_work(form, targets) < kSteps * separable->work)
    return make_flat_grid_program(form, sides, tiles, targets);
  return separable;
}

}  // namespace gauntlet
