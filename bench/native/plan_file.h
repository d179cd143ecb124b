#pragma once

#include <string>

#include "core/plan.h"

namespace gauntlet::bench {

/// Reads what `gauntlet bench --dump-plan` writes (lib/cli/plan-file.ts). Throws std::runtime_error where it is no such file, and
/// Error where the plan in it is malformed.
Plan read_plan(const std::string& path);

}  // namespace gauntlet::bench
