// Walks a circuit for tiles of 32 lanes, one channel of one node each,
//
//     row[t] = sum of  row[a] * row[b]  +  sum of  factor * row[c]
//
// with the rows of a tile in shared memory as [row][lane], or, where there are too many of them, in device memory. Warps share a
// tile by sums, level by level: a few thousand rows leave shared memory for one tile of a multiprocessor, and a single warp would
// spend its time waiting. Where there are fewer tiles than the GPU has room for, more warps share each.
#include <algorithm>

#include "cuda/contraction.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

constexpr int kMostThreads = 1024;

__device__ inline float sum_of(const CircuitCall& call, const CircuitSum& sum, const float* rows) {
  float total = 0;
  const CircuitProduct* const products = call.products + sum.first_product;
#pragma unroll 4
  for (int32_t n = 0; n < sum.products; ++n) {
    const CircuitProduct factors = products[n];
    total = fmaf(rows[factors.a * kLanes], rows[factors.b * kLanes], total);
  }
  const CircuitMultiple* const multiples = call.multiples + sum.first_multiple;
#pragma unroll 4
  for (int32_t n = 0; n < sum.multiples; ++n) {
    const CircuitMultiple multiple = multiples[n];
    total = fmaf(multiple.factor, rows[multiple.row * kLanes], total);
  }
  return total;
}

template <bool Workspace>
__global__ void __launch_bounds__(kMostThreads, 1) walk_circuit(const __grid_constant__ CircuitCall call) {
  const int32_t warps = static_cast<int32_t>(blockDim.x) / kLanes / call.tiles, warp = threadIdx.x / kLanes % warps;
  const int32_t tile = threadIdx.x / kLanes / warps, lane = threadIdx.x % kLanes;
  const int64_t tile_floats = static_cast<int64_t>(call.rows) * kLanes;
  float* const room = Workspace ? call.workspace + static_cast<int64_t>(blockIdx.x) * call.tiles * tile_floats
                                : reinterpret_cast<float*>(dynamic_shared);
  float* const rows = room + tile * tile_floats + lane;
  for (int64_t block = blockIdx.x; block < call.blocks; block += gridDim.x) {
    const int64_t at = (block * call.tiles + tile) * kLanes + lane;
    const bool exists = at < call.lanes;
    const int64_t node = exists ? at / call.channels : 0;
    const int32_t channel = static_cast<int32_t>(at - node * call.channels);
    const int32_t element = exists ? __ldg(call.elements + node) : 0;
    const auto find = [&](const RowPlace& place) {
      const CircuitArray& array = call.arrays[place.array];
      const int64_t base = array.by_element ? element : node;
      return array.data + base * array.dim + place.offset + static_cast<int64_t>(channel) * place.stride;
    };
    for (int32_t n = warp; n < call.input_count; n += warps) {
      const RowPlace place = call.inputs[n];
      rows[place.row * kLanes] = exists ? *find(place) : 0.0f;
    }
    __syncthreads();
    for (int32_t level = 0; level < call.level_count; ++level) {
      const int32_t end = __ldg(call.levels + level + 1);
      for (int32_t n = __ldg(call.levels + level) + warp; n < end; n += warps) {
        const CircuitSum sum = call.sums[n];
        rows[sum.target * kLanes] = sum_of(call, sum, rows);
      }
      __syncthreads();
    }
    for (int32_t n = warp; n < call.output_count; n += warps) {
      const RowPlace place = call.outputs[n];
      if (exists) *find(place) = rows[place.row * kLanes];
    }
    __syncthreads();
  }
}

/// Mixtures are few, and every node reads them: float64.
template <class From>
__global__ void __launch_bounds__(kThreads)
    mix_weights(const __grid_constant__ MixCall call, const From* from, float* to) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t row = at / call.channels;
  const int32_t channel = static_cast<int32_t>(at - row * call.channels);
  const int64_t element = row / call.place_count;
  if (element >= call.elements) return;
  const MixPlace place = call.places[row - element * call.place_count];
  double sum = 0;
  for (int32_t e = place.first; e < place.first + place.count; ++e) {
    const MixEntry entry = call.entries[e];
    sum += entry.value * from[element * entry.stride + entry.offset + channel];
  }
  to[element * place.stride + place.offset + channel] = static_cast<float>(sum);
}

__global__ void __launch_bounds__(kThreads) sum_lines(const float* lines, int32_t floats, const int32_t* starts,
                                                      const int32_t* order, int32_t elements, double* sums) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t element = at / floats;
  if (element >= elements) return;
  const float* const line = lines + (at - element * floats);
  double sum = 0;
  const int32_t end = starts[element + 1];
#pragma unroll 4
  for (int32_t n = starts[element]; n < end; ++n) sum += line[static_cast<int64_t>(order[n]) * floats];
  sums[at] += sum;
}

int64_t blocks_of(int64_t threads) { return (threads + kThreads - 1) / kThreads; }

template <class From>
void launch_mix(const MixCall& call, const From* from, float* to, cudaStream_t stream) {
  const int64_t threads = int64_t{call.elements} * call.place_count * call.channels;
  launch_kernel(mix_weights<From>, blocks_of(threads), 0, stream, call, from, to);
}

int64_t tile_bytes(int32_t rows) { return int64_t{rows} * kLanes * kFloatBytes; }

}  // namespace

size_t CircuitRoom::workspace_bytes(int32_t rows) const {
  return in_workspace ? size_t(blocks) * tiles * tile_bytes(rows) : 0;
}

CircuitRoom fit_circuit(const Device& device, int32_t rows) {
  prepare_kernel(walk_circuit<false>, device);
  const int64_t blocks = 2 * int64_t{device.multiprocessors};
  for (int32_t tiles = kMostTiles; tiles > 1; tiles /= 2) {
    const int64_t bytes = tiles * tile_bytes(rows);
    if (bytes <= device.shared_per_block && blocks_per_multiprocessor(device, static_cast<int>(bytes)) == 2)
      return {tiles, false, blocks};
  }
  return {1, tile_bytes(rows) > device.shared_per_block, blocks};
}

void run_circuit(CircuitCall call, const CircuitRoom& room, cudaStream_t stream) {
  const auto blocks = [&](int32_t tiles) { return ceil_divide(call.lanes, tiles * kLanes); };
  call.tiles = room.tiles;
  while (call.tiles > 1 && blocks(call.tiles) < room.blocks) call.tiles /= 2;
  call.blocks = blocks(call.tiles);
  const int threads = call.blocks < room.blocks ? kMostThreads : kThreads;
  if (call.workspace) {
    launch_blocks(walk_circuit<true>, std::min(call.blocks, room.blocks), threads, 0, stream, call);
  } else {
    launch_blocks(walk_circuit<false>, call.blocks, threads, static_cast<int>(call.tiles * tile_bytes(call.rows)),
                  stream, call);
  }
}

void mix(const MixCall& call, const float* weights, float* mixtures, cudaStream_t stream) {
  launch_mix(call, weights, mixtures, stream);
}

void mix(const MixCall& call, const double* sums, float* weights, cudaStream_t stream) {
  launch_mix(call, sums, weights, stream);
}

void sum_nodes(const float* lines, int32_t floats, const int32_t* starts, const int32_t* order, int32_t elements,
               double* sums, cudaStream_t stream) {
  launch_kernel(sum_lines, blocks_of(int64_t{elements} * floats), 0, stream, lines, floats, starts, order, elements,
                sums);
}

}  // namespace gauntlet::cuda
