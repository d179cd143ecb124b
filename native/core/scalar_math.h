// Functions of core/scalar_function.h that need more digits on the way than floats have, or are rare. T is double or a vector of
// doubles.
#pragma once

#include <limits>
#include <numbers>
#include <type_traits>

#include "core/portable.h"
#include "core/radial_math.h"

namespace gauntlet::math {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T, class F>
GAUNTLET_MATH T by_lanes(T x, const F& f) {
  if constexpr (std::is_same_v<T, double>) {
    return f(x);
  } else {
    for (int i = 0; i < static_cast<int>(sizeof(T) / sizeof(double)); ++i) x[i] = f(x[i]);
    return x;
  }
}

template <class T>
GAUNTLET_MATH T whole_power(T x, int exponent) {
  T power = T{} + 1.0;
  for (int rest = exponent < 0 ? -exponent : exponent; rest > 0; rest /= 2) {
    if (rest % 2 == 1) power = power * x;
    x = x * x;
  }
  return exponent < 0 ? 1.0 / power : power;
}

/// x^exponent
template <class T>
GAUNTLET_MATH T power(T x, double exponent) {
  constexpr double most = 64;  // beyond, factors would lose digits, and be many
  const bool small = exponent > -most && exponent < most;
  const int twice = small ? static_cast<int>(2 * exponent) : 0;
  if (small && 2 * exponent == twice) {
    const T base = twice % 2 == 0 ? x : by_lanes(x, [](double value) { return __builtin_sqrt(value); });
    return whole_power(base, twice % 2 == 0 ? twice / 2 : twice);
  }
  return by_lanes(x, [&](double value) { return __builtin_pow(value, exponent); });
}

/// sum over terms of  factor * x^exponent,  0 from x = end on; `terms` are factors and exponents by turns.
template <class T>
GAUNTLET_MATH T powers(int count, const double* terms, double end, T x) {
  T sum{};
  for (int n = 0; n < count; ++n) sum = sum + terms[2 * n] * power(x, terms[2 * n + 1]);
  const bool ends = end < kInfinity;
  return ends ? (x >= end ? T{} : sum) : sum;
}

/// sin(x + turns * pi / 2) for numbers of few digits, as floats have: a multiple of pi's inverse is exact in two parts, of which the
/// first loses its whole turns exactly.
template <class T>
GAUNTLET_MATH T sine(int turns, T x) {
  constexpr double inverse = 1 / std::numbers::pi;
  constexpr double high = static_cast<int64_t>(inverse * 0x1p28) * 0x1p-28;
  constexpr double low = 0.31830988618379067153776752674503 - high, lower = -1.9678676675182486e-17;
  T t = x * high;
  t = t - 2.0 * nearest(0.5 * t) + x * (low + lower);
  T s, c;
  sine_cosine(t, s, c);
  const T size = turns % 2 == 0 ? s : c;
  return turns < 2 ? size : -size;
}

}  // namespace gauntlet::math
