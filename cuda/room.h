// Programs whose kernels keep everything about a tile in one room of floats: operands, intermediates and result. The room is in
// shared memory, or in device memory where a plan needs more than there is.
#pragma once

#include <algorithm>
#include <vector>

#include "cuda/tile.h"

namespace gauntlet::cuda {

/// What every such kernel is given, ahead of its own arguments.
struct RoomArguments {
  Tiling tiling;
  Layout left_layout, right_layout, out_layout;
  Range left_range, right_range, out_range;
  const float* left;
  const float* right;
  float* out;
  float* workspace;
  bool accumulate;
  int32_t right_at, out_at;  // in a tile's room; the left operand is at its beginning
};

/// A thread's place in its block.
struct Place {
  float* room;      // the block's
  float* mine;      // the thread's lane of its tile's room
  int warp, warps;  // of the tile
};

template <bool Workspace>
__device__ inline Place find_place(const RoomArguments& arguments) {
  const Tiling& tiling = arguments.tiling;
  Place place;
  place.room = Workspace ? arguments.workspace + static_cast<int64_t>(blockIdx.x) * tiling.tiles * tiling.tile_floats
                         : shared_room(tiling);
  place.warps = kWarps / tiling.tiles;
  place.warp = threadIdx.x / kLanes % place.warps;
  place.mine = place.room + threadIdx.x / kLanes / place.warps * tiling.tile_floats + threadIdx.x % kLanes;
  return place;
}

__device__ inline Lanes number_lanes(const RoomArguments& arguments, int64_t block) {
  return number_lanes(arguments.tiling, block, arguments.left_layout, arguments.right_layout, arguments.out_layout);
}

__device__ inline void load_operands(const RoomArguments& arguments, const Lanes& lanes, float* room) {
  const int32_t tile_floats = arguments.tiling.tile_floats;
  load_fiber(arguments.left_layout, arguments.left_range, arguments.left, lanes, 0, tile_floats, room);
  load_fiber(arguments.right_layout, arguments.right_range, arguments.right, lanes, 1, tile_floats,
             room + arguments.right_at);
}

__device__ inline void store_result(const RoomArguments& arguments, const Lanes& lanes, const float* room) {
  store_fiber(arguments.out_layout, arguments.out_range, arguments.out, lanes, 2, arguments.tiling.tile_floats,
              room + arguments.out_at, arguments.accumulate);
}

/// `Arguments` begin with RoomArguments. A kernel takes them by value, and goes through the blocks of lanes in strides of the grid.
template <class Arguments>
class RoomProgram : public Program {
 public:
  using Kernel = void (*)(Arguments);

  size_t workspace_bytes() const override {
    return workspace_blocks_ * static_cast<size_t>(tiles_) * tile_floats_ * sizeof(float);
  }

  void launch(const Call& call, cudaStream_t stream) const override {
    Arguments arguments = arguments_;
    const Tiling tiling = tile_lanes(device_, channels_, call.samples, tiles_, 1, tile_floats_);
    arguments.tiling = tiling;
    arguments.left = call.left;
    arguments.right = call.right;
    arguments.out = call.out;
    arguments.accumulate = call.accumulate;
    arguments.workspace = call.workspace;
    const int lanes = lane_bytes(tiling.tiles);
    if (workspace_blocks_ > 0) {
      launch_kernel(in_workspace_, std::min<int64_t>(tiling.blocks, workspace_blocks_), lanes, stream, arguments);
    } else {
      launch_kernel(in_shared_, tiling.blocks, lanes + tiling.tiles * tile_floats_ * kFloatBytes, stream, arguments);
    }
  }

 protected:
  RoomProgram(const Group& group, const int32_t (&dim)[kOperands], int target, const Device& device, Kernel in_shared,
              Kernel in_workspace)
      : arguments_{}, device_(device), channels_(group.channels), in_shared_(in_shared), in_workspace_(in_workspace) {
    const auto layout = [&](int o, bool load, Range& range) {
      LayoutBuilder builder(group.sides[o], dim[o]);
      range = load ? builder.load(all_rows(group.sides[o].fiber)) : builder.store(all_rows(group.sides[o].fiber));
      return layouts_.emplace_back(builder).view();
    };
    arguments_.left_layout = layout(left_of(target), true, arguments_.left_range);
    arguments_.right_layout = layout(right_of(target), true, arguments_.right_range);
    arguments_.out_layout = layout(target, false, arguments_.out_range);
    prepare_kernel(in_shared_, device_);
    prepare_kernel(in_workspace_, device_);
  }

  /// Chooses the tiles of a block and the amount of work that stages do at a time, from 1 to `most`. `lay_out` places a tile's
  /// arrays for an amount and returns the floats they take; `score` says how well an amount keeps a number of warps at work.
  template <class LayOut, class Score>
  int fit(int most, const LayOut& lay_out, const Score& score) {
    double best = 0;
    int best_amount = 0;
    for (int tiles = kMostTiles; tiles >= 1; tiles /= 2) {
      for (int amount = most; amount >= 1; --amount) {
        const int64_t bytes = lane_bytes(tiles) + int64_t{tiles} * lay_out(amount) * kFloatBytes;
        if (bytes > device_.shared_per_block) continue;
        const int blocks = std::max(1, blocks_per_multiprocessor(device_, static_cast<int>(bytes)));
        // A second block hides waiting, but does not double what one does alone.
        const double value = (blocks > 1 ? 1.0 : 0.65) * score(amount, kWarps / tiles);
        if (value > best * 1.001) best = value, best_amount = amount, tiles_ = tiles;
      }
    }
    if (best_amount == 0) {
      tiles_ = 1;
      best_amount = most;
      workspace_blocks_ = 2 * device_.multiprocessors;
    }
    tile_floats_ = static_cast<int32_t>(lay_out(best_amount));
    return best_amount;
  }

  /// Of a block, once fitted.
  int tiles() const { return tiles_; }

  Arguments arguments_;
  Device device_;

 private:
  int32_t channels_;
  int tiles_ = 1;
  int32_t tile_floats_ = 0;
  int workspace_blocks_ = 0;  // 0: a tile's room fits into shared memory
  Kernel in_shared_, in_workspace_;
  std::vector<DeviceLayout> layouts_;
};

}  // namespace gauntlet::cuda
