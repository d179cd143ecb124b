#include "binding/lists.h"

#include <algorithm>
#include <string>

#include "core/error.h"

namespace gauntlet::binding {

void check_indices(std::span<const int32_t> indices, size_t end, const char* what) {
  uint32_t most = 0;  // a negative number is a large one
  for (const int32_t index : indices) most = std::max(most, static_cast<uint32_t>(index));
  if (indices.empty() || most < end) return;
  throw Error("ERR_ARGUMENT", std::string("Expected rows from 0 to ") + std::to_string(end) + " (excluded) for " +
                                  what + " but received " + std::to_string(static_cast<int32_t>(most)));
}

void check_starts(std::span<const int32_t> start, std::span<const int32_t> order) {
  bool good = !start.empty() && start.front() == 0 && static_cast<size_t>(start.back()) == order.size();
  for (size_t s = 1; s < start.size(); ++s) good &= start[s - 1] <= start[s];
  if (!good) throw Error("ERR_ARGUMENT", "Expected ascending numbers from 0 to the length of order for start");
}

}  // namespace gauntlet::binding
