// Mixed form: couplings whose channels are connected by weights,
//
//     sum over pairs (u, v), w, i, j, k  of  W[pair, w] * c(i, j, k) * x1[u, i] * x2[v, j] * y[w, k]
//
// Between operands and weights stand the coupled pairs z[pair][k]: z = couple(x1, x2) and y = W z; leaving out another operand,
// z = W^T y, x = couple(x', z) and W = z y^T. Fibers here hold all channels of a sample, far more than shared memory does, so
// operands and z lie in the workspace as *lines*, one component of many lanes each, and a thread goes along a lane. A launch is a
// list of jobs, each of which makes some lines of its own, or one weight: nothing is added to by two threads, and every sum has
// one order. A large batch is worked on in passes of as many samples as the second-level cache holds the lines of.
#include <algorithm>
#include <variant>

#include "core/error.h"
#include "cuda/mixed_jobs.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {
namespace {

constexpr int kComponents = 4;  // of z or y that share the load of a weight

/// Where fiber row `row` is in memory: at offset + channel * stride within a sample.
struct Place {
  int32_t offset, stride, channels;
};

/// The lanes of a pass; line n of the workspace is lines + n * lanes.
struct Pass {
  float* lines;
  int64_t lanes, samples;
  int32_t channels;
  __device__ int64_t lane_blocks() const { return (lanes + kThreads - 1) / kThreads; }
};

/// One operand: its lines and its memory, at the first sample of the pass.
struct OperandLines {
  const Place* places;
  int32_t first_line, rows, dim;  // dim 0 where all samples share a row
  bool shared;                    // lanes of a sample share its channels
};

struct MixedTables {
  const PairJob* pairs;
  const ChannelJob* channels;
  const ChannelTerm* terms;
  const int32_t* starts;
  const Coefficient* coefficients;
  const WeighJob* weigh;
  const WeighRun* runs;
  const CorrelateJob* correlate;
};

/// A line, where -1 is the constant 1.
__device__ inline float value_of(const Pass& pass, int32_t line, int32_t row, int64_t lane) {
  return line < 0 ? 1.0f : pass.lines[(line + row) * pass.lanes + lane];
}

/// The job and the lane of this thread; -1 past the last lane.
__device__ inline int32_t find_job(const Pass& pass, int64_t& lane) {
  const int64_t job = blockIdx.x / pass.lane_blocks();
  lane = (blockIdx.x - job * pass.lane_blocks()) * kThreads + threadIdx.x;
  if (lane >= pass.lanes) lane = -1;
  return static_cast<int32_t>(job);
}

/// Memory to lines, through a square of shared memory, so that both are read and written in runs.
__global__ void __launch_bounds__(kThreads, 2)
    gather_lines(const __grid_constant__ Pass pass, const __grid_constant__ OperandLines operand, const float* memory) {
  float* const square = reinterpret_cast<float*>(dynamic_shared);
  const int64_t across = (pass.lanes + kLanes - 1) / kLanes;
  const int64_t first_lane = blockIdx.x % across * kLanes;
  const int32_t first_row = static_cast<int32_t>(blockIdx.x / across) * kLanes;
  const int fast = threadIdx.x % kLanes, slow = threadIdx.x / kLanes;
  for (int n = slow; n < kLanes; n += kWarps) {
    const int64_t lane = first_lane + n;
    const int32_t row = first_row + fast;
    if (lane >= pass.lanes || row >= operand.rows) continue;
    const int64_t sample = lane / pass.channels;
    const int32_t channel = operand.shared ? 0 : static_cast<int32_t>(lane - sample * pass.channels);
    const Place place = operand.places[row];
    const int64_t at = sample * operand.dim + place.offset + int64_t{channel} * place.stride;
    square[n * kFiberStride + fast] = channel < place.channels ? memory[at] : 0.0f;
  }
  __syncthreads();
  for (int n = slow; n < kLanes; n += kWarps) {
    const int64_t lane = first_lane + fast;
    const int32_t row = first_row + n;
    if (lane < pass.lanes && row < operand.rows)
      pass.lines[(operand.first_line + row) * pass.lanes + lane] = square[fast * kFiberStride + n];
  }
}

/// The way back; lanes that share a channel are summed, in order.
__global__ void __launch_bounds__(kThreads, 2)
    scatter_lines(const __grid_constant__ Pass pass, const __grid_constant__ OperandLines operand, float* memory,
                  bool accumulate) {
  float* const square = reinterpret_cast<float*>(dynamic_shared);
  const int32_t together = operand.shared ? pass.channels : 1;
  const int64_t units = pass.lanes / together;
  const int64_t across = (units + kLanes - 1) / kLanes;
  const int64_t first_unit = blockIdx.x % across * kLanes;
  const int32_t first_row = static_cast<int32_t>(blockIdx.x / across) * kLanes;
  const int fast = threadIdx.x % kLanes, slow = threadIdx.x / kLanes;
  for (int n = slow; n < kLanes; n += kWarps) {
    const int64_t unit = first_unit + fast;
    const int32_t row = first_row + n;
    if (unit >= units || row >= operand.rows) continue;
    const float* line = pass.lines + (operand.first_line + row) * pass.lanes + unit * together;
    float sum = line[0];
    for (int32_t c = 1; c < together; ++c) sum += line[c];
    square[fast * kFiberStride + n] = sum;
  }
  __syncthreads();
  for (int n = slow; n < kLanes; n += kWarps) {
    const int64_t unit = first_unit + n;
    const int32_t row = first_row + fast;
    if (unit >= units || row >= operand.rows) continue;
    const int64_t sample = operand.shared ? unit : unit / pass.channels;
    const int32_t channel = operand.shared ? 0 : static_cast<int32_t>(unit - sample * pass.channels);
    const Place place = operand.places[row];
    if (channel >= place.channels) continue;
    float& to = memory[sample * operand.dim + place.offset + int64_t{channel} * place.stride];
    const float value = square[n * kFiberStride + fast];
    to = accumulate ? to + value : value;
  }
}

__global__ void __launch_bounds__(kThreads, 2)
    couple_pairs(const __grid_constant__ Pass pass, const __grid_constant__ MixedTables tables) {
  int64_t lane;
  const PairJob job = tables.pairs[find_job(pass, lane)];
  if (lane < 0) return;
  const int32_t* const starts = tables.starts + job.starts;
  for (int32_t k = 0; k < job.rows; ++k) {
    float sum = 0;
    for (int32_t e = starts[k]; e < starts[k + 1]; ++e) {
      const Coefficient c = tables.coefficients[e];
      sum = fmaf(c.value, value_of(pass, job.a_line, c.a, lane) * value_of(pass, job.b_line, c.b, lane), sum);
    }
    pass.lines[(job.z_line + k) * pass.lanes + lane] = sum;
  }
}

__global__ void __launch_bounds__(kThreads, 2)
    couple_channels(const __grid_constant__ Pass pass, const __grid_constant__ MixedTables tables) {
  int64_t lane;
  const ChannelJob job = tables.channels[find_job(pass, lane)];
  if (lane < 0) return;
  for (int32_t i = 0; i < job.rows; ++i) {
    float sum = 0;
    for (int32_t t = job.first_term; t < job.first_term + job.terms; ++t) {
      const ChannelTerm term = tables.terms[t];
      const int32_t* const starts = tables.starts + term.starts;
      for (int32_t e = starts[i]; e < starts[i + 1]; ++e) {
        const Coefficient c = tables.coefficients[e];
        sum = fmaf(c.value, value_of(pass, term.other_line, c.a, lane) * value_of(pass, term.z_line, c.b, lane), sum);
      }
    }
    pass.lines[(job.line + i) * pass.lanes + lane] = sum;
  }
}

/// Weights are lines, or with `memory` where the caller has them.
__global__ void __launch_bounds__(kThreads, 2)
    weigh_lines(const __grid_constant__ Pass pass, const __grid_constant__ MixedTables tables,
                const __grid_constant__ OperandLines weights, const float* memory) {
  int64_t lane;
  const WeighJob job = tables.weigh[find_job(pass, lane)];
  if (lane < 0) return;
  const int32_t channel = static_cast<int32_t>(lane % pass.channels);
  for (int32_t first = 0; first < job.rows; first += kComponents) {
    float sum[kComponents] = {};
    for (int32_t r = job.first_run; r < job.first_run + job.runs; ++r) {
      const WeighRun run = tables.runs[r];
      for (int32_t n = 0; n < run.count; ++n) {
        float weight = 1;
        if (run.weight >= 0) {
          const int32_t row = run.weight + n * run.weight_step;
          if (memory) {
            const Place place = weights.places[row];
            weight = channel < place.channels ? memory[place.offset + int64_t{channel} * place.stride] : 0.0f;
          } else {
            weight = pass.lines[(weights.first_line + row) * pass.lanes + lane];
          }
        }
        const float* const from = pass.lines + (run.from_line + n * run.from_step + first) * pass.lanes + lane;
#pragma unroll
        for (int k = 0; k < kComponents; ++k) {
          if (first + k < job.rows) sum[k] = fmaf(weight, from[k * pass.lanes], sum[k]);
        }
      }
    }
#pragma unroll
    for (int k = 0; k < kComponents; ++k) {
      if (first + k < job.rows) pass.lines[(job.line + first + k) * pass.lanes + lane] = sum[k];
    }
  }
}

__device__ inline float correlate_lane(const Pass& pass, const CorrelateJob& job, int64_t lane) {
  float sum = 0;
  for (int32_t k = 0; k < job.rows; ++k) {
    sum = fmaf(pass.lines[(job.z_line + k) * pass.lanes + lane], pass.lines[(job.y_line + k) * pass.lanes + lane], sum);
  }
  return sum;
}

/// Weights of every lane, as lines.
__global__ void __launch_bounds__(kThreads, 2)
    correlate_lines(const __grid_constant__ Pass pass, const __grid_constant__ MixedTables tables,
                    const __grid_constant__ OperandLines weights) {
  int64_t lane;
  const CorrelateJob job = tables.correlate[find_job(pass, lane)];
  if (lane < 0) return;
  pass.lines[(weights.first_line + job.weight) * pass.lanes + lane] = correlate_lane(pass, job, lane);
}

/// Weights that samples share: one block for each weight and channel adds up all samples of the pass.
__global__ void __launch_bounds__(kThreads, 2)
    correlate_samples(const __grid_constant__ Pass pass, const __grid_constant__ MixedTables tables,
                      const __grid_constant__ OperandLines weights, float* memory, bool accumulate) {
  float* const sums = reinterpret_cast<float*>(dynamic_shared);
  const CorrelateJob job = tables.correlate[blockIdx.x / pass.channels];
  const int32_t channel = static_cast<int32_t>(blockIdx.x % pass.channels);
  float sum = 0;
  for (int64_t sample = threadIdx.x; sample < pass.samples; sample += kThreads)
    sum += correlate_lane(pass, job, sample * pass.channels + channel);
  sums[threadIdx.x] = sum;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  const Place place = weights.places[job.weight];
  if (threadIdx.x > 0 || channel >= place.channels) return;
  float& to = memory[place.offset + int64_t{channel} * place.stride];
  to = accumulate ? to + sums[0] : sums[0];
}

std::vector<Place> places_of(const Side& side) {
  std::vector<Place> places(side.fiber, Place{0, 0, 0});
  size_t component = 0;
  for (const Block& block : side.blocks) {
    for (int32_t k = 0; k < block.size; ++k) {
      Place& place = places[side.rows[component++]];
      if (place.channels > 0)
        throw Error("ERR_ARGUMENT", "Malformed plan: a mixed form's rows are of one component each");
      place = {block.offset + k, block.size, block.channels};
    }
  }
  return places;
}

class MixedProgram final : public Program {
 public:
  MixedProgram(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights, int target,
               const Device& device)
      : target_(target), channels_(group.channels), shared_weights_(shared_weights) {
    const MixedForm& form = std::get<MixedForm>(group.form);
    int32_t lines = 0, first_line[3];
    for (int o = 0; o < kOperands; ++o) {
      const Side& side = o == kWeights ? form.weights : group.sides[o];
      if (side.divide != 1 || (side.modulo != 1 && side.modulo < channels_))
        throw Error("ERR_ARGUMENT", "Malformed plan: lanes of a mixed form see a channel each, or all the same");
      places_[o] = Table<Place>(places_of(side));
      const bool as_lines = o < kWeights || !shared_weights;
      operands_[o] = {places_[o].data(), lines, side.fiber, o == kWeights && shared_weights ? 0 : dim[o],
                      o < kWeights && side.shared_by_lanes(channels_)};
      if (o < kWeights) first_line[o] = lines;
      if (as_lines) lines += side.fiber;
    }
    const MixedLists lists = list_mixed_jobs(form, first_line, lines, target);
    lines_ = lines + lists.z_lines;
    pairs_ = Table<PairJob>(lists.pairs), pair_jobs_ = lists.pairs.size();
    channel_table_ = Table<ChannelJob>(lists.channels), channel_jobs_ = lists.channels.size();
    terms_ = Table<ChannelTerm>(lists.terms);
    starts_ = Table<int32_t>(lists.starts);
    coefficients_ = Table<Coefficient>(lists.coefficients);
    weigh_ = Table<WeighJob>(lists.weigh), weigh_jobs_ = lists.weigh.size();
    runs_ = Table<WeighRun>(lists.runs);
    correlate_ = Table<CorrelateJob>(lists.correlate), correlate_jobs_ = lists.correlate.size();
    samples_ =
        std::max<int64_t>(1, device.cache / kFloatBytes / (std::max<int64_t>(1, lines_) * std::max(1, channels_)));
  }

  size_t workspace_bytes() const override { return sizeof(float) * lines_ * samples_ * channels_; }

  void launch(const Call& call, cudaStream_t stream) const override {
    for (int64_t first = 0; first < call.samples; first += samples_) {
      launch_pass(call, first, std::min(samples_, call.samples - first), stream);
    }
  }

 private:
  void launch_pass(const Call& call, int64_t first, int64_t samples, cudaStream_t stream) const {
    const Pass pass{call.workspace, samples * channels_, samples, channels_};
    const MixedTables tables{pairs_.data(),        channel_table_.data(), terms_.data(), starts_.data(),
                             coefficients_.data(), weigh_.data(),         runs_.data(),  correlate_.data()};
    const int64_t lane_blocks = (pass.lanes + kThreads - 1) / kThreads;
    constexpr int kSquareBytes = kLanes * kFiberStride * kFloatBytes;
    const auto squares = [&](int64_t units, int32_t rows) {
      return (units + kLanes - 1) / kLanes * ((rows + kLanes - 1) / kLanes);
    };
    const auto memory = [&](int o) { return call.data[o] + first * operands_[o].dim; };
    const bool weight_lines = !shared_weights_;
    for (int o = 0; o < kOperands; ++o) {
      if (o == target_ || (o == kWeights && !weight_lines)) continue;
      launch_kernel(gather_lines, squares(pass.lanes, operands_[o].rows), kSquareBytes, stream, pass, operands_[o],
                    static_cast<const float*>(memory(o)));
    }
    const float* const shared = weight_lines || call.data[kWeights] == nullptr ? nullptr : call.data[kWeights];
    const auto weigh = [&] {
      launch_kernel(weigh_lines, weigh_jobs_ * lane_blocks, 0, stream, pass, tables, operands_[kWeights], shared);
    };
    if (target_ < 2) {
      weigh();
      launch_kernel(couple_channels, channel_jobs_ * lane_blocks, 0, stream, pass, tables);
    } else {
      launch_kernel(couple_pairs, pair_jobs_ * lane_blocks, 0, stream, pass, tables);
      if (target_ == 2) weigh();
    }
    const OperandLines& out = operands_[target_];
    if (target_ == kWeights && shared_weights_) {
      launch_kernel(correlate_samples, correlate_jobs_ * channels_, kThreads * kFloatBytes, stream, pass, tables, out,
                    call.data[target_], call.accumulate || first > 0);
      return;
    }
    if (target_ == kWeights)
      launch_kernel(correlate_lines, correlate_jobs_ * lane_blocks, 0, stream, pass, tables, out);
    launch_kernel(scatter_lines, squares(out.shared ? samples : pass.lanes, out.rows), kSquareBytes, stream, pass, out,
                  memory(target_), call.accumulate);
  }

  int target_;
  int32_t channels_;
  bool shared_weights_;
  Table<Place> places_[kOperands];
  OperandLines operands_[kOperands];
  int32_t lines_ = 0;
  int64_t samples_;
  Table<PairJob> pairs_;
  Table<ChannelJob> channel_table_;
  Table<ChannelTerm> terms_;
  Table<int32_t> starts_;
  Table<Coefficient> coefficients_;
  Table<WeighJob> weigh_;
  Table<WeighRun> runs_;
  Table<CorrelateJob> correlate_;
  int64_t pair_jobs_, channel_jobs_, weigh_jobs_, correlate_jobs_;
};

}  // namespace

std::unique_ptr<Program> make_mixed_program(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights,
                                            int target, const Device& device) {
  if (shared_weights) {
    if (auto program = make_scalar_mixed_program(group, dim, target, device)) return program;
  }
  return std::make_unique<MixedProgram>(group, dim, shared_weights, target, device);
}

}  // namespace gauntlet::cuda
