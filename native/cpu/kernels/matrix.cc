// Irreps as matrices: X = sum over l, m of x[l, m] T[l, m] (sparse), then Y = A B, then y[l, m] = trace(T[l, m]^T Y) (sparse).
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Sums in registers: kTile x kTile entries of the product.
constexpr int kTile = kParts == 1 ? 4 : 2;

template <int Rows, int Columns, bool Add>
GAUNTLET_INLINE void matmul_block(int n, const float* a, const float* b, float* c) {
  const ptrdiff_t row = ptrdiff_t{n} * kLanes;
  Vec sum[Rows][Columns];
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) sum[i][j] = Add ? load(c + i * row + j * kLanes) : Vec{};
  }
  for (int k = 0; k < n; ++k) {
    Vec right[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) right[j] = load(b + k * row + j * kLanes);
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i) {
      const Vec left = load(a + i * row + k * kLanes);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) add_product(sum[i][j], left, right[j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) store(c + i * row + j * kLanes, sum[i][j]);
  }
}

template <int Rows, bool Add>
void matmul_rows(int n, const float* a, const float* b, float* c) {
  int j = 0;
  for (; j + kTile <= n; j += kTile) matmul_block<Rows, kTile, Add>(n, a, b + j * kLanes, c + j * kLanes);
  switch (n - j) {
    case 1: return matmul_block<Rows, 1, Add>(n, a, b + j * kLanes, c + j * kLanes);
    case 2: return matmul_block<Rows, 2, Add>(n, a, b + j * kLanes, c + j * kLanes);
    case 3: return matmul_block<Rows, 3, Add>(n, a, b + j * kLanes, c + j * kLanes);
    default: return;
  }
}

/// C = A B or C += A B, n x n matrices of vectors.
template <bool Add>
void matmul(int n, const float* a, const float* b, float* c) {
  const ptrdiff_t row = ptrdiff_t{n} * kLanes;
  int i = 0;
  for (; i + kTile <= n; i += kTile) matmul_rows<kTile, Add>(n, a + i * row, b, c + i * row);
  switch (n - i) {
    case 1: return matmul_rows<1, Add>(n, a + i * row, b, c + i * row);
    case 2: return matmul_rows<2, Add>(n, a + i * row, b, c + i * row);
    case 3: return matmul_rows<3, Add>(n, a + i * row, b, c + i * row);
    default: return;
  }
}

}  // namespace

void matrix(const MatrixTable& table, const float* a, const float* b, float* y, float* scratch) {
  const float* operands[2] = {a, b};
  const ptrdiff_t entries = ptrdiff_t{table.size} * table.size * kLanes;
  float* matrices[3];
  for (int o = 0; o < 3; ++o) {
    matrices[o] = scratch;
    scratch += table.sectors[o] * entries;
  }
  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) linear(table.into[o][s], operands[o], matrices[o] + s * entries);
  }
  bool written[2] = {false, false};
  for (int t = 0; t < table.terms; ++t) {
    const int32_t* term = table.term + 3 * t;
    const float* left = matrices[0] + term[0] * entries;
    const float* right = matrices[1] + term[1] * entries;
    float* to = matrices[2] + term[2] * entries;
    (written[term[2]] ? matmul<true> : matmul<false>)(table.size, left, right, to);
    written[term[2]] = true;
  }
  linear(*table.from, matrices[2], y);
}

}  // namespace gauntlet::GAUNTLET_ISA
