// Sparse linear maps of lines: y[row] = sum over the row's entries of coefficient * x[index].
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// The first vector of a matrix of vectors, and how far it is to the next in its row, in floats.
struct Vectors {
  float* data;
  ptrdiff_t vec;
};

/// Rows lie XRow and YRow floats apart, vectors x.vec and y.vec.
template <bool Add, ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void linear(const LinearTable& table, int vecs, Vectors x, Vectors y) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const float* from[Vecs];
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) from[n] = x.data + (v + n) * x.vec;
    for (int32_t i = 0; i < table.rows; ++i) {
      float* to = y.data + table.row[i] * YRow + v * y.vec;
      Vec sum[Vecs];
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) sum[n] = Add ? load(to + n * y.vec) : Vec{};
      for (int32_t e = table.begin[i]; e < table.begin[i + 1]; ++e) {
        const Vec coefficient = splat(table.entries[e].coefficient);
        const ptrdiff_t at = table.entries[e].index * XRow;
#pragma GCC unroll 4
        for (int n = 0; n < Vecs; ++n) add_product(sum[n], coefficient, load(from[n] + at));
      }
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) store(to + n * y.vec, sum[n]);
    }
  });
}

}  // namespace gauntlet::GAUNTLET_ISA
