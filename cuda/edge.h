// Passes of edge functions (core/edge_table.h), one thread for each row.
//
// The rows of a block lie in shared memory, each at an odd stride, so that threads which walk along their own rows meet no bank
// conflicts; between shared and device memory rows are moved by the whole block, neighbouring threads taking neighbouring floats.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "core/edge_function.h"
#include "cuda/check.h"
#include "cuda/tile.h"

namespace gauntlet::cuda {

/// What a pass reads and writes, all on the device; see EdgeOperands.
struct EdgeCall {
  const float* v;
  const float* grad_out;
  const float* x;
  float* values;
  float* grad;
  int64_t rows;
};

class EdgeProgram {
 public:
  virtual ~EdgeProgram() = default;
  virtual void launch(Pass pass, const EdgeCall& call, cudaStream_t stream) const = 0;
};

std::unique_ptr<EdgeProgram> make_edge_program(const HarmonicsTable& table, int multiprocessors);
std::unique_ptr<EdgeProgram> make_edge_program(const RadialTable& table, int multiprocessors);

constexpr int kEdgeThreads = 128;       // of a block, at most
constexpr int kEdgeShared = 24 << 10;   // bytes of a block, as long as it has more than one warp
constexpr int kBlocksOfProcessor = 32;  // of a launch: more than are resident, so that none waits for the last

template <class Function>
struct EdgeArguments {
  Function function;
  EdgeCall call;
  int32_t size, stride;  // floats of a row of values, in device and in shared memory
};

template <bool Load, class Memory>
__device__ inline void move_rows(Memory* memory, float* room, int32_t count, int32_t size, int32_t stride) {
  const int32_t threads = static_cast<int32_t>(blockDim.x), thread = static_cast<int32_t>(threadIdx.x);
  const int32_t rows = threads / size, columns = threads - rows * size;
  int32_t row = thread / size, column = thread - row * size;
  for (int32_t at = thread; at < count * size; at += threads) {
    float* const shared = room + row * stride + column;
    if constexpr (Load) {
      *shared = memory[at];
    } else {
      memory[at] = *shared;
    }
    row += rows, column += columns;
    if (column >= size) ++row, column -= size;
  }
}

/// A Function has kInputs floats in a row of x and
///
///     template <Pass pass> __device__ void run(v, x, row of values, grad) const
template <class Function, Pass pass>
__global__ void __launch_bounds__(kEdgeThreads) edge_pass(const __grid_constant__ EdgeArguments<Function> arguments) {
  constexpr int kInputs = Function::kInputs;
  const EdgeCall& call = arguments.call;
  const int32_t size = arguments.size, stride = arguments.stride;
  const int64_t threads = blockDim.x, thread = threadIdx.x;
  float* const room = reinterpret_cast<float*>(dynamic_shared);
  for (int64_t first = blockIdx.x * threads; first < call.rows; first += gridDim.x * threads) {
    const int32_t count = static_cast<int32_t>(min(threads, call.rows - first));
    if constexpr (pass != Pass::forward) {
      move_rows<true>(call.grad_out + first * size, room, count, size, stride);
      __syncthreads();
    }
    if (thread < count) {
      float v[kInputs] = {}, x[kInputs], grad[kInputs] = {};
      const int64_t at = (first + thread) * kInputs;
      for (int i = 0; i < kInputs; ++i) x[i] = call.x[at + i];
      if constexpr (pass == Pass::double_backward) {
        for (int i = 0; i < kInputs; ++i) v[i] = call.v[at + i];
      }
      arguments.function.template run<pass>(v, x, room + thread * stride, grad);
      if constexpr (pass != Pass::forward) {
        for (int i = 0; i < kInputs; ++i) call.grad[at + i] = grad[i];
      }
    }
    __syncthreads();
    if constexpr (pass != Pass::backward) {
      move_rows<false>(call.values + first * size, room, count, size, stride);
      __syncthreads();
    }
  }
}

template <class Function>
class EdgeProgramOf final : public EdgeProgram {
 public:
  EdgeProgramOf(const Function& function, int size, int multiprocessors)
      : function_(function), size_(size), multiprocessors_(multiprocessors) {}

  void launch(Pass pass, const EdgeCall& call, cudaStream_t stream) const override {
    switch (pass) {
      case Pass::forward: return start(edge_pass<Function, Pass::forward>, call, stream);
      case Pass::backward: return start(edge_pass<Function, Pass::backward>, call, stream);
      case Pass::double_backward: return start(edge_pass<Function, Pass::double_backward>, call, stream);
    }
  }

 private:
  void start(void (*kernel)(EdgeArguments<Function>), const EdgeCall& call, cudaStream_t stream) const {
    const int32_t stride = size_ | 1, row_bytes = stride * kFloatBytes;
    int threads = kEdgeThreads;
    while (threads > kLanes && threads * row_bytes > kEdgeShared) threads /= 2;
    const int64_t blocks =
        std::min<int64_t>((call.rows + threads - 1) / threads, multiprocessors_ * kBlocksOfProcessor);
    launch_blocks(kernel, blocks, threads, threads * row_bytes, stream,
                  EdgeArguments<Function>{function_, call, size_, stride});
  }

  const Function function_;
  const int32_t size_;
  const int multiprocessors_;
};

}  // namespace gauntlet::cuda
