#include <array>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// One part [p, s] of a sector: its components' fiber rows and their harmonics at every point of a quarter.
struct Part {
  std::vector<int32_t> rows;
  std::vector<std::vector<double>> harmonics;
};

std::array<Part, 4> parts_of(const GridForm& form, const GridForm::Band& band) {
  std::array<Part, 4> parts;
  int32_t row = band.first;
  const double* legendre = band.legendre.data();
  for (int32_t m = 0; m <= band.order; ++m) {
    for (int32_t parity = 0; parity < 2; ++parity) {
      const int32_t count = band.components(m, parity);
      for (int32_t sine = 0; sine < (m ? 2 : 1); ++sine) {
        const double* trigonometry = (sine ? form.sines : form.cosines).data() + ptrdiff_t{m} * form.points;
        Part& part = parts[2 * parity + sine];
        for (int32_t l = 0; l < count; ++l) {
          part.rows.push_back(row++);
          std::vector<double>& values = part.harmonics.emplace_back();
          for (int32_t r = 0; r < form.rings; ++r) {
            for (int32_t j = 0; j < form.points; ++j) values.push_back(legendre[l * form.rings + r] * trigonometry[j]);
          }
        }
      }
      legendre += ptrdiff_t{count} * form.rings;
    }
  }
  return parts;
}

class FlatGridProgram : public TransformProgram {
 public:
  FlatGridProgram(const GridForm& form, const Side sides[3], const SideTiles& out, int target)
      : TransformProgram(sides, out, target) {
    const int operands[3] = {left, right, target};
    table_.points = form.rings * form.points;
    std::vector<int32_t> place(sides[target].fiber, 0);
    int32_t places = 0;
    for (int o = 0; o < 3; ++o) {
      for (const GridForm::Band& band : form.sectors[operands[o]]) {
        const std::array<Part, 4> parts = parts_of(form, band);
        Band& made = bands_[o].emplace_back();
        for (int q = 0; q < 4; ++q) {
          made.counts[q] = static_cast<int32_t>(parts[q].rows.size());
          made.rows.insert(made.rows.end(), parts[q].rows.begin(), parts[q].rows.end());
          if (o < 2) {
            for (const auto& values : parts[q].harmonics)
              made.harmonics.insert(made.harmonics.end(), values.begin(), values.end());
          } else {
            project(form, parts[q], made.harmonics);
            for (int32_t row : parts[q].rows) place[row] = places++;
          }
        }
      }
      for (const Band& band : bands_[o]) {
        tables_[o].push_back({{band.counts[0], band.counts[1], band.counts[2], band.counts[3]},
                              band.rows.data(),
                              band.harmonics.data()});
      }
      table_.sectors[o] = static_cast<int32_t>(tables_[o].size());
      table_.bands[o] = tables_[o].data();
    }
    set_places(place);
    terms_ = order_terms(form.terms, target);
    table_.terms = static_cast<int32_t>(form.terms.size());
    table_.term = terms_.data();

    work = flat_grid_work(form, target);
    set_scratch(size_t(table_.sectors[2]) * 4 * table_.points * kTileLanes);
  }

  void run(int, int vecs, const float* left, const float* right, float* room) const override {
    kernels().flat_grid(table_, vecs, left, right, room, scratch(room));
  }

 private:
  struct Band {
    int32_t counts[4];
    std::vector<int32_t> rows;
    std::vector<float> harmonics;
  };

  /// Harmonics for the way back: [points, components], times weights.
  static void project(const GridForm& form, const Part& part, std::vector<float>& result) {
    for (int32_t r = 0; r < form.rings; ++r) {
      for (int32_t j = 0; j < form.points; ++j) {
        const double weight = form.ring_weights[r] * form.point_weights[j];
        for (const auto& values : part.harmonics)
          result.push_back(static_cast<float>(weight * values[r * form.points + j]));
      }
    }
  }

  FlatGridTable table_{};
  std::vector<Band> bands_[3];
  std::vector<FlatBand> tables_[3];
  std::vector<int32_t> terms_;
};

}  // namespace

double flat_grid_work(const GridForm& form, int target) {
  const auto components = [](const GridForm::Band& band) {
    double sum = 0;
    for (int32_t m = 0; m <= band.order; ++m) sum += (m ? 2 : 1) * (band.components(m, 0) + band.components(m, 1));
    return sum;
  };
  double per_point = 16.0 * static_cast<double>(form.terms.size());
  for (const Term& term : form.terms) {
    for (int o = 0; o < 3; ++o) {
      if (o != target) per_point += components(form.sectors[o][term.sector[o]]);
    }
  }
  for (const GridForm::Band& band : form.sectors[target]) per_point += components(band);
  return per_point * form.rings * form.points;
}

std::unique_ptr<Program> make_flat_grid_program(const GridForm& form, const Side sides[3], const SideTiles& out,
                                                int target) {
  return std::make_unique<FlatGridProgram>(form, sides, out, target);
}

}  // namespace gauntlet
