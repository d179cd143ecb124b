// What the kernels of mixed forms that couple with scalars and the code that lists their work agree on; see mixed_scalar.cu.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <vector>

#include "core/plan.h"

namespace gauntlet::cuda {

/// A path: sums over terms n = (q, r), r < inner, of an operand's channel, times a scalar of x2, times a weight.
struct ScalarTerm {
  int32_t from, from_q, from_r;        // floats within a row of the operand: from + q * from_q + r * from_r + component
  int32_t factor, factor_q, factor_r;  // the same of x2; factor < 0: 1
  int32_t weight, weight_n, weight_column;  // weight + n * weight_n + column * weight_column
  int32_t count, inner;
  float scale;
};

/// A block of the target: component k of channel `column` is at to + column * size + k of a row.
struct ScalarJob {
  int32_t to, size, columns, first_term, terms;
  /// Of the product of matrices, for so many samples.
  __host__ __device__ int64_t rows(int64_t samples) const { return samples * size; }
};

/// Weights of one path: those of term n and channel c of y are at term.weight + n * columns + c.
struct ScalarWeights {
  ScalarTerm term;
  int32_t y, size, columns;
  uint32_t reciprocal;    // of size
  int64_t first_partial;  // of its sums over a chunk of samples
  __host__ __device__ int64_t rows(int64_t) const { return term.count; }
};

struct ScalarLists {
  std::vector<ScalarJob> jobs;
  std::vector<ScalarTerm> terms;
  std::vector<ScalarWeights> weights;
  int64_t partials = 0;  // sums over a chunk of samples
};

/// Whether a group's paths are such ones and lie in memory as the kernels walk them, and then the work for `target`.
bool list_scalar_jobs(const Group& group, int target, ScalarLists& lists);

}  // namespace gauntlet::cuda
