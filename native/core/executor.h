// The one operation of this package, on some device: leave one operand out of the plan's multilinear map and compute it from the
// others. Every derivative, of any order, is this with some of the operands replaced.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/plan.h"

namespace gauntlet {

/// plan.rows(o, batch) rows of plan.dim[o] floats. `on_device` memory belongs to the executor's own CUDA device.
struct Operand {
  float* data = nullptr;
  bool on_device = false;
};

/// One operand from the others: overwrites `operands[target]`, whatever it holds, or with `accumulate` adds to it.
struct Evaluation {
  int target;
  Operand operands[kOperands];
  bool accumulate = false;
};

class Executor {
 public:
  virtual ~Executor() = default;

  /// Evaluations in their order; what several of them read is read once. Blocks until all are complete, or, where all operands are on
  /// a GPU, until they are queued there, like the calls of every object for that GPU in their order. What no group of the plan
  /// reaches is zero. The same operands give the same floats at every call, alone or beside others. Safe to call from several
  /// threads at once. No result may overlap another operand, unless later evaluations add to it. Throws Error.
  virtual void evaluate(std::span<const Evaluation> evaluations, size_t batch) = 0;
};

std::unique_ptr<Executor> make_cpu_executor(const Plan& plan);

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<Executor> make_cuda_executor(const Plan& plan, int device);
#endif

}  // namespace gauntlet
