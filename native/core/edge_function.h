// Functions of an edge on some device; core/edge_table.h says what they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "core/edge_table.h"
#include "core/executor.h"

namespace gauntlet {

using EdgeTable = std::variant<HarmonicsTable, RadialTable>;

/// Floats of a row of x and of a row of values.
int edge_inputs(const EdgeTable& table);
int edge_values(const EdgeTable& table);

/// Reads what lib/edge writes. Throws Error("ERR_ARGUMENT") where it is malformed.
EdgeTable decode_edge_table(std::span<const int32_t> integers, std::span<const double> reals);

/// The arrays of a call. A pass uses `x`, from backward on `grad_out` (rows of values), from double backward on `v` (rows of x),
/// and overwrites `values` (not in backward) and `grad` (not in forward).
struct EdgeOperands {
  Operand v, grad_out, x, values, grad;
};

class EdgeFunction {
 public:
  virtual ~EdgeFunction() = default;

  /// Blocks as executors do. Safe to call from several threads at once. Results must not overlap inputs.
  virtual void run(Pass pass, const EdgeOperands& operands, size_t rows) = 0;
};

std::unique_ptr<EdgeFunction> make_cpu_edge_function(const EdgeTable& table);

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<EdgeFunction> make_cuda_edge_function(const EdgeTable& table, int device);
#endif

}  // namespace gauntlet
