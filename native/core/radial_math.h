// Functions of a length r with two derivatives, of t = (r - start) / width; scale K, k = 0..count-1, n = k + 1:
//
//     gaussian        K exp(-d^2)                                        d = t - k
//     cosine          K cos(pi d / 2)                                    where |d| < 1
//     smooth_finite   K exp(2 - 1 / (1 + d) - 1 / (1 - d))               where |d| < 1
//     fourier         K cos(pi k t), or in a window K sin(pi n t)        where 0 < t < 1
//     bessel          K sin(pi n t) / t                                  in a window where 0 < t < 1
//     polynomial      1 + t^p (-(p+1)(p+2)/2 + p(p+2) t - p(p+1)/2 t^2)  where t < 1
//
// and zero elsewhere, except that NaN stays NaN. T is double or a vector of doubles: a phase pi n t in float32 would already be
// off by more than the result may be, and the 1 / t cancel digits in the derivatives.
#pragma once

#include <cstdint>
#include <numbers>

#include "core/edge_table.h"
#include "core/portable.h"

namespace gauntlet::math {

/// A function and its derivatives with respect to t.
template <class T>
struct Jet {
  T value, first, second;
};

inline constexpr double kPi = std::numbers::pi;

/// A double is one of its bits, a vector of doubles (of GCC's kind) a vector of them.
template <class T>
struct BitsOf {
  using Type = decltype(T{} < T{});
};
template <>
struct BitsOf<double> {
  using Type = int64_t;
};

/// The nearest integer, for |x| < 2^51: that of the last digit before the point.
template <class T>
GAUNTLET_MATH T nearest(T x) {
  const T shift = T{} + 0x1.8p52;
  return (x + shift) - shift;
}

/// 2^k for an integer -1023 < k < 1024: its exponent is k + 1023.
template <class T>
GAUNTLET_MATH T power_of_two(T k) {
  using Bits = typename BitsOf<T>::Type;
  const T shifted = k + (1023 + 0x1.8p52);  // ends in the bits of k + 1023
  Bits bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = bits << 52;
  T power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

/// exp(x) for x <= 0 by the series of what remains of it after a power of two; below -700, which float32 rounds to 0, exp(-700).
template <class T>
GAUNTLET_MATH T exponential(T x) {
  const T least = T{} - 700.0;
  x = x < least ? least : x;
  const T k = nearest(x * (1 / std::numbers::ln2));
  const T y = x - k * std::numbers::ln2;  // |y| < 0.35
  T sum = T{} + 1.0;
  for (int n = 12; n > 0; --n) sum = 1.0 + sum * (y * (1.0 / n));
  return sum * power_of_two(k);
}

/// sin(pi t) and cos(pi t), reduced to an eighth of a turn without error. Where t is so large that it is a multiple of 2, 0 and 1.
template <class T>
GAUNTLET_MATH void sine_cosine(T t, T& sine, T& cosine) {
  const T limit = T{} + 0x1p50;
  t = (t > limit) | (t < -limit) ? t * 0.0 : t;
  const T half_turns = nearest(2.0 * t);
  const T quarter = half_turns - 4.0 * nearest(0.25 * half_turns);  // -2 to 2, in quarters of a turn
  const T a = kPi * (t - 0.5 * half_turns), square = a * a;
  T s = T{} + 1.0, c = s;
  for (int n = 14; n > 0; n -= 2) {
    s = 1.0 - s * (square * (1.0 / (n * (n + 1))));
    c = 1.0 - c * (square * (1.0 / (n * (n - 1))));
  }
  s = s * a;
  const T one = T{} + 1.0;
  const auto odd = (quarter == one) | (quarter == -one);
  const T sine_size = odd ? c : s, cosine_size = odd ? s : c;
  sine = (quarter < T{} - 0.5) | (quarter > T{} + 1.5) ? -sine_size : sine_size;
  cosine = (quarter > T{} + 0.5) | (quarter < T{} - 1.5) ? -cosine_size : cosine_size;
}

/// Zero where `outside`.
template <class T, class Mask>
GAUNTLET_MATH Jet<T> cut(Mask outside, const Jet<T>& jet) {
  return {outside ? T{} : jet.value, outside ? T{} : jet.first, outside ? T{} : jet.second};
}

/// sin(pi n t) / t. Near 0 its series, where the closed form loses its digits.
template <class T>
GAUNTLET_MATH Jet<T> sine_over_length(int n, T t, T sine, T cosine) {
  const double omega = kPi * n;
  const T a = omega * t, square = a * a;
  const Jet<T> series = {
      omega * (1.0 + square * (-1.0 / 6 + square * (1.0 / 120 - square * (1.0 / 5040)))),
      omega * omega * (a * (-1.0 / 3 + square * (1.0 / 30 - square * (1.0 / 840)))),
      omega * omega * omega * (-1.0 / 3 + square * (1.0 / 10 + square * (-1.0 / 168 + square * (1.0 / 6480))))};
  const T value = sine / t;
  const T first = (omega * cosine - value) / t;
  const T second = -(omega * omega) * value - 2.0 * first / t;
  const auto near_zero = square < T{} + 1e-3;
  return {near_zero ? series.value : value, near_zero ? series.first : first, near_zero ? series.second : second};
}

template <class T, class Visit>
GAUNTLET_MATH void visit_gaussian(const RadialTable& table, T t, const Visit& visit) {
  for (int k = 0; k < table.count; ++k) {
    const T d = t - static_cast<double>(k), value = table.scale * exponential(-(d * d));
    visit(k, Jet<T>{value, -2.0 * d * value, (4.0 * d * d - 2.0) * value});
  }
}

template <class T, class Visit>
GAUNTLET_MATH void visit_cosine(const RadialTable& table, T t, const Visit& visit) {
  const T one = T{} + 1.0;
  const double rate = kPi / 2;
  T s, c;
  sine_cosine(0.5 * t, s, c);
  s = table.scale * s, c = table.scale * c;
  for (int k = 0; k < table.count; ++k) {
    const T d = t - static_cast<double>(k);
    visit(k, cut((d >= one) | (d <= -one), Jet<T>{c, -rate * s, -rate * rate * c}));
    const T turned = -c;  // the next center is a quarter of a turn away
    c = s, s = turned;
  }
}

template <class T, class Visit>
GAUNTLET_MATH void visit_smooth_finite(const RadialTable& table, T t, const Visit& visit) {
  const T one = T{} + 1.0;
  for (int k = 0; k < table.count; ++k) {
    const T d = t - static_cast<double>(k), u = 1.0 / (1.0 - d * d);
    // The exponent is 2 - 2u.
    const T value = table.scale * exponential(2.0 - 2.0 * u), rate = -4.0 * d * u * u;
    const T second = value * (rate * rate - 4.0 * u * u * (1.0 + 4.0 * d * d * u));
    visit(k, cut((d >= one) | (d <= -one), Jet<T>{value, value * rate, second}));
  }
}

template <class T, class Visit>
GAUNTLET_MATH void visit_waves(const RadialTable& table, T t, const Visit& visit) {
  const bool bessel = table.family == RadialTable::Family::bessel, sines = bessel || table.window;
  const T one = T{} + 1.0;
  T s1, c1;
  sine_cosine(t, s1, c1);
  T s = sines ? s1 : T{}, c = sines ? c1 : one + (t - t);  // not 1 where t is no number
  for (int k = 0; k < table.count; ++k) {
    const int n = sines ? k + 1 : k;
    const double omega = kPi * n;
    Jet<T> jet = bessel  ? sine_over_length(n, t, s, c)
                 : sines ? Jet<T>{s, omega * c, -omega * omega * s}
                         : Jet<T>{c, -omega * s, -omega * omega * c};
    jet = {table.scale * jet.value, table.scale * jet.first, table.scale * jet.second};
    visit(k, table.window ? cut((t >= one) | (t <= T{}), jet) : jet);
    const T turned = c * c1 - s * s1;
    s = s * c1 + c * s1, c = turned;
  }
}

template <class T, class Visit>
GAUNTLET_MATH void visit_polynomial(const RadialTable& table, T t, const Visit& visit) {
  const double p = table.power;
  T power = T{} + 1.0;  // t^(p-2)
  for (int n = 2; n < table.power; ++n) power = power * t;
  const T rest = 1.0 - t, slope = -(p * (p + 1) * (p + 2) / 2) * power * rest;
  const T value = 1.0 + power * t * t * (-(p + 1) * (p + 2) / 2 + t * (p * (p + 2) - t * (p * (p + 1) / 2)));
  const Jet<T> jet = {value, slope * t * rest, slope * ((p - 1) * rest - 2.0 * t)};
  visit(0, cut(t >= T{} + 1.0, jet));
}

/// Calls visit(k, jet) for every function of the family.
template <class T, class Visit>
GAUNTLET_MATH void for_radial(const RadialTable& table, T t, const Visit& visit) {
  switch (table.family) {
    case RadialTable::Family::gaussian: return visit_gaussian(table, t, visit);
    case RadialTable::Family::cosine: return visit_cosine(table, t, visit);
    case RadialTable::Family::smooth_finite: return visit_smooth_finite(table, t, visit);
    case RadialTable::Family::fourier:
    case RadialTable::Family::bessel: return visit_waves(table, t, visit);
    case RadialTable::Family::polynomial: return visit_polynomial(table, t, visit);
  }
}

/// One pass of core/edge_function.h at one T. A Tile holds one T for every function: get(k), set(k, T).
template <Pass pass, class T, class Tile>
GAUNTLET_MATH void radial_pass(const RadialTable& table, T v, T r, const Tile& tile, T& grad) {
  const double rate = 1 / table.width;
  const T t = (r - table.start) / table.width;
  T sum = T{};
  for_radial(table, t, [&](int k, const Jet<T>& jet) GAUNTLET_MATH_LAMBDA {
    if constexpr (pass == Pass::forward) tile.set(k, jet.value);
    if constexpr (pass == Pass::backward) sum = sum + tile.get(k) * jet.first;
    if constexpr (pass == Pass::double_backward) {
      sum = sum + tile.get(k) * jet.second;
      tile.set(k, v * (rate * jet.first));
    }
  });
  grad = pass == Pass::double_backward ? v * (rate * rate * sum) : rate * sum;
}

}  // namespace gauntlet::math
