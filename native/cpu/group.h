// What the CPU executor asks of every group, whatever its form.
#pragma once

#include "core/executor.h"

namespace gauntlet {

class CpuGroup {
 public:
  virtual ~CpuGroup() = default;
  /// Overwrites or adds to those floats of the target that belong to this group; batch > 0. Safe to call from several threads.
  virtual void evaluate(int target, const Operand (&operands)[kOperands], size_t batch, bool add) = 0;
};

/// The group of a mixed form; `dim` are the plan's.
std::unique_ptr<CpuGroup> make_mixed_group(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights);

}  // namespace gauntlet
