#include "cpu/kernels.h"

#include <cstdlib>
#include <cstring>

namespace gauntlet {

#if defined(__x86_64__)
namespace baseline {
extern const Kernels table;
}
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}
#elif defined(__aarch64__)
namespace neon {
extern const Kernels table;
}
#else
namespace baseline {
extern const Kernels table;
}
#endif

namespace {

const Kernels& choose() {
#if defined(__x86_64__)
  // GAUNTLET_ISA asks for less than the processor has, to test or to compare; it can't ask for more.
  const char* wish = std::getenv("GAUNTLET_ISA");
  const bool may_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool may_avx512 = may_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  const bool want_baseline = wish && std::strcmp(wish, "baseline") == 0,
             want_avx2 = wish && std::strcmp(wish, "avx2") == 0;
  if (may_avx512 && !want_baseline && !want_avx2) return avx512::table;
  if (may_avx2 && !want_baseline) return avx2::table;
  return baseline::table;
#elif defined(__aarch64__)
  return neon::table;
#else
  return baseline::table;
#endif
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

}  // namespace gauntlet
