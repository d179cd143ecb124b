#include <algorithm>
#include <cstdlib>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// A map onto coefficients at |u| <= reach and 0 <= v <= order of a real signal on the torus.
struct Spectra {
  int32_t reach, order;
  std::vector<LinearMap> maps;  // rows are (v * (2 reach + 1) + u + reach) * 2 + (0 real, 1 imaginary)
};

/// All coefficients, as kernels/fourier.cc lays them out: [v][pad + u + pad][re, im].
LinearRows spread(const LinearMap& map, int32_t reach, int32_t order, int32_t pad) {
  const int32_t width = 2 * reach + 1, padded = width + 2 * pad;
  const auto place = [&](int32_t v, int32_t u, int32_t part) {
    return 2 * ((v + order) * padded + pad + u + reach) + part;
  };
  std::vector<LinearRows::Entry> entries;
  for (size_t e = 0; e < map.value.size(); ++e) {
    const int32_t part = map.row[e] % 2, u = map.row[e] / 2 % width - reach, v = map.row[e] / 2 / width;
    entries.push_back({place(v, u, part), map.column[e], map.value[e]});
    if (v > 0) entries.push_back({place(-v, -u, part), map.column[e], part ? -map.value[e] : map.value[e]});
  }
  return LinearRows(2 * (2 * order + 1) * padded, std::move(entries));
}

/// The map's adjoint in the inner product of all coefficients, of which it knows one half: others count twice where v > 0.
LinearMap adjoint(const LinearMap& map, const std::vector<int32_t>& spectrum, int32_t width, double twice) {
  LinearMap result{map.columns, map.rows, map.column, map.row, map.value};
  for (size_t e = 0; e < result.value.size(); ++e) {
    if (spectrum[e] / 2 / width > 0) result.value[e] *= twice;
  }
  return result;
}

class FourierProgram : public MappedProgram<FourierTable, LinearRows> {
 public:
  FourierProgram(const FourierForm& form, const Side sides[3], const std::array<SideTiles, 3>& tiles, int target)
      : MappedProgram(sides, tiles, target) {
    // A gradient is an integral over the sphere like the product itself; where gradOut has higher degrees than the result, the
    // product's own maps, read backwards, take fewer multiplications.
    const bool backwards = target != 2 && form.degree[2] > form.degree[target];
    const int operands[2] = {left, right};
    for (int o = 0; o < 2; ++o) {
      const Spectra spectra = backwards && operands[o] == 2 ? adjoint_of_from(form) : into(form, operands[o]);
      table_.reach[o] = spectra.reach;
      table_.order[o] = spectra.order;
      std::vector<LinearRows> maps;
      for (const LinearMap& map : spectra.maps) maps.push_back(spread(map, spectra.reach, spectra.order, o * kPadding));
      set_into(o, std::move(maps));
    }
    const int32_t product = backwards ? form.degree[target] : form.degree_of_product(target);
    table_.reach[2] = product;
    table_.order[2] = std::min(form.degree[target], product);
    const std::vector<LinearMap> from = backwards ? adjoint_of_into(form, target) : form.from[target];
    const int32_t width = 2 * product + 1, sector = 2 * (table_.order[2] + 1) * (width + 1);
    std::vector<LinearRows::Entry> entries;
    for (int32_t s = 0; s < static_cast<int32_t>(from.size()); ++s) {
      const LinearMap& map = from[s];
      for (size_t e = 0; e < map.value.size(); ++e) {
        const int32_t part = map.column[e] % 2, u = map.column[e] / 2 % width, v = map.column[e] / 2 / width;
        entries.push_back({map.row[e], s * sector + 2 * (v * (width + 1) + u) + part, map.value[e]});
      }
    }
    set_from(from.size(), std::move(entries));
    set_terms(form.terms, target);

    size_t floats = size_t(table_.sectors[2]) * sector * kTileLanes;
    for (int o = 0; o < 2; ++o) {
      for (const LinearRows& map : into_[o]) floats += size_t(map.table().rows) * kTileLanes;
    }
    const double f = 2 * form.degree[0] + 1, g = 2 * form.degree[1] + 1;
    work = static_cast<double>(from_->size()) + 2 * f * f * g * g * table_.terms;
    set_scratch(floats);
  }

  void run(int, int vecs, Tiles tiles, float* room, Ahead& ahead) const override {
    kernels().fourier(table_, vecs, tiles[left], tiles[right], room, scratch(room), ahead);
  }

 private:
  static Spectra into(const FourierForm& form, int operand) {
    return {form.degree[operand], form.degree[operand], form.into[operand]};
  }
  static Spectra adjoint_of_from(const FourierForm& form) {
    const int32_t product = form.degree_of_product(2);
    Spectra spectra{product, std::min(form.degree[2], product), {}};
    for (const LinearMap& map : form.from[2]) spectra.maps.push_back(adjoint(map, map.column, 2 * product + 1, 0.5));
    return spectra;
  }
  static std::vector<LinearMap> adjoint_of_into(const FourierForm& form, int target) {
    std::vector<LinearMap> from;
    for (const LinearMap& map : form.into[target])
      from.push_back(adjoint(map, map.row, 2 * form.degree[target] + 1, 2));
    return from;
  }
};

}  // namespace

std::unique_ptr<Program> make_fourier_program(const FourierForm& form, const Side sides[3],
                                              const std::array<SideTiles, 3>& tiles, int target) {
  return std::make_unique<FourierProgram>(form, sides, tiles, target);
}

}  // namespace gauntlet
