// Small dense products of coefficients with lines of lanes:
//
//     C[m][v] (+)= sum over k of  A[k][m] * B[k][v],   m < M, k < K, v < V,  B and C made of 16-lane vectors
//
// A block of C stays in registers, as many rows and vectors as there are: a coefficient is broadcast once for all its vectors,
// a vector of B loaded once for all its rows.
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
  GAUNTLET_INLINE float at(int k, int m) const { return data[k * stride + m]; }
  GAUNTLET_INLINE void skip(int rows) { data += rows; }
};

/// A[k][m] = data[m * kTileLanes + k]: lane k of line m.
struct LanesOfLines {
  const float* data;
  GAUNTLET_INLINE float at(int k, int m) const { return data[m * kTileLanes + k]; }
  GAUNTLET_INLINE void skip(int rows) { data += ptrdiff_t{rows} * kTileLanes; }
};

template <int Rows, int Vecs, bool Add, class A>
GAUNTLET_INLINE void gemm_block(A a, int K, const float* b, ptrdiff_t b_row, ptrdiff_t b_vec, float* c, ptrdiff_t c_row,
                                ptrdiff_t c_vec, auto&& ahead) {
  fetch(ahead, Rows * Vecs * K);
  Vec sum[Rows][Vecs];
  if constexpr (Add) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) sum[r][v] = load(c + r * c_row + v * c_vec);
    }
  }
  const auto add = [&](int k, bool first) GAUNTLET_INLINE_LAMBDA {
    Vec line[Vecs];
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) line[v] = load(b + k * b_row + v * b_vec);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const Vec coefficient = splat(a.at(k, r));
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) {
        if (first) {
          sum[r][v] = coefficient * line[v];
        } else {
          add_product(sum[r][v], coefficient, line[v]);
        }
      }
    }
  };
  add(0, !Add);  // half of the products here have K = 1 or 2
  for (int k = 1; k < K; ++k) add(k, false);
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) store(c + r * c_row + v * c_vec, sum[r][v]);
  }
}

/// All M rows of Vecs columns, in blocks of at most Rows.
template <int Rows, int Vecs, bool Add, class A>
static inline void gemm_columns(A a, int M, int K, const float* b, ptrdiff_t b_row, ptrdiff_t b_vec, float* c,
                                ptrdiff_t c_row, ptrdiff_t c_vec, auto&& ahead) {
  for (; M >= Rows; M -= Rows, a.skip(Rows), c += Rows * c_row)
    gemm_block<Rows, Vecs, Add>(a, K, b, b_row, b_vec, c, c_row, c_vec, ahead);
#define GAUNTLET_REST(n)                                                                             \
  case n:                                                                                            \
    if constexpr (n < Rows) gemm_block<n, Vecs, Add>(a, K, b, b_row, b_vec, c, c_row, c_vec, ahead); \
    return;
  switch (M) {
    GAUNTLET_REST(1)
    GAUNTLET_REST(2)
    GAUNTLET_REST(3)
    GAUNTLET_REST(4)
    GAUNTLET_REST(5)
    GAUNTLET_REST(6)
    GAUNTLET_REST(7)
  }
#undef GAUNTLET_REST
}

/// With `Add`, adds to C.
template <bool Add = false, class A = Coefficients>
static inline void gemm(A a, int M, int K, Lines b, Lines c, int V, auto&& ahead) {
  int v = 0;
  if (K <= 0) {
    if (Add) return;
    for (int m = 0; m < M; ++m) {
      for (v = 0; v < V; ++v) store(c.data + m * c.row + v * c.vec, Vec{});
    }
    return;
  }
  if constexpr (kRegisters == 32 && kParts == 1) {
    for (; v + 4 <= V; v += 4)
      gemm_columns<6, 4, Add>(a, M, K, b.data + v * b.vec, b.row, b.vec, c.data + v * c.vec, c.row, c.vec, ahead);
  }
  constexpr int rows = kRegisters == 32 && kParts == 1 ? 8 : kParts == 2 ? 3 : 2;
  if constexpr (kParts <= 2) {
    for (; v + 2 <= V; v += 2)
      gemm_columns<rows, 2, Add>(a, M, K, b.data + v * b.vec, b.row, b.vec, c.data + v * c.vec, c.row, c.vec, ahead);
  }
  for (; v < V; ++v)
    gemm_columns<rows, 1, Add>(a, M, K, b.data + v * b.vec, b.row, b.vec, c.data + v * c.vec, c.row, c.vec, ahead);
}

}  // namespace gauntlet::GAUNTLET_ISA
