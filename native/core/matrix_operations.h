// Operations on matrices of floats, row-major, on some device: what tensors (lib/tensor) are computed by, beside products, harmonics
// and contractions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/adam.h"
#include "core/executor.h"
#include "core/scalar_function.h"

namespace gauntlet {

/// Numbers as in lib/tensor/kernels.ts.
enum class Transposed : int32_t { none, second, first };

/// out[rows, columns] = scale * sum over `sums` numbers of
///     none     a[r, k] * b[k, c]
///     second   a[r, k] * b[c, k]
///     first    a[k, r] * b[k, c]
struct MatrixProduct {
  Transposed transposed;
  size_t rows, columns, sums;
  double scale;
};

/// Columns from..from + narrow of [rows, wide] and a matrix [rows, narrow].
struct ColumnRange {
  size_t rows, wide, narrow, from;
};

/// Where an array lies in one that is made of several.
struct Piece {
  int32_t start, length;
};

/// Rows listed by the segments that they belong to: those of segment s are order[start[s]..start[s + 1]).
struct SegmentLists {
  std::span<const int32_t> start;  // one more than segments
  std::span<const int32_t> order;
};

/// All lengths fit and all indices are in range. Results share no memory with inputs, but where it is said. Every call blocks as
/// executors do, may be made from several threads at once, and gives the same floats for the same operands, whatever the
/// number of threads. Lists lie in host memory. Throws Error.
class MatrixOperations {
 public:
  virtual ~MatrixOperations() = default;

  virtual void fill(Operand out, size_t length, float value) = 0;
  /// out = scale * f(inputs[0]) * inputs[1] * ...; without f, inputs[0] is a factor too. `out` may be one of the inputs.
  virtual void elementwise(Operand out, size_t length, double scale, const ScalarFunction& f,
                           std::span<const Operand> inputs) = 0;
  /// out = sum of factors[n] * inputs[n]. `out` may be one of the inputs.
  virtual void combine(Operand out, size_t length, std::span<const double> factors,
                       std::span<const Operand> inputs) = 0;
  /// Every input at its piece of `out`, zeros between them. Pieces ascend and do not overlap; `length` is below 2^31.
  virtual void concatenate(Operand out, size_t length, std::span<const Piece> pieces,
                           std::span<const Operand> inputs) = 0;
  /// One step of Adam with every number, in place; `largest` has no data without AMSGrad.
  virtual void adam(const AdamArrays<Operand>& arrays, size_t length, const AdamStep& step) = 0;
  virtual void matmul(Operand out, Operand a, Operand b, const MatrixProduct& product) = 0;
  /// out[r] = x[of[r]], x of so many rows
  virtual void gather(Operand out, Operand x, size_t rows, size_t dim, std::span<const int32_t> of) = 0;
  /// out[s] = sum of the rows x[r] of segment s
  virtual void scatter(Operand out, Operand x, size_t rows, size_t dim, const SegmentLists& segments) = 0;
  /// out[r] = x[0]
  virtual void broadcast_rows(Operand out, Operand x, size_t rows, size_t dim) = 0;
  /// out[0] = sum of x[r]
  virtual void sum_rows(Operand out, Operand x, size_t rows, size_t dim) = 0;
  /// Those columns of x.
  virtual void columns(Operand out, Operand x, const ColumnRange& range) = 0;
  /// x in those columns of `out`, zero elsewhere.
  virtual void pad(Operand out, Operand x, const ColumnRange& range) = 0;
};

std::unique_ptr<MatrixOperations> make_cpu_matrix_operations();

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<MatrixOperations> make_cuda_matrix_operations(int device);
#endif

}  // namespace gauntlet
