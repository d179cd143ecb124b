// Table-driven coupling of two fibers:
//
//     p[i, j] = left[i] * right[j],   y[k] (+)= sum over i, j of  C[i, j, k] * p[i, j]
//
// Every product is made once for all the outputs that need it. In the real basis (m1, m2) and (-m1, -m2) have the same
// coefficients up to signs, so their sum and difference take half as many multiply-adds as they would. Products and outputs come
// in portions that fit in L1, one or a few (l1, l2) each.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {

void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const float *a = left + v * kLanes, *b = right + v * kLanes;
    const int32_t* pair = coupling.pair;
    float* p = scratch + v * kLanes;
    const auto line = [](const float* tile, int32_t row) { return tile + ptrdiff_t{row} * kTileLanes; };
    for (int32_t n = 0; n < coupling.twins; ++n, pair += 4, p += 2 * kTileLanes) {
      const float *a1 = line(a, pair[0]), *b1 = line(b, pair[1]), *a2 = line(a, pair[2]), *b2 = line(b, pair[3]);
#pragma GCC unroll 4
      for (int i = 0; i < Vecs * kLanes; i += kLanes) {
        const Vec first = load(a1 + i) * load(b1 + i), second = load(a2 + i) * load(b2 + i);
        store(p + i, first + second);
        store(p + kTileLanes + i, first - second);
      }
    }
    for (int32_t n = 0; n < coupling.lone; ++n, pair += 2, p += kTileLanes) {
      const float *a1 = line(a, pair[0]), *b1 = line(b, pair[1]);
#pragma GCC unroll 4
      for (int i = 0; i < Vecs * kLanes; i += kLanes) store(p + i, load(a1 + i) * load(b1 + i));
    }
  });
  linear<false, kTileLanes, kTileLanes>(coupling.set, vecs, {scratch, kLanes}, {y, kLanes});
  linear<true, kTileLanes, kTileLanes>(coupling.add, vecs, {scratch, kLanes}, {y, kLanes});
}

}  // namespace gauntlet::GAUNTLET_ISA
