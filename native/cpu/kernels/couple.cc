// Table-driven coupling of two fibers:
//
//     p[i, j] = left[i] * right[j],   y[k] (+)= sum over i, j of  C[i, j, k] * p[i, j]
//
// Every product is made once for all the outputs that need it, which is what counting operations by the non-zero coefficients
// supposes; pairs and outputs come in portions that fit in L1, one (l1, l2) each.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {

void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch) {
  const int lanes = vecs * kLanes;
  for (int32_t n = 0; n < coupling.pairs; ++n) {
    const float* a = left + ptrdiff_t{coupling.pair[2 * n]} * kTileLanes;
    const float* b = right + ptrdiff_t{coupling.pair[2 * n + 1]} * kTileLanes;
    float* p = scratch + ptrdiff_t{n} * kTileLanes;
    for (int lane = 0; lane < lanes; lane += kLanes) store(p + lane, load(a + lane) * load(b + lane));
  }
  linear<false, kTileLanes, kTileLanes>(coupling.set, vecs, {scratch, kLanes}, {y, kLanes});
  linear<true, kTileLanes, kTileLanes>(coupling.add, vecs, {scratch, kLanes}, {y, kLanes});
}

}  // namespace gauntlet::GAUNTLET_ISA
