// Memory that later tiles will touch, fetched between what is computed for this one: asked for all at once, lines wait for each other,
// and the caches' own traffic for them.
#pragma once

#include <cstdint>

namespace gauntlet {

/// Kernels ask for it little by little, as evenly as they can.
struct Ahead {
  struct Stretch {
    const char *next, *end;
  };
  Stretch now{};
  Stretch later[6];
  int32_t left = 0;         // of those
  int64_t work = 0;         // vectors multiplied so far, about
  int64_t due = INT64_MAX;  // when there was so much, the next lines are asked for
  int64_t spacing = 0;      // from then to the next
};

inline constexpr int kLine = 64;
/// Bytes asked for at once: for single lines the branch that decides would cost more than they do.
inline constexpr int kFetched = 8 * kLine;

/// Before so many vectors are multiplied: asks for what is due by then. (Always inlined: files of all instruction sets have it.)
inline __attribute__((always_inline)) void fetch(Ahead& ahead, int64_t work) {
  ahead.work += work;
  for (; ahead.work >= ahead.due; ahead.due += ahead.spacing) {
    if (ahead.now.next >= ahead.now.end) {
      if (ahead.left == 0) {
        ahead.due = INT64_MAX;
        return;
      }
      ahead.now = ahead.later[--ahead.left];
    }
#pragma GCC unroll 8
    for (int n = 0; n < kFetched; n += kLine) __builtin_prefetch(ahead.now.next + n, 0, 2);
    ahead.now.next += kFetched;
  }
}

/// In place of an Ahead.
struct NothingAhead {};
inline __attribute__((always_inline)) void fetch(NothingAhead, int64_t) {}

}  // namespace gauntlet
