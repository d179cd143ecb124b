// Between memory, where the components of one channel lie side by side, and tiles, where the channels of one component do. Lanes
// without gaps between them are transposed whole (transpose.h), others four components at a time by as many lanes as a register
// holds, each quarter of the register transposed by itself.
#include <cstring>

#include "cpu/kernels/isa.h"
#include "cpu/kernels/transpose.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace gauntlet::GAUNTLET_ISA {
namespace {

typedef float Quad __attribute__((vector_size(4 * sizeof(float))));

GAUNTLET_INLINE Quad load_quad(const float* p) {
  Quad q;
  std::memcpy(&q, p, sizeof q);
  return q;
}
GAUNTLET_INLINE void store_quad(float* p, Quad q) { std::memcpy(p, &q, sizeof q); }
/// What is written is not read first, and leaves no trace in the caches.
GAUNTLET_INLINE void store_past_caches(float* p, Register r) {
#if defined(__AVX512F__)
  _mm512_stream_si512(reinterpret_cast<__m512i*>(p), reinterpret_cast<__m512i>(r));
#elif defined(__SSE2__)
  __m128i parts[sizeof(Register) / sizeof(__m128i)];
  std::memcpy(parts, &r, sizeof r);
  for (const __m128i& part : parts) _mm_stream_si128(reinterpret_cast<__m128i*>(p) + (&part - parts), part);
#else
  store_register(p, r);
#endif
}

/// The quads at p, p + step, p + 2 step, ... as one register, and back.
GAUNTLET_INLINE Register gather(const float* p, ptrdiff_t step) {
#if defined(__AVX512F__)
  typedef float Half __attribute__((vector_size(32)));
  const Half low = __builtin_shufflevector(load_quad(p), load_quad(p + step), 0, 1, 2, 3, 4, 5, 6, 7);
  const Half high = __builtin_shufflevector(load_quad(p + 2 * step), load_quad(p + 3 * step), 0, 1, 2, 3, 4, 5, 6, 7);
  return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif defined(__AVX2__)
  return __builtin_shufflevector(load_quad(p), load_quad(p + step), 0, 1, 2, 3, 4, 5, 6, 7);
#else
  (void)step;
  return load_quad(p);
#endif
}
template <int Index>
GAUNTLET_INLINE Quad quarter(Register r) {
  return __builtin_shufflevector(r, r, 4 * Index, 4 * Index + 1, 4 * Index + 2, 4 * Index + 3);
}

/// Transposes each quarter of four registers as a 4 x 4 matrix.
GAUNTLET_INLINE void transpose(Register& a, Register& b, Register& c, Register& d) {
#if defined(__AVX512F__)
#define GAUNTLET_INTERLEAVE(x, y, i, j)                                                                           \
  __builtin_shufflevector(x, y, i, i + 16, j, j + 16, i + 4, i + 20, j + 4, j + 20, i + 8, i + 24, j + 8, j + 24, \
                          i + 12, i + 28, j + 12, j + 28)
#define GAUNTLET_PAIRS(x, y, i)                                                                                       \
  __builtin_shufflevector(x, y, i, i + 1, i + 16, i + 17, i + 4, i + 5, i + 20, i + 21, i + 8, i + 9, i + 24, i + 25, \
                          i + 12, i + 13, i + 28, i + 29)
#elif defined(__AVX2__)
#define GAUNTLET_INTERLEAVE(x, y, i, j) __builtin_shufflevector(x, y, i, i + 8, j, j + 8, i + 4, i + 12, j + 4, j + 12)
#define GAUNTLET_PAIRS(x, y, i) __builtin_shufflevector(x, y, i, i + 1, i + 8, i + 9, i + 4, i + 5, i + 12, i + 13)
#else
#define GAUNTLET_INTERLEAVE(x, y, i, j) __builtin_shufflevector(x, y, i, i + 4, j, j + 4)
#define GAUNTLET_PAIRS(x, y, i) __builtin_shufflevector(x, y, i, i + 1, i + 4, i + 5)
#endif
  const Register ab_low = GAUNTLET_INTERLEAVE(a, b, 0, 1), ab_high = GAUNTLET_INTERLEAVE(a, b, 2, 3);
  const Register cd_low = GAUNTLET_INTERLEAVE(c, d, 0, 1), cd_high = GAUNTLET_INTERLEAVE(c, d, 2, 3);
  a = GAUNTLET_PAIRS(ab_low, cd_low, 0);
  b = GAUNTLET_PAIRS(ab_low, cd_low, 2);
  c = GAUNTLET_PAIRS(ab_high, cd_high, 0);
  d = GAUNTLET_PAIRS(ab_high, cd_high, 2);
}

/// Four quads as a 4 x 4 matrix, transposed.
GAUNTLET_INLINE void transpose_four(Quad (&q)[4]) {
  const Quad ab_low = __builtin_shufflevector(q[0], q[1], 0, 4, 1, 5);
  const Quad ab_high = __builtin_shufflevector(q[0], q[1], 2, 6, 3, 7);
  const Quad cd_low = __builtin_shufflevector(q[2], q[3], 0, 4, 1, 5);
  const Quad cd_high = __builtin_shufflevector(q[2], q[3], 2, 6, 3, 7);
  q[0] = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
  q[1] = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  q[2] = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
  q[3] = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

template <bool Add>
GAUNTLET_INLINE void put(float* line, Register r) {
  if (Add) r += load_register(line);
  store_register(line, r);
}

/// Calls f<Count>(m) for components [m, m + Count) four by four, the last ones fewer.
GAUNTLET_INLINE void for_quads(int size, const auto& f) {
  int m = 0;
  for (; m + 4 <= size; m += 4) f.template operator()<4>(m);
  switch (size - m) {
    case 1: return f.template operator()<1>(m);
    case 2: return f.template operator()<2>(m);
    case 3: return f.template operator()<3>(m);
  }
}

/// Components [m, m + Count) of kWidth lanes; quads are read whole, from component `first` <= m on.
template <int Count, bool Add>
GAUNTLET_INLINE void pack_quads(const float* from, ptrdiff_t stride, const int32_t* rows, float* tile) {
  Register q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) q[i] = gather(from + i * stride, 4 * stride);
  transpose(q[0], q[1], q[2], q[3]);
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) put<Add>(tile + ptrdiff_t{rows[i]} * kTileLanes, q[i]);
}

/// The same of four lanes, where there are no more.
template <int Count, bool Add>
GAUNTLET_INLINE void pack_four(const float* from, ptrdiff_t stride, const int32_t* rows, float* tile) {
  Quad q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) q[i] = load_quad(from + i * stride);
  transpose_four(q);
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) {
    float* const line = tile + ptrdiff_t{rows[i]} * kTileLanes;
    store_quad(line, Add ? q[i] + load_quad(line) : q[i]);
  }
}

/// kWidth lanes of Size components without a gap between them.
template <int Size, bool Add>
void pack_whole(const float* from, const int32_t* rows, float* tile) {
  Transposition<Size>::to_lanes([&](int k) GAUNTLET_INLINE_LAMBDA { return load_register(from + k * kWidth); },
                                [&](int m, Register r)
                                    GAUNTLET_INLINE_LAMBDA { put<Add>(tile + ptrdiff_t{rows[m]} * kTileLanes, r); });
}

template <int Size>
void unpack_whole(float* to, const int32_t* rows, const float* tile) {
  Transposition<Size>::to_memory(
      [&](int m) GAUNTLET_INLINE_LAMBDA { return load_register(tile + ptrdiff_t{rows[m]} * kTileLanes); },
      [&](int k, Register r) GAUNTLET_INLINE_LAMBDA { store_register(to + k * kWidth, r); });
}
/// The same past the caches; `to` is aligned as a register.
template <int Size>
void unpack_whole_past(float* to, const int32_t* rows, const float* tile) {
  Transposition<Size>::to_memory(
      [&](int m) GAUNTLET_INLINE_LAMBDA { return load_register(tile + ptrdiff_t{rows[m]} * kTileLanes); },
      [&](int k, Register r) GAUNTLET_INLINE_LAMBDA { store_past_caches(to + k * kWidth, r); });
}

/// Largest lanes that are packed and unpacked whole.
constexpr int kWhole = 31;

template <class Sizes>
struct Whole;
template <size_t... Index>
struct Whole<std::index_sequence<Index...>> {
  template <bool Add>
  static constexpr void (*pack[])(const float*, const int32_t*, float*) = {pack_whole<Index + 1, Add>...};
  static constexpr void (*unpack[])(float*, const int32_t*, const float*) = {unpack_whole<Index + 1>...};
  static constexpr void (*unpack_past[])(float*, const int32_t*, const float*) = {unpack_whole_past<Index + 1>...};
};
using WholeLanes = Whole<std::make_index_sequence<kWhole>>;

template <bool Add>
void pack_strip(const float* memory, const float* end, const Strip& strip, int size, const int32_t* rows, float* tile) {
  int lane = 0;
  if (strip.stride == size && size <= kWhole) {
    const auto pack = WholeLanes::pack<Add>[size - 1];
    for (; lane + kWidth <= strip.lanes; lane += kWidth) pack(memory + lane * size, rows, tile + lane);
  } else {
    for (; lane + kWidth <= strip.lanes; lane += kWidth) {
      const float* from = memory + lane * strip.stride;
      // The last quad of a lane reads past its components, which is harmless but for the operand's own end.
      if (from + (kWidth - 1) * strip.stride + (size + 3) / 4 * 4 > end) break;
      for_quads(size, [&]<int Count>(int m) GAUNTLET_INLINE_LAMBDA {
        pack_quads<Count, Add>(from + m, strip.stride, rows + m, tile + lane);
      });
    }
  }
  for (; lane + 4 <= strip.lanes; lane += 4) {
    const float* from = memory + lane * strip.stride;
    if (from + 3 * strip.stride + (size + 3) / 4 * 4 > end) break;
    for_quads(size, [&]<int Count>(int m) GAUNTLET_INLINE_LAMBDA {
      pack_four<Count, Add>(from + m, strip.stride, rows + m, tile + lane);
    });
  }
  for (; lane < strip.lanes; ++lane) {
    for (int m = 0; m < size; ++m) {
      float& to = tile[ptrdiff_t{rows[m]} * kTileLanes + lane];
      const float value = memory[lane * strip.stride + m];
      to = Add ? to + value : value;
    }
  }
}

/// Stores the first Count components of a lane; what follows may be another thread's.
template <int Count>
GAUNTLET_INLINE void store_part(float* to, Quad q) {
  if (Count == 4) {
    store_quad(to, q);
  } else {
    if (Count == 1) std::memcpy(to, &q, sizeof(float));
    if (Count >= 2) std::memcpy(to, &q, 2 * sizeof(float));
    if (Count == 3) to[2] = q[2];
  }
}

template <int Count>
GAUNTLET_INLINE void unpack_quads(float* to, ptrdiff_t stride, const int32_t* rows, const float* tile) {
  Register q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) q[i] = load_register(tile + ptrdiff_t{rows[i < Count ? i : 0]} * kTileLanes);
  transpose(q[0], q[1], q[2], q[3]);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    store_part<Count>(to + i * stride, quarter<0>(q[i]));
#if defined(__AVX2__)
    store_part<Count>(to + (4 + i) * stride, quarter<1>(q[i]));
#endif
#if defined(__AVX512F__)
    store_part<Count>(to + (8 + i) * stride, quarter<2>(q[i]));
    store_part<Count>(to + (12 + i) * stride, quarter<3>(q[i]));
#endif
  }
}

template <int Count>
GAUNTLET_INLINE void unpack_four(float* to, ptrdiff_t stride, const int32_t* rows, const float* tile) {
  Quad q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) q[i] = load_quad(tile + ptrdiff_t{rows[i < Count ? i : 0]} * kTileLanes);
  transpose_four(q);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) store_part<Count>(to + i * stride, q[i]);
}

#if defined(__AVX512F__)
/// Four registers as a 4 x 4 matrix of quads, transposed.
GAUNTLET_INLINE void transpose_quads(Register& a, Register& b, Register& c, Register& d) {
#define GAUNTLET_QUADS(x, y, i, j, k, l)                                                                               \
  __builtin_shufflevector(x, y, 4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3, 4 * j, 4 * j + 1, 4 * j + 2, 4 * j + 3, 4 * k, \
                          4 * k + 1, 4 * k + 2, 4 * k + 3, 4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3)
  const Register ab_low = GAUNTLET_QUADS(a, b, 0, 1, 4, 5), ab_high = GAUNTLET_QUADS(a, b, 2, 3, 6, 7);
  const Register cd_low = GAUNTLET_QUADS(c, d, 0, 1, 4, 5), cd_high = GAUNTLET_QUADS(c, d, 2, 3, 6, 7);
  a = GAUNTLET_QUADS(ab_low, cd_low, 0, 2, 4, 6);
  b = GAUNTLET_QUADS(ab_low, cd_low, 1, 3, 5, 7);
  c = GAUNTLET_QUADS(ab_high, cd_high, 0, 2, 4, 6);
  d = GAUNTLET_QUADS(ab_high, cd_high, 1, 3, 5, 7);
}

/// 5 to 16 components of sixteen lanes, each lane's with one store: stores, not shuffles, are what this takes.
template <int Quads>
GAUNTLET_INLINE void unpack_rows(float* to, ptrdiff_t stride, int size, const int32_t* rows, const float* tile) {
  Register q[4][4];  // [lane % 4][quad of components], four lanes each
#pragma GCC unroll 4
  for (int quad = 0; quad < 4; ++quad) {
    Register line[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int m = 4 * quad + i;
      line[i] = quad < Quads ? load_register(tile + ptrdiff_t{rows[m < size ? m : 0]} * kTileLanes) : Register{};
    }
    if (quad < Quads) transpose(line[0], line[1], line[2], line[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) q[i][quad] = line[i];
  }
  const __mmask16 mask = static_cast<__mmask16>((1u << size) - 1);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    transpose_quads(q[i][0], q[i][1], q[i][2], q[i][3]);
#pragma GCC unroll 4
    for (int group = 0; group < 4; ++group) {
      _mm512_mask_storeu_ps(to + (4 * group + i) * stride, mask, reinterpret_cast<__m512>(q[i][group]));
    }
  }
}

#endif

/// kWidth lanes of any size.
void unpack_lanes(float* to, ptrdiff_t stride, int size, const int32_t* rows, const float* tile) {
#if defined(__AVX512F__)
  for (; size > 4; size -= 16, to += 16, rows += 16) {
    if (size <= 8) {
      unpack_rows<2>(to, stride, size, rows, tile);
    } else if (size <= 12) {
      unpack_rows<3>(to, stride, size, rows, tile);
    } else {
      unpack_rows<4>(to, stride, size < 16 ? size : 16, rows, tile);
    }
  }
#endif
  for (; size >= 4; size -= 4, to += 4, rows += 4) unpack_quads<4>(to, stride, rows, tile);
  switch (size) {
    case 1: return unpack_quads<1>(to, stride, rows, tile);
    case 2: return unpack_quads<2>(to, stride, rows, tile);
    case 3: return unpack_quads<3>(to, stride, rows, tile);
  }
}

void unpack_strip(float* memory, const Strip& strip, int size, const int32_t* rows, const float* tile) {
  int lane = 0;
  if (strip.stride == size && size <= kWhole) {
    const auto unpack = WholeLanes::unpack[size - 1];
    for (; lane + kWidth <= strip.lanes; lane += kWidth) unpack(memory + lane * size, rows, tile + lane);
  }
  for (; lane + kWidth <= strip.lanes; lane += kWidth)
    unpack_lanes(memory + lane * strip.stride, strip.stride, size, rows, tile + lane);
  for (; lane + 4 <= strip.lanes; lane += 4) {
    float* const to = memory + lane * strip.stride;
    for_quads(size, [&]<int Count>(int m)
                        GAUNTLET_INLINE_LAMBDA { unpack_four<Count>(to + m, strip.stride, rows + m, tile + lane); });
  }
  for (; lane < strip.lanes; ++lane) {
    for (int m = 0; m < size; ++m) memory[lane * strip.stride + m] = tile[ptrdiff_t{rows[m]} * kTileLanes + lane];
  }
}

}  // namespace

void pack(const float* memory, const float* end, const Strip& strip, int size, const int32_t* rows, float* tile,
          bool add) {
  const auto pack = add ? pack_strip<true> : pack_strip<false>;
  for (int n = 0; n < strip.count; ++n)
    pack(memory + n * strip.step, end, strip, size, rows, tile + n * strip.lane_step);
}

void unpack(float* memory, const Strip& strip, int size, const int32_t* rows, const float* tile) {
  for (int n = 0; n < strip.count; ++n)
    unpack_strip(memory + n * strip.step, strip, size, rows, tile + n * strip.lane_step);
}

void unpack_past_caches(float* memory, int lanes, int size, const int32_t* rows, const float* tile) {
  if (size <= kWhole && reinterpret_cast<uintptr_t>(memory) % sizeof(Register) == 0) {
    const auto unpack = WholeLanes::unpack_past[size - 1];
    const int whole = lanes / kWidth * kWidth;
    for (int lane = 0; lane < whole; lane += kWidth) unpack(memory + lane * size, rows, tile + lane);
    return unpack_strip(memory + whole * size, {size, lanes - whole}, size, rows, tile + whole);
  }
#if defined(__SSE2__)
  alignas(64) float values[kTileLanes * kPieceSize];
  unpack_strip(values, {size, lanes}, size, rows, tile);
  // Whole lines of cache; what is left over at either end goes the usual way.
  char* to = reinterpret_cast<char*>(memory);
  const char* from = reinterpret_cast<const char*>(values);
  size_t bytes = sizeof(float) * lanes * size;
  const size_t misaligned = -reinterpret_cast<uintptr_t>(to) % 64, head = misaligned < bytes ? misaligned : bytes;
  std::memcpy(to, from, head);
  for (to += head, from += head, bytes -= head; bytes >= 64; to += 64, from += 64, bytes -= 64) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
#else
    for (int i = 0; i < 64; i += 16) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(to + i), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
    }
#endif
  }
  std::memcpy(to, from, bytes);
#else
  unpack_strip(memory, {size, lanes}, size, rows, tile);
#endif
}

}  // namespace gauntlet::GAUNTLET_ISA
