// What the launches of a mixed form consist of: lists of jobs on lines of the workspace; see mixed.cu.
#pragma once

#include <cstdint>
#include <vector>

#include "core/plan.h"

namespace gauntlet::cuda {

/// Lines [z_line, z_line + rows) from one pair of channels. Entries of row k are [starts[k], starts[k + 1]).
struct PairJob {
  int32_t a_line, b_line, z_line, rows, starts;
};
/// The rows of one channel of x1 or x2: a sum over the pairs that it belongs to.
struct ChannelJob {
  int32_t line, rows, first_term, terms;
};
struct ChannelTerm {
  int32_t other_line, z_line, starts;
};
struct Coefficient {
  int32_t a, b;  // rows counted from the lines of the pair
  float value;
};
/// Lines [line, line + rows) as a sum of weighted lines.
struct WeighJob {
  int32_t line, rows, first_run, runs;
};
/// count times: weight row + n * weight_step (-1: 1) with lines from_line + n * from_step.
struct WeighRun {
  int32_t from_line, from_step, weight, weight_step, count;
};
/// One weight: the sum over k of z and y lines.
struct CorrelateJob {
  int32_t weight, z_line, y_line, rows;
};

/// The jobs of one target, as lists that grow.
struct MixedLists {
  std::vector<PairJob> pairs;
  std::vector<ChannelJob> channels;
  std::vector<ChannelTerm> terms;
  std::vector<int32_t> starts;
  std::vector<Coefficient> coefficients;
  std::vector<WeighJob> weigh;
  std::vector<WeighRun> runs;
  std::vector<CorrelateJob> correlate;
  int32_t z_lines = 0;
};

/// `first_line` are those of x1, x2 and y; the lines of z begin at `z_line`.
MixedLists list_mixed_jobs(const MixedForm& form, const int32_t (&first_line)[3], int32_t z_line, int target);

}  // namespace gauntlet::cuda
