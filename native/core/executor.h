// The one operation of this package, on some device: evaluate(target, operands) overwrites operand `target` with the value of
// the plan's trilinear map at the two others.
#pragma once

#include <cstddef>
#include <memory>

#include "core/plan.h"

namespace gauntlet {

/// `batch` rows of plan.dim[o] floats. `on_device` memory belongs to the executor's own CUDA device.
struct Operand {
  float* data;
  bool on_device = false;
};

class Executor {
 public:
  virtual ~Executor() = default;

  /// Blocks until `operands[target]` is complete. Safe to call from several threads at once. `target` must not overlap the
  /// two others. Throws Error.
  virtual void evaluate(int target, const Operand (&operands)[3], size_t batch) = 0;
};

std::unique_ptr<Executor> make_cpu_executor(const Plan& plan);

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<Executor> make_cuda_executor(const Plan& plan, int device);
#endif

}  // namespace gauntlet
