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
struct Vec {
  Register part[kParts];
};

GAUNTLET_INLINE Vec splat(float value) {
  Vec v;
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) v.part[i] = value - Register{};
  return v;
}

/// Lines of a tile are 64-byte aligned.
GAUNTLET_INLINE Vec load(const float* line) {
  Vec v;
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) v.part[i] = reinterpret_cast<const Register*>(line)[i];
  return v;
}

GAUNTLET_INLINE void store(float* line, Vec v) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) reinterpret_cast<Register*>(line)[i] = v.part[i];
}

GAUNTLET_INLINE Vec operator*(Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) a.part[i] *= b.part[i];
  return a;
}

/// sum += a * b and sum -= a * b, fused where the instruction set can.
GAUNTLET_INLINE void add_product(Vec& sum, Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) sum.part[i] += a.part[i] * b.part[i];
}
GAUNTLET_INLINE void subtract_product(Vec& sum, Vec a, Vec b) {
#pragma GCC unroll 4
  for (int i = 0; i < kParts; ++i) sum.part[i] -= a.part[i] * b.part[i];
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
