#include <array>
#include <map>
#include <utility>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// What a sector becomes on the grid: the function, its derivative by beta over sin beta, or that by azimuth, or minus that.
enum class Signal { value, polar, azimuthal, negative_azimuthal };

/// One part [p, s] of a signal: its components' fiber rows and their harmonics at every point of a quarter.
struct Part {
  std::vector<int32_t> rows;
  std::vector<std::vector<double>> harmonics;
};

std::array<Part, 4> parts_of(const GridForm& form, const GridForm::Band& band, Signal signal) {
  std::array<Part, 4> parts;
  const bool polar = signal == Signal::polar, azimuthal = signal >= Signal::azimuthal;
  int32_t row = band.first;
  const double* legendre = (polar ? band.slopes : band.legendre).data();
  for (int32_t m = 0; m <= band.order; ++m) {
    for (int32_t parity = 0; parity < 2; ++parity) {
      const int32_t count = band.components(m, parity);
      for (int32_t sine = 0; sine < (m ? 2 : 1); ++sine) {
        // (cos m alpha)' = -m sin m alpha, (sin m alpha)' = m cos m alpha
        const double* wave = (sine ^ azimuthal ? form.sines : form.cosines).data() + ptrdiff_t{m} * form.points;
        const double factor = !azimuthal ? 1 : (signal == Signal::azimuthal) == (sine == 1) ? m : -m;
        Part& part = parts[2 * (parity ^ polar) + (sine ^ azimuthal)];
        for (int32_t l = 0; l < count; ++l, ++row) {
          if (factor == 0) continue;
          part.rows.push_back(row);
          std::vector<double>& values = part.harmonics.emplace_back();
          for (int32_t r = 0; r < form.rings; ++r) {
            const double scale = factor * legendre[l * form.rings + r];
            for (int32_t j = 0; j < form.points; ++j) values.push_back(scale * wave[j]);
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
    set_cycle(target);
    table_.points = form.rings * form.points;
    add_terms(form, target);
    std::vector<int32_t> place(sides[target].fiber, 0);
    int32_t places = 0;
    for (const GridForm::Band& band : form.sectors[target]) {
      Band& made = bands_[2].emplace_back();
      const std::array<Part, 4> parts = parts_of(form, band, Signal::value);
      for (int q = 0; q < 4; ++q) {
        append(made, q, parts[q]);
        project(form, parts[q], made.harmonics);
        for (int32_t row : parts[q].rows) place[row] = places++;
      }
    }
    for (int o = 0; o < 3; ++o) {
      for (const Band& band : bands_[o]) {
        tables_[o].push_back({{band.counts[0], band.counts[1], band.counts[2], band.counts[3]},
                              band.rows.data(),
                              band.harmonics.data()});
      }
      table_.bands[o] = tables_[o].data();
    }
    table_.sectors = static_cast<int32_t>(tables_[2].size());
    set_places(place);

    work = flat_grid_work(form, target);
    set_scratch(size_t(table_.sectors) * 4 * table_.points * kTileLanes);
  }

  void run(int, int vecs, Tiles tiles, float* room) const override {
    kernels().flat_grid(table_, vecs, tiles[left], tiles[right], room, scratch(room));
  }

 private:
  struct Band {
    int32_t counts[4];
    std::vector<int32_t> rows;
    std::vector<float> harmonics;
  };

  /// A bracket is the product of two pairs of signals.
  void add_terms(const GridForm& form, int target) {
    const std::vector<int32_t> sectors = order_terms(form.terms, target);
    for (size_t t = 0; t < form.terms.size(); ++t) {
      const auto add = [&](Signal a, Signal b) {
        const int32_t* sector = &sectors[3 * t];
        terms_.insert(terms_.end(),
                      {find_signal(form, 0, sector[0], a), find_signal(form, 1, sector[1], b), sector[2]});
      };
      if (form.brackets[t]) {
        add(Signal::polar, Signal::azimuthal);
        add(Signal::negative_azimuthal, Signal::polar);
      } else {
        add(Signal::value, Signal::value);
      }
    }
    table_.terms = static_cast<int32_t>(terms_.size() / 3);
    table_.term = terms_.data();
  }

  /// The number of a signal of an input, made when it is first asked for.
  int32_t find_signal(const GridForm& form, int o, int32_t sector, Signal signal) {
    const auto [number, fresh] = signals_[o].try_emplace({sector, signal}, static_cast<int32_t>(bands_[o].size()));
    if (fresh) {
      Band& made = bands_[o].emplace_back();
      const std::array<Part, 4> parts = parts_of(form, form.sectors[o == 0 ? left : right][sector], signal);
      for (int q = 0; q < 4; ++q) {
        append(made, q, parts[q]);
        for (const auto& values : parts[q].harmonics)
          made.harmonics.insert(made.harmonics.end(), values.begin(), values.end());
      }
    }
    return number->second;
  }

  static void append(Band& band, int q, const Part& part) {
    band.counts[q] = static_cast<int32_t>(part.rows.size());
    band.rows.insert(band.rows.end(), part.rows.begin(), part.rows.end());
  }

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
  std::map<std::pair<int32_t, Signal>, int32_t> signals_[2];
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
  double per_point = 0;
  for (size_t t = 0; t < form.terms.size(); ++t) {
    double signals = 16;
    for (int o = 0; o < 3; ++o) {
      if (o != target) signals += components(form.sectors[o][form.terms[t].sector[o]]);
    }
    per_point += form.brackets[t] ? 2 * signals : signals;
  }
  for (const GridForm::Band& band : form.sectors[target]) per_point += components(band);
  return per_point * form.rings * form.points;
}

std::unique_ptr<Program> make_flat_grid_program(const GridForm& form, const Side sides[3], const SideTiles& out,
                                                int target) {
  return std::make_unique<FlatGridProgram>(form, sides, out, target);
}

}  // namespace gauntlet
