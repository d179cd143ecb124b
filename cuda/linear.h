// Device code: a sparse linear map applied to a tile, y[row] = sum over columns  value * x[column], by bundles of rows. Keys are
// columns, counted in floats from the lane's first.
#pragma once

#include "cuda/bundle.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {

template <int W, int OutStride>
__device__ inline void apply_bundle(const BundleView& map, const Bundle* bundle, const float* in, float* out,
                                    bool add) {
  const uint32_t* keys = map.keys + bundle->first_key;
  const float* coefficients = map.coefficients + bundle->first_coefficient;
  const int32_t count = bundle->count;
  float sum[W] = {};
#pragma unroll 4
  for (int32_t n = 0; n < count; ++n) {
    const float value = in[__ldg(keys + n)];
    float c[W];
    load_uniform<W>(coefficients + n * W, c);
#pragma unroll
    for (int r = 0; r < W; ++r) sum[r] = fmaf(c[r], value, sum[r]);
  }
#pragma unroll
  for (int r = 0; r < W; ++r) {
    const int32_t row = __ldg(bundle->row + r);
    if (row < 0) break;
    float& to = out[row * OutStride];
    to = add ? to + sum[r] : sum[r];
  }
}

/// Applies step `step` of the map to one lane of a tile; `warp` of `warps` share the tile. `in` and `out` point at the lane.
template <int OutStride>
__device__ inline void apply_map(const BundleView& map, int step, int warp, int warps, const float* in, float* out,
                                 bool add) {
  for (int list = step * kWarps + warp; list < (step + 1) * kWarps; list += warps) {
    const int32_t end = map.starts[list + 1];
    for (int32_t n = map.starts[list]; n < end; ++n) {
      const Bundle* bundle = map.bundles + n;
      switch (bundle->width) {
        case 1: apply_bundle<1, OutStride>(map, bundle, in, out, add); break;
        case 2: apply_bundle<2, OutStride>(map, bundle, in, out, add); break;
        case 4: apply_bundle<4, OutStride>(map, bundle, in, out, add); break;
        default: apply_bundle<8, OutStride>(map, bundle, in, out, add);
      }
    }
  }
}

}  // namespace gauntlet::cuda
