// Dense form: y[k] = sum over paths, and over all i and j of a path,  c[i, j, k] * x1[i] * x2[j], zeros included.
//
// The baseline that products with sparse or factored coefficients are measured against, walked as the sparse form is, but with
// counters in place of indices: a warp takes up to 8 neighbouring rows of y and goes through every path that ends there.
#include <algorithm>
#include <map>
#include <variant>

#include "cuda/coupling.h"

namespace gauntlet::cuda {
namespace {

/// Part of a path: all i of [left, left + left_size) with all j of [right, right + right_size), rows of their pieces.
struct DenseBlock {
  int32_t left, left_size, right, right_size;
};

struct DenseCouplings {
  const Bundle* bundles;  // first_key and count: into blocks
  const int32_t* starts;
  const DenseBlock* blocks;
  const float* coefficients;

  template <int W, int Together>
  __device__ void accumulate(const Bundle* bundle, const float* left, const float* right, int tile_floats,
                             float (&sum)[W][Together]) const {
    const float* values = coefficients + bundle->first_coefficient;
    const int32_t end = bundle->first_key + bundle->count;
    for (int32_t n = bundle->first_key; n < end; ++n) {
      const DenseBlock block = blocks[n];
      for (int32_t i = 0; i < block.left_size; ++i) {
        const float* x1 = left + (block.left + i) * kFiberStride;
        float a[Together];
#pragma unroll
        for (int t = 0; t < Together; ++t) a[t] = x1[t * tile_floats];
        const float* x2 = right + block.right * kFiberStride;
#pragma unroll 2
        for (int32_t j = 0; j < block.right_size; ++j, x2 += kFiberStride, values += W) {
          float c[W];
          load_uniform<W>(values, c);
#pragma unroll
          for (int t = 0; t < Together; ++t) {
            const float product = a[t] * x2[t * tile_floats];
#pragma unroll
            for (int r = 0; r < W; ++r) sum[r][t] = fmaf(c[r], product, sum[r][t]);
          }
        }
      }
    }
  }
};

class DenseTables {
 public:
  DenseTables(const std::vector<Bundle>& bundles, const std::vector<int32_t>& starts,
              const std::vector<DenseBlock>& blocks, const std::vector<float>& coefficients)
      : bundles_(bundles), starts_(starts), blocks_(blocks), coefficients_(coefficients) {}
  DenseCouplings view() const { return {bundles_.data(), starts_.data(), blocks_.data(), coefficients_.data()}; }

 private:
  Table<Bundle> bundles_;
  Table<int32_t> starts_;
  Table<DenseBlock> blocks_;
  Table<float> coefficients_;
};

/// Runs of up to 8 consecutive fiber rows within a piece of y, none of which a path splits: [first fiber row, count].
std::vector<std::pair<int32_t, int32_t>> runs_of(std::vector<int32_t> rows, const std::vector<char>& cuts) {
  std::sort(rows.begin(), rows.end());
  std::vector<std::pair<int32_t, int32_t>> runs;
  for (int32_t row : rows) {
    const bool goes_on = !runs.empty() && runs.back().first + runs.back().second == row && !cuts[row];
    if (goes_on && runs.back().second < kWidestBundle) {
      ++runs.back().second;
    } else {
      runs.push_back({row, 1});
    }
  }
  return runs;
}

/// The part of rows [first, first + size) in a piece of consecutive rows: [number in the piece, number in the path, size].
struct Overlap {
  int32_t in_piece, in_path, size;
};
Overlap overlap(const std::vector<int32_t>& piece, int32_t first, int32_t size) {
  if (piece.empty()) return {0, 0, 0};
  const int32_t begin = std::max(first, piece.front()), end = std::min(first + size, piece.back() + 1);
  return {begin - piece.front(), begin - first, std::max(0, end - begin)};
}

}  // namespace

std::unique_ptr<Program> make_dense_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                            const Device& device) {
  const DenseForm& form = std::get<DenseForm>(group.form);
  const int l = left_of(target), r = right_of(target);
  const int32_t fiber = group.sides[target].fiber;

  std::vector<uint64_t> first_use(fiber, UINT64_MAX);
  std::vector<char> cuts(fiber + 1, false);
  for (const DenseForm::Path& path : form.paths) {
    const uint64_t use = static_cast<uint64_t>(path.row[l]) << 32 | static_cast<uint32_t>(path.row[r]);
    const int32_t end = path.row[target] + path.size[target];
    for (int32_t row = path.row[target]; row < end; ++row) first_use[row] = std::min(first_use[row], use);
    cuts[path.row[target]] = cuts[end] = true;
  }
  const Pieces pieces = cut_fibers(device, group, target, first_use);
  const auto outs = pieces.places(2, fiber);

  std::vector<Bundle> bundles;
  std::vector<int32_t> starts{0};
  std::vector<DenseBlock> blocks;
  std::vector<float> coefficients;
  Steps steps(group, dim, target, pieces);

  // One bundle for every run of rows: all that the pieces a and b of x1 and x2 contribute. False where that is nothing at all.
  const auto add_step = [&](int a, int b, const std::vector<std::pair<int32_t, int32_t>>& runs) {
    struct Work {
      Bundle bundle;
      std::vector<DenseBlock> blocks;
      std::vector<float> coefficients;
    };
    std::vector<Work> works;
    std::vector<double> costs;
    bool any = false;
    for (const auto& [row, count] : runs) {
      Work work{.bundle = {.width = count > 4 ? 8 : count > 2 ? 4 : count}};
      for (int n = 0; n < kWidestBundle; ++n) work.bundle.row[n] = n < count ? outs[row + n].second : -1;
      for (const DenseForm::Path& path : form.paths) {
        if (a < 0 || row < path.row[target] || row >= path.row[target] + path.size[target]) continue;
        const Overlap i = overlap(pieces.rows[0][a], path.row[l], path.size[l]);
        const Overlap j = overlap(pieces.rows[1][b], path.row[r], path.size[r]);
        if (i.size == 0 || j.size == 0) continue;
        work.blocks.push_back({i.in_piece, i.size, j.in_piece, j.size});
        int32_t index[3];
        for (index[l] = i.in_path; index[l] < i.in_path + i.size; ++index[l]) {
          for (index[r] = j.in_path; index[r] < j.in_path + j.size; ++index[r]) {
            for (int n = 0; n < work.bundle.width; ++n) {
              index[target] = row - path.row[target] + n;
              const int64_t at = (int64_t{index[0]} * path.size[1] + index[1]) * path.size[2] + index[2];
              work.coefficients.push_back(n < count ? static_cast<float>(form.coefficient[path.first + at]) : 0.f);
            }
          }
        }
      }
      any = any || !work.blocks.empty();
      costs.push_back(static_cast<double>(work.coefficients.size()));
      works.push_back(std::move(work));
    }
    if (!any && a >= 0) return false;
    for (const std::vector<int>& list : deal(costs)) {
      for (int n : list) {
        Work& work = works[n];
        work.bundle.first_key = static_cast<int32_t>(blocks.size());
        work.bundle.count = static_cast<int32_t>(work.blocks.size());
        work.bundle.first_coefficient = static_cast<int32_t>(coefficients.size());
        blocks.insert(blocks.end(), work.blocks.begin(), work.blocks.end());
        coefficients.insert(coefficients.end(), work.coefficients.begin(), work.coefficients.end());
        coefficients.resize(round_up(static_cast<int>(coefficients.size()), 4), 0);
        bundles.push_back(work.bundle);
      }
      starts.push_back(static_cast<int32_t>(bundles.size()));
    }
    return true;
  };

  for (size_t y = 0; y < pieces.rows[2].size(); ++y) {
    const auto runs = runs_of(pieces.rows[2][y], cuts);
    bool begun = false;
    for (size_t a = 0; a < pieces.rows[0].size(); ++a) {
      for (size_t b = 0; b < pieces.rows[1].size(); ++b) {
        if (!add_step(static_cast<int>(a), static_cast<int>(b), runs)) continue;
        steps.add(static_cast<int>(a), static_cast<int>(b), static_cast<int>(y));
        begun = true;
      }
    }
    if (!begun) {  // rows that nothing reaches become zero
      add_step(-1, -1, runs);
      steps.add(-1, -1, static_cast<int>(y));
    }
    steps.store();
  }
  return std::make_unique<CouplingProgram<DenseTables>>(group, pieces, steps,
                                                        DenseTables(bundles, starts, blocks, coefficients), device);
}

}  // namespace gauntlet::cuda
