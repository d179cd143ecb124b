// Values of functions on the sphere, folded: four parts [p, s], even (p = 0) or odd about the equator and even (s = 0) or odd
// about azimuth zero, at the points of one quarter.
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// Points whose values of two functions fit in registers.
inline constexpr int kPoints = kParts == 1 ? 3 : 1;

/// W[p, s] = sum over p' ^ p'' = p, s' ^ s'' = s of V_a[p', s'] * V_b[p'', s''] at one point. On the equator only the first two of
/// the four parts are not zero.
template <int Parts>
GAUNTLET_INLINE void multiply_parts(const Vec (&a)[4], const Vec (&b)[4], Vec (&sum)[Parts]) {
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps) sum[ps] = a[0] * b[ps];
#pragma GCC unroll 3
  for (int q = 1; q < Parts; ++q) {
#pragma GCC unroll 4
    for (int r = 0; r < Parts; ++r) add_product(sum[q ^ r], a[q], b[r]);
  }
}

template <bool Add>
GAUNTLET_INLINE void put(float* to, const Vec& value) {
  store(to, Add ? value + load(to) : value);
}

/// Which targets' values earlier terms have begun: one for each of two sectors of two operands.
class Begun {
 public:
  /// Whether a term is to be added to what its targets hold; zeros where only the other target holds anything.
  template <int Results>
  bool add(const GridTerm& term, float* const* w, ptrdiff_t size) {
    bool any = false;
    for (int n = 0; n < Results; ++n) any |= begun_[term.target[n]];
    for (int n = 0; n < Results; ++n) {
      bool& begun = begun_[term.target[n]];
      for (ptrdiff_t i = 0; any && !begun && i < size; i += kLanes) store(w[n] + i, Vec{});
      begun = true;
    }
    return any;
  }

 private:
  bool begun_[4] = {};
};

/// W of one sector: [vector, p, s, point].
GAUNTLET_INLINE float* values_of(float* sector, int points, int v) {
  return sector + v * 4 * ptrdiff_t{points} * kLanes;
}

/// W (+)= V_a * V_b at consecutive points, one vector each. Part q of W begins q * points vectors after `w`.
template <int Points, int Parts, bool Add>
GAUNTLET_INLINE void multiply_values(const Vec (&a)[Points][4], const Vec (&b)[Points][4], float* w, int points) {
  const ptrdiff_t part = ptrdiff_t{points} * kLanes;
#pragma GCC unroll 3
  for (int n = 0; n < Points; ++n) {
    Vec product[Parts];
    multiply_parts<Parts>(a[n], b[n], product);
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps) put<Add>(w + n * kLanes + ps * part, product[ps]);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
