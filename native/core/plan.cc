#include "core/plan.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/table_reader.h"

namespace gauntlet {
namespace {

Side read_side(TableReader& in, int32_t dim) {
  Side side;
  side.fiber = in.count();
  side.divide = in.size();
  side.modulo = in.size();
  const int32_t blocks = in.items();
  for (int32_t b = 0; b < blocks; ++b) {
    const Block block{in.count(), in.count(), in.count()};
    if (block.offset + static_cast<int64_t>(block.channels) * block.size > dim)
      in.refuse("a block ends past its operand");
    side.blocks.push_back(block);
    for (int32_t row : in.indices(block.size, side.fiber)) side.rows.push_back(row);
  }
  return side;
}

LinearMap read_map(TableReader& in) {
  LinearMap map;
  map.rows = in.count();
  map.columns = in.count();
  const int32_t n = in.count();
  map.row = in.indices(n, map.rows);
  map.column = in.indices(n, map.columns);
  map.value = in.reals(n);
  return map;
}

/// Parities split an operand in two at most.
int32_t read_sectors(TableReader& in) { return in.within(1, 3); }

std::vector<LinearMap> read_maps(TableReader& in) {
  const int32_t n = read_sectors(in);
  std::vector<LinearMap> maps;
  for (int32_t s = 0; s < n; ++s) maps.push_back(read_map(in));
  return maps;
}

/// Every sector takes part in some term, so that leaving out its operand defines it.
std::vector<Term> read_terms(TableReader& in, size_t s1, size_t s2, size_t s3) {
  const size_t sectors[3] = {s1, s2, s3};
  std::vector<bool> used[3];
  for (int o = 0; o < 3; ++o) used[o].resize(sectors[o]);
  std::vector<Term> terms(in.items());
  for (Term& term : terms) {
    for (int o = 0; o < 3; ++o) {
      term.sector[o] = in.index(sectors[o]);
      used[o][term.sector[o]] = true;
    }
  }
  for (const auto& flags : used) {
    if (std::find(flags.begin(), flags.end(), false) != flags.end()) in.refuse("a sector without a term");
  }
  return terms;
}

SparseForm read_sparse(TableReader& in, const Side sides[3]) {
  SparseForm form;
  const int32_t n = in.count();
  for (int o = 0; o < 3; ++o) form.index[o] = in.indices(n, sides[o].fiber);
  form.coefficient = in.reals(n);
  return form;
}

DenseForm read_dense(TableReader& in, const Side sides[3]) {
  DenseForm form;
  form.paths.resize(in.items());
  int64_t total = 0;
  for (DenseForm::Path& path : form.paths) {
    int64_t entries = 1;
    for (int o = 0; o < 3; ++o) {
      path.row[o] = in.index(sides[o].fiber);
      path.size[o] = in.size();
      if (int64_t{path.row[o]} + path.size[o] > sides[o].fiber) in.refuse("a path ends past its fiber");
      entries *= path.size[o];
      if (entries > INT32_MAX) in.refuse("too many dense coefficients");
    }
    path.first = static_cast<int32_t>(total);
    total += entries;
    if (total > INT32_MAX) in.refuse("too many dense coefficients");
  }
  form.coefficient = in.reals(total);
  return form;
}

GridForm read_grid(TableReader& in, const Side sides[3]) {
  GridForm form;
  form.rings = in.count();
  form.points = in.count();
  form.order = in.count();
  form.ring_weights = in.reals(form.rings);
  form.point_weights = in.reals(form.points);
  const int64_t waves = int64_t{form.order} + 1;
  form.cosines = in.reals(waves * form.points);
  form.sines = in.reals(waves * form.points);
  for (int o = 0; o < 3; ++o) {
    form.sectors[o].resize(read_sectors(in));
    for (GridForm::Band& band : form.sectors[o]) {
      band.first = in.count();
      band.order = in.index(waves);
      int64_t rows = 0, entries = 0;
      for (int32_t m = 0; m <= band.order; ++m) {
        for (int32_t parity = 0; parity < 2; ++parity) {
          band.counts.push_back(in.count());
          rows += int64_t{band.counts.back()} * (m ? 2 : 1);
          entries += int64_t{band.counts.back()} * form.rings;
        }
      }
      if (band.first + rows > sides[o].fiber) in.refuse("a band ends past its fiber");
      band.legendre = in.reals(entries);
      if (in.flag()) band.slopes = in.reals(entries);
    }
  }
  form.terms = read_terms(in, form.sectors[0].size(), form.sectors[1].size(), form.sectors[2].size());
  for (const Term& term : form.terms) {
    form.brackets.push_back(in.flag());
    for (int o = 0; o < 3 && form.brackets.back(); ++o) {
      const GridForm::Band& band = form.sectors[o][term.sector[o]];
      if (band.slopes.size() != band.legendre.size()) in.refuse("a bracket without slopes");
    }
  }
  return form;
}

FourierForm read_fourier(TableReader& in, const Side sides[3]) {
  FourierForm form;
  for (int o = 0; o < 3; ++o) form.degree[o] = in.index(1024);
  for (int o = 0; o < 3; ++o) {
    form.into[o] = read_maps(in);
    form.from[o] = read_maps(in);
    const int32_t degree = form.degree[o], product = form.degree_of_product(o);
    for (const LinearMap& map : form.into[o]) {
      if (map.columns != sides[o].fiber || map.rows != 2 * (degree + 1) * (2 * degree + 1))
        in.refuse("a transform's shape");
    }
    for (const LinearMap& map : form.from[o]) {
      if (map.rows != sides[o].fiber || map.columns != 2 * (std::min(degree, product) + 1) * (2 * product + 1)) {
        in.refuse("a projection's shape");
      }
    }
  }
  form.terms = read_terms(in, form.into[0].size(), form.into[1].size(), form.into[2].size());
  return form;
}

MatrixForm read_matrix(TableReader& in, const Side sides[3]) {
  MatrixForm form;
  form.size = in.index(1024);
  for (int o = 0; o < 3; ++o) {
    form.maps[o] = read_maps(in);
    for (const LinearMap& map : form.maps[o]) {
      if (map.columns != sides[o].fiber || map.rows != form.size * form.size) in.refuse("a matrix map's shape");
    }
  }
  form.terms = read_terms(in, form.maps[0].size(), form.maps[1].size(), form.maps[2].size());
  for (size_t t = 0; t < form.terms.size(); ++t) {
    form.signs.push_back(in.within(-1, 2));
  }
  return form;
}

MixedForm::Path read_mixed_path(TableReader& in, const Side sides[3], const MixedForm& form) {
  MixedForm::Path path;
  for (int o = 0; o < 3; ++o) path.row[o] = in.integer();
  for (int o = 0; o < 3; ++o) path.count[o] = in.count();
  path.pairs = static_cast<MixedForm::Pairs>(in.index(3));
  path.out = static_cast<MixedForm::Out>(in.index(4));
  path.weight = in.integer();
  path.table = in.index(static_cast<int64_t>(form.tables.size()));
  path.coefficient = in.real();
  const auto& size = form.tables[path.table].size;
  for (int o = 0; o < 3; ++o) {
    const int64_t rows = int64_t{path.count[o]} * size[o];
    if (o < 2 && path.row[o] == -1 && rows == 1) continue;
    if (path.row[o] < 0 || path.row[o] + rows > sides[o].fiber) in.refuse("a path ends past its fiber");
  }
  const int32_t m1 = path.count[0], m2 = path.count[1];
  if (path.pairs != MixedForm::kAll && m1 != m2) in.refuse("pairs of unequal multiplicities");
  const int64_t channels[] = {path.weight < 0 ? 1 : path.count[2], m1, m2, path.pair_count()};
  if (path.count[2] != channels[path.out]) in.refuse("a path's output channels");
  const int64_t each = path.out == MixedForm::kEvery ? path.count[2] : 1, room = form.weights.fiber - path.weight;
  if (path.weight < -1 || room < 0 || (path.weight >= 0 && each > 0 && path.pair_count() > room / each))
    in.refuse("a path's weights end past their fiber");
  return path;
}

MixedForm read_mixed(TableReader& in, const Side sides[3], int32_t weights) {
  MixedForm form;
  form.weights = read_side(in, weights);
  form.tables.resize(in.items());
  for (MixedForm::Table& table : form.tables) {
    int64_t entries = 1;
    for (int32_t& size : table.size) {
      size = in.within(1, 1024);
      entries *= size;
    }
    table.values = in.reals(entries);
  }
  const int32_t paths = in.items();
  for (int32_t n = 0; n < paths; ++n) form.paths.push_back(read_mixed_path(in, sides, form));
  return form;
}

Form read_form(TableReader& in, const Side sides[3], int32_t weights) {
  switch (in.integer()) {
    case 0: return read_sparse(in, sides);
    case 1: return read_dense(in, sides);
    case 2: return read_grid(in, sides);
    case 3: return read_fourier(in, sides);
    case 4: return read_matrix(in, sides);
    case 5: return read_mixed(in, sides, weights);
    default: in.refuse("an unknown form");
  }
}

}  // namespace

double MixedForm::Table::scalar() const {
  if (size[1] != 1 || size[2] != size[0]) return 0;
  const double scalar = values[0];
  for (int32_t i = 0; i < size[0]; ++i) {
    for (int32_t k = 0; k < size[2]; ++k) {
      if (std::abs(values[i * size[2] + k] - (i == k ? scalar : 0)) > 1e-14 * std::abs(scalar)) return 0;
    }
  }
  return scalar;
}

std::vector<std::array<int32_t, 2>> MixedForm::Path::list_pairs() const {
  std::vector<std::array<int32_t, 2>> listed;
  for (int32_t u = 0; u < count[0]; ++u) {
    const int32_t from = pairs == kAll ? 0 : pairs == kSame ? u : u + 1;
    const int32_t to = pairs == kSame ? u + 1 : count[1];
    for (int32_t v = from; v < to; ++v) listed.push_back({u, v});
  }
  return listed;
}

Coverage coverage_of(const Plan& plan, int operand) {
  std::vector<uint8_t> groups(plan.dim[operand], 0);
  for (const Group& group : plan.groups) {
    const MixedForm* mixed = std::get_if<MixedForm>(&group.form);
    if (operand == kWeights && !mixed) continue;  // no other form takes any
    const Side& side = operand == kWeights ? mixed->weights : group.sides[operand];
    for (const Block& block : side.blocks) {
      const int32_t channels = std::min(block.channels, side.channels_seen(group.channels));
      for (int32_t n = 0; n < channels * block.size; ++n) {
        uint8_t& count = groups[block.offset + n];
        if (count < 2) ++count;
      }
    }
  }
  Coverage coverage;
  for (uint8_t count : groups) {
    coverage.complete = coverage.complete && count > 0;
    coverage.single = coverage.single && count < 2;
  }
  return coverage;
}

Plan decode_plan(std::span<const int32_t> integers, std::span<const double> reals) {
  TableReader in("plan", integers, reals);
  Plan plan;
  for (int32_t& dim : plan.dim) dim = in.count();
  plan.shared_weights = in.flag();
  plan.groups.resize(in.items());
  for (Group& group : plan.groups) {
    group.channels = in.count();
    for (int o = 0; o < 3; ++o) group.sides[o] = read_side(in, plan.dim[o]);
    group.form = read_form(in, group.sides, plan.dim[kWeights]);
    if (plan.dim[kWeights] > 0 && !std::holds_alternative<MixedForm>(group.form))
      in.refuse("weights for a form that takes none");
  }
  in.finish();
  return plan;
}

}  // namespace gauntlet
