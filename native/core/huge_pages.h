#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gauntlet {

inline constexpr size_t kHugePage = size_t{2} << 20;

/// Asks for huge pages behind memory that nobody has written to yet: taking it page by page, 4 KiB at a time, can cost more
/// than the product that fills it. Does nothing for memory below 2 MiB and where the system has no such thing.
inline void prefer_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) {
#ifdef MADV_HUGEPAGE
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t first = (address + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (address + bytes) / kHugePage * kHugePage;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // only a hint
#endif
}

}  // namespace gauntlet
