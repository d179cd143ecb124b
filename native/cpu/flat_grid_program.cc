#include <array>
#include <map>
#include <tuple>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// What a sector becomes on the grid: the function, its derivative by beta over sin beta, or that by azimuth.
enum class Signal { value, polar, azimuthal };

/// One part [p, s] of a signal: its components' fiber rows and their harmonics at every point of a quarter.
struct Part {
  std::vector<int32_t> rows;
  std::vector<std::vector<double>> harmonics;
};

/// The signal times `sign`.
std::array<Part, 4> parts_of(const GridForm& form, const GridForm::Band& band, Signal signal, int sign = 1) {
  std::array<Part, 4> parts;
  const bool polar = signal == Signal::polar, azimuthal = signal == Signal::azimuthal;
  int32_t row = band.first;
  const double* legendre = (polar ? band.slopes : band.legendre).data();
  for (int32_t m = 0; m <= band.order; ++m) {
    for (int32_t parity = 0; parity < 2; ++parity) {
      const int32_t count = band.components(m, parity);
      for (int32_t sine = 0; sine < (m ? 2 : 1); ++sine) {
        // (cos m alpha)' = -m sin m alpha, (sin m alpha)' = m cos m alpha
        const double* wave = (sine ^ azimuthal ? form.sines : form.cosines).data() + ptrdiff_t{m} * form.points;
        const double factor = sign * (!azimuthal ? 1 : sine ? m : -m);
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

class FlatGridProgram : public PointwiseProgram {
 public:
  FlatGridProgram(const GridForm& form, const Side sides[3], const std::array<SideTiles, 3>& tiles,
                  std::span<const int> targets)
      : PointwiseProgram(sides, tiles, targets) {
    table_.points = form.rings * form.points;
    add_terms(form);
    std::vector<int32_t> place(fiber(), 0);
    int32_t places = 0;
    for (const int target : targets_) {
      for (const GridForm::Band& band : form.sectors[target]) {
        Band& made = bands_[1].emplace_back();
        const std::array<Part, 4> parts = parts_of(form, band, Signal::value);
        for (int q = 0; q < 4; ++q) {
          append(made, q, parts[q]);
          project(form, parts[q], made.harmonics);
          for (int32_t row : parts[q].rows) place[first_row(target) + row] = places++;
        }
      }
    }
    for (int o = 0; o < 2; ++o) {
      for (const Band& band : bands_[o]) {
        tables_[o].push_back({band.operand,
                              {band.counts[0], band.counts[1], band.counts[2], band.counts[3]},
                              band.rows.data(),
                              band.harmonics.data()});
      }
    }
    table_.input = tables_[0].data();
    table_.target = tables_[1].data();
    table_.targets = static_cast<int32_t>(tables_[1].size());
    set_places(place);

    work = flat_grid_work(form, targets);
    set_scratch(size_t(table_.targets) * 4 * table_.points * kTileLanes);
  }

  void run(int, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    kernels().flat_grid(table_, vecs, tiles, room, scratch(room), ahead);
  }

 private:
  struct Band {
    int32_t operand;
    int32_t counts[4];
    std::vector<int32_t> rows;
    std::vector<float> harmonics;
  };

  /// A bracket is the product of two pairs of signals.
  void add_terms(const GridForm& form) {
    for (size_t t = 0; t < form.terms.size(); ++t) {
      const int32_t* sector = form.terms[t].sector;
      if (form.brackets[t]) {
        add_term(form, sector, Signal::polar, Signal::azimuthal);
        add_term(form, sector, Signal::azimuthal, Signal::polar);
      } else {
        add_term(form, sector, Signal::value, Signal::value);
      }
    }
    table_.results = static_cast<int32_t>(targets_.size());
    table_.terms = static_cast<int32_t>(terms_.size());
    table_.term = terms_.data();
  }

  void add_term(const GridForm& form, const int32_t* sector, Signal of_partner, Signal of_common) {
    GridTerm& term = terms_.emplace_back();
    const int common = common_of(targets_[0]);
    term.common = find_signal(form, common, sector[common], of_common, 1);
    int32_t first = 0;  // sector of all targets
    for (size_t n = 0; n < targets_.size(); ++n) {
      const int target = targets_[n], partner = partner_of(target);
      // {partner, common} has a minus where the partner's derivative is that by azimuth.
      const bool minus = of_partner != Signal::value && is_reversed(target) != (of_partner == Signal::azimuthal);
      term.partner[n] = find_signal(form, partner, sector[partner], of_partner, minus ? -1 : 1);
      term.target[n] = first + sector[target];
      first += static_cast<int32_t>(form.sectors[target].size());
    }
  }

  /// The number of a signal of an input, made when it is first asked for.
  int32_t find_signal(const GridForm& form, int operand, int32_t sector, Signal signal, int sign) {
    const auto [number, fresh] =
        signals_.try_emplace({operand, sector, signal, sign}, static_cast<int32_t>(bands_[0].size()));
    if (fresh) {
      Band& made = bands_[0].emplace_back();
      made.operand = operand;
      const std::array<Part, 4> parts = parts_of(form, form.sectors[operand][sector], signal, sign);
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
  std::vector<Band> bands_[2];  // signals of inputs, sectors of targets
  std::map<std::tuple<int, int32_t, Signal, int>, int32_t> signals_;
  std::vector<FlatBand> tables_[2];
  std::vector<GridTerm> terms_;
};

}  // namespace

double flat_grid_work(const GridForm& form, std::span<const int> targets) {
  const auto components = [](const GridForm::Band& band) {
    double sum = 0;
    for (int32_t m = 0; m <= band.order; ++m) sum += (m ? 2 : 1) * (band.components(m, 0) + band.components(m, 1));
    return sum;
  };
  double per_point = 0;
  for (size_t t = 0; t < form.terms.size(); ++t) {
    double signals = 16.0 * static_cast<double>(targets.size());
    for (int o = 0; o < 3; ++o) {
      // Every operand is read once, also where two targets have it in common.
      if (targets.size() > 1 || o != targets[0]) signals += components(form.sectors[o][form.terms[t].sector[o]]);
    }
    per_point += form.brackets[t] ? 2 * signals : signals;
  }
  for (const int target : targets) {
    for (const GridForm::Band& band : form.sectors[target]) per_point += components(band);
  }
  return per_point * form.rings * form.points;
}

std::unique_ptr<Program> make_flat_grid_program(const GridForm& form, const Side sides[3],
                                                const std::array<SideTiles, 3>& tiles, std::span<const int> targets) {
  return std::make_unique<FlatGridProgram>(form, sides, tiles, targets);
}

}  // namespace gauntlet
