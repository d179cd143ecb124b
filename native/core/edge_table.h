// Functions of an edge. f maps every row x of a few floats (a vector, a length) to a row of values, and a pass computes
//
//     forward            values_k = f_k(x)
//     backward           grad_i   = sum_k g_k df_k/dx_i                  for a given gradient g of the values
//     double backward    grad_j   = sum_ik v_i g_k d2f_k/dx_i dx_j
//                        values_k = sum_i v_i df_k/dx_i
//
// The last two are the gradients of <v, backward(g, x)> with respect to x and to g.
#pragma once

#include <cstdint>

namespace gauntlet {

enum class Pass { forward, backward, double_backward };

/// Real spherical harmonics of degree 0..lmax; core/harmonics_math.h says what the coefficients multiply.
struct HarmonicsTable {
  static constexpr int kMaxDegree = 12;
  static constexpr int kPairs = (kMaxDegree + 1) * (kMaxDegree + 2) / 2;

  struct Pair {
    float along, back;          // of the recursion in the degree
    float polar, inner, outer;  // of the gradient: orders m, m - 1 and m + 1 of the degree below
  };

  int32_t lmax;
  bool normalize;  // of x / |x| instead of x
  float constant;  // degree 0
  float sector[kMaxDegree + 1];
  Pair pair[kPairs];  // of degree l and order m >= 0 at l (l + 1) / 2 + m
};

/// A family of `count` functions of one length r, of t = (r - start) / width; core/radial_math.h has the formulas.
struct RadialTable {
  static constexpr int kMaxCount = 320;
  static constexpr int kMaxPower = 64;

  enum class Family : int32_t { gaussian, cosine, smooth_finite, fourier, bessel, polynomial };

  Family family;
  int32_t count;
  bool window;    // zero outside 0 < t < 1 (fourier, bessel)
  int32_t power;  // polynomial
  double start, width, scale;
};

}  // namespace gauntlet
