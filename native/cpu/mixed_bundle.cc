#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>

#include "core/error.h"
#include "cpu/mixed.h"

namespace gauntlet {
namespace {

/// Pairs of a portion at most: as many as a matrix product takes to reach its pace.
constexpr int32_t kMostPairs = 32;
/// Lines of z at most.
constexpr int32_t kMostLines = 1024;

/// Where a path's weights lie, all in one block.
int32_t offset_of(const Side& weights, const MixedForm::Path& path) {
  const int64_t count = path.pair_count() * (path.out == MixedForm::kEvery ? path.count[2] : 1);
  if (count == 0) return 0;
  int32_t row = 0;
  for (const Block& block : weights.blocks) {
    if (row == path.weight && count <= block.size) return block.offset;
    row += block.size;
  }
  throw Error("ERR_ARGUMENT", "Malformed plan: a path without a block of weights");
}

MixedPart make_part(const MixedForm& form, const MixedForm::Path& path, int32_t channels, int32_t first) {
  MixedPart part{};
  part.first = first;
  part.size = form.tables[path.table].size[2];
  part.y_row = path.row[2];
  part.mixed = path.out == MixedForm::kEvery && path.weight >= 0 ? path.count[2] : 0;
  part.out = path.out;
  part.weight = path.weight;
  part.scalar = path.row[0] < 0 ? 0 : static_cast<float>(path.coefficient * form.tables[path.table].scalar());
  if (channels == 1 && path.weight >= 0) part.offset = offset_of(form.weights, path);
  return part;
}

/// The three tables of a bundle: z from x1 and x2, x1 from x2 and z, x2 from x1 and z.
void add_couplings(const MixedForm& form, const std::vector<const MixedForm::Path*>& paths, MixedBundle& bundle) {
  std::vector<CouplingEntry> entries[3];
  std::vector<bool> reached(bundle.z_rows, false);
  for (size_t n = 0; n < paths.size(); ++n) {
    const MixedForm::Table& table = form.tables[paths[n]->table];
    size_t at = 0;
    for (int32_t i = 0; i < table.size[0]; ++i) {
      for (int32_t j = 0; j < table.size[1]; ++j) {
        for (int32_t k = 0; k < table.size[2]; ++k, ++at) {
          const double value = paths[n]->coefficient * table.values[at];
          if (value == 0) continue;
          const int32_t row = bundle.parts[n].first + k, z = row * bundle.portion;
          reached[row] = true;
          entries[0].push_back({i, j, z, value});
          entries[1].push_back({j, i, z, value});
          entries[2].push_back({z, i, j, value});
        }
      }
    }
  }
  for (int32_t row = 0; row < bundle.z_rows; ++row) {
    if (!reached[row]) entries[2].push_back({row * bundle.portion, 0, 0, 0.0});  // no table sets it: it is zero
  }
  for (int target = 0; target < 3; ++target) bundle.couplings.emplace_back(entries[target], target == 2);
}

}  // namespace

bool MixedBundle::weighted() const {
  return std::any_of(parts.begin(), parts.end(), [](const MixedPart& part) { return part.weight >= 0; });
}

bool MixedBundle::scales() const {
  return std::all_of(parts.begin(), parts.end(), [](const MixedPart& part) { return part.scalar != 0; });
}

std::vector<MixedBundle> bundle_paths(const MixedForm& form, int32_t channels, int32_t slab_lines) {
  using Key = std::tuple<int32_t, int32_t, int32_t, int32_t, int32_t, int32_t, int32_t>;
  std::map<Key, std::vector<const MixedForm::Path*>> together;
  for (const MixedForm::Path& path : form.paths) {
    const MixedForm::Table& table = form.tables[path.table];
    together[{path.row[0], path.row[1], path.count[0], path.count[1], table.size[0], table.size[1], path.pairs}]
        .push_back(&path);
  }
  std::vector<MixedBundle> bundles;
  for (const auto& [key, paths] : together) {
    const MixedForm::Table& table = form.tables[paths[0]->table];
    MixedBundle& bundle = bundles.emplace_back();
    int32_t weights = 1;
    for (int o = 0; o < 2; ++o) bundle.row[o] = paths[0]->row[o], bundle.size[o] = table.size[o];
    bundle.pairs = paths[0]->list_pairs();
    for (const MixedForm::Path* path : paths) {
      bundle.parts.push_back(make_part(form, *path, channels, bundle.z_rows));
      bundle.z_rows += bundle.parts.back().size;
      weights = std::max(weights, bundle.parts.back().weights());
    }
    bundle.portion = std::clamp(kMostLines / bundle.z_rows, 1, std::min(kMostPairs, std::max(1, bundle.pair_count())));
    if (slab_lines > 0) bundle.portion = std::clamp(slab_lines / weights, 1, bundle.portion);
    add_couplings(form, paths, bundle);
  }
  return bundles;
}

void make_slabs(const MixedBundle& bundle, MixedPart& part, int32_t dim) {
  for (int32_t p = 0; p < bundle.pair_count(); p += bundle.portion) {
    const int32_t size = std::min(bundle.portion, bundle.pair_count() - p) * part.weights();
    Side side{size, 1, 1, {{part.offset + p * part.weights(), 1, size}}, std::vector<int32_t>(size)};
    std::iota(side.rows.begin(), side.rows.end(), 0);
    part.slabs.emplace_back(side, dim, 1);
  }
}

std::vector<float> transpose(const std::vector<MixedBundle>& bundles, size_t size, const float* weights) {
  std::vector<float> transposed(size);
  for (const MixedBundle& bundle : bundles) {
    for (const MixedPart& part : bundle.parts) {
      if (!part.mixed) continue;
      const float* from = weights + part.offset;
      float* to = transposed.data() + part.transposed_at;
      for (int32_t p = 0; p < bundle.pair_count(); ++p) {
        for (int32_t w = 0; w < part.mixed; ++w) to[size_t(w) * bundle.pairs.size() + p] = *from++;
      }
    }
  }
  return transposed;
}

}  // namespace gauntlet
