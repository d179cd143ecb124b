// Spherical harmonics of 16 vectors at a time. A tile is one line of lanes for each (l, m), which is written, or read, in order.
#include "core/harmonics_math.h"
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

// What harmonics_math.h asks of a number, beside what vector.h has.
GAUNTLET_INLINE Vec operator*(float a, Vec b) { return splat(a) * b; }
GAUNTLET_INLINE Vec splat_like(float value, Vec) { return splat(value); }

namespace {

struct Tile {
  float* first;
  GAUNTLET_INLINE Vec get(int row) const { return load(first + ptrdiff_t{row} * kTileLanes); }
  GAUNTLET_INLINE void set(int row, Vec value) const { store(first + ptrdiff_t{row} * kTileLanes, value); }
};

template <Pass pass>
void harmonics_of(const HarmonicsTable& table, int vecs, const EdgeTiles& tiles) {
  for (int lane = 0; lane < vecs * kLanes; lane += kLanes) {
    const Tile in{const_cast<float*>(tiles.x) + lane}, direction{const_cast<float*>(tiles.v) + lane};
    Vec r[3], v[3] = {}, grad[3] = {}, inverse = {};
    for (int j = 0; j < 3; ++j) r[j] = in.get(j);
    if constexpr (pass == Pass::double_backward) {
      for (int j = 0; j < 3; ++j) v[j] = direction.get(j);
    }
    if (table.normalize) {
      for (int i = 0; i < kParts; ++i) inverse.part[i] = math::make_unit(r[0].part[i], r[1].part[i], r[2].part[i]);
    }
    math::harmonics_pass<pass>(table, v, r, inverse, Tile{tiles.values + lane}, grad);
    if constexpr (pass != Pass::forward) {
      for (int j = 0; j < 3; ++j) Tile{tiles.grad + lane}.set(j, grad[j]);
    }
  }
}

}  // namespace

void harmonics(const HarmonicsTable& table, Pass pass, int vecs, const EdgeTiles& tiles) {
  switch (pass) {
    case Pass::forward: return harmonics_of<Pass::forward>(table, vecs, tiles);
    case Pass::backward: return harmonics_of<Pass::backward>(table, vecs, tiles);
    case Pass::double_backward: return harmonics_of<Pass::double_backward>(table, vecs, tiles);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
