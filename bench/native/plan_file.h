#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/plan.h"

namespace gauntlet::bench {

/// What native code reads of a plan, or of a table.
struct EncodedPlan {
  std::vector<int32_t> integers;
  std::vector<double> reals;
};

/// Reads what lib/cli/plan-file.ts writes. Throws std::runtime_error where it is no such file.
EncodedPlan read_encoded(const std::string& path);

/// Reads what `gauntlet bench --dump-plan` writes (lib/cli/plan-file.ts). Throws std::runtime_error where it is no such file, and
/// Error where the plan in it is malformed.
Plan read_plan(const std::string& path);

}  // namespace gauntlet::bench
