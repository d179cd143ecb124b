// Radial functions of as many lengths at a time as a register holds doubles.
#include <cstring>

#include "core/radial_math.h"
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

constexpr int kDoubles = kWidth / 2;
typedef double Doubles __attribute__((vector_size(kDoubles * 8)));
typedef float Floats __attribute__((vector_size(kDoubles * sizeof(float))));

struct Tile {
  float* first;
  GAUNTLET_INLINE Doubles get(int row) const {
    Floats floats;
    std::memcpy(&floats, first + ptrdiff_t{row} * kTileLanes, sizeof floats);
    return __builtin_convertvector(floats, Doubles);
  }
  GAUNTLET_INLINE void set(int row, Doubles value) const {
    const Floats floats = __builtin_convertvector(value, Floats);
    std::memcpy(first + ptrdiff_t{row} * kTileLanes, &floats, sizeof floats);
  }
};

template <Pass pass>
void radial_of(const RadialTable& table, int vecs, const EdgeTiles& tiles) {
  for (int lane = 0; lane < vecs * kLanes; lane += kDoubles) {
    const Doubles r = Tile{const_cast<float*>(tiles.x) + lane}.get(0);
    Doubles v{}, grad;
    if constexpr (pass == Pass::double_backward) v = Tile{const_cast<float*>(tiles.v) + lane}.get(0);
    math::radial_pass<pass>(table, v, r, Tile{tiles.values + lane}, grad);
    if constexpr (pass != Pass::forward) Tile{tiles.grad + lane}.set(0, grad);
  }
}

}  // namespace

void radial(const RadialTable& table, Pass pass, int vecs, const EdgeTiles& tiles) {
  switch (pass) {
    case Pass::forward: return radial_of<Pass::forward>(table, vecs, tiles);
    case Pass::backward: return radial_of<Pass::backward>(table, vecs, tiles);
    case Pass::double_backward: return radial_of<Pass::double_backward>(table, vecs, tiles);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
