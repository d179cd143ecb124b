// Grid form: products of functions on the sphere, by their values on rings of equally spaced points.
//
// A function is E + O (even and odd about the equator) times C + S (even and odd about azimuth zero), so one quarter of the
// sphere tells all, and the four parts multiply like a graded algebra: (e1, t1) * (e2, t2) is of part (e1 xor e2, t1 xor t2).
// With P the Legendre values, w the weights (inside the target's P and trigonometric tables), all for one lane:
//
//     to rings     G[m, e, t][r]  = sum_l P[m, e, l][r] x[row(m, e, t, l)]                 for both operands
//     to points    f[e, t][r, j]  = sum_m G[m, e, t][r] {cos, sin}(m phi_j)
//     multiply     p[e, t][r, j]  = sum over terms and over e1 ^ e2 = e, t1 ^ t2 = t of  f1[e1, t1] f2[e2, t2]
//     from points  H[m, e, t][r]  = sum_j p[e, t][r, j] {cos, sin}(m phi_j) w_j
//     from rings   y[row(m, e, t, l)] = sum_r P[m, e, l][r] w_r H[m, e, t][r]
//
// A bracket (f1_beta f2_alpha - f1_alpha f2_beta) / sin beta is two such products. Slopes of P make a second G, whose e is the other
// one; for derivatives by azimuth the first G meets other trigonometric functions: t is the other one, and m is a factor.
//
// G of a few rings lies in shared memory; a warp takes a ring and a run of points, makes f1, f2 and p in registers, and leaves p
// in shared memory; then a warp takes four orders m of one e, makes H of up to 8 rings in registers, and finishes the rows of y,
// which are its own. Each stage holds a tile of sums in registers, so that a value from shared memory serves several of them.
#include <algorithm>
#include <type_traits>

#include "cuda/grid.h"

namespace gauntlet::cuda {
namespace {

/// One item of the first stage, for 4 * Quads rings.
template <int Quads>
__device__ inline void rings_of(const ToRings& item, const float* x, const float* table, int32_t ring_stride,
                                float* slab, int32_t slab_stride, int32_t rings) {
  float cosines[4 * Quads] = {}, sines[4 * Quads] = {};
  x += item.row * kFiberStride;
  for (int32_t l = 0; l < item.count; ++l, table += ring_stride) {
    float legendre[4 * Quads];
    load_uniform<4 * Quads>(table, legendre);
    const float c = x[l * kFiberStride];
    const float s = item.sines ? x[(item.count + l) * kFiberStride] : 0.f;
#pragma unroll
    for (int r = 0; r < 4 * Quads; ++r) {
      cosines[r] = fmaf(legendre[r], c, cosines[r]);
      sines[r] = fmaf(legendre[r], s, sines[r]);
    }
  }
  slab += item.slot * kLanes;
#pragma unroll
  for (int r = 0; r < 4 * Quads; ++r) {
    if (r >= rings) break;
    slab[r * slab_stride] = cosines[r];
    if (item.sines) slab[r * slab_stride + kLanes] = sines[r];
  }
}

/// The four parts of a signal at Points points of one ring: value[2 e + t][point]. Slots of a sector: e at m = 0, then
/// 2 + 4 (m - 1) + 2 e + t. Those swapped are derivatives by azimuth, whose tables are zero at m = 0.
template <int Points>
__device__ inline void values_of(const Signal& signal, const float* slab, const float* trigonometry,
                                 float (&value)[4][Points]) {
  constexpr int kWidth = round_up(Points, 4);
  float cosine[Points], sine[Points];
  slab += signal.slot * kLanes;
  trigonometry += signal.trigonometry;
  load_uniform<Points>(trigonometry, cosine);
  const float even = slab[0], odd = slab[kLanes];
#pragma unroll
  for (int j = 0; j < Points; ++j) {
    value[0][j] = even * cosine[j], value[1][j] = 0;
    value[2][j] = odd * cosine[j], value[3][j] = 0;
  }
  const int32_t of_cosines = signal.swap * kLanes, of_sines = kLanes - of_cosines;
  slab += 2 * kLanes;
#pragma unroll 1
  for (int32_t m = 1; m <= signal.order; ++m, slab += 4 * kLanes) {
    trigonometry += 2 * kWidth;
    load_uniform<Points>(trigonometry, cosine);
    load_uniform<Points>(trigonometry + kWidth, sine);
    const float part[4] = {slab[of_cosines], slab[of_sines], slab[2 * kLanes + of_cosines],
                           slab[2 * kLanes + of_sines]};
#pragma unroll
    for (int j = 0; j < Points; ++j) {
      value[0][j] = fmaf(part[0], cosine[j], value[0][j]);
      value[1][j] = fmaf(part[1], sine[j], value[1][j]);
      value[2][j] = fmaf(part[2], cosine[j], value[2][j]);
      value[3][j] = fmaf(part[3], sine[j], value[3][j]);
    }
  }
}

/// product[2 e + t][points][lane] of one ring, at Points points from the first on, `count` of which exist.
template <int Points>
__device__ inline void multiply(const GridArguments& arguments, const Sector& sector, const float* slab,
                                const float* trigonometry, float* product, int32_t count) {
  for (int32_t n = sector.term_begin; n < sector.term_end; ++n) {
    const Factors factors = arguments.factors[n];
    const bool add = n > sector.term_begin;
    float a[4][Points], b[4][Points];
    values_of<Points>(factors.left, slab, trigonometry, a);
    values_of<Points>(factors.right, slab, trigonometry, b);
#pragma unroll
    for (int part = 0; part < 4; ++part) {
#pragma unroll
      for (int j = 0; j < Points; ++j) {
        if (j >= count) break;
        float& to = product[(part * arguments.points + j) * kLanes];
        float sum = add ? to : 0.f;
#pragma unroll
        for (int q = 0; q < 4; ++q) sum = fmaf(a[q][j], b[q ^ part][j], sum);
        to = sum;
      }
    }
  }
}

/// The last two stages for Rings rings, four orders from `first_order` on and one parity.
template <int Rings>
__device__ inline void project(const GridArguments& arguments, const Sector& sector, int32_t first_order, int parity,
                               const float* product, const float* trigonometry, int32_t ring, float* y, bool add) {
  const int32_t points = arguments.points;
  float cosines[Rings][kOrders] = {}, sines[Rings][kOrders] = {};
  product += 2 * parity * points * kLanes;
#pragma unroll 1
  for (int32_t j = 0; j < points; ++j, trigonometry += 2 * kOrders, product += kLanes) {
    float cosine[kOrders], sine[kOrders];
    load_uniform<kOrders>(trigonometry, cosine);
    load_uniform<kOrders>(trigonometry + kOrders, sine);
#pragma unroll
    for (int r = 0; r < Rings; ++r) {
      const float c = product[4 * r * points * kLanes], s = product[(4 * r + 1) * points * kLanes];
#pragma unroll
      for (int m = 0; m < kOrders; ++m) {
        cosines[r][m] = fmaf(cosine[m], c, cosines[r][m]);
        sines[r][m] = fmaf(sine[m], s, sines[r][m]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < kOrders; ++m) {
    if (first_order + m > sector.order) break;
    const FromRings rows = arguments.from_rings[sector.first + 2 * (first_order + m) + parity];
    const float* table = arguments.target_legendre + rows.table + ring;
    float* to = y + rows.row * kFiberStride;
    float* to_sines = first_order + m > 0 ? to + rows.count * kFiberStride : nullptr;
#pragma unroll 1
    for (int32_t l = 0; l < rows.count; ++l, table += arguments.target_ring_stride, to += kFiberStride) {
      float legendre[Rings];
#pragma unroll
      for (int q = 0; q < Rings; q += 4) {
        const float4 four = __ldg(reinterpret_cast<const float4*>(table + q));
        legendre[q] = four.x;
        if (q + 1 < Rings) legendre[q + 1] = four.y;
        if (q + 2 < Rings) legendre[q + 2] = four.z;
        if (q + 3 < Rings) legendre[q + 3] = four.w;
      }
      float c = add ? *to : 0.f, s = 0;
#pragma unroll
      for (int r = 0; r < Rings; ++r) {
        c = fmaf(legendre[r], cosines[r][m], c);
        s = fmaf(legendre[r], sines[r][m], s);
      }
      *to = c;
      if (to_sines) {
        *to_sines = add ? *to_sines + s : s;
        to_sines += kFiberStride;
      }
    }
  }
}

__device__ inline void to_rings(const GridArguments& arguments, int32_t chunk, int32_t rings, const float* left,
                                const float* right, float* slab, int warp, int warps) {
  const int32_t slab_stride = arguments.slots * kLanes;
  for (int32_t n = warp; n < arguments.to_rings_count; n += warps) {
    const ToRings item = arguments.to_rings[n];
    const float* x = item.right ? right : left;
    const float* table = arguments.legendre + item.table + chunk * arguments.chunk_stride;
    for (int32_t r = 0; r < rings; r += 8) {
      float* to = slab + r * slab_stride;
      if (rings - r > 4) {
        rings_of<2>(item, x, table + r, arguments.ring_stride, to, slab_stride, rings - r);
      } else {
        rings_of<1>(item, x, table + r, arguments.ring_stride, to, slab_stride, rings - r);
      }
    }
  }
}

__device__ inline void multiply_all(const GridArguments& arguments, const Sector& sector, int32_t rings,
                                    const float* slab, float* product, int warp, int warps) {
  for (int32_t n = warp; n < rings * arguments.runs; n += warps) {
    const int32_t ring = n / arguments.runs, run = n - ring * arguments.runs;
    const int32_t first = run * arguments.run_width;
    const int32_t count = min(arguments.run_width, arguments.points - first);
    const float* from = slab + ring * arguments.slots * kLanes;
    const float* trigonometry = arguments.trigonometry + run * arguments.trigonometry_stride;
    float* to = product + (4 * ring * arguments.points + first) * kLanes;
    switch (arguments.run_width) {
      case 3: multiply<3>(arguments, sector, from, trigonometry, to, count); break;
      case 4: multiply<4>(arguments, sector, from, trigonometry, to, count); break;
      case 5: multiply<5>(arguments, sector, from, trigonometry, to, count); break;
      case 6: multiply<6>(arguments, sector, from, trigonometry, to, count); break;
      default: multiply<kMostPoints>(arguments, sector, from, trigonometry, to, count);
    }
  }
}

__device__ inline void project_all(const GridArguments& arguments, const Sector& sector, int32_t chunk, int32_t rings,
                                   const float* product, float* y, int warp, int warps) {
  const int32_t groups = sector.order / kOrders + 1;
  for (int32_t n = warp; n < 2 * groups; n += warps) {
    const int parity = n % 2;
    const float* trigonometry = arguments.target_trigonometry + n / 2 * arguments.target_trigonometry_stride;
    for (int32_t pass = 0; pass < arguments.passes; ++pass) {
      const int32_t first = pass * arguments.pass_rings;
      const float* from = product + 4 * first * arguments.points * kLanes;
      const int32_t ring = (chunk * arguments.passes + pass) * arguments.pass_stride;
      const bool add = arguments.clear || chunk > 0 || pass > 0;
      const auto run = [&](auto count) {
        project<decltype(count)::value>(arguments, sector, n / 2 * kOrders, parity, from, trigonometry, ring, y, add);
      };
      switch (min(arguments.pass_rings, rings - first)) {
        case 1: run(std::integral_constant<int, 1>()); break;
        case 2: run(std::integral_constant<int, 2>()); break;
        case 3: run(std::integral_constant<int, 3>()); break;
        case 4: run(std::integral_constant<int, 4>()); break;
        case 5: run(std::integral_constant<int, 5>()); break;
        case 6: run(std::integral_constant<int, 6>()); break;
        case 7: run(std::integral_constant<int, 7>()); break;
        case 8: run(std::integral_constant<int, kMostRings>()); break;
        default: break;  // a short last chunk has fewer passes
      }
    }
  }
}

template <bool Workspace>
__global__ void __launch_bounds__(kThreads, 2) grid_product(const __grid_constant__ GridArguments arguments) {
  const auto [room, mine, warp, warps] = find_place<Workspace>(arguments);
  float* right = mine + arguments.right_at;
  float* slab = mine + arguments.slab_at;
  float* product = mine + arguments.product_at;
  float* out = mine + arguments.out_at;

  for (int64_t block = blockIdx.x; block < arguments.tiling.blocks; block += gridDim.x) {
    const Lanes lanes = number_lanes(arguments, block);
    __syncthreads();
    load_operands(arguments, lanes, room);
    if (arguments.clear) {
      for (int32_t row = warp; row < arguments.fiber; row += warps) out[row * kFiberStride] = 0;
    }
    __syncthreads();
    for (int32_t chunk = 0; chunk * arguments.chunk < arguments.rings; ++chunk) {
      const int32_t rings = min(arguments.chunk, arguments.rings - chunk * arguments.chunk);
      to_rings(arguments, chunk, rings, mine, right, slab, warp, warps);
      __syncthreads();
      for (int32_t s = 0; s < arguments.sector_count; ++s) {
        const Sector sector = arguments.sectors[s];
        multiply_all(arguments, sector, rings, slab, product, warp, warps);
        __syncthreads();
        project_all(arguments, sector, chunk, rings, product, out, warp, warps);
        __syncthreads();
      }
    }
    store_result(arguments, lanes, room);
    __syncthreads();
  }
}

}  // namespace

RoomProgram<GridArguments>::Kernel grid_kernel(bool workspace) {
  return workspace ? grid_product<true> : grid_product<false>;
}

}  // namespace gauntlet::cuda
