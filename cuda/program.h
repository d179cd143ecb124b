// What the GPU does for one group and one target: tables on the device, made from the plan once, and one kernel that walks them.
//
// A *lane* is one channel of one sample; lane n is channel n % channels of sample n / channels. A *tile* is 32 consecutive
// lanes, one for each thread of a warp; a block of 256 threads works on a few tiles at once, all of whose fibers lie in shared
// memory as [row][lane]. Warps share a tile's work by rows, rings, orders or points, never by lanes, so that every table entry is
// the same for the whole warp and every access to a fiber is free of bank conflicts. Results are summed in one fixed order.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "core/plan.h"
#include "cuda/device.h"

namespace gauntlet::cuda {

/// `samples` rows of the two operands after the target, cyclically, and of the target; all on the device.
struct Call {
  const float* left;
  const float* right;
  float* out;
  float* data[kOperands];  // these and the weights, by operand
  int64_t samples;
  bool accumulate;   // add to `out`, which other groups write too
  float* workspace;  // Program::workspace_bytes of it
};

class Program {
 public:
  virtual ~Program() = default;

  /// Device memory that one launch needs for itself, where shared memory is too small for the plan.
  virtual size_t workspace_bytes() const { return 0; }
  virtual void launch(const Call& call, cudaStream_t stream) const = 0;
};

inline int left_of(int target) { return (target + 1) % 3; }
inline int right_of(int target) { return (target + 2) % 3; }

/// The current device must be `device`. `dim` is the plan's.
std::unique_ptr<Program> make_sparse_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                             const Device& device);
std::unique_ptr<Program> make_dense_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                            const Device& device);
std::unique_ptr<Program> make_grid_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                           const Device& device);
std::unique_ptr<Program> make_fourier_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                              const Device& device);
std::unique_ptr<Program> make_matrix_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                             const Device& device);
std::unique_ptr<Program> make_mixed_program(const Group&, const int32_t (&dim)[kOperands], bool shared_weights,
                                            int target, const Device& device);
/// The same for couplings with scalars, of weights that samples share; null for any others.
std::unique_ptr<Program> make_scalar_mixed_program(const Group&, const int32_t (&dim)[kOperands], int target,
                                                   const Device& device);

/// For targets whose channels several lanes share: `make` makes the program in which each lane has a channel of its own.
using MakeProgram = std::function<std::unique_ptr<Program>(const Group&, const int32_t (&dim)[kOperands])>;
std::unique_ptr<Program> make_lane_sum(const Group&, const int32_t (&dim)[kOperands], int target, const Device& device,
                                       const MakeProgram& make);

}  // namespace gauntlet::cuda
