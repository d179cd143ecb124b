// y = sum of rows that are listed, or follow one another: as many columns at a time as sums fit in registers.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

template <class Add>
GAUNTLET_INLINE void for_rows(const RowSum& sum, ptrdiff_t column, const Add& add) {
  const float* x = sum.x + column;
  if (sum.row) {
    for (ptrdiff_t n = 0; n < sum.count; ++n) add(x + sum.row[n] * sum.dim);
  } else {
    for (ptrdiff_t n = 0; n < sum.count; ++n) add(x + n * sum.dim);
  }
}

template <int Vecs>
GAUNTLET_INLINE void sum_columns(const RowSum& sum, ptrdiff_t column, float* y) {
  Vec sums[Vecs] = {};
  for_rows(sum, column, [&](const float* x) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) sums[v] = sums[v] + load_unaligned(x + v * kLanes);
  });
#pragma GCC unroll 8
  for (int v = 0; v < Vecs; ++v) store_unaligned(y + column + v * kLanes, sums[v]);
}

}  // namespace

void sum_rows(const RowSum& sum, float* y) {
  constexpr int kMost = kParts == 1 ? 8 : 4 / kParts * 2;
  ptrdiff_t column = 0;
  for (; column + kMost * kLanes <= sum.dim; column += kMost * kLanes) sum_columns<kMost>(sum, column, y);
  for (; column + kLanes <= sum.dim; column += kLanes) sum_columns<1>(sum, column, y);
  const int rest = static_cast<int>(sum.dim - column);
  if (rest == 0) return;
  Vec few{};
  for_rows(sum, column, [&](const float* x) GAUNTLET_INLINE_LAMBDA { few = few + load_few(x, rest); });
  store_few(y + column, few, rest);
}

}  // namespace gauntlet::GAUNTLET_ISA
