// Messages along edges: the part of a convolution that has channels as lanes. With x2 and the coefficients of a path made one
// matrix for each edge, M[e][i, k] = sum over j of C[i, j, k] x2[e, j], what is left are small products of it:
//
//     message          y[k]    += sum over edges, i of  M[e][i, k] * w[e] * x[e][i]
//     message_weights  w[e]    += sum over i, k of      M[e][i, k] * x[e][i] * y[e][k]
//     message_matrix   M[e][i, k] += sum over channels of  w[e] * x[e][i] * y[e][k]
#include <cstring>

#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Components k, and vectors, whose sums fit in registers.
constexpr int kRows = kParts == 1 ? 7 : 3;
constexpr int kColumns = kParts == 1 ? 2 : 1;

/// Vector v of edge n's weights. They lie anywhere, and behind the last channel may be nobody's memory.
GAUNTLET_INLINE Vec load_weights(const Message& m, int n, int v) {
  if (!m.weights) return splat(1);
  const float* from = m.weights[n] + m.weights_at + v * kLanes;
  const int lanes = m.channels - v * kLanes;
  if (lanes >= kLanes) {
    Vec w;
    std::memcpy(&w, from, sizeof w);
    return w;
  }
  alignas(64) float padded[kLanes] = {};
  std::memcpy(padded, from, lanes * sizeof(float));
  return load(padded);
}

GAUNTLET_INLINE int vecs_of(const Message& m) { return (m.channels + kLanes - 1) / kLanes; }

/// Calls f<Rows>(k) for components k..k+Rows-1 until all are done.
GAUNTLET_INLINE void for_rows(int size, const auto& f) {
  int k = 0;
  for (; k + kRows <= size; k += kRows) f.template operator()<kRows>(k);
  switch (size - k) {
    case 1: f.template operator()<1>(k); break;
    case 2: f.template operator()<2>(k); break;
    case 3:
      if constexpr (kRows > 3) f.template operator()<3>(k);
      break;
    case 4:
      if constexpr (kRows > 4) f.template operator()<4>(k);
      break;
    case 5:
      if constexpr (kRows > 5) f.template operator()<5>(k);
      break;
    case 6:
      if constexpr (kRows > 6) f.template operator()<6>(k);
      break;
  }
}

template <int Rows, int Columns>
GAUNTLET_INLINE void send(const Message& m, int vecs, int k, int v, float* to) {
  to += ptrdiff_t{k} * kTileLanes + v * kLanes;
  Vec sum[Rows][Columns];
#pragma GCC unroll 7
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < Columns; ++c) sum[r][c] = load(to + r * kTileLanes + c * kLanes);
  }
  for (int n = 0; n < m.count; ++n) {
    const float* x = m.x[n] + m.x_at + v * kLanes;
    const float* matrix = m.matrix + k * m.k_step + n;
    Vec weights[Columns];
#pragma GCC unroll 2
    for (int c = 0; c < Columns; ++c) weights[c] = load_weights(m, n, v + c);
    for (int i = 0; i < m.size_x; ++i, x += vecs * kLanes, matrix += m.i_step) {
      Vec line[Columns];
#pragma GCC unroll 2
      for (int c = 0; c < Columns; ++c) line[c] = load(x + c * kLanes) * weights[c];
#pragma GCC unroll 7
      for (int r = 0; r < Rows; ++r) {
        const Vec coefficient = splat(matrix[r * m.k_step]);
#pragma GCC unroll 2
        for (int c = 0; c < Columns; ++c) add_product(sum[r][c], coefficient, line[c]);
      }
    }
  }
#pragma GCC unroll 7
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int c = 0; c < Columns; ++c) store(to + r * kTileLanes + c * kLanes, sum[r][c]);
  }
}

/// Sum of the lanes, in a fixed order.
GAUNTLET_INLINE float sum_lanes(Vec v) {
  alignas(64) float lane[kLanes];
  store(lane, v);
  float sums[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums[i] = (lane[i] + lane[4 + i]) + (lane[8 + i] + lane[12 + i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace

void message(const Message& m, float* to) {
  const int vecs = vecs_of(m);
  for_rows(m.size_y, [&]<int Rows>(int k) GAUNTLET_INLINE_LAMBDA {
    int v = 0;
    for (; v + kColumns <= vecs; v += kColumns) send<Rows, kColumns>(m, vecs, k, v, to);
    if constexpr (kColumns > 1) {
      for (; v < vecs; ++v) send<Rows, 1>(m, vecs, k, v, to);
    }
  });
}

void message_weights(const Message& m, const float* const* y, ptrdiff_t y_at, float* const* weights, const bool* add) {
  const int vecs = vecs_of(m);
  for (int n = 0; n < m.count; ++n) {
    for (int v = 0; v < vecs; ++v) {
      Vec sum{};
      for_rows(m.size_y, [&]<int Rows>(int k) GAUNTLET_INLINE_LAMBDA {
        Vec product[Rows] = {};
        const float* x = m.x[n] + m.x_at + v * kLanes;
        const float* matrix = m.matrix + k * m.k_step + n;
        for (int i = 0; i < m.size_x; ++i, x += vecs * kLanes, matrix += m.i_step) {
          const Vec line = load(x);
#pragma GCC unroll 7
          for (int r = 0; r < Rows; ++r) add_product(product[r], splat(matrix[r * m.k_step]), line);
        }
        const float* lines = y[n] + y_at + (ptrdiff_t{k} * vecs + v) * kLanes;
#pragma GCC unroll 7
        for (int r = 0; r < Rows; ++r) add_product(sum, product[r], load(lines + ptrdiff_t{r} * vecs * kLanes));
      });
      float* to = weights[n] + m.weights_at + v * kLanes;
      const int rest = m.channels - v * kLanes, lanes = rest < kLanes ? rest : kLanes;
      alignas(64) float result[kLanes];
      store(result, sum);
      for (int lane = 0; add[n] && lane < lanes; ++lane) result[lane] += to[lane];
      std::memcpy(to, result, lanes * sizeof(float));
    }
  }
}

void message_matrix(const Message& m, const float* const* y, ptrdiff_t y_at, float* matrix) {
  const int vecs = vecs_of(m);
  for (int n = 0; n < m.count; ++n) {
    for (int i = 0; i < m.size_x; ++i) {
      for_rows(m.size_y, [&]<int Rows>(int k) GAUNTLET_INLINE_LAMBDA {
        Vec sum[Rows] = {};
        for (int v = 0; v < vecs; ++v) {
          const Vec line = load(m.x[n] + m.x_at + (i * vecs + v) * kLanes) * load_weights(m, n, v);
          const float* lines = y[n] + y_at + (ptrdiff_t{k} * vecs + v) * kLanes;
#pragma GCC unroll 7
          for (int r = 0; r < Rows; ++r) add_product(sum[r], line, load(lines + ptrdiff_t{r} * vecs * kLanes));
        }
#pragma GCC unroll 7
        for (int r = 0; r < Rows; ++r) matrix[i * m.i_step + (k + r) * m.k_step + n] += sum_lanes(sum[r]);
      });
    }
  }
}

void edge_map(const LinearTable& table, const float* x, float* y) {
  linear<false, kLanes, kLanes>(table, 1, {const_cast<float*>(x), kLanes}, {y, kLanes}, NothingAhead{});
}

}  // namespace gauntlet::GAUNTLET_ISA
