// Pointwise product on the sphere where functions have few components (see grid.cc), without separate transforms:
//
//     V[q, i] = sum over components n of part q of  Y_n(point i) * x[n],   W = V_a * V_b,
//     y[n] = sum over points i of  w_i Y_n(point i) * W[part of n, i]
//
// In brackets derivatives of harmonics take the place of Y_n in V_a and V_b.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"
#include "cpu/kernels/quarter.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// The values of one function at Points points from `first` on.
template <int Points>
GAUNTLET_INLINE void evaluate(const FlatBand& band, int points, int first, const float* x, Vec (&value)[Points][4]) {
  const int32_t* row = band.row;
  const float* harmonics = band.harmonics + first;
#pragma GCC unroll 4
  for (int part = 0; part < 4; ++part) {
#pragma GCC unroll 3
    for (int n = 0; n < Points; ++n) value[n][part] = Vec{};
    for (const int32_t* const end = row + band.counts[part]; row != end; ++row, harmonics += points) {
      const Vec line = load(x + ptrdiff_t{*row} * kTileLanes);
#pragma GCC unroll 3
      for (int n = 0; n < Points; ++n) add_product(value[n][part], splat(harmonics[n]), line);
    }
  }
}

template <int Points, bool Add>
GAUNTLET_INLINE void multiply(const FlatBand& a, const FlatBand& b, int points, int first, const float* left,
                              const float* right, float* w) {
  Vec value[2][Points][4];
  evaluate<Points>(a, points, first, left, value[0]);
  evaluate<Points>(b, points, first, right, value[1]);
  multiply_values<Points, 4, Add>(value[0], value[1], w + ptrdiff_t{first} * kTileLanes, points);
}

template <bool Add>
void multiply_all(const FlatBand& a, const FlatBand& b, int points, int vecs, const float* left, const float* right,
                  float* w) {
  for (int v = 0; v < vecs * kLanes; v += kLanes) {
    int i = 0;
    for (; i + kPoints <= points; i += kPoints) multiply<kPoints, Add>(a, b, points, i, left + v, right + v, w + v);
    for (; i < points; ++i) multiply<1, Add>(a, b, points, i, left + v, right + v, w + v);
  }
}

}  // namespace

void flat_grid(const FlatGridTable& table, int vecs, const float* left, const float* right, float* y, float* scratch) {
  const int points = table.points;
  const ptrdiff_t part_size = ptrdiff_t{points} * kTileLanes;
  bool written[2] = {false, false};
  for (int t = 0; t < table.terms; ++t) {
    const int32_t* term = table.term + 3 * t;
    const FlatBand &a = table.bands[0][term[0]], &b = table.bands[1][term[1]];
    float* w = scratch + term[2] * 4 * part_size;
    (written[term[2]] ? multiply_all<true> : multiply_all<false>)(a, b, points, vecs, left, right, w);
    written[term[2]] = true;
  }
  for (int s = 0; s < table.sectors; ++s) {
    const FlatBand& band = table.bands[2][s];
    const float* harmonics = band.harmonics;
    for (int part = 0; part < 4; ++part) {
      const int count = band.counts[part];
      gemm({harmonics, count}, count, points, {scratch + (4 * s + part) * part_size, kTileLanes, kLanes},
           {y, kTileLanes, kLanes}, vecs);
      harmonics += ptrdiff_t{count} * points;
      y += ptrdiff_t{count} * kTileLanes;
    }
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
