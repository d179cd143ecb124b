// Sparse linear maps of lines: y[row] = sum over the row's entries of coefficient * x[index].
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// Where a matrix of vectors lies; strides in floats.
struct Lines {
  float* data;
  ptrdiff_t row;
  ptrdiff_t vec;
};

template <bool Add>
static inline void linear(const LinearTable& table, int vecs, Lines x, Lines y) {
  for_groups(vecs, [&]<int Vecs>(int v) {
    for (int32_t i = 0; i < table.rows; ++i) {
      float* to = y.data + table.row[i] * y.row + v * y.vec;
      Vec sum[Vecs];
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) sum[n] = Add ? load(to + n * y.vec) : Vec{};
      for (int32_t e = table.begin[i]; e < table.begin[i + 1]; ++e) {
        const Vec coefficient = splat(table.entries[e].coefficient);
        const float* line = x.data + table.entries[e].index * x.row + v * x.vec;
#pragma GCC unroll 4
        for (int n = 0; n < Vecs; ++n) add_product(sum[n], coefficient, load(line + n * x.vec));
      }
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) store(to + n * y.vec, sum[n]);
    }
  });
}

}  // namespace gauntlet::GAUNTLET_ISA
