// Functions and sums number by number, a few vectors at a time.
#include <limits>
#include <numbers>

#include "core/scalar_math.h"
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Floats of a step: vectors enough that one works while another waits.
constexpr int kStep = 4 * kLanes;
struct Step {
  Vec vec[4];
};

template <class F>
GAUNTLET_INLINE void for_vecs(const F& f) {
#pragma GCC unroll 4
  for (int v = 0; v < 4; ++v) f(v);
}

GAUNTLET_INLINE Step load_step(const float* x) {
  Step step;
  for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { step.vec[v] = load_unaligned(x + v * kLanes); });
  return step;
}

/// Calls f(x, at, y) for steps of y, each from x[n] + at to y; the rest has a step's room lent, so that it is computed by the very
/// same instructions.
template <class F>
GAUNTLET_INLINE void for_steps(const float* const* x, int inputs, ptrdiff_t begin, ptrdiff_t end, float* y,
                               const F& f) {
  const auto run = [&](const float* const* from, ptrdiff_t first, ptrdiff_t last, float* to) {
    for (ptrdiff_t at = first; at < last; at += kStep) f(from, at, to + at);
  };
  const ptrdiff_t whole = (end - begin) / kStep * kStep;
  const int rest = static_cast<int>(end - begin - whole);
  run(x, begin, begin + whole, y);
  if (rest == 0) return;
  float room[kMostInputs][kStep], result[kStep];
  const float* lent[kMostInputs];
  for (int n = 0; n < inputs; ++n) {
    __builtin_memset(room[n], 0, sizeof room[n]);
    __builtin_memcpy(room[n], x[n] + begin + whole, rest * sizeof(float));
    lent[n] = room[n];
  }
  run(lent, 0, kStep, result);
  __builtin_memcpy(y + begin + whole, result, rest * sizeof(float));
}

using Bits = decltype(Register{} < Register{});
constexpr int kFraction = std::numeric_limits<float>::digits - 1, kBias = std::numeric_limits<float>::max_exponent - 1;

/// 2^n for -kBias < n <= kBias.
GAUNTLET_INLINE Register power_of_two(Bits n) {
  const Bits bits = (n + kBias) << kFraction;
  Register power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return power;
}

/// exp(x) with an error of 1e-7 of it: the series of what remains after a power of two, which is applied in two halves so that it may
/// be smaller than any normal number, or infinite.
GAUNTLET_INLINE Register exponential(Register x) {
  constexpr float ln2 = std::numbers::ln2, ln2_high = 0.693359375;  // of few digits: any multiple is exact
  constexpr float ln2_low = std::numbers::ln2 - 0.693359375;
  constexpr float least = -(kBias + kFraction + 1) * ln2, most = (kBias + 2) * ln2;
  constexpr int kTerms = sizeof(float) == 4 ? 7 : 13;
  const Register lower = least - Register{}, upper = most - Register{};
  x = x < lower ? lower : x;
  x = x > upper ? upper : x;
  // The integer nearest to a number comes to stand in the last bits of this.
  const Register shift = static_cast<float>(1.5 * (int64_t{1} << kFraction)) - Register{};
  const Register shifted = x * static_cast<float>(1 / std::numbers::ln2) + shift, k = shifted - shift;
  Bits n, zero;
  __builtin_memcpy(&n, &shifted, sizeof n);
  __builtin_memcpy(&zero, &shift, sizeof zero);
  n = n - zero;
  const Register y = (x - k * ln2_high) - k * ln2_low;
  double inverse_factorial = 1;
  float coefficient[kTerms + 1];
#pragma GCC unroll 16
  for (int i = 0; i <= kTerms; ++i) {
    coefficient[i] = static_cast<float>(inverse_factorial);
    inverse_factorial /= i + 1;
  }
  Register sum = coefficient[kTerms] - Register{};
#pragma GCC unroll 16
  for (int i = kTerms - 1; i >= 0; --i) sum = sum * y + coefficient[i];
  const Bits half = n >> 1;
  return sum * power_of_two(half) * power_of_two(n - half);
}

GAUNTLET_INLINE Vec exponential(Vec x) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) x.part[i] = exponential(x.part[i]);
  return x;
}

/// 1 / (1 + exp(-rate x))
GAUNTLET_INLINE Vec sigmoid(Vec x, Vec minus_rate) {
  Vec s = exponential(x * minus_rate);
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) s.part[i] = 1.0f / (1.0f + s.part[i]);
  return s;
}

/// A polynomial's coefficients by rising powers, rounded once.
struct Polynomial {
  int terms;
  float coefficient[ScalarFunction::kMostTerms];

  Polynomial(int terms, const double* coefficients) : terms(terms) {
    for (int n = 0; n < terms; ++n) coefficient[n] = static_cast<float>(coefficients[n]);
  }
  GAUNTLET_INLINE Step at(const Step& s) const {
    Step sum{};
    for (int n = terms - 1; n >= 0; --n) {
      const Vec next = splat(coefficient[n]);
      for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA {
        Vec value = next;
        add_product(value, sum.vec[v], s.vec[v]);
        sum.vec[v] = value;
      });
    }
    return sum;
  }
};

constexpr int kDoubles = kWidth / 2;
typedef double Doubles __attribute__((vector_size(kDoubles * 8)));
typedef float Floats __attribute__((vector_size(kDoubles * sizeof(float))));

template <class F>
GAUNTLET_INLINE Step by_doubles(Step x, const F& f) {
  constexpr int count = kStep / kDoubles;
  Floats floats[count];
  __builtin_memcpy(floats, &x, sizeof x);
  for (int i = 0; i < count; ++i) {
    floats[i] = __builtin_convertvector(f(__builtin_convertvector(floats[i], Doubles)), Floats);
  }
  __builtin_memcpy(&x, floats, sizeof x);
  return x;
}

struct Factors {
  const float* const* x;
  int inputs;
  Vec scale;

  /// values of the first input's function, times all others.
  GAUNTLET_INLINE void store_product(const float* const* from, ptrdiff_t at, Step values, float* y) const {
    for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { values.vec[v] = values.vec[v] * scale; });
    for (int n = 1; n < inputs; ++n) {
      for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA {
        values.vec[v] = values.vec[v] * load_unaligned(from[n] + at + v * kLanes);
      });
    }
    for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { store_unaligned(y + v * kLanes, values.vec[v]); });
  }
};

template <class F>
void products(const Elementwise& e, ptrdiff_t begin, ptrdiff_t end, float* y, const F& f) {
  const Factors factors{e.x, e.inputs, splat(static_cast<float>(e.scale))};
  for_steps(e.x, e.inputs, begin, end, y, [&](const float* const* x, ptrdiff_t at, float* to) GAUNTLET_INLINE_LAMBDA {
    factors.store_product(x, at, f(load_step(x[0] + at)), to);
  });
}

}  // namespace

void elementwise(const Elementwise& e, ptrdiff_t begin, ptrdiff_t end, float* y) {
  switch (e.f.family) {
    case ScalarFunction::Family::none:
      return products(e, begin, end, y, [](Step x) GAUNTLET_INLINE_LAMBDA { return x; });
    case ScalarFunction::Family::powers:
      return products(e, begin, end, y, [&](Step x) GAUNTLET_INLINE_LAMBDA {
        return by_doubles(x, [&](Doubles d) { return math::powers(e.f.terms[0], e.f.first, e.f.end, d); });
      });
    case ScalarFunction::Family::sine:
      return products(e, begin, end, y, [&](Step x) GAUNTLET_INLINE_LAMBDA {
        return by_doubles(x, [&](Doubles d) GAUNTLET_INLINE_LAMBDA { return math::sine(e.f.turns, d); });
      });
    case ScalarFunction::Family::exponential:
      return products(e, begin, end, y, [](Step x) GAUNTLET_INLINE_LAMBDA {
        for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { x.vec[v] = exponential(x.vec[v]); });
        return x;
      });
    case ScalarFunction::Family::sigmoid: {
      const Polynomial p(e.f.terms[0], e.f.first), q(e.f.terms[1], e.f.second);
      const Vec minus_rate = splat(static_cast<float>(-e.f.rate));
      return products(e, begin, end, y, [&](const Step& x) GAUNTLET_INLINE_LAMBDA {
        Step s;
        for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { s.vec[v] = sigmoid(x.vec[v], minus_rate); });
        Step values = p.at(s);
        if (q.terms > 0) {
          const Step slope = q.at(s);
          for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { add_product(values.vec[v], x.vec[v], slope.vec[v]); });
        }
        return values;
      });
    }
  }
}

void combine(const Combination& c, ptrdiff_t begin, ptrdiff_t end, float* y) {
  for_steps(c.x, c.inputs, begin, end, y, [&](const float* const* x, ptrdiff_t at, float* to) GAUNTLET_INLINE_LAMBDA {
    Step sum{};
    for (int n = 0; n < c.inputs; ++n) {
      const Vec factor = splat(static_cast<float>(c.factors[n]));
      for_vecs([&](int v)
                   GAUNTLET_INLINE_LAMBDA { add_product(sum.vec[v], factor, load_unaligned(x[n] + at + v * kLanes)); });
    }
    for_vecs([&](int v) GAUNTLET_INLINE_LAMBDA { store_unaligned(to + v * kLanes, sum.vec[v]); });
  });
}

}  // namespace gauntlet::GAUNTLET_ISA
