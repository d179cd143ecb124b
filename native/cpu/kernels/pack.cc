// Between memory, where the components of one channel lie side by side, and tiles, where the channels of one component do: a
// transposition, done four lanes by four components at a time.
#include <cstring>

#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

typedef float Quad __attribute__((vector_size(16)));

GAUNTLET_INLINE Quad load_quad(const float* p) {
  Quad q;
  std::memcpy(&q, p, sizeof q);
  return q;
}

GAUNTLET_INLINE void transpose(Quad& a, Quad& b, Quad& c, Quad& d) {
  const Quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

template <bool Add>
GAUNTLET_INLINE void put(float* line, Quad q) {
  if (Add) q += load_quad(line);
  std::memcpy(line, &q, sizeof q);
}

template <bool Add>
void pack_strip(const float* memory, const float* end, Strip strip, int size, const int32_t* rows, float* tile, int lanes) {
  int lane = 0;
  if (size == 1 && strip.stride == 1) {
    float* line = tile + ptrdiff_t{rows[0]} * lanes;
    for (; lane + 4 <= strip.lanes; lane += 4) put<Add>(line + lane, load_quad(memory + lane));
  } else {
    for (; lane + 4 <= strip.lanes; lane += 4) {
      const float* from = memory + lane * strip.stride;
      // The last quad of components may reach past the lane's own: harmless inside the operand, so only its end stops us.
      if (size < 4 && from + 3 * strip.stride + 4 > end) break;
      for (int m = 0; m < size; m += 4) {
        const int first = m + 4 <= size || from + 3 * strip.stride + m + 4 <= end ? m : size - 4;
        Quad q[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) q[i] = load_quad(from + i * strip.stride + first);
        transpose(q[0], q[1], q[2], q[3]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          if (first + i >= m && first + i < size) put<Add>(tile + ptrdiff_t{rows[first + i]} * lanes + lane, q[i]);
        }
      }
    }
  }
  for (; lane < strip.lanes; ++lane) {
    for (int m = 0; m < size; ++m) {
      float& to = tile[ptrdiff_t{rows[m]} * lanes + lane];
      const float value = memory[lane * strip.stride + m];
      to = Add ? to + value : value;
    }
  }
}

/// Only the first `count` components belong to this lane; what follows may be another thread's.
GAUNTLET_INLINE void store_part(float* to, Quad q, int count) {
  switch (count) {
    case 1: std::memcpy(to, &q, 4); break;
    case 2: std::memcpy(to, &q, 8); break;
    case 3:
      std::memcpy(to, &q, 8);
      to[2] = q[2];
      break;
    default: std::memcpy(to, &q, 16);
  }
}

}  // namespace

void pack(const float* memory, const float* end, Strip strip, int size, const int32_t* rows, float* tile, int lanes, bool add) {
  if (add) {
    pack_strip<true>(memory, end, strip, size, rows, tile, lanes);
  } else {
    pack_strip<false>(memory, end, strip, size, rows, tile, lanes);
  }
}

void unpack(float* memory, Strip strip, int size, const int32_t* rows, const float* tile, int lanes) {
  int lane = 0;
  if (size == 1 && strip.stride == 1) {
    std::memcpy(memory, tile + ptrdiff_t{rows[0]} * lanes, strip.lanes * sizeof(float));
    return;
  }
  for (; lane + 4 <= strip.lanes; lane += 4) {
    float* to = memory + lane * strip.stride;
    for (int m = 0; m < size; m += 4) {
      const int count = size - m < 4 ? size - m : 4;
      Quad q[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) q[i] = load_quad(tile + ptrdiff_t{rows[i < count ? m + i : m]} * lanes + lane);
      transpose(q[0], q[1], q[2], q[3]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) store_part(to + i * strip.stride + m, q[i], count);
    }
  }
  for (; lane < strip.lanes; ++lane) {
    for (int m = 0; m < size; ++m) memory[lane * strip.stride + m] = tile[ptrdiff_t{rows[m]} * lanes + lane];
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
