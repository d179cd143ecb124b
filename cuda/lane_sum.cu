// Targets whose channels several lanes share, such as x1 and x2 of an outer product:
//
//     out[sample, channel, k] = sum over the channel's lanes of what each of them computes.
//
// The product's own kernel leaves what lanes compute in a workspace, as though each had a channel of its own; a second kernel
// adds up the lanes of every channel, always in the same order. A launch takes as many samples as keep
// the workspace in the second-level cache.
#include <algorithm>

#include "cuda/layout.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

constexpr size_t kAlignment = 256;

/// One float of the target: where it is within a sample, its channel, and the fiber row that holds it.
struct Component {
  int32_t at, channel, row;
};

struct SumArguments {
  const Component* components;
  int32_t count;  // of components
  int32_t channels, fiber, divide, modulo;
  int32_t dim;  // of the target
  int64_t samples;
  const float* lanes;  // [samples, channels, fiber]
  float* out;
  bool accumulate;
};

__global__ void __launch_bounds__(kThreads) sum_lanes(const __grid_constant__ SumArguments arguments) {
  const int64_t n = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t sample = n / arguments.count;
  if (sample >= arguments.samples) return;
  const Component component = arguments.components[n - sample * arguments.count];
  const float* lanes = arguments.lanes + sample * arguments.channels * arguments.fiber + component.row;
  float sum = 0;
  // Lane c has channel c / divide % modulo.
  const int64_t period = static_cast<int64_t>(arguments.divide) * arguments.modulo;
  for (int64_t first = static_cast<int64_t>(component.channel) * arguments.divide; first < arguments.channels;
       first += period) {
    const int64_t last = min(first + arguments.divide, static_cast<int64_t>(arguments.channels));
#pragma unroll 4
    for (int64_t lane = first; lane < last; ++lane) sum += lanes[lane * arguments.fiber];
  }
  float& to = arguments.out[sample * arguments.dim + component.at];
  to = arguments.accumulate ? to + sum : sum;
}

std::vector<Component> components_of(const Side& side, int32_t lanes) {
  std::vector<Component> components;
  const int32_t* rows = side.rows.data();
  for (const Block& block : side.blocks) {
    const int32_t channels = std::min(block.channels, side.channels_seen(lanes));
    for (int32_t channel = 0; channel < channels; ++channel) {
      for (int32_t k = 0; k < block.size; ++k)
        components.push_back({block.offset + channel * block.size + k, channel, rows[k]});
    }
    rows += block.size;
  }
  return components;
}

class LaneSum final : public Program {
 public:
  LaneSum(const Group& group, const int32_t (&dim)[kOperands], int target, const Device& device,
          std::unique_ptr<Program> lanes)
      : lanes_(std::move(lanes)),
        side_(group.sides[target]),
        channels_(group.channels),
        dim_(dim[target]),
        left_dim_(dim[left_of(target)]),
        right_dim_(dim[right_of(target)]),
        samples_at_once_(std::max<size_t>(1, device.cache / 2 / std::max<size_t>(1, sample_bytes()))) {
    const std::vector<Component> components = components_of(side_, channels_);
    count_ = static_cast<int32_t>(components.size());
    components_ = Table<Component>(components);
  }

  size_t workspace_bytes() const override { return sums_at() + samples_at_once_ * sample_bytes(); }

  void launch(const Call& call, cudaStream_t stream) const override {
    if (count_ == 0) return;
    float* const sums = call.workspace + sums_at() / sizeof(float);
    const int64_t step = static_cast<int64_t>(samples_at_once_);
    for (int64_t first = 0; first < call.samples; first += step) {
      const int64_t samples = std::min(step, call.samples - first);
      lanes_->launch({.left = call.left + first * left_dim_,
                      .right = call.right + first * right_dim_,
                      .out = sums,
                      .samples = samples,
                      .accumulate = false,
                      .workspace = call.workspace},
                     stream);
      const SumArguments arguments{.components = components_.data(),
                                   .count = count_,
                                   .channels = channels_,
                                   .fiber = side_.fiber,
                                   .divide = side_.divide,
                                   .modulo = side_.modulo,
                                   .dim = dim_,
                                   .samples = samples,
                                   .lanes = sums,
                                   .out = call.out + first * dim_,
                                   .accumulate = call.accumulate};
      launch_kernel(sum_lanes, (samples * count_ + kThreads - 1) / kThreads, 0, stream, arguments);
    }
  }

 private:
  size_t sample_bytes() const { return size_t(channels_) * side_.fiber * sizeof(float); }
  /// Behind what the product's kernel needs for itself.
  size_t sums_at() const { return (lanes_->workspace_bytes() + kAlignment - 1) / kAlignment * kAlignment; }

  std::unique_ptr<Program> lanes_;
  Side side_;
  int32_t channels_, dim_, left_dim_, right_dim_;
  size_t samples_at_once_;
  int32_t count_ = 0;
  Table<Component> components_;
};

}  // namespace

std::unique_ptr<Program> make_lane_sum(const Group& group, const int32_t (&dim)[kOperands], int target,
                                       const Device& device, const MakeProgram& make) {
  const int32_t channels = group.channels, fiber = group.sides[target].fiber;
  if (int64_t{channels} * fiber > INT32_MAX) throw Error("ERR_ARGUMENT", "Expected fewer channels for a product");
  Group own = group;
  own.sides[target] = {fiber, 1, channels, {{0, channels, fiber}}, all_rows(fiber)};
  int32_t own_dim[kOperands];
  std::copy_n(dim, kOperands, own_dim);
  own_dim[target] = channels * fiber;
  return std::make_unique<LaneSum>(group, dim, target, device, make(own, own_dim));
}

}  // namespace gauntlet::cuda
