// Table-driven coupling of two fibers:
//
//     p[i, j] = left[i] * right[j],   y[k] (+)= sum over i, j of  C[i, j, k] * p[i, j]
//
// Every product is made once for all the outputs that need it. In the real basis (m1, m2) and (-m1, -m2) have the same
// coefficients up to signs, so their sum and difference take half as many multiply-adds as they would; and where all coefficients
// of (i, j) and (j, i) agree, as in a product that commutes, so does their sum. Products and outputs come in portions that fit
// in L1, one or a few (l1, l2) each.
//
// Gradients go the same way back, with as many multiply-adds:
//
//     h[i, j] = sum over k of  C[i, j, k] * gradient[k],   y[i] += sum over j of  h[i, j] * x[j]
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

template <int Products>
GAUNTLET_INLINE Vec value(const Line& line, const float* left, const float* right) {
  const auto load_row = [](const float* tile, int32_t row)
                            GAUNTLET_INLINE_LAMBDA { return load(tile + ptrdiff_t{row} * kTileLanes); };
  Vec sum = load_row(left, line.i[0]) * load_row(right, line.j[0]);
  if (Products == 2) add_product(sum, splat(line.sign) * load_row(left, line.i[1]), load_row(right, line.j[1]));
  return sum;
}

/// Makes `count` twins or lone lines of as many products each and returns where the next ones go.
template <bool Twins, int Products, int Vecs>
GAUNTLET_INLINE float* make_lines(int32_t count, const Line*& lines, const float* left, const float* right, float* p) {
  for (const Line* const end = lines + (Twins ? 2 : 1) * count; lines != end; lines += Twins ? 2 : 1) {
#pragma GCC unroll 4
    for (int i = 0; i < Vecs * kLanes; i += kLanes) {
      const Vec first = value<Products>(lines[0], left + i, right + i);
      if constexpr (Twins) {
        const Vec second = value<Products>(lines[1], left + i, right + i);
        store(p + i, first + second);
        store(p + kTileLanes + i, first - second);
      } else {
        store(p + i, first);
      }
    }
    p += (Twins ? 2 : 1) * kTileLanes;
  }
  return p;
}

}  // namespace

void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const float *a = left + v * kLanes, *b = right + v * kLanes;
    const Line* lines = coupling.lines;
    float* p = scratch + v * kLanes;
    p = make_lines<true, 1, Vecs>(coupling.twins[0], lines, a, b, p);
    p = make_lines<true, 2, Vecs>(coupling.twins[1], lines, a, b, p);
    p = make_lines<false, 1, Vecs>(coupling.lone[0], lines, a, b, p);
    make_lines<false, 2, Vecs>(coupling.lone[1], lines, a, b, p);
  });
  linear<false, kTileLanes, kTileLanes>(coupling.set, vecs, {scratch, kLanes}, {y, kLanes});
  linear<true, kTileLanes, kTileLanes>(coupling.add, vecs, {scratch, kLanes}, {y, kLanes});
}

void unmap(const Unmapping& unmapping, int vecs, const float* gradient, float* h) {
  linear<false, kTileLanes, kTileLanes>(unmapping.lines, vecs, {const_cast<float*>(gradient), kLanes}, {h, kLanes});
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    float* twin = h + v * kLanes;
    for (int32_t n = 0; n < unmapping.twins; ++n, twin += 2 * kTileLanes) {
#pragma GCC unroll 4
      for (int i = 0; i < Vecs * kLanes; i += kLanes) {
        const Vec sum = load(twin + i), difference = load(twin + kTileLanes + i);
        store(twin + i, sum + difference);
        store(twin + kTileLanes + i, sum - difference);
      }
    }
  });
}

void decouple(const Decoupling& decoupling, int vecs, const float* x, const float* h, float* y) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const float* const lines = h + v * kLanes;
    const float* const from = x + v * kLanes;
    const DecouplingTerm* term = decoupling.terms;
    for (const DecouplingRow* row = decoupling.row; row != decoupling.row + decoupling.rows; ++row) {
      float* const to = y + ptrdiff_t{row->row} * kTileLanes + v * kLanes;
      Vec sum[Vecs];
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) sum[n] = load(to + n * kLanes);
      const auto add_terms = [&](int32_t count, const auto& add) GAUNTLET_INLINE_LAMBDA {
        for (const DecouplingTerm* const end = term + count; term != end; ++term) {
          const float *a = lines + ptrdiff_t{term->line} * kTileLanes, *b = from + ptrdiff_t{term->other} * kTileLanes;
#pragma GCC unroll 4
          for (int n = 0; n < Vecs; ++n) add(sum[n], load(a + n * kLanes), load(b + n * kLanes));
        }
      };
      add_terms(row->plus, add_product);
      add_terms(row->minus, subtract_product);
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) store(to + n * kLanes, sum[n]);
    }
  });
}

}  // namespace gauntlet::GAUNTLET_ISA
