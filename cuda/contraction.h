// Kernels of a contraction; see contraction_kernels.cu.
#pragma once

#include <cuda_runtime.h>

#include "cuda/circuit.h"
#include "cuda/device.h"

namespace gauntlet::cuda {

constexpr int kMostArrays = 8;  // of a call: as many as a double backward pass has

/// An array that rows of a circuit are floats of; see RowPlace.
struct CircuitArray {
  float* data;
  int32_t dim;
  bool by_element;
};

struct CircuitCall {
  CircuitArray arrays[kMostArrays];
  const int32_t* elements;  // of the nodes
  int32_t channels;
  int64_t lanes;

  int32_t rows, level_count, input_count, output_count;
  const int32_t* levels;
  const CircuitSum* sums;
  const CircuitProduct* products;
  const CircuitMultiple* multiples;
  const RowPlace *inputs, *outputs;

  int32_t tiles;     // of a block
  int64_t blocks;    // of work
  float* workspace;  // null: a tile's rows are in shared memory
};

/// How rows of so many lanes are kept.
struct CircuitRoom {
  int32_t tiles;      // of a block, at most
  bool in_workspace;  // else in shared memory
  int64_t blocks;     // that fill the GPU: more do not walk at once, fewer share out their tiles
  size_t workspace_bytes(int32_t rows) const;
};
CircuitRoom fit_circuit(const Device& device, int32_t rows);
void run_circuit(CircuitCall call, const CircuitRoom& room, cudaStream_t stream);

/// A linear map between weights and mixtures, by channels: entries of result n are [starts[n], starts[n + 1]). Result (element, n)
/// has its channels at element * out_stride[n] + out_offset[n], and entry e reads in the same way.
struct MixEntry {
  int32_t offset, stride;  // of what it reads
  double value;
};
struct MixPlace {
  int32_t offset, stride;  // of what it writes
  int32_t first, count;    // entries
};

struct MixCall {
  const MixPlace* places;
  const MixEntry* entries;
  int32_t place_count, elements, channels;
};
/// From weights to mixtures, and from sums over nodes to weights.
void mix(const MixCall& call, const float* weights, float* mixtures, cudaStream_t stream);
void mix(const MixCall& call, const double* sums, float* weights, cudaStream_t stream);

/// sums[element][n] += lines[node][n] for the nodes order[starts[element]..starts[element + 1]) of each element, in that order.
void sum_nodes(const float* lines, int32_t floats, const int32_t* starts, const int32_t* order, int32_t elements,
               double* sums, cudaStream_t stream);

}  // namespace gauntlet::cuda
