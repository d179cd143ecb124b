#include <algorithm>

#include "cpu/program.h"

namespace gauntlet {
namespace {

/// Coefficients at all v and u from those at v >= 0, rows as kernels/fourier.cc lays them out: [v][pad + u + pad][re, im].
LinearRows spread(const LinearMap& map, int32_t degree, int32_t pad) {
  const int32_t width = 2 * degree + 1, padded = width + 2 * pad;
  const auto place = [&](int32_t v, int32_t u, int32_t part) {
    return 2 * ((v + degree) * padded + pad + u + degree) + part;
  };
  std::vector<LinearRows::Entry> entries;
  for (size_t e = 0; e < map.value.size(); ++e) {
    const int32_t part = map.row[e] % 2, u = map.row[e] / 2 % width - degree, v = map.row[e] / 2 / width;
    entries.push_back({place(v, u, part), map.column[e], map.value[e]});
    if (v > 0) entries.push_back({place(-v, -u, part), map.column[e], part ? -map.value[e] : map.value[e]});
  }
  return LinearRows(2 * width * padded, std::move(entries));
}

class FourierProgram : public MappedProgram<FourierTable> {
 public:
  FourierProgram(const FourierForm& form, const Side sides[3], const SideTiles& out, int target)
      : MappedProgram(sides, out, target) {
    const int operands[2] = {left, right};
    for (int o = 0; o < 2; ++o) {
      const int32_t degree = form.degree[operands[o]];
      table_.degree[o] = degree;
      std::vector<LinearRows> maps;
      for (const LinearMap& map : form.into[operands[o]]) maps.push_back(spread(map, degree, o));
      set_into(o, std::move(maps));
    }
    const int32_t product = form.degree_of_product(target), width = 2 * product + 1;
    table_.orders = std::min(form.degree[target], product) + 1;
    const int32_t sector = 2 * table_.orders * (width + 1);
    std::vector<LinearRows::Entry> entries;
    for (int32_t s = 0; s < static_cast<int32_t>(form.from[target].size()); ++s) {
      const LinearMap& map = form.from[target][s];
      for (size_t e = 0; e < map.value.size(); ++e) {
        const int32_t part = map.column[e] % 2, u = map.column[e] / 2 % width, v = map.column[e] / 2 / width;
        entries.push_back({map.row[e], s * sector + 2 * (v * (width + 1) + u) + part, map.value[e]});
      }
    }
    set_from(form.from[target].size(), std::move(entries));
    set_terms(form.terms, target);

    size_t floats = size_t(table_.sectors[2]) * sector * kTileLanes;
    for (int o = 0; o < 2; ++o) {
      for (const LinearRows& map : into_[o]) floats += size_t(map.table().rows) * kTileLanes;
    }
    const double f = 2 * table_.degree[0] + 1, g = 2 * table_.degree[1] + 1;
    work = static_cast<double>(from_->size()) + 2 * f * f * g * g * table_.terms;
    set_scratch(floats);
  }

  void run(int, int vecs, const float* left, const float* right, float* room) const override {
    kernels().fourier(table_, vecs, left, right, room, scratch(room));
  }
};

}  // namespace

std::unique_ptr<Program> make_fourier_program(const FourierForm& form, const Side sides[3], const SideTiles& out,
                                              int target) {
  return std::make_unique<FourierProgram>(form, sides, out, target);
}

}  // namespace gauntlet
