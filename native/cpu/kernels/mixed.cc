// Channels mixed by weights, and the derivative with respect to the weights.
//
//     to[a][k] (+)= sum over b of  W[a, b] * from[b][k]            W[a, b] (+)= sum over k of  x[a][k] * y[b][k]
//
// and before that, where one of a pair of channels is a scalar,  z = s x  and  x += s z  for all pairs at once.
//
// With weights that all lanes share the first is a small matrix product (gemm.h), and so is the second once channels b have taken
// the place of lanes. Where every lane has weights of its own, each is read once: loading it is what takes time.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Rows k of one channel that are summed at once; each needs registers for its vectors.
constexpr int kRowsAtOnce = kRegisters == 32 && kParts == 1 ? 5 : kParts <= 2 ? 3 : 1;

template <int Rows, int Vecs>
GAUNTLET_INLINE void weigh_rows(const Weighing& weighing, const float* weights, const float* from, float* to) {
  Vec sum[Rows][Vecs];
#pragma GCC unroll 5
  for (int k = 0; k < Rows; ++k) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) sum[k][v] = weighing.add ? load(to + k * weighing.to_row + v * kLanes) : Vec{};
  }
  for (int b = 0; b < weighing.from_channels; ++b) {
    const float* line = from + b * weighing.from_channel;
    Vec weight[Vecs];
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) weight[v] = load(weights + b * weighing.from_step + v * kLanes);
#pragma GCC unroll 5
    for (int k = 0; k < Rows; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) add_product(sum[k][v], weight[v], load(line + k * weighing.from_row + v * kLanes));
    }
  }
#pragma GCC unroll 5
  for (int k = 0; k < Rows; ++k) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) store(to + k * weighing.to_row + v * kLanes, sum[k][v]);
  }
}

template <int Vecs>
GAUNTLET_INLINE void weigh_lines(const Weighing& weighing, ptrdiff_t lane, Ahead& ahead) {
  for (int a = 0; a < weighing.to_channels; ++a) {
    fetch(ahead, int64_t{weighing.from_channels} * weighing.size * Vecs);
    const float* weights = weighing.weights + a * weighing.to_step + lane;
    const float* from = weighing.from + lane;
    float* to = weighing.to + a * weighing.to_channel + lane;
    int k = 0;
    for (; k + kRowsAtOnce <= weighing.size; k += kRowsAtOnce)
      weigh_rows<kRowsAtOnce, Vecs>(weighing, weights, from + k * weighing.from_row, to + k * weighing.to_row);
    for (; k < weighing.size; ++k)
      weigh_rows<1, Vecs>(weighing, weights, from + k * weighing.from_row, to + k * weighing.to_row);
  }
}

/// Calls f(the scalar's vectors times the factor, x, z) for all pairs, a few vectors at a time.
template <class F>
GAUNTLET_INLINE void for_pairs(const Scaling& s, int vecs, Ahead& ahead, const F& f) {
  const Vec factor = splat(s.factor);
  for_groups(vecs, [&]<int Vecs>(int first) GAUNTLET_INLINE_LAMBDA {
    const ptrdiff_t lane = first * kLanes;
    for (int n = 0; n < s.count; ++n) {
      fetch(ahead, int64_t{s.size} * Vecs);
      const float* scalar = s.scalars + s.pairs[2 * n + 1] * kTileLanes + lane;
      Vec scaled[Vecs];
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) scaled[v] = factor * load(scalar + v * kLanes);
      f.template operator()<Vecs>(scaled, s.x + s.pairs[2 * n] * s.x_channel + lane, s.z + n * kTileLanes + lane);
    }
  });
}

}  // namespace

void scale(const Scaling& s, int vecs, Ahead& ahead) {
  for_pairs(s, vecs, ahead, [&]<int Vecs>(const Vec(&scalar)[Vecs], const float* x, float* z) GAUNTLET_INLINE_LAMBDA {
    for (int k = 0; k < s.size; ++k, x += kTileLanes, z += s.z_row) {
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) store(z + v * kLanes, scalar[v] * load(x + v * kLanes));
    }
  });
}

void scale_back(const Scaling& s, int vecs, Ahead& ahead) {
  for_pairs(s, vecs, ahead, [&]<int Vecs>(const Vec(&scalar)[Vecs], float* x, const float* z) GAUNTLET_INLINE_LAMBDA {
    for (int k = 0; k < s.size; ++k, x += kTileLanes, z += s.z_row) {
#pragma GCC unroll 4
      for (int v = 0; v < Vecs; ++v) {
        Vec sum = load(x + v * kLanes);
        add_product(sum, scalar[v], load(z + v * kLanes));
        store(x + v * kLanes, sum);
      }
    }
  });
}

void weigh(const Weighing& weighing, int vecs, Ahead& ahead) {
  if (weighing.lines) {
    for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA { weigh_lines<Vecs>(weighing, v * kLanes, ahead); });
    return;
  }
  const Coefficients weights{weighing.weights, weighing.from_step};
  for (int k = 0; k < weighing.size; ++k) {
    const Lines from{const_cast<float*>(weighing.from) + k * weighing.from_row, weighing.from_channel, kLanes};
    const Lines to{weighing.to + k * weighing.to_row, weighing.to_channel, kLanes};
    if (weighing.add) {
      gemm<true>(weights, weighing.to_channels, weighing.from_channels, from, to, vecs, ahead);
    } else {
      gemm(weights, weighing.to_channels, weighing.from_channels, from, to, vecs, ahead);
    }
  }
}

void correlate(const Correlation& c, int vecs, Ahead& ahead) {
  for (int a = 0; a < c.a_channels; ++a) {
    for (int b = 0; b < c.b_channels; ++b) {
      fetch(ahead, int64_t{c.size} * vecs);
      const float *x = c.x + a * c.x_channel, *y = c.y + b * c.y_channel;
      float* weight = c.weights + a * c.a_step + b * c.b_step;
      Vec over_lanes{};
      for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
        const ptrdiff_t lane = v * kLanes;
        Vec sum[Vecs] = {};
        for (int k = 0; k < c.size; ++k) {
#pragma GCC unroll 4
          for (int n = 0; n < Vecs; ++n) {
            const ptrdiff_t at = lane + n * kLanes;
            add_product(sum[n], load(x + k * c.x_row + at), load(y + k * c.y_row + at));
          }
        }
#pragma GCC unroll 4
        for (int n = 0; n < Vecs; ++n) {
          if (c.lines) {
            store(weight + lane + n * kLanes, sum[n]);
          } else {
            over_lanes = over_lanes + sum[n];
          }
        }
      });
      if (!c.lines) *weight += sum_of_lanes(over_lanes);
    }
  }
}

void correlate_lanes(const LaneCorrelation& c, Ahead& ahead) {
  for (int k = 0; k < c.size; ++k) {
    gemm<true>(LanesOfLines{c.x + k * c.x_row}, c.a_channels, c.lanes,
               {const_cast<float*>(c.y) + k * c.y_row, kTileLanes, kLanes}, {c.weights, c.a_step, kLanes}, c.vecs,
               ahead);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
