// Messages along edges,
//
//     matrix[e][i, k]  = sum over j of  C[i, j, k] * x2[e, j]
//     to[n][u, k]     += sum over edges e of n, i of  matrix[e][i, k] * w[p(e), u] * from[e][u, i]   send_to_nodes
//     w[p, u]          = sum over edges e of p, i, k of  matrix[e][i, k] * from[e][u, i] * to[e][u, k]   find_weights
//     x2[e, j]         = sum over i, k of  C[i, j, k] * sum over u of w[p(e), u] from[e][u, i] to[e][u, k]  find_x2
//
// A block has the matrices of a few edges in shared memory, where all of its warps read them; channels are lanes. A component of a
// sum belongs to one thread, which adds up the edges of a node, or of a pair p, in their order.
#include <algorithm>
#include <cstdint>

#include "cuda/convolution.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

constexpr int64_t kNoEdge = -1;

__device__ inline float* shared_matrices() { return reinterpret_cast<float*>(dynamic_shared); }

__device__ inline float apply_row(const ConvolutionCall& call, int32_t row, const float* in) {
  float sum = 0;
  const int32_t end = __ldg(call.starts + row + 1);
  for (int32_t e = __ldg(call.starts + row); e < end; ++e) {
    const MapEntry entry = call.entries[e];
    sum = fmaf(entry.value, in[entry.from], sum);
  }
  return sum;
}

/// Matrices of the edges edge_of(0)..edge_of(count - 1), but for those that are kNoEdge.
template <class EdgeOf>
__device__ inline void make_matrices(const ConvolutionCall& call, int32_t count, const EdgeOf& edge_of) {
  for (int32_t at = threadIdx.x; at < count * call.matrix_floats; at += kThreads) {
    const int32_t n = at / call.matrix_floats;
    const int64_t edge = edge_of(n);
    if (edge == kNoEdge) continue;
    shared_matrices()[at] = apply_row(call, at - n * call.matrix_floats, call.x2 + edge * call.x2_dim);
  }
}

/// The channels of a thread.
struct Channels {
  int32_t u[kTogether];
  bool exists[kTogether];
};

__device__ inline Channels channels_of(const MessageTask& task) {
  Channels channels;
#pragma unroll
  for (int c = 0; c < kTogether; ++c) {
    channels.u[c] = task.first_channel + c * kLanes + static_cast<int32_t>(threadIdx.x % kLanes);
    channels.exists[c] = channels.u[c] < task.channels;
  }
  return channels;
}

/// The row of an edge's weights.
__device__ inline const float* weights_of(const ConvolutionCall& call, int64_t edge) {
  return call.weights + (call.pairs ? __ldg(call.pairs + edge) : edge) * call.weight_dim;
}

__device__ inline float weight_at(const float* weights, const MessageTerm& term, int32_t channel) {
  return term.weight < 0 ? 1.0f : __ldg(weights + term.weight + channel);
}

/// sum[k] += scale * sum over i of  matrix[i, k] * from[i], for every channel of the thread.
template <int W>
__device__ inline void multiply(const MessageTerm& term, int32_t channels, const Channels& own, const float* matrix,
                                const float* from, const float (&scale)[kTogether], float (&sum)[kTogether][W]) {
  matrix += term.matrix;
  from += term.from;
  for (int32_t i = 0; i < term.rows; ++i, matrix += term.step, from += channels) {
    float row[W];
    load_vector<W>(matrix, [](const auto* at) { return *at; }, row);
#pragma unroll
    for (int c = 0; c < kTogether; ++c) {
      const float x = own.exists[c] ? scale[c] * __ldg(from + own.u[c]) : 0.0f;
#pragma unroll
      for (int k = 0; k < W; ++k) sum[c][k] = fmaf(row[k], x, sum[c][k]);
    }
  }
}

/// Calls f with the width as a constant.
template <class F>
__device__ inline void with_width(int32_t width, const F& f) {
  switch (width) {
    case 1: f.template operator()<1>(); break;
    case 2: f.template operator()<2>(); break;
    case 3: f.template operator()<3>(); break;
    case 4: f.template operator()<4>(); break;
    case 5: f.template operator()<5>(); break;
    case 6: f.template operator()<6>(); break;
    case 7: f.template operator()<7>(); break;
    default: f.template operator()<kWidest>();
  }
}

template <int W>
__device__ inline void send(const ConvolutionCall& call, const MessageTask& task, const int32_t* order, int64_t first,
                            int32_t count, float* out) {
  const Channels own = channels_of(task);
  float sum[kTogether][W];
#pragma unroll
  for (int c = 0; c < kTogether; ++c) {
#pragma unroll
    for (int k = 0; k < W; ++k) sum[c][k] = own.exists[c] ? out[task.at + own.u[c] * task.stride + k] : 0.0f;
  }
  for (int32_t n = 0; n < count; ++n) {
    const int64_t edge = __ldg(order + first + n);
    const float* const weights = weights_of(call, edge);
    const float* const from = call.from + static_cast<int64_t>(__ldg(call.from_node + edge)) * call.from_floats;
    for (int32_t t = 0; t < task.terms; ++t) {
      const MessageTerm term = call.terms[task.first_term + t];
      float weight[kTogether];
#pragma unroll
      for (int c = 0; c < kTogether; ++c) weight[c] = own.exists[c] ? weight_at(weights, term, own.u[c]) : 0.0f;
      multiply<W>(term, task.channels, own, shared_matrices() + n * call.matrix_floats, from, weight, sum);
    }
  }
#pragma unroll
  for (int c = 0; c < kTogether; ++c) {
    if (!own.exists[c]) continue;
#pragma unroll
    for (int k = 0; k < W; ++k) out[task.at + own.u[c] * task.stride + k] = sum[c][k];
  }
}

__global__ void __launch_bounds__(kThreads, 2)
    convolution_nodes(const __grid_constant__ ConvolutionCall call, const int32_t* starts, const int32_t* order) {
  const int64_t node = blockIdx.x / call.shares;
  const int32_t share = static_cast<int32_t>(blockIdx.x) - static_cast<int32_t>(node) * call.shares;
  float* const out = call.out + node * call.out_dim;
  const int32_t end = starts[node + 1];
  for (int32_t first = starts[node]; first < end; first += call.edges_at_once) {
    const int32_t count = min(end - first, call.edges_at_once);
    __syncthreads();
    make_matrices(call, count, [&](int32_t n) -> int64_t { return __ldg(order + first + n); });
    __syncthreads();
    for (int32_t n = threadIdx.x / kLanes * call.shares + share; n < call.task_count; n += kWarps * call.shares) {
      const MessageTask task = call.tasks[n];
      with_width(task.width, [&]<int W>() { send<W>(call, task, order, first, count, out); });
    }
  }
}

/// The block's edges, or pairs, of `all`.
__device__ inline int64_t own_share(const ConvolutionCall& call, int64_t all, int32_t& count) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * call.edges_at_once;
  count = static_cast<int32_t>(min(all - first, static_cast<int64_t>(call.edges_at_once)));
  return first;
}

/// Calls f(task, number of the edge) for all tasks of the warp.
template <class F>
__device__ inline void for_edge_tasks(const ConvolutionCall& call, int32_t count, const F& f) {
  for (int32_t item = threadIdx.x / kLanes; item < call.task_count * count; item += kWarps) {
    const int32_t n = item / call.task_count;
    f(call.tasks[item - n * call.task_count], n);
  }
}

__device__ inline const float* line_of(const float* lines, const int32_t* nodes, int32_t floats, int64_t edge) {
  return lines + static_cast<int64_t>(__ldg(nodes + edge)) * floats;
}

/// What an edge adds to weights of its pair; its matrices are number n.
__device__ inline void sum_weights(const ConvolutionCall& call, const MessageTask& task, int64_t edge, int32_t n,
                                   float (&sum)[kTogether]) {
  const float* const from = line_of(call.from, call.from_node, call.from_floats, edge);
  const float* const to = line_of(call.to, call.to_node, call.to_floats, edge);
  const Channels own = channels_of(task);
  const float one[kTogether] = {1, 1};
  for (int32_t t = 0; t < task.terms; ++t) {
    const MessageTerm term = call.terms[task.first_term + t];
    with_width(term.width, [&]<int W>() {
      float product[kTogether][W] = {};
      multiply<W>(term, task.channels, own, shared_matrices() + n * call.matrix_floats, from, one, product);
#pragma unroll
      for (int c = 0; c < kTogether; ++c) {
        if (!own.exists[c]) continue;
#pragma unroll
        for (int k = 0; k < W; ++k)
          sum[c] = fmaf(product[c][k], __ldg(to + term.to + k * task.channels + own.u[c]), sum[c]);
      }
    });
  }
}

__device__ inline void store_weights(const ConvolutionCall& call, const MessageTask& task, int64_t pair, bool add,
                                     const float (&sum)[kTogether]) {
  const Channels own = channels_of(task);
#pragma unroll
  for (int c = 0; c < kTogether; ++c) {
    if (!own.exists[c]) continue;
    float& out = call.out[pair * call.out_dim + task.at + own.u[c]];
    out = add ? out + sum[c] : sum[c];
  }
}

/// Pairs of the block take turns: the first edges of all of them, then the second ones.
__global__ void __launch_bounds__(kThreads, 2)
    convolution_weights(const __grid_constant__ ConvolutionCall call, int64_t pairs, const int32_t* starts,
                        const int32_t* order) {
  int32_t count;
  const int64_t first = own_share(call, pairs, count);
  for (int32_t turn = 0;; ++turn) {
    const auto edge_of = [&](int32_t n) -> int64_t {
      if (!starts) return turn == 0 ? first + n : kNoEdge;
      const int32_t at = __ldg(starts + first + n) + turn;
      return at < __ldg(starts + first + n + 1) ? __ldg(order + at) : kNoEdge;
    };
    const int32_t own = static_cast<int32_t>(threadIdx.x);
    // No warp is still at the matrices of the turn before.
    const bool any = __syncthreads_or(own < count && edge_of(own) != kNoEdge);
    if (turn > 0 && !any) return;
    make_matrices(call, count, edge_of);
    __syncthreads();
    for_edge_tasks(call, count, [&](const MessageTask& task, int32_t n) {
      const int64_t edge = edge_of(n);
      const bool add = call.accumulate || turn > 0;
      if (edge == kNoEdge && add) return;
      float sum[kTogether] = {};
      if (edge != kNoEdge) sum_weights(call, task, edge, n, sum);
      store_weights(call, task, first + n, add, sum);
    });
  }
}

/// In lane l: the sum over all lanes of value[l % W], in an order that is the same for all. W is a power of two.
template <int W>
__device__ inline float fold_lanes(float (&value)[W]) {
  constexpr unsigned kAll = 0xffffffffu;
  const int lane = threadIdx.x % kLanes;
#pragma unroll
  for (int half = W / 2; half > 0; half /= 2) {
    const bool upper = (lane & half) != 0;
#pragma unroll
    for (int r = 0; r < half; ++r) {
      const float other = __shfl_xor_sync(kAll, upper ? value[r] : value[r + half], half);
      value[r] = (upper ? value[r + half] : value[r]) + other;
    }
  }
  float sum = value[0];
#pragma unroll
  for (int mask = W; mask < kLanes; mask *= 2) sum += __shfl_xor_sync(kAll, sum, mask);
  return sum;
}

__host__ __device__ constexpr int ceil_power(int width) { return width <= 1 ? 1 : width <= 2 ? 2 : width <= 4 ? 4 : 8; }

__global__ void __launch_bounds__(kThreads, 2) convolution_x2(const __grid_constant__ ConvolutionCall call) {
  int32_t count;
  const int64_t first = own_share(call, call.edges, count);
  const int32_t lane = threadIdx.x % kLanes;
  for (int32_t at = threadIdx.x; at < count * call.matrix_floats; at += kThreads) shared_matrices()[at] = 0;
  __syncthreads();
  for_edge_tasks(call, count, [&](const MessageTask& task, int32_t n) {
    const MessageTerm term = call.terms[task.first_term];
    const int64_t edge = first + n;
    const float* const to = line_of(call.to, call.to_node, call.to_floats, edge) + term.to;
    const float* from = line_of(call.from, call.from_node, call.from_floats, edge) + term.from;
    const float* const weights = weights_of(call, edge);
    float* matrix = shared_matrices() + n * call.matrix_floats + term.matrix;
    with_width(term.width, [&]<int W>() {
      for (int32_t i = 0; i < term.rows; ++i, from += task.channels, matrix += term.step) {
        float sum[ceil_power(W)] = {};
        for (int32_t u = lane; u < task.channels; u += kLanes) {
          const float x = weight_at(weights, term, u) * __ldg(from + u);
#pragma unroll
          for (int k = 0; k < W; ++k) sum[k] = fmaf(x, __ldg(to + k * task.channels + u), sum[k]);
        }
        const float total = fold_lanes(sum);
        if (lane < W) matrix[lane] = total;
      }
    });
  });
  __syncthreads();
  for (int32_t at = threadIdx.x; at < count * call.x2_dim; at += kThreads) {
    const int32_t n = at / call.x2_dim, j = at - n * call.x2_dim;
    const float value = apply_row(call, j, shared_matrices() + n * call.matrix_floats);
    float& out = call.out[(first + n) * call.out_dim + j];
    out = call.accumulate ? out + value : value;
  }
}

__global__ void __launch_bounds__(kThreads) convolution_lines(const float* rows, int32_t dim, const int32_t* sources,
                                                              int32_t floats, int64_t nodes, float* lines) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t node = at / floats;
  if (node < nodes) lines[at] = rows[node * dim + __ldg(sources + (at - node * floats))];
}

int shared_bytes(const ConvolutionCall& call) { return call.edges_at_once * call.matrix_floats * kFloatBytes; }

int64_t blocks_for(const ConvolutionCall& call, int64_t all) {
  return (all + call.edges_at_once - 1) / call.edges_at_once;
}

}  // namespace

void send_to_nodes(const ConvolutionCall& call, const Incidence& incidence, cudaStream_t stream) {
  launch_kernel(convolution_nodes, static_cast<int64_t>(incidence.groups) * call.shares, shared_bytes(call), stream,
                call, incidence.start, incidence.order);
}

void find_weights(const ConvolutionCall& call, const Incidence& incidence, cudaStream_t stream) {
  launch_kernel(convolution_weights, blocks_for(call, static_cast<int64_t>(incidence.groups)), shared_bytes(call),
                stream, call, static_cast<int64_t>(incidence.groups), incidence.start, incidence.order);
}

void find_x2(const ConvolutionCall& call, cudaStream_t stream) {
  launch_kernel(convolution_x2, blocks_for(call, call.edges), shared_bytes(call), stream, call);
}

void fill_lines(const float* rows, int32_t dim, const int32_t* sources, int32_t floats, int64_t nodes, float* lines,
                cudaStream_t stream) {
  launch_kernel(convolution_lines, (nodes * floats + kThreads - 1) / kThreads, 0, stream, rows, dim, sources, floats,
                nodes, lines);
}

void prepare_convolution(int bytes) {
  const auto prepare = [&](auto* kernel) {
    check(
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
        "give a kernel its shared memory");
  };
  prepare(convolution_nodes);
  prepare(convolution_weights);
  prepare(convolution_x2);
}

}  // namespace gauntlet::cuda
