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

/// Sums columns in groups of Vecs vectors as long as there are so many.
template <int Vecs>
void sum_vecs(const RowSum& sum, ptrdiff_t& column, float* y) {
  for (; column + Vecs * kLanes <= sum.dim; column += Vecs * kLanes) {
    Vec sums[Vecs] = {};
    for_rows(sum, column, [&](const float* x) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 16
      for (int v = 0; v < Vecs; ++v) sums[v] = sums[v] + load_unaligned(x + v * kLanes);
    });
#pragma GCC unroll 16
    for (int v = 0; v < Vecs; ++v) store_unaligned(y + column + v * kLanes, sums[v]);
  }
}

/// The same of Floats columns where there are so many left, fewer than a vector's.
template <int Floats>
void sum_few(const RowSum& sum, ptrdiff_t& column, float* y) {
  if (column + Floats > sum.dim) return;
  typedef float Few __attribute__((vector_size(Floats * sizeof(float))));
  Few few{};
  for_rows(sum, column, [&](const float* x) GAUNTLET_INLINE_LAMBDA {
    Few row;
    __builtin_memcpy(&row, x, sizeof row);
    few += row;
  });
  __builtin_memcpy(y + column, &few, sizeof few);
  column += Floats;
}

}  // namespace

void sum_rows(const RowSum& sum, float* y) {
  ptrdiff_t column = 0;
  if constexpr (kParts == 1) sum_vecs<16>(sum, column, y);
  sum_vecs<kRegisters / kParts / 4>(sum, column, y);
  sum_vecs<1>(sum, column, y);
  sum_few<8>(sum, column, y);
  sum_few<4>(sum, column, y);
  sum_few<2>(sum, column, y);
  sum_few<1>(sum, column, y);
}

}  // namespace gauntlet::GAUNTLET_ISA
