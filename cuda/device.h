// What kernels are fitted to.
#pragma once

namespace gauntlet::cuda {

struct Device {
  int multiprocessors;
  int shared_per_block;           // bytes that one block may have, after opting in
  int shared_per_multiprocessor;  // bytes
  int cache;                      // bytes of the second-level cache
};

Device read_device(int device);

}  // namespace gauntlet::cuda
