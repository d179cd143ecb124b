// Irreps as matrices:
//
//     X = sum over l, m of x[l, m] T[l, m],   Y = (A B + s B A) / 2, s = -1, 0, 1,   y[l, m] = trace(T[l, m]^T Y)
//
// The maps in and out are sparse tables (the 1/2 is in the way out); the products are small and dense. T[l, m] is symmetric for
// even l and antisymmetric for odd l, so the tables hold one triangle: X[a, b] and X[b, a] are a sum and a difference.
#include <utility>

#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Sums in registers: at most kBlock x kBlock entries of the product.
constexpr int kBlock = kParts == 1 ? 5 : 2;

/// Entries (a, b) and (b, a), a < b, become their sum and their difference.
void mirror(int n, float* x) {
  for (int a = 0; a < n; ++a) {
    for (int b = a + 1; b < n; ++b) {
      float *upper = x + (a * n + b) * kLanes, *lower = x + (b * n + a) * kLanes;
      const Vec even = load(upper), odd = load(lower);
      store(upper, even + odd);
      store(lower, even - odd);
    }
  }
}

/// Y += A B + sign B A, or Y = that where `set`.
struct Product {
  int n;
  const float *a, *b;
  float* y;
  int sign;
  bool set;
  Ahead& ahead;
};

/// Adds rows i.. and columns j.. of A B to `sum`.
template <int Rows, int Columns>
GAUNTLET_INLINE void accumulate(int n, const float* a, const float* b, int i, int j, Vec (&sum)[Rows][Columns]) {
  const ptrdiff_t row = ptrdiff_t{n} * kLanes;
  a += i * row;
  b += j * kLanes;
  for (int k = 0; k < n; ++k) {
    Vec right[Columns];
#pragma GCC unroll 5
    for (int c = 0; c < Columns; ++c) right[c] = load(b + k * row + c * kLanes);
#pragma GCC unroll 5
    for (int r = 0; r < Rows; ++r) {
      const Vec left = load(a + r * row + k * kLanes);
#pragma GCC unroll 5
      for (int c = 0; c < Columns; ++c) add_product(sum[r][c], left, right[c]);
    }
  }
}

template <int Rows, int Columns>
void multiply_block(const Product& product, int i, int j) {
  const auto& [n, a, b, y, sign, set, ahead] = product;
  fetch(ahead, Rows * Columns * n * (sign != 0 ? 2 : 1));
  Vec sum[Rows][Columns] = {};
  if (sign != 0) accumulate(n, b, a, i, j, sum);
  float* to = y + (ptrdiff_t{i} * n + j) * kLanes;
  const auto for_entries = [&](const auto& f) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 5
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 5
      for (int c = 0; c < Columns; ++c) f(sum[r][c], to + (r * n + c) * kLanes);
    }
  };
  if (sign < 0) for_entries([](Vec& s, float*) GAUNTLET_INLINE_LAMBDA { s = Vec{} - s; });
  accumulate(n, a, b, i, j, sum);
  if (!set) for_entries([](Vec& s, float* at) GAUNTLET_INLINE_LAMBDA { s = s + load(at); });
  for_entries([](Vec& s, float* at) GAUNTLET_INLINE_LAMBDA { store(at, s); });
}

using Block = void (*)(const Product&, int, int);
template <class Indices>
struct Blocks;
template <size_t... Index>
struct Blocks<std::index_sequence<Index...>> {
  static constexpr Block table[] = {multiply_block<Index / kBlock + 1, Index % kBlock + 1>...};
};

/// Cuts rows and columns into as few blocks as possible, of nearly one size.
void multiply(const Product& product) {
  const int n = product.n, parts = (n + kBlock - 1) / kBlock;
  for (int p = 0, i = 0; p < parts; ++p) {
    const int rows = (n - i) / (parts - p);
    for (int q = 0, j = 0; q < parts; ++q) {
      const int columns = (n - j) / (parts - q);
      Blocks<std::make_index_sequence<kBlock * kBlock>>::table[(rows - 1) * kBlock + columns - 1](product, i, j);
      j += columns;
    }
    i += rows;
  }
}

}  // namespace

void matrix(const MatrixTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
            Ahead& ahead) {
  const float* operands[2] = {left, right};
  const int n = table.size;
  const ptrdiff_t entries = ptrdiff_t{n} * n * kLanes;
  // Vector by vector, so that one vector's matrices lie together.
  float* matrices[3];
  for (int o = 0; o < 3; ++o) {
    matrices[o] = scratch;
    scratch += kVecs * table.sectors[o] * entries;
  }
  const auto at = [&](int o, int s, int v) { return matrices[o] + (v * table.sectors[o] + s) * entries; };
  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) {
      twins<kTileLanes, kLanes>(table.into[o][s], vecs, {const_cast<float*>(operands[o]), kLanes},
                                {at(o, s, 0), table.sectors[o] * entries}, ahead);
    }
  }
  for (int v = 0; v < vecs; ++v) {
    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      multiply({n, at(0, term[0], v), at(1, term[1], v), at(2, term[2], v), table.sign[t], !written[term[2]], ahead});
      written[term[2]] = true;
    }
  }
  for (int i = 0; table.mirrored && i < vecs * table.sectors[2]; ++i) mirror(n, matrices[2] + i * entries);
  linear<false, kLanes, kTileLanes>(*table.from, vecs, {matrices[2], table.sectors[2] * entries}, {y, kLanes}, ahead);
}

}  // namespace gauntlet::GAUNTLET_ISA
