// Sixteen floats at once, on whatever registers the instruction set of this object file has.
#pragma once

#include <cstddef>

#include "cpu/kernels.h"

#define GAUNTLET_INLINE inline __attribute__((always_inline))
#define GAUNTLET_INLINE_LAMBDA __attribute__((always_inline))

namespace gauntlet::GAUNTLET_ISA {

#if defined(__AVX512F__)
inline constexpr int kWidth = 16, kRegisters = 32;
#elif defined(__AVX2__)
inline constexpr int kWidth = 8, kRegisters = 16;
#elif defined(__ARM_NEON)
inline constexpr int kWidth = 4, kRegisters = 32;
#else
inline constexpr int kWidth = 4, kRegisters = 16;
#endif

/// Registers that one Vec takes.
inline constexpr int kParts = kLanes / kWidth;

/// Vectors whose sums fit in registers with room to spare; kVecs is a multiple.
inline constexpr int kGroup = kParts == 1 ? 4 : kParts == 2 ? 2 : 1;

typedef float Register __attribute__((vector_size(kWidth * sizeof(float))));

// An array of registers and not one 64-byte vector: GCC keeps vectors wider than the registers in memory.
template <int Count>
struct Registers {
  Register part[Count];
};
using Vec = Registers<kParts>;

GAUNTLET_INLINE Vec splat(float value) {
  Vec v;
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) v.part[i] = value - Register{};
  return v;
}

/// Lines of a tile are 64-byte aligned.
template <int Count = kParts>
GAUNTLET_INLINE Registers<Count> load(const float* line) {
  Registers<Count> v;
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) v.part[i] = reinterpret_cast<const Register*>(line)[i];
  return v;
}

template <int Count>
GAUNTLET_INLINE void store(float* line, Registers<Count> v) {
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) reinterpret_cast<Register*>(line)[i] = v.part[i];
}

/// Memory of JavaScript's is aligned as floats are.
typedef float Unaligned __attribute__((vector_size(kWidth * sizeof(float)), aligned(sizeof(float))));

GAUNTLET_INLINE Vec load_unaligned(const float* from) {
  Vec v;
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) v.part[i] = reinterpret_cast<const Unaligned*>(from)[i];
  return v;
}

GAUNTLET_INLINE void store_unaligned(float* to, Vec v) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) reinterpret_cast<Unaligned*>(to)[i] = v.part[i];
}

/// Fewer than kLanes floats.
GAUNTLET_INLINE void copy_few(float* to, const float* from, int count) {
#pragma GCC unroll 4
  for (int n = kLanes / 2; n > 0; n /= 2) {
    if (!(count & n)) continue;
    __builtin_memcpy(to, from, n * sizeof(float));
    to += n, from += n;
  }
}

/// The first `count` < kLanes lanes alone; others are zero.
GAUNTLET_INLINE Vec load_few(const float* from, int count) {
  alignas(64) float lanes[kLanes] = {};
  copy_few(lanes, from, count);
  return load(lanes);
}

GAUNTLET_INLINE void store_few(float* to, Vec v, int count) {
  alignas(64) float lanes[kLanes];
  store(lanes, v);
  copy_few(to, lanes, count);
}

GAUNTLET_INLINE float sum_of_lanes(Vec v) {
  float sum = 0;
#pragma GCC unroll 4
  for (int part = 1; part < kParts; ++part) v.part[0] += v.part[part];
#pragma GCC unroll 16
  for (int n = 0; n < kWidth; ++n) sum += v.part[0][n];
  return sum;
}

GAUNTLET_INLINE Vec operator*(Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) a.part[i] *= b.part[i];
  return a;
}

/// sum += a * b and sum -= a * b, fused where the instruction set can.
template <int Count>
GAUNTLET_INLINE void add_product(Registers<Count>& sum, Registers<Count> a, Registers<Count> b) {
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) sum.part[i] += a.part[i] * b.part[i];
}
template <int Count>
GAUNTLET_INLINE void subtract_product(Registers<Count>& sum, Registers<Count> a, Registers<Count> b) {
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) sum.part[i] -= a.part[i] * b.part[i];
}

GAUNTLET_INLINE Vec operator+(Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) a.part[i] += b.part[i];
  return a;
}
GAUNTLET_INLINE Vec operator-(Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) a.part[i] -= b.part[i];
  return a;
}

/// Calls f<Vecs>(v) for vectors v..v+Vecs-1 until `vecs` are done, as many at once as fit in registers.
GAUNTLET_INLINE void for_groups(int vecs, const auto& f) {
  int v = 0;
  for (; v + kGroup <= vecs; v += kGroup) f.template operator()<kGroup>(v);
  if constexpr (kGroup > 2) {
    for (; v + 2 <= vecs; v += 2) f.template operator()<2>(v);
  }
  if constexpr (kGroup > 1) {
    for (; v < vecs; ++v) f.template operator()<1>(v);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
