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

/// The functions that a term multiplies and where their products go.
struct Factors {
  const FlatBand *common, *partner[2];
  float* w[2];
};

template <int Results, int Points, bool Add>
GAUNTLET_INLINE void multiply(const Factors& factors, int points, int first, int v, const float* const* x) {
  Vec common[Points][4];
  evaluate<Points>(*factors.common, points, first, x[factors.common->operand] + v * kLanes, common);
#pragma GCC unroll 2
  for (int n = 0; n < Results; ++n) {
    Vec partner[Points][4];
    evaluate<Points>(*factors.partner[n], points, first, x[factors.partner[n]->operand] + v * kLanes, partner);
    multiply_values<Points, 4, Add>(partner, common, values_of(factors.w[n], points, v) + first * kLanes, points);
  }
}

template <int Results, bool Add>
void multiply_all(const Factors& factors, int points, int vecs, const float* const* x, Ahead& ahead) {
  const auto lines = [](const FlatBand& band) {
    return band.counts[0] + band.counts[1] + band.counts[2] + band.counts[3];
  };
  int each = lines(*factors.common) + 16 * Results;  // vectors multiplied for a point
  for (int n = 0; n < Results; ++n) each += lines(*factors.partner[n]);
  for (int v = 0; v < vecs; ++v) {
    int i = 0;
    for (; i + kPoints <= points; i += kPoints) {
      fetch(ahead, kPoints * each);
      multiply<Results, kPoints, Add>(factors, points, i, v, x);
    }
    for (; i < points; ++i) multiply<Results, 1, Add>(factors, points, i, v, x);
  }
}

template <int Results>
void multiply_terms(const FlatGridTable& table, int vecs, const float* const* x, float* w, Ahead& ahead) {
  const ptrdiff_t sector = 4 * ptrdiff_t{table.points} * kTileLanes;
  Begun begun;
  for (const GridTerm* term = table.term; term != table.term + table.terms; ++term) {
    Factors factors{&table.input[term->common], {}, {}};
    for (int n = 0; n < Results; ++n) {
      factors.partner[n] = &table.input[term->partner[n]];
      factors.w[n] = w + term->target[n] * sector;
    }
    const bool add = begun.add<Results>(*term, factors.w, sector);
    (add ? multiply_all<Results, true> : multiply_all<Results, false>)(factors, table.points, vecs, x, ahead);
  }
}

}  // namespace

void flat_grid(const FlatGridTable& table, int vecs, const float* const* x, float* y, float* scratch, Ahead& ahead) {
  const int points = table.points;
  const ptrdiff_t part_size = ptrdiff_t{points} * kLanes;
  (table.results == 2 ? multiply_terms<2> : multiply_terms<1>)(table, vecs, x, scratch, ahead);
  for (int s = 0; s < table.targets; ++s) {
    const FlatBand& band = table.target[s];
    float* const sector = scratch + s * kVecs * 4 * part_size;
    const float* harmonics = band.harmonics;
    for (int part = 0; part < 4; ++part) {
      const int count = band.counts[part];
      gemm({harmonics, count}, count, points, {sector + part * part_size, kLanes, 4 * part_size},
           {y, kTileLanes, kLanes}, vecs, ahead);
      harmonics += ptrdiff_t{count} * points;
      y += ptrdiff_t{count} * kTileLanes;
    }
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
