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

/// Where an operand's part of a lane is: its sample, in floats from the block's first, and its channel, -1 past the last lane.
struct Lane {
  int32_t sample;
  int32_t channel;
};

/// A thread's view of its block's lanes, whose tables of the three operands are in shared memory ahead of everything else.
struct Lanes {
  int64_t first_sample;
  const Lane* lane;           // of the thread's tile, left operand's
  int32_t table;              // lanes from operand to operand
  int32_t tile, warp, warps;  // of the thread; of the tile
};

__host__ __device__ constexpr int lane_bytes(int tiles) { return 3 * tiles * kLanes * static_cast<int>(sizeof(Lane)); }

/// Fills the lane tables of block `block`; the caller synchronizes before it loads.
__device__ inline Lanes number_lanes(const Tiling& tiling, int64_t block, const Layout& left, const Layout& right,
                                     const Layout& out) {
  Lane* const lane = reinterpret_cast<Lane*>(dynamic_shared);
  const int32_t count = tiling.tiles * kLanes;
  const int64_t first = block * count, first_sample = first / tiling.channels;
  for (int32_t n = threadIdx.x; n < count; n += kThreads) {
    const int64_t at = first - first_sample * tiling.channels + n;
    const auto sample = static_cast<int32_t>(at / tiling.channels);
    const auto channel = static_cast<int32_t>(at - int64_t{sample} * tiling.channels);
    const auto seen = [&](const Layout& layout) {
      return Lane{sample * layout.dim, first + n < tiling.lanes ? channel / layout.divide % layout.modulo : -1};
    };
    lane[n] = seen(left), lane[count + n] = seen(right), lane[2 * count + n] = seen(out);
  }
  const int32_t warp = static_cast<int32_t>(threadIdx.x) / kLanes, warps = kWarps / tiling.tiles, tile = warp / warps;
  return {first_sample, lane + tile * kLanes, count, tile, warp % warps, warps};
}

/// The block's room for floats, behind its lane tables.
__device__ inline float* shared_room(const Tiling& tiling) {
  return reinterpret_cast<float*>(dynamic_shared) + lane_bytes(tiling.tiles) / kFloatBytes;
}

/// A thread's element of a strip: in memory, from the block's first sample on, and in the tile's fiber. Outside memory it is at -1.
struct Element {
  int32_t at, in_fiber;
};

/// p / divisor by its reciprocal.
__device__ inline int32_t quotient(int32_t p, uint32_t reciprocal) {
  return static_cast<int32_t>(__umulhi(2 * static_cast<uint32_t>(p), reciprocal));
}

/// Of move `move`; past the last one, the last once more: no branch keeps loads from one another.
__device__ inline Element find_element(const Layout& layout, const Strip& strip, int move, const Lane* lanes) {
  const int32_t p = strip.at + min(move, strip.moves - 1) * kLanes + static_cast<int32_t>(threadIdx.x) % kLanes;
  const int32_t n = quotient(p, strip.reciprocal);
  const int32_t k = p - n * strip.count;
  const Lane lane = lanes[n];
  const int32_t at = lane.sample + lane.channel * strip.stride + strip.offset + k;
  const bool exists = static_cast<uint32_t>(lane.channel) < static_cast<uint32_t>(strip.channels);
  return {exists ? at : -1, __ldg(layout.rows + strip.first + k) * kFiberStride + n};
}

/// Calls f(strip) for the strips of the thread's warp, the next of which is on its way meanwhile.
template <class F>
__device__ inline void for_strips(const Layout& layout, Range range, const Lanes& lanes, const F& f) {
  int32_t n = range.begin + lanes.warp;
  if (n >= range.end) return;
  Strip next = layout.strips[n];
  while (n < range.end) {
    const Strip strip = next;
    n += lanes.warps;
    next = layout.strips[min(n, range.end - 1)];
    f(strip);
  }
}

/// fiber[tile][row][lane] = the values of an operand (side 0: left, 1: right); lanes and rows without any become zero.
__device__ inline void load_fiber(const Layout& layout, Range range, const float* memory, const Lanes& lanes, int side,
                                  int32_t tile_floats, float* fiber) {
  memory += lanes.first_sample * layout.dim;
  fiber += lanes.tile * tile_floats;
  const Lane* const lane = lanes.lane + side * lanes.table;
  for_strips(layout, range, lanes, [&](const Strip& strip) {
    float value[kMoves];
    int32_t to[kMoves];
#pragma unroll
    for (int m = 0; m < kMoves; ++m) {
      const Element element = find_element(layout, strip, m, lane);
      value[m] = element.at < 0 ? 0.0f : __ldg(memory + element.at);
      to[m] = element.in_fiber;
    }
#pragma unroll
    for (int m = 0; m < kMoves; ++m) {
      if (m < strip.moves) fiber[to[m]] = value[m];
    }
  });
  if (range.last == range.end) return;
  // Rows of several components: what is left of them by one warp, in order.
  __syncthreads();
  for (int32_t n = range.end; n < range.last && lanes.warp == 0; ++n) {
    const Strip strip = layout.strips[n];
    for (int m = 0; m < strip.moves; ++m) {
      const Element element = find_element(layout, strip, m, lane);
      if (element.at >= 0) fiber[element.in_fiber] += __ldg(memory + element.at);
    }
    __syncwarp();
  }
}

/// The way back. Nothing but the components themselves is written.
__device__ inline void store_fiber(const Layout& layout, Range range, float* memory, const Lanes& lanes, int side,
                                   int32_t tile_floats, const float* fiber, bool accumulate) {
  memory += lanes.first_sample * layout.dim;
  fiber += lanes.tile * tile_floats;
  const Lane* const lane = lanes.lane + side * lanes.table;
  for_strips(layout, range, lanes, [&](const Strip& strip) {
    float value[kMoves];
    int32_t at[kMoves];
#pragma unroll
    for (int m = 0; m < kMoves; ++m) {
      const Element element = find_element(layout, strip, m, lane);
      at[m] = m < strip.moves ? element.at : -1;
      value[m] = fiber[element.in_fiber];
      if (accumulate && at[m] >= 0) value[m] += memory[at[m]];
    }
#pragma unroll
    for (int m = 0; m < kMoves; ++m) {
      if (at[m] >= 0) memory[at[m]] = value[m];
    }
  });
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
void launch_blocks(void (*kernel)(Parameters...), int64_t blocks, int threads, int bytes, cudaStream_t stream,
                   const Arguments&... arguments) {
  if (blocks == 0) return;
  if (blocks > INT32_MAX)
    throw Error("ERR_ARGUMENT", "Expected a batch of fewer lanes: a launch has at most 2^31 blocks");
  const cudaLaunchConfig_t config{.gridDim = dim3(static_cast<unsigned>(blocks)),
                                  .blockDim = dim3(threads),
                                  .dynamicSmemBytes = static_cast<size_t>(bytes),
                                  .stream = stream};
  check(cudaLaunchKernelEx(&config, kernel, arguments...), "launch a kernel");
}

template <class... Parameters, class... Arguments>
void launch_kernel(void (*kernel)(Parameters...), int64_t blocks, int bytes, cudaStream_t stream,
                   const Arguments&... arguments) {
  launch_blocks(kernel, blocks, kThreads, bytes, stream, arguments...);
}

/// How evenly `items` equal pieces of work go to `warps` warps: 1 at best.
inline double evenness(int items, int warps) {
  return items / static_cast<double>((items + warps - 1) / warps * warps);
}

__host__ __device__ constexpr int64_t ceil_divide(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

__host__ __device__ constexpr int round_up(int value, int step) { return (value + step - 1) / step * step; }

}  // namespace gauntlet::cuda
