// Table-driven coupling, grouped by output:
//
//     y[k] = sum over i of  a[i] * (sum over j of  C[i, j, k] * b[j])
//
// Grouping the non-zero coefficients of one output by i costs one multiply-add per coefficient and one per group, where taking
// them one by one costs two each. all vectors of a line share every table entry.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

template <int Vecs>
GAUNTLET_INLINE void sparse_row(const SparseTable& table, int32_t row, const float* left, const float* right, float* y) {
  Vec sum[Vecs] = {};
  const SparseRun* end = table.runs + table.row_begin[row + 1];
  for (const SparseRun* run = table.runs + table.row_begin[row]; run < end; ++run) {
    Vec inner[Vecs] = {};
    for (int32_t e = run->begin; e < run->end; ++e) {
      const Vec coefficient = splat(table.entries[e].coefficient);
      const float* line = right + ptrdiff_t{table.entries[e].index} * kTileLanes;
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) add_product(inner[v], coefficient, load(line + v * kLanes));
    }
    const float* line = left + ptrdiff_t{run->index} * kTileLanes;
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) add_product(sum[v], inner[v], load(line + v * kLanes));
  }
#pragma GCC unroll 4
  for (int v = 0; v < Vecs; ++v) store(y + v * kLanes, sum[v]);
}

}  // namespace

void sparse(const SparseTable& table, int vecs, const int32_t* rows, int n, const float* left, const float* right, float* y) {
  for_groups(vecs, [&]<int Vecs>(int v) {
    const int lane = v * kLanes;
    for (int r = 0; r < n; ++r) {
      sparse_row<Vecs>(table, rows[r], left + lane, right + lane, y + ptrdiff_t{r} * kTileLanes + lane);
    }
  });
}

}  // namespace gauntlet::GAUNTLET_ISA
