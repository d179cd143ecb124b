// The kernel of products given by their couplings one by one,
//
//     y[k] = sum over (i, j)  c(i, j, k) * x1[i] * x2[j]
//
// shared by the sparse and the dense form, which differ in how c is stored. Fibers may be larger than shared memory (an output
// that keeps every path apart has tens of thousands of rows), so each is cut into pieces, and a block goes through *steps*: it
// loads pieces of x1 and x2, adds what they contribute to a piece of y, and stores that when it is complete. A thread works on
// the same lane of `Together` tiles, which share the loads of indices and coefficients.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "cuda/bundle.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {

struct Step {
  Range left, right;  // to load before; empty where the piece is there already
  Range out;          // to store after; empty where more is to come
  int32_t add;        // the piece of y was begun by an earlier step
};

struct CouplingArguments {
  Tiling tiling;
  Layout left_layout, right_layout, out_layout;
  const float* left;
  const float* right;
  float* out;
  const Step* steps;
  int32_t step_count;
  int32_t right_at, out_at;  // where the second and third piece are in a tile's room
  bool accumulate;
};

template <int W, int Together, class Couplings>
__device__ inline void couple_bundle(const Couplings& couplings, const Bundle* bundle, const float* left,
                                     const float* right, float* out, int tile_floats, bool add) {
  float sum[W][Together] = {};
  couplings.template accumulate<W, Together>(bundle, left, right, tile_floats, sum);
#pragma unroll
  for (int r = 0; r < W; ++r) {
    const int32_t row = __ldg(bundle->row + r);
    if (row < 0) break;
#pragma unroll
    for (int t = 0; t < Together; ++t) {
      float& to = out[t * tile_floats + row * kFiberStride];
      to = add ? to + sum[r][t] : sum[r][t];
    }
  }
}

template <class Couplings, int Together>
__global__ void __launch_bounds__(kThreads, 3)
    couple(const __grid_constant__ CouplingArguments arguments, const __grid_constant__ Couplings couplings) {
  const Tiling& tiling = arguments.tiling;
  const int tile_floats = tiling.tile_floats;
  float* room = shared_room(tiling);
  const Lanes lanes =
      number_lanes(tiling, blockIdx.x, arguments.left_layout, arguments.right_layout, arguments.out_layout);
  __syncthreads();

  const int warp = threadIdx.x / kLanes;
  const int warps = kWarps * Together / tiling.tiles;  // that share a thread's tiles
  float* mine = room + warp / warps * Together * tile_floats + threadIdx.x % kLanes;

  for (int32_t s = 0; s < arguments.step_count; ++s) {
    const Step step = arguments.steps[s];
    load_fiber(arguments.left_layout, step.left, arguments.left, lanes, 0, tile_floats, room);
    load_fiber(arguments.right_layout, step.right, arguments.right, lanes, 1, tile_floats, room + arguments.right_at);
    __syncthreads();
    for (int list = s * kWarps + warp % warps; list < (s + 1) * kWarps; list += warps) {
      const int32_t end = couplings.starts[list + 1];
      for (int32_t n = couplings.starts[list]; n < end; ++n) {
        const Bundle* bundle = couplings.bundles + n;
        const float* right = mine + arguments.right_at;
        float* out = mine + arguments.out_at;
        switch (bundle->width) {
          case 1: couple_bundle<1, Together>(couplings, bundle, mine, right, out, tile_floats, step.add); break;
          case 2: couple_bundle<2, Together>(couplings, bundle, mine, right, out, tile_floats, step.add); break;
          case 4: couple_bundle<4, Together>(couplings, bundle, mine, right, out, tile_floats, step.add); break;
          default: couple_bundle<8, Together>(couplings, bundle, mine, right, out, tile_floats, step.add);
        }
      }
    }
    __syncthreads();
    store_fiber(arguments.out_layout, step.out, arguments.out, lanes, 2, tile_floats, room + arguments.out_at,
                arguments.accumulate);
  }
}

/// The rows of the three fibers (left, right, out), cut so that any piece of each fits into a tile's room.
struct Pieces {
  int most_tiles;  // of a block
  int together;    // tiles of a thread
  std::vector<std::vector<int32_t>> rows[3];

  int longest(int side) const;
  /// For every row of a side, its piece and its number there.
  std::vector<std::pair<int32_t, int32_t>> places(int side, int32_t fiber) const;
};

/// `first_use` orders the target's blocks, so that rows that need the same inputs meet in a piece: one number for every row.
Pieces cut_fibers(const Device& device, const Group& group, int target, const std::vector<uint64_t>& first_use);

/// Collects the steps; couplings are collected beside it, kWarps lists for every step.
class Steps {
 public:
  Steps(const Group& group, const int32_t (&dim)[kOperands], int target, const Pieces& pieces);

  /// Couples pieces `left` and `right` into piece `out`; negative ones are not needed. Steps of one `out` follow each other.
  void add(int left, int right, int out);
  /// No more steps for the piece of the last one.
  void store() { steps_.back().out = ranges_[2][out_]; }

  const std::vector<Step>& steps() const { return steps_; }
  const LayoutBuilder& layout(int side) const { return layouts_[side]; }

 private:
  LayoutBuilder layouts_[3];
  std::vector<Range> ranges_[3];
  std::vector<Step> steps_;
  int left_ = -1, right_ = -1, out_ = -1;
};

/// `Tables` holds the couplings on the device; its view() is what kernels take as Couplings.
template <class Tables>
class CouplingProgram final : public Program {
 public:
  CouplingProgram(const Group& group, const Pieces& pieces, const Steps& steps, Tables tables, const Device& device)
      : channels_(group.channels),
        device_(device),
        most_tiles_(pieces.most_tiles),
        together_(pieces.together),
        right_at_(pieces.longest(0) * kFiberStride),
        out_at_(right_at_ + pieces.longest(1) * kFiberStride),
        tile_floats_(out_at_ + pieces.longest(2) * kFiberStride),
        layouts_{DeviceLayout(steps.layout(0)), DeviceLayout(steps.layout(1)), DeviceLayout(steps.layout(2))},
        step_count_(static_cast<int32_t>(steps.steps().size())),
        steps_(steps.steps()),
        tables_(std::move(tables)),
        kernel_(together_ == 1 ? couple<View, 1> : couple<View, 2>) {
    prepare_kernel(kernel_, device);
  }

  void launch(const Call& call, cudaStream_t stream) const override {
    const Tiling tiling = tile_lanes(device_, channels_, call.samples, most_tiles_, together_, tile_floats_);
    const CouplingArguments arguments{
        tiling,   layouts_[0].view(), layouts_[1].view(), layouts_[2].view(), call.left, call.right,
        call.out, steps_.data(),      step_count_,        right_at_,          out_at_,   call.accumulate,
    };
    launch_kernel(kernel_, tiling.blocks, lane_bytes(tiling.tiles) + tiling.tiles * tile_floats_ * kFloatBytes, stream,
                  arguments, tables_.view());
  }

 private:
  using View = decltype(std::declval<const Tables&>().view());

  int32_t channels_;
  Device device_;
  int most_tiles_, together_;
  int32_t right_at_, out_at_, tile_floats_;
  DeviceLayout layouts_[3];
  int32_t step_count_;
  Table<Step> steps_;
  Tables tables_;
  void (*kernel_)(CouplingArguments, View);
};

}  // namespace gauntlet::cuda
