// One pool of threads for the whole process, shared by every product and every JavaScript worker.
#pragma once

#include <cstddef>
#include <functional>

namespace gauntlet {

/// Threads that take part in one call, the caller included. Starts at the number of physical cores this process may use.
int num_threads();
void set_num_threads(int n);

/// Calls body(begin, end) over pieces of [0, count) on several threads and returns when all are done. Pieces are `grain` long
/// (the last may be shorter). The caller works too, so a call always makes progress however busy the pool is. `body` may throw
/// std::bad_alloc and nothing else; then, when all are done, this throws Error("ERR_MEMORY"), where `what` says whose scratch space
/// it was.
void parallel_for(size_t count, size_t grain, const char* what,
                  const std::function<void(size_t begin, size_t end)>& body);

/// A grain for items of `work` multiply-adds each: worth a second thread's wake-up, and no more pieces than it takes to keep all
/// threads busy to the end.
size_t grain_of(size_t count, double work);

}  // namespace gauntlet
