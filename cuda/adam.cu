// One step of Adam for all parameters, which lie in one array with their moments beside them (MatrixOperations::adam): each number
// is read, changed and written once. In float64, kept in float32.
#include "cuda/matrix_kernels.h"
#include "cuda/quad.h"

namespace gauntlet::cuda {
namespace {

struct AdamCall {
  QuadCall quads;
  AdamArrays<float*> arrays;
  AdamStep step;
};

__global__ void __launch_bounds__(kThreads) adam_quads(const __grid_constant__ AdamCall call) {
  const Quad quad = find_quad(call.quads);
  if (quad.count <= 0) return;
  const AdamArrays<float*>& arrays = call.arrays;
  float value[4], gradient[4], decay[4], mean[4], square[4], largest[4];
  quad.load(arrays.values, value);
  quad.load(arrays.gradient, gradient);
  quad.load(arrays.decay, decay);
  quad.load(arrays.mean, mean);
  quad.load(arrays.square, square);
  if (arrays.largest) quad.load(arrays.largest, largest);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    call.step.apply(value[k], gradient[k], decay[k], mean[k], square[k], arrays.largest ? &largest[k] : nullptr);
  }
  quad.store(arrays.values, value);
  quad.store(arrays.mean, mean);
  quad.store(arrays.square, square);
  if (arrays.largest) quad.store(arrays.largest, largest);
}

}  // namespace

void adam(const AdamArrays<float*>& arrays, int64_t length, const AdamStep& step, cudaStream_t stream) {
  float* const inputs[] = {arrays.gradient, arrays.decay, arrays.mean, arrays.square,
                           arrays.largest ? arrays.largest : arrays.square};
  launch_kernel(adam_quads, quad_blocks(length), 0, stream,
                AdamCall{quad_call(arrays.values, length, inputs), arrays, step});
}

}  // namespace gauntlet::cuda
