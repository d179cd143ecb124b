// Device code that every kernel shares: lanes, and moving fibers between memory and [row][lane] tiles.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

#include "cuda/layout.h"
#include "cuda/program.h"

namespace gauntlet::cuda {

constexpr int kLanes = 32;     // of a tile: one for each thread of a warp
constexpr int kThreads = 256;  // of a block
constexpr int kWarps = kThreads / kLanes;
constexpr int kMostTiles = 8;  // of a block: one for each warp
constexpr int kFiberStride =
    33;  // floats from row to row of a fiber: neighbouring rows of a lane are in different banks
constexpr int kFloatBytes = static_cast<int>(sizeof(float));

extern __shared__ float4 dynamic_shared[];

/// How the lanes of a launch are dealt out.
struct Tiling {
  int32_t channels;
  int32_t tiles;        // of one block
  int32_t tile_floats;  // of room for each
  int64_t lanes;        // of all samples
  int64_t blocks;
};

/// Where a lane's data is: its sample counted from the block's first, and its channel, -1 past the last lane.
struct Lane {
  int32_t sample;
  int32_t channel;
};

/// A block's lanes, in shared memory ahead of everything else.
struct Lanes {
  int64_t first_sample;
  int32_t count;
  const Lane* lane;
};

__host__ __device__ constexpr int lane_bytes(int tiles) { return tiles * kLanes * static_cast<int>(sizeof(Lane)); }

/// Fills the lane table of block `block`; the caller synchronizes before it loads.
__device__ inline Lanes number_lanes(const Tiling& tiling, int64_t block) {
  Lane* lane = reinterpret_cast<Lane*>(dynamic_shared);
  const int32_t count = tiling.tiles * kLanes;
  const int64_t first = block * count;
  const int64_t sample = first / tiling.channels;
  const int32_t channel = static_cast<int32_t>(first - sample * tiling.channels);
  for (int32_t n = threadIdx.x; n < count; n += kThreads) {
    const int64_t at = static_cast<int64_t>(channel) + n;
    const int64_t ahead = at / tiling.channels;
    lane[n].sample = static_cast<int32_t>(ahead);
    lane[n].channel = first + n < tiling.lanes ? static_cast<int32_t>(at - ahead * tiling.channels) : -1;
  }
  return {sample, count, lane};
}

/// The block's room for floats, behind its lane table.
__device__ inline float* shared_room(const Tiling& tiling) {
  return reinterpret_cast<float*>(dynamic_shared) + lane_bytes(tiling.tiles) / kFloatBytes;
}

/// Calls f(lane number, channel of the operand or -1, component) for all lanes and components of a segment, so that neighbouring
/// threads get neighbouring floats of memory.
template <class F>
__device__ inline void for_components(const Layout& layout, const Segment& segment, const Lanes& lanes, const F& f) {
  const uint32_t total = lanes.count * segment.count;
#pragma unroll 4
  for (uint32_t e = threadIdx.x; e < total; e += kThreads) {
    const uint32_t n = segment.reciprocal ? __umulhi(e, segment.reciprocal) : e;
    const int32_t of_lane = lanes.lane[n].channel;
    int32_t channel = of_lane;
    if (layout.divide > 1) channel /= layout.divide;
    if (channel >= layout.modulo) channel %= layout.modulo;
    const bool exists = of_lane >= 0 && channel < segment.channels;
    f(n, exists ? channel : -1, static_cast<int32_t>(e - n * segment.count));
  }
}

/// fiber[tile][row][lane] = the operand's values; lanes and rows without any become zero.
__device__ inline void load_fiber(const Layout& layout, Range range, const float* memory, const Lanes& lanes,
                                  int32_t tile_floats, float* fiber) {
  memory += lanes.first_sample * layout.dim;
  for (int32_t s = range.begin; s < range.end; ++s) {
    const Segment segment = layout.segments[s];
    if (segment.wait) __syncthreads();
    for_components(layout, segment, lanes, [&](uint32_t n, int32_t channel, int32_t k) {
      float value = 0;
      if (channel >= 0) {
        value = __ldg(memory + static_cast<int64_t>(lanes.lane[n].sample) * layout.dim + segment.offset +
                      channel * segment.stride + k);
      }
      const int32_t row = __ldg(layout.rows + segment.first + k);
      float& to = fiber[n / kLanes * tile_floats + row * kFiberStride + n % kLanes];
      to = segment.add ? to + value : value;
    });
  }
}

/// The way back. Nothing but the components themselves is written.
__device__ inline void store_fiber(const Layout& layout, Range range, float* memory, const Lanes& lanes,
                                   int32_t tile_floats, const float* fiber, bool accumulate) {
  memory += lanes.first_sample * layout.dim;
  for (int32_t s = range.begin; s < range.end; ++s) {
    const Segment segment = layout.segments[s];
    for_components(layout, segment, lanes, [&](uint32_t n, int32_t channel, int32_t k) {
      if (channel < 0) return;
      float& to = memory[static_cast<int64_t>(lanes.lane[n].sample) * layout.dim + segment.offset +
                         channel * segment.stride + k];
      const int32_t row = __ldg(layout.rows + segment.first + k);
      const float value = fiber[n / kLanes * tile_floats + row * kFiberStride + n % kLanes];
      to = accumulate ? to + value : value;
    });
  }
}

/// N floats, by `load`, in as few loads as N and their alignment (to 4 floats from N = 3 on) allow.
template <int N, class Load>
__device__ inline void load_vector(const float* from, const Load& load, float (&value)[N]) {
  if constexpr (N == 1) {
    value[0] = load(from);
  } else if constexpr (N == 2) {
    const float2 pair = load(reinterpret_cast<const float2*>(from));
    value[0] = pair.x, value[1] = pair.y;
  } else {
#pragma unroll
    for (int q = 0; q < (N + 3) / 4; ++q) {
      const float4 four = load(reinterpret_cast<const float4*>(from) + q);
      value[4 * q] = four.x;
      if (4 * q + 1 < N) value[4 * q + 1] = four.y;
      if (4 * q + 2 < N) value[4 * q + 2] = four.z;
      if (4 * q + 3 < N) value[4 * q + 3] = four.w;
    }
  }
}

/// N floats of a table, the same ones for the whole warp.
template <int N>
__device__ inline void load_uniform(const float* from, float (&value)[N]) {
  load_vector<N>(from, [](const auto* at) { return __ldg(at); }, value);
}

/// Blocks that share one multiprocessor: as many as their shared memory and 128 registers a thread allow.
inline int blocks_per_multiprocessor(const Device& device, int bytes) {
  constexpr int kReserved = 1024;  // what the driver takes of every block's share
  return std::min(2, device.shared_per_multiprocessor / (bytes + kReserved));
}

/// Halves the tiles of a block, down to `fewest`, while there are too few lanes to give every multiprocessor two blocks.
inline Tiling tile_lanes(const Device& device, int32_t channels, int64_t samples, int most, int fewest,
                         int tile_floats) {
  Tiling tiling{.channels = channels, .tiles = most, .tile_floats = tile_floats, .lanes = samples * channels};
  const auto blocks = [&] { return (tiling.lanes + tiling.tiles * kLanes - 1) / (tiling.tiles * kLanes); };
  while (tiling.tiles > fewest && blocks() < 2 * device.multiprocessors) tiling.tiles /= 2;
  tiling.blocks = blocks();
  return tiling;
}

/// Lets a kernel have as much shared memory as the device gives to one block.
template <class... Parameters>
void prepare_kernel(void (*kernel)(Parameters...), const Device& device) {
  const void* address = reinterpret_cast<const void*>(kernel);
  check(cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize, device.shared_per_block),
        "give a kernel its shared memory");
  check(cudaFuncSetAttribute(address, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared),
        "give a kernel its shared memory");
}

template <class... Parameters, class... Arguments>
void launch_kernel(void (*kernel)(Parameters...), int64_t blocks, int bytes, cudaStream_t stream,
                   const Arguments&... arguments) {
  if (blocks == 0) return;
  if (blocks > INT32_MAX)
    throw Error("ERR_ARGUMENT", "Expected a batch of fewer lanes: a launch has at most 2^31 blocks");
  const cudaLaunchConfig_t config{.gridDim = dim3(static_cast<unsigned>(blocks)),
                                  .blockDim = dim3(kThreads),
                                  .dynamicSmemBytes = static_cast<size_t>(bytes),
                                  .stream = stream};
  check(cudaLaunchKernelEx(&config, kernel, arguments...), "launch a kernel");
}

/// How evenly `items` equal pieces of work go to `warps` warps: 1 at best.
inline double evenness(int items, int warps) {
  return items / static_cast<double>((items + warps - 1) / warps * warps);
}

__host__ __device__ constexpr int round_up(int value, int step) { return (value + step - 1) / step * step; }

}  // namespace gauntlet::cuda
