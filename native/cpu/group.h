// What the CPU executor asks of every group, whatever its form.
#pragma once

#include "core/executor.h"

namespace gauntlet {

class CpuGroup {
 public:
  virtual ~CpuGroup() = default;
  /// Overwrites or adds to those floats of the targets that belong to this group; batch > 0. Safe to call from several threads.
  virtual void evaluate(std::span<const Evaluation> evaluations, size_t batch) = 0;
};

/// The group of a mixed form; `dim` are the plan's.
std::unique_ptr<CpuGroup> make_mixed_group(const Group& group, const int32_t (&dim)[kOperands], bool shared_weights);

}  // namespace gauntlet
