// Circuits (core/contraction.h) as warps go through them together: by levels, of which every sum needs only what earlier ones made.
#pragma once

#include <cstdint>
#include <vector>

#include "core/contraction.h"

namespace gauntlet::cuda {

struct CircuitSum {
  int32_t target;
  int32_t first_product, products;
  int32_t first_multiple, multiples;
};
struct CircuitProduct {
  int32_t a, b;
};
struct CircuitMultiple {
  int32_t row;
  float factor;
};
/// A row of the circuit that is read from, or goes to, an array: float base * dim + offset + channel * stride of it, where base is
/// a node, or its element.
struct RowPlace {
  int32_t row, array, offset, stride;
};

struct Circuit {
  int32_t rows = 0;
  std::vector<int32_t> levels{0};  // sums of level n are [levels[n], levels[n + 1])
  std::vector<CircuitSum> sums;
  std::vector<CircuitProduct> products;
  std::vector<CircuitMultiple> multiples;
  std::vector<RowPlace> inputs, outputs;
};

/// A row is given to another value only once the level of its last reader is over, so this may take more rows than the table.
Circuit level_circuit(const ContractionTable& table);

}  // namespace gauntlet::cuda
