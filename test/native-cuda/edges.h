// Edge functions with random coefficients, and their passes one row at a time, as the mathematics that every device shares has them.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/edge_function.h"
#include "core/harmonics_math.h"
#include "core/radial_math.h"
#include "plans.h"

namespace gauntlet::test {

inline HarmonicsTable random_harmonics(Random& random, int lmax, bool normalize) {
  HarmonicsTable table{.lmax = lmax, .normalize = normalize};
  const auto coefficient = [&] { return static_cast<float>(0.5 + 0.1 * random.real()); };
  table.constant = coefficient();
  for (float& sector : table.sector) sector = coefficient();
  for (HarmonicsTable::Pair& pair : table.pair) {
    pair = {coefficient(), coefficient(), coefficient(), coefficient(), coefficient()};
  }
  return table;
}

inline RadialTable radial_family(RadialTable::Family family, int count) {
  return {.family = family, .count = count, .window = false, .power = 5, .start = 0.25, .width = 1.5, .scale = 0.75};
}

template <class Number>
struct PlainRow {
  float* first;
  Number get(int row) const { return first[row]; }
  void set(int row, Number value) const { first[row] = static_cast<float>(value); }
};

template <Pass pass>
void run_row(const HarmonicsTable& table, const float* v, const float* x, float* values, float* grad) {
  const float direction[3] = {v[0], v[1], v[2]};
  float r[3] = {x[0], x[1], x[2]}, sum[3] = {};
  const float inverse = table.normalize ? math::make_unit(r[0], r[1], r[2]) : 0;
  math::harmonics_pass<pass, float>(table, direction, r, inverse, PlainRow<float>{values}, sum);
  for (int i = 0; i < 3; ++i) grad[i] = sum[i];
}

template <Pass pass>
void run_row(const RadialTable& table, const float* v, const float* x, float* values, float* grad) {
  double sum = 0;
  math::radial_pass<pass, double>(table, v[0], x[0], PlainRow<double>{values}, sum);
  grad[0] = static_cast<float>(sum);
}

/// The arrays of a call, in host memory.
struct EdgeArrays {
  std::vector<float> v, grad_out, x, values, grad;

  EdgeArrays(Random& random, const EdgeTable& table, size_t rows) {
    const auto fill = [&](std::vector<float>& array, size_t floats) {
      for (size_t n = 0; n < rows * floats; ++n) array.push_back(static_cast<float>(random.real()));
    };
    fill(v, edge_inputs(table));
    fill(grad_out, edge_values(table));
    fill(x, edge_inputs(table));
    poison(table, rows);
  }

  /// Fills the results with NaN: whatever is not written shows.
  void poison(const EdgeTable& table, size_t rows) {
    values.assign(rows * edge_values(table), std::nanf(""));
    grad.assign(rows * edge_inputs(table), std::nanf(""));
  }

  EdgeOperands operands(bool on_device) {
    const auto operand = [&](std::vector<float>& array) { return Operand{array.data(), on_device}; };
    return {operand(v), operand(grad_out), operand(x), operand(values), operand(grad)};
  }
};

/// Row by row. A result that the pass does not have stays NaN.
template <Pass pass>
void run_rows(const EdgeTable& table, EdgeArrays& arrays, size_t rows) {
  const size_t inputs = edge_inputs(table), size = edge_values(table);
  for (size_t row = 0; row < rows; ++row) {
    std::vector<float> values(arrays.grad_out.begin() + row * size, arrays.grad_out.begin() + (row + 1) * size);
    float grad[3];
    std::visit(
        [&](const auto& of) {
          run_row<pass>(of, &arrays.v[row * inputs], &arrays.x[row * inputs], values.data(), grad);
        },
        table);
    if (pass != Pass::backward) std::copy(values.begin(), values.end(), arrays.values.begin() + row * size);
    if (pass != Pass::forward) std::copy(grad, grad + inputs, arrays.grad.begin() + row * inputs);
  }
}

inline void run_rows(const EdgeTable& table, Pass pass, EdgeArrays& arrays, size_t rows) {
  switch (pass) {
    case Pass::forward: return run_rows<Pass::forward>(table, arrays, rows);
    case Pass::backward: return run_rows<Pass::backward>(table, arrays, rows);
    case Pass::double_backward: return run_rows<Pass::double_backward>(table, arrays, rows);
  }
}

}  // namespace gauntlet::test
