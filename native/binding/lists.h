// Lists of rows as JavaScript made them, checked.
#pragma once

#include <cstdint>
#include <span>

namespace gauntlet::binding {

/// Throws Error("ERR_ARGUMENT") unless all are from 0 to `end` - 1. `what`: what messages call them.
void check_indices(std::span<const int32_t> indices, size_t end, const char* what);

/// Throws Error("ERR_ARGUMENT") unless `start` ascends from 0 to the length of `order`.
void check_starts(std::span<const int32_t> start, std::span<const int32_t> order);

}  // namespace gauntlet::binding
