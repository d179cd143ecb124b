// Sparse form: y[k] = sum over a list of non-zero couplings  c * x1[i] * x2[j].
//
// Rows of y that use nearly the same pairs (i, j) are summed together (cuda/bundle.h): the real Clebsch-Gordan coefficients of
// one (l1, l2) and one m3 have the same pairs for every l3. For every pair a warp loads two values, forms their product and
// makes up to 8 multiply-adds for each of its tiles.
#include <algorithm>
#include <map>
#include <variant>

#include "cuda/coupling.h"

namespace gauntlet::cuda {
namespace {

struct SparseCouplings : BundleView {
  template <int W, int Together>
  __device__ void accumulate(const Bundle* bundle, const float* left, const float* right, int tile_floats,
                             float (&sum)[W][Together]) const {
    const uint32_t* pairs = keys + bundle->first_key;
    const float* values = coefficients + bundle->first_coefficient;
    const int32_t count = bundle->count;
#pragma unroll 2
    for (int32_t n = 0; n < count; ++n) {
      const uint32_t pair = __ldg(pairs + n);
      const float* x1 = left + (pair >> 16);
      const float* x2 = right + (pair & 0xffff);
      float c[W];
      load_uniform<W>(values + n * W, c);
#pragma unroll
      for (int t = 0; t < Together; ++t) {
        const float product = x1[t * tile_floats] * x2[t * tile_floats];
#pragma unroll
        for (int r = 0; r < W; ++r) sum[r][t] = fmaf(c[r], product, sum[r][t]);
      }
    }
  }
};

struct SparseTables : DeviceBundles {
  using DeviceBundles::DeviceBundles;
  SparseCouplings view() const { return {DeviceBundles::view()}; }
};

}  // namespace

std::unique_ptr<Program> make_sparse_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                             const Device& device) {
  const SparseForm& form = std::get<SparseForm>(group.form);
  const std::vector<int32_t>& left = form.index[left_of(target)];
  const std::vector<int32_t>& right = form.index[right_of(target)];
  const std::vector<int32_t>& out = form.index[target];

  std::vector<uint64_t> first_use(group.sides[target].fiber, UINT64_MAX);
  for (size_t n = 0; n < out.size(); ++n) {
    first_use[out[n]] =
        std::min(first_use[out[n]], static_cast<uint64_t>(left[n]) << 32 | static_cast<uint32_t>(right[n]));
  }
  const Pieces pieces = cut_fibers(device, group, target, first_use);
  const auto lefts = pieces.places(0, group.sides[left_of(target)].fiber);
  const auto rights = pieces.places(1, group.sides[right_of(target)].fiber);
  const auto outs = pieces.places(2, group.sides[target].fiber);

  // By piece of y, then of x1 and x2. Every piece of y gets at least one step, which makes its rows zero if nothing else.
  std::map<std::pair<int, int>, std::vector<Entry>> none;
  std::vector<decltype(none)> cells(pieces.rows[2].size(), none);
  for (size_t n = 0; n < out.size(); ++n) {
    const auto [y, k] = outs[out[n]];
    if (y < 0) continue;
    const auto [a, i] = lefts[left[n]];
    const auto [b, j] = rights[right[n]];
    const uint32_t pair = static_cast<uint32_t>(i * kFiberStride) << 16 | static_cast<uint32_t>(j * kFiberStride);
    cells[y][{a, b}].push_back({k, pair, form.coefficient[n]});
  }
  BundleTable table;
  Steps steps(group, dim, target, pieces);
  for (size_t y = 0; y < cells.size(); ++y) {
    const std::vector<int32_t> rows = all_rows(static_cast<int32_t>(pieces.rows[2][y].size()));
    if (cells[y].empty()) cells[y][{-1, -1}] = {};
    for (auto& [pair, entries] : cells[y]) {
      steps.add(pair.first, pair.second, static_cast<int>(y));
      table.add_step(rows, std::move(entries));
    }
    steps.store();
  }
  return std::make_unique<CouplingProgram<SparseTables>>(group, pieces, steps, SparseTables(table), device);
}

}  // namespace gauntlet::cuda
