// Values of functions on the sphere, folded: four parts [p, s], even (p = 0) or odd about the equator and even (s = 0) or odd
// about azimuth zero, at the points of one quarter.
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// Points whose values of two functions fit in registers.
inline constexpr int kPoints = kParts == 1 ? 3 : 1;

/// At consecutive points: W[p, s] (+)= sum over p' ^ p'' = p, s' ^ s'' = s of V_a[p', s'] * V_b[p'', s'']. Part q of W begins
/// q * points lines after `w`. On the equator only the first two of the four parts are not zero.
template <int Points, int Parts, bool Add>
GAUNTLET_INLINE void multiply_values(const Vec (&a)[Points][4], const Vec (&b)[Points][4], float* w, int points) {
  const ptrdiff_t part = ptrdiff_t{points} * kTileLanes;
#pragma GCC unroll 3
  for (int n = 0; n < Points; ++n) {
    float* to = w + ptrdiff_t{n} * kTileLanes;
    Vec sum[Parts];
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps) {
      sum[ps] = a[n][0] * b[n][ps];
      if (Add) sum[ps] = sum[ps] + load(to + ps * part);
    }
#pragma GCC unroll 3
    for (int q = 1; q < Parts; ++q) {
#pragma GCC unroll 4
      for (int r = 0; r < Parts; ++r) add_product(sum[q ^ r], a[n][q], b[n][r]);
    }
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps) store(to + ps * part, sum[ps]);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
