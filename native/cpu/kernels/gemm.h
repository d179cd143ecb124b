// Small dense products of coefficients with lines of lanes:
//
//     C[m][v] = sum over k of  A[k][m] * B[k][v],   m < M, k < K, v < V,  B and C made of 16-lane vectors
//
// A block of C stays in registers: kRows x 2 vectors, so that a coefficient is broadcast once for two vectors and a vector of B
// is loaded once for kRows coefficients.
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// Where a matrix of vectors lies; strides in floats.
struct Lines {
  float* data;
  ptrdiff_t row;
  ptrdiff_t vec;
};

/// A[k][m] = data[k * stride + m].
struct Coefficients {
  const float* data;
  ptrdiff_t stride;
};

inline constexpr int kRows = kRegisters == 32 && kParts == 1 ? 8 : kParts == 2 ? 4 : 2;

template <int Rows, int Vecs>
GAUNTLET_INLINE void gemm_block(Coefficients a, int K, const float* b, ptrdiff_t b_row, ptrdiff_t b_vec, float* c,
                                ptrdiff_t c_row, ptrdiff_t c_vec) {
  Vec sum[Rows][Vecs];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) sum[r][v] = Vec{};
  }
  for (int k = 0; k < K; ++k) {
    Vec line[Vecs];
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) line[v] = load(b + k * b_row + v * b_vec);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vec coefficient = splat(a.data[k * a.stride + r]);
#pragma GCC unroll 2
      for (int v = 0; v < Vecs; ++v) add_product(sum[r][v], coefficient, line[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vecs; ++v) store(c + r * c_row + v * c_vec, sum[r][v]);
  }
}

template <int Rows>
GAUNTLET_INLINE void gemm_rows(Coefficients a, int K, Lines b, Lines c, int V) {
  int v = 0;
  for (; v + 2 <= V; v += 2) {
    gemm_block<Rows, 2>(a, K, b.data + v * b.vec, b.row, b.vec, c.data + v * c.vec, c.row, c.vec);
  }
  if (v < V) gemm_block<Rows, 1>(a, K, b.data + v * b.vec, b.row, b.vec, c.data + v * c.vec, c.row, c.vec);
}

static inline void gemm(Coefficients a, int M, int K, Lines b, Lines c, int V) {
  int m = 0;
  for (; m + kRows <= M; m += kRows) {
    gemm_rows<kRows>({a.data + m, a.stride}, K, b, {c.data + m * c.row, c.row, c.vec}, V);
  }
  const Coefficients rest{a.data + m, a.stride};
  const Lines to{c.data + m * c.row, c.row, c.vec};
  switch (M - m) {
    case 1: return gemm_rows<1>(rest, K, b, to, V);
    case 2: return gemm_rows<2>(rest, K, b, to, V);
    case 3: return gemm_rows<3>(rest, K, b, to, V);
    case 4: return gemm_rows<4>(rest, K, b, to, V);
    case 5: return gemm_rows<5>(rest, K, b, to, V);
    case 6: return gemm_rows<6>(rest, K, b, to, V);
    case 7: return gemm_rows<7>(rest, K, b, to, V);
    default: return;
  }
}

/// y[row] = sum over the row's entries of coefficient * x[index], one vector each.
static inline void linear(const LinearTable& table, const float* x, float* y) {
  const SparseEntry* entry = table.entries;
  for (int32_t row = 0; row < table.rows; ++row) {
    const SparseEntry* end = table.entries + table.row_begin[row + 1];
    Vec sum{};
    for (; entry < end; ++entry) add_product(sum, splat(entry->coefficient), load(x + entry->index * kLanes));
    store(y + row * kLanes, sum);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
