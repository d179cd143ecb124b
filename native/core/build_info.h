// What this build of the addon is made of.
#pragma once

#include <string>
#include <vector>

namespace gauntlet {

struct BuildInfo {
  std::string version;                          // of package.json
  std::string compiler;                         // "GNU 12.2.0"
  std::vector<std::string> isa_levels;          // instruction sets the CPU kernels were compiled for, lowest first
  std::string cuda_version;                     // empty: built without CUDA
  std::vector<std::string> cuda_architectures;  // "90-real": machine code; "120-virtual": PTX; "120": both
};
BuildInfo build_info();

}  // namespace gauntlet
