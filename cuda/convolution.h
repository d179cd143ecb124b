// Kernels of a convolution: see convolution_jobs.h for what they go through.
#pragma once

#include <cuda_runtime.h>

#include "core/convolution.h"
#include "cuda/convolution_jobs.h"

namespace gauntlet::cuda {

/// One launch; all on the device.
struct ConvolutionCall {
  const MessageTerm* terms;
  const MessageTask* tasks;
  int32_t task_count;
  const int32_t* starts;
  const MapEntry* entries;
  int32_t matrix_floats;
  int32_t edges_at_once;  // whose matrices are in shared memory
  int32_t shares;         // of a node's tasks, a block each

  /// Lines of nodes, and the node of every edge.
  const float *from, *to;
  int32_t from_floats, to_floats;
  const int32_t *from_node, *to_node;
  const int32_t* pairs;  // of every edge; without, edge n is pair n
  const float *x2, *weights;
  int32_t x2_dim, weight_dim;
  int64_t edges;

  float* out;
  int32_t out_dim;
  bool accumulate;
};

/// out[node] += sum over its edges, in their order.
void send_to_nodes(const ConvolutionCall& call, const Incidence& incidence, cudaStream_t stream);
/// weights[pair] += sum over its edges, in their order.
void find_weights(const ConvolutionCall& call, const Incidence& incidence, cudaStream_t stream);
/// What every edge has of x2.
void find_x2(const ConvolutionCall& call, cudaStream_t stream);

/// lines[node][n] = rows[node][sources[n]]
void fill_lines(const float* rows, int32_t dim, const int32_t* sources, int32_t floats, int64_t nodes, float* lines,
                cudaStream_t stream);

/// Lets the kernels have so much shared memory; `bytes` are at most what the device gives to a block.
void prepare_convolution(int bytes);

}  // namespace gauntlet::cuda
