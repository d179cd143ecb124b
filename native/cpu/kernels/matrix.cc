// Irreps as matrices:
//
//     X = sum over l, m of x[l, m] T[l, m],   Y = (A B + s B A) / 2, s = -1, 0, 1,   y[l, m] = trace(T[l, m]^T Y)
//
// The maps in and out are sparse tables (the 1/2 is in the way out); the products are small and dense.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Sums in registers: kTile x kTile entries of the product.
constexpr int kTile = kParts == 1 ? 4 : 2;

enum class Into { kSet, kAdd, kSubtract };

template <int Rows, int Columns, Into Mode>
GAUNTLET_INLINE void matmul_block(int n, const float* a, const float* b, float* c) {
  const ptrdiff_t row = ptrdiff_t{n} * kLanes;
  Vec sum[Rows][Columns];
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) sum[i][j] = Mode == Into::kSet ? Vec{} : load(c + i * row + j * kLanes);
  }
  for (int k = 0; k < n; ++k) {
    Vec right[Columns];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) right[j] = load(b + k * row + j * kLanes);
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i) {
      const Vec left = load(a + i * row + k * kLanes);
#pragma GCC unroll 4
      for (int j = 0; j < Columns; ++j) {
        if (Mode == Into::kSubtract) {
          subtract_product(sum[i][j], left, right[j]);
        } else {
          add_product(sum[i][j], left, right[j]);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j) store(c + i * row + j * kLanes, sum[i][j]);
  }
}

template <int Rows, Into Mode>
void matmul_rows(int n, const float* a, const float* b, float* c) {
  int j = 0;
  for (; j + kTile <= n; j += kTile) matmul_block<Rows, kTile, Mode>(n, a, b + j * kLanes, c + j * kLanes);
  switch (n - j) {
    case 1: return matmul_block<Rows, 1, Mode>(n, a, b + j * kLanes, c + j * kLanes);
    case 2: return matmul_block<Rows, 2, Mode>(n, a, b + j * kLanes, c + j * kLanes);
    case 3: return matmul_block<Rows, 3, Mode>(n, a, b + j * kLanes, c + j * kLanes);
    default: return;
  }
}

/// C = A B, C += A B or C -= A B: n x n matrices of vectors.
template <Into Mode>
void matmul(int n, const float* a, const float* b, float* c) {
  const ptrdiff_t row = ptrdiff_t{n} * kLanes;
  int i = 0;
  for (; i + kTile <= n; i += kTile) matmul_rows<kTile, Mode>(n, a + i * row, b, c + i * row);
  switch (n - i) {
    case 1: return matmul_rows<1, Mode>(n, a + i * row, b, c + i * row);
    case 2: return matmul_rows<2, Mode>(n, a + i * row, b, c + i * row);
    case 3: return matmul_rows<3, Mode>(n, a + i * row, b, c + i * row);
    default: return;
  }
}

}  // namespace

void matrix(const MatrixTable& table, int vecs, const float* left, const float* right, float* y, float* scratch) {
  const float* operands[2] = {left, right};
  const ptrdiff_t entries = ptrdiff_t{table.size} * table.size * kLanes;
  // Vector by vector, so that one vector's matrices lie together.
  float* matrices[3];
  for (int o = 0; o < 3; ++o) {
    matrices[o] = scratch;
    scratch += kVecs * table.sectors[o] * entries;
  }
  const auto at = [&](int o, int s, int v) { return matrices[o] + (v * table.sectors[o] + s) * entries; };
  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) {
      linear<false, kTileLanes, kLanes>(table.into[o][s], vecs, {const_cast<float*>(operands[o]), kLanes},
                                        {at(o, s, 0), table.sectors[o] * entries});
    }
  }
  for (int v = 0; v < vecs; ++v) {
    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      const float *a = at(0, term[0], v), *b = at(1, term[1], v);
      float* to = at(2, term[2], v);
      (written[term[2]] ? matmul<Into::kAdd> : matmul<Into::kSet>)(table.size, a, b, to);
      if (table.sign[t] > 0) matmul<Into::kAdd>(table.size, b, a, to);
      if (table.sign[t] < 0) matmul<Into::kSubtract>(table.size, b, a, to);
      written[term[2]] = true;
    }
  }
  linear<false, kLanes, kTileLanes>(*table.from, vecs, {matrices[2], table.sectors[2] * entries}, {y, kLanes});
}

}  // namespace gauntlet::GAUNTLET_ISA
