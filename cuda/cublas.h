// Products of matrices by cuBLAS, where this process finds it.
#pragma once

#include <cuda_runtime.h>

#include "core/matrix_operations.h"

namespace gauntlet::cuda {

/// Queues out = scale * a b, transposed as the product says, in float32, on the current device; or returns false where there is no cuBLAS
/// or the product is too large for it. It is looked for at the first call: the file that GAUNTLET_CUBLAS names ("off": none), else the
/// library of CUDA 13 or 12 where the system has it.
bool multiply_by_cublas(const MatrixProduct& product, const float* a, const float* b, float* out, cudaStream_t stream);

}  // namespace gauntlet::cuda
