// Transposition of kWidth lanes of Size components each that lie in memory without a gap: Size registers on either side. After
// Catanzaro, Keller and Garland, "A decomposition for in-place matrix transposition" (PPoPP 2014): component m of lane l is float
// l * Size + m of memory, so place j of register k there. Once lanes whose places would meet are moved apart (by lane / kApart
// registers), every register of components is permuted by itself, and what is then at place j only has to move on by j registers,
// cyclically, which is done by halves: some log2(Size) blends of registers.
#pragma once

#include <numeric>
#include <utility>

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

GAUNTLET_INLINE Register load_register(const float* p) {
  Register r;
  __builtin_memcpy(&r, p, sizeof r);
  return r;
}
GAUNTLET_INLINE void store_register(float* p, Register r) { __builtin_memcpy(p, &r, sizeof r); }

/// Float i of the result is float Choose{}(i) of a and b one after the other.
template <class Choose, size_t... I>
GAUNTLET_INLINE Register shuffle(Register a, Register b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, Choose{}(static_cast<int>(I))...);
}
using Floats = std::make_index_sequence<kWidth>;

template <int Size>
class Transposition {
  static constexpr int kFactor = std::gcd(Size, kWidth), kApart = kWidth / kFactor;

  static constexpr int moved_apart(int lane) { return lane / kApart; }
  static constexpr int moved_on(int place) { return place % Size; }
  /// The place of a lane's component that was moved to register m.
  static constexpr int place_of(int m, int lane) {
    return (lane * Size + (m + Size - moved_apart(lane)) % Size) % kWidth;
  }
  static constexpr int lane_at(int m, int place) {
    int lane = 0;
    while (place_of(m, lane) != place) ++lane;
    return lane;
  }
  /// Where register k of memory begins to be moved on.
  static constexpr int origin(int k) { return (k * kWidth + k / (Size / kFactor)) % Size; }

  static constexpr int largest(int (*amount)(int)) {
    int most = 0;
    for (int i = 0; i < kWidth; ++i) most = amount(i) > most ? amount(i) : most;
    return most;
  }

  /// Float i of register r comes from register r + amount(i) or, with `Back`, r - amount(i).
  template <int (*amount)(int), bool Back, int Step = 1>
  static GAUNTLET_INLINE void rotate(Register (&r)[Size]) {
    if constexpr (Step <= largest(amount)) {
      struct Choose {
        constexpr int operator()(int i) const { return i + (amount(i) & Step ? kWidth : 0); }
      };
      Register from[Size];
#pragma GCC unroll 32
      for (int n = 0; n < Size; ++n) from[n] = r[n];
#pragma GCC unroll 32
      for (int n = 0; n < Size; ++n)
        r[n] = shuffle<Choose>(from[n], from[(Back ? n + Size - Step : n + Step) % Size], Floats{});
      rotate<amount, Back, 2 * Step>(r);
    }
  }
  template <int M>
  struct ToPlaces {
    constexpr int operator()(int place) const { return lane_at(M, place); }
  };
  template <int M>
  struct ToLanes {
    constexpr int operator()(int lane) const { return place_of(M, lane); }
  };
  template <template <int> class To, size_t... M>
  static GAUNTLET_INLINE void permute(Register (&r)[Size], std::index_sequence<M...>) {
    ((r[M] = shuffle<To<M>>(r[M], r[M], Floats{})), ...);
  }

 public:
  /// store(k, register k of memory), from load(component m of all lanes).
  static GAUNTLET_INLINE void to_memory(const auto& load, const auto& store) {
    Register r[Size];
#pragma GCC unroll 32
    for (int m = 0; m < Size; ++m) r[m] = load(m);
    rotate<moved_apart, true>(r);
    permute<ToPlaces>(r, std::make_index_sequence<Size>{});
    rotate<moved_on, false>(r);
#pragma GCC unroll 32
    for (int k = 0; k < Size; ++k) store(k, r[origin(k)]);
  }
  /// The way back.
  static GAUNTLET_INLINE void to_lanes(const auto& load, const auto& store) {
    Register r[Size];
#pragma GCC unroll 32
    for (int k = 0; k < Size; ++k) r[origin(k)] = load(k);
    rotate<moved_on, true>(r);
    permute<ToLanes>(r, std::make_index_sequence<Size>{});
    rotate<moved_apart, false>(r);
#pragma GCC unroll 32
    for (int m = 0; m < Size; ++m) store(m, r[m]);
  }
};

}  // namespace gauntlet::GAUNTLET_ISA
