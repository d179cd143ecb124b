#pragma once

#include "core/matrix_operations.h"

namespace gauntlet {

/// The matmul of MatrixOperations on host memory.
void cpu_matmul(const MatrixProduct& product, const float* a, const float* b, float* out);

}  // namespace gauntlet
