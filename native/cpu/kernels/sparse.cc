// Table-driven coupling, grouped by output:
//
//     y[k] = sum over i of  a[i] * (sum over j of  C[i, j, k] * b[j])
//
// Grouping the non-zero coefficients of one output by i costs one multiply-add per coefficient and one per group, where taking
// them one by one costs two each. kWideLanes lanes share every table entry.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Vectors worked on at once: two sums each must stay in registers.
constexpr int kVecs = kParts == 1 ? kWideLanes / kLanes : 1;

GAUNTLET_INLINE void sparse_row(const SparseTable& table, int32_t row, const float* a, const float* b, float* y) {
  Vec sum[kVecs] = {};
  const SparseRun* end = table.runs + table.row_begin[row + 1];
  for (const SparseRun* run = table.runs + table.row_begin[row]; run < end; ++run) {
    Vec inner[kVecs] = {};
    for (int32_t e = run->begin; e < run->end; ++e) {
      const Vec coefficient = splat(table.entries[e].coefficient);
      const float* line = b + ptrdiff_t{table.entries[e].index} * kWideLanes;
#pragma GCC unroll 4
      for (int v = 0; v < kVecs; ++v) add_product(inner[v], coefficient, load(line + v * kLanes));
    }
    const float* line = a + ptrdiff_t{run->index} * kWideLanes;
#pragma GCC unroll 4
    for (int v = 0; v < kVecs; ++v) add_product(sum[v], inner[v], load(line + v * kLanes));
  }
#pragma GCC unroll 4
  for (int v = 0; v < kVecs; ++v) store(y + v * kLanes, sum[v]);
}

}  // namespace

void sparse(const SparseTable& table, const int32_t* rows, int n, const float* a, const float* b, float* y) {
  for (int lane = 0; lane < kWideLanes; lane += kVecs * kLanes) {
    for (int r = 0; r < n; ++r) sparse_row(table, rows[r], a + lane, b + lane, y + ptrdiff_t{r} * kWideLanes + lane);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
