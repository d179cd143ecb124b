#include "core/build_info.h"

#include <sstream>

#include "core/build_config.h"

namespace gauntlet {
namespace {

/// The items of a CMake list: "a;b;c".
std::vector<std::string> items(const std::string& list) {
  std::vector<std::string> result;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ';');) result.push_back(item);
  return result;
}

}  // namespace

BuildInfo build_info() {
  BuildInfo info;
  info.version = GAUNTLET_VERSION;
  info.compiler = GAUNTLET_COMPILER;
  info.isa_levels = items(GAUNTLET_ISA_LEVELS);
#ifdef GAUNTLET_WITH_CUDA
  info.cuda_version = GAUNTLET_CUDA_VERSION;
  info.cuda_architectures = items(GAUNTLET_CUDA_ARCHITECTURES);
#endif
  return info;
}

}  // namespace gauntlet
