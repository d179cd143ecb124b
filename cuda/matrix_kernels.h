// Kernels of the operations on matrices (core/matrix_operations.h). Arrays lie on the device, row-major; lengths fit and indices are
// in range. Sums are added up in an order that sizes alone decide.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <span>

#include "core/matrix_operations.h"

namespace gauntlet::cuda {

void fill(float* out, int64_t length, float value, cudaStream_t stream);
/// `out` may be one of the inputs, here and in `combine`.
void elementwise(float* out, int64_t length, double scale, const ScalarFunction& f, std::span<float* const> inputs,
                 cudaStream_t stream);
void combine(float* out, int64_t length, std::span<const double> factors, std::span<float* const> inputs,
             cudaStream_t stream);

/// Pieces of out from inputs, and zeros between them.
void concatenate(float* out, int64_t length, std::span<const Piece> pieces, std::span<float* const> inputs,
                 cudaStream_t stream);
/// One step of Adam, see MatrixOperations.
void adam(const AdamArrays<float*>& arrays, int64_t length, const AdamStep& step, cudaStream_t stream);

/// out[r] = x[of[r]], or x[0] where `of` is null.
void gather(float* out, const float* x, int64_t rows, int32_t dim, const int32_t* of, cudaStream_t stream);
/// Those columns of `wide` as `out`.
void columns(float* out, const float* wide, const ColumnRange& range, cudaStream_t stream);
/// `narrow` in those columns of `out`, zero elsewhere.
void pad(float* out, const float* narrow, const ColumnRange& range, cudaStream_t stream);

/// out[s] = sum of the rows x[order[n]], n from start[s] to start[s + 1]
void sum_segments(float* out, const float* x, int64_t segments, int32_t dim, const int32_t* start, const int32_t* order,
                  cudaStream_t stream);
/// out[0] = sum of x[r], with a workspace of `row_sum_floats`.
void sum_rows(float* out, const float* x, int64_t rows, int32_t dim, float* workspace, cudaStream_t stream);
size_t row_sum_floats(int64_t rows, int32_t dim);

constexpr int64_t kMatmulTiles = 512;
/// With a workspace of `matmul_floats`, and kMatmulTiles zeros, which it leaves as zeros.
void matmul(const MatrixProduct& product, const float* a, const float* b, float* out, float* workspace,
            uint32_t* arrived, cudaStream_t stream);
size_t matmul_floats(const MatrixProduct& product);

}  // namespace gauntlet::cuda
