// Functions of one number, by families that hold their own derivatives (lib/tensor/functions.ts):
//
//     powers        sum over terms of  factor * x^exponent,   0 from x = end on
//     sine          sin(x + turns * pi / 2)
//     exponential   exp(x)
//     sigmoid       P(s) + x Q(s),  s = 1 / (1 + exp(-rate x)),  P and Q polynomials by rising powers
//
// NaN stays NaN.
#pragma once

#include <cstdint>
#include <span>

namespace gauntlet {

/// Arrays that one operation number by number reads at most.
inline constexpr int kMostInputs = 256;

/// Plain data that points into the coefficients it was read from.
struct ScalarFunction {
  enum class Family : int32_t { none = -1, powers, sine, exponential, sigmoid };
  /// Terms of a sum of powers, and of P and Q together, at most.
  static constexpr int kMostTerms = 64;

  Family family = Family::none;
  double end = 0;
  int turns = 0;
  double rate = 0;
  int terms[2] = {0, 0};           // of the powers; or of P and of Q
  const double* first = nullptr;   // factor and exponent of each power; or P
  const double* second = nullptr;  // Q
};

/// Reads what lib/tensor/functions.ts writes, -1 for none. Throws Error("ERR_ARGUMENT") where it is malformed.
ScalarFunction decode_scalar_function(int32_t family, std::span<const double> coefficients);

}  // namespace gauntlet
