// Operations on matrices against their definitions in float64, from host and from device memory, with the threads of a block in
// three orders. Results are poisoned first.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "checks.h"
#include "core/matrix_operations.h"

namespace gauntlet::test {
namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

/// Calls compute(operations, operand of x[n], out) in every setting.
void check_operation(const std::string& name, std::vector<Floats> x, const Doubles& wanted,
                     const std::function<void(MatrixOperations&, const std::vector<Operand>&, Operand)>& compute,
                     double tolerance = kTolerance) {
  const auto operations = make_cuda_matrix_operations(0);
  Floats first;
  for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
    emulated::machine.order = order;
    Floats out(wanted.size(), std::nanf(""));
    const bool on_device = order != Order::forward;
    std::vector<Operand> operands;
    for (Floats& array : x) operands.push_back({array.data(), on_device});
    compute(*operations, operands, {out.data(), on_device});
    if (on_device) cuda::synchronize(0);
    const double error = relative_error(out, wanted);
    expect(error < tolerance, name + ": error " + std::to_string(error));
    if (order == Order::forward) first = out;
    expect(out == first, name + ": depends on thread order or memory");
  }
}

void check_matmul(Random& random, Transposed transposed, size_t rows, size_t columns, size_t sums) {
  const Floats a = random_floats(random, rows * sums), b = random_floats(random, columns * sums);
  Doubles wanted(rows * columns);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      double sum = 0;
      for (size_t k = 0; k < sums; ++k) {
        sum += double{a[transposed == Transposed::first ? k * rows + r : r * sums + k]} *
               b[transposed == Transposed::second ? c * sums + k : k * columns + c];
      }
      wanted[r * columns + c] = 0.5 * sum;
    }
  }
  const std::string name = "matmul " + std::to_string(static_cast<int>(transposed)) + ", " + std::to_string(rows) +
                           " x " + std::to_string(columns) + " of " + std::to_string(sums);
  check_operation(name, {a, b}, wanted, [&](MatrixOperations& on, const std::vector<Operand>& x, Operand out) {
    on.matmul(out, x[0], x[1], {transposed, rows, columns, sums, 0.5});
  });
}

void test_matmul() {
  Random random(61);
  for (const Transposed transposed : {Transposed::none, Transposed::second, Transposed::first}) {
    const size_t sizes[][3] = {{1, 1, 1},    {130, 64, 64}, {300, 9, 17}, {257, 1, 3},   {5, 70, 1},
                               {1, 37, 600}, {131, 67, 33}, {3, 8, 2000}, {129, 1, 100}, {2, 3, 0}};
    for (const auto& [rows, columns, sums] : sizes) check_matmul(random, transposed, rows, columns, sums);
  }
  check_matmul(random, Transposed::first, 65, 130, 700);
  // As many rows and columns as fill tiles of every size.
  for (const Transposed transposed : {Transposed::none, Transposed::second}) {
    check_matmul(random, transposed, 33, 8190, 18);
    check_matmul(random, transposed, 129, 4110, 17);
    check_matmul(random, transposed, 32600, 7, 5);
  }
}

/// f of every family as JavaScript defines it.
double value_of(const ScalarFunction& f, double x) {
  const auto polynomial = [](int terms, const double* p, double s) {
    double sum = 0;
    for (int n = terms - 1; n >= 0; --n) sum = sum * s + p[n];
    return sum;
  };
  switch (f.family) {
    case ScalarFunction::Family::none: return x;
    case ScalarFunction::Family::powers: {
      double sum = 0;
      for (int n = 0; n < f.terms[0]; ++n) sum += f.first[2 * n] * std::pow(x, f.first[2 * n + 1]);
      return x >= f.end ? 0 : sum;
    }
    case ScalarFunction::Family::sine: {
      const double size = f.turns % 2 == 0 ? std::sin(x) : std::cos(x);
      return f.turns < 2 ? size : -size;
    }
    case ScalarFunction::Family::exponential: return std::exp(x);
    case ScalarFunction::Family::sigmoid: {
      const double s = 1 / (1 + std::exp(-f.rate * x));
      return polynomial(f.terms[0], f.first, s) + x * polynomial(f.terms[1], f.second, s);
    }
  }
  return 0;
}

void test_elementwise() {
  Random random(62);
  const Doubles powers = {2.5, 1, 0.5, -3, 2, 0.25, -1.5, 1, 0}, sigmoid = {2, 2, -1, 2, 0.5, 1, -3}, turns[4] = {{0}, {1}, {2}, {3}};
  std::vector<ScalarFunction> functions = {decode_scalar_function(-1, {}), decode_scalar_function(0, powers),
                                           decode_scalar_function(2, {}), decode_scalar_function(3, sigmoid)};
  for (const Doubles& turn : turns) functions.push_back(decode_scalar_function(1, turn));
  for (const ScalarFunction& f : functions) {
    for (const size_t length : {size_t{1}, size_t{1029}, size_t{2048}}) {
      std::vector<Floats> x = {random_floats(random, length), random_floats(random, length),
                               random_floats(random, length)};
      for (float& value : x[0]) value = std::abs(value) + 0.125f;
      Doubles wanted(length);
      for (size_t n = 0; n < length; ++n) wanted[n] = 0.75 * value_of(f, x[0][n]) * x[1][n] * x[2][n];
      check_operation("elementwise, family " + std::to_string(static_cast<int>(f.family)), x, wanted,
                      [&](MatrixOperations& on, const std::vector<Operand>& x, Operand out) {
                        on.elementwise(out, length, 0.75, f, x);
                      });
    }
  }
  const size_t length = 777;
  const std::vector<Floats> many(kMostInputs, random_floats(random, length));
  const Doubles factors(kMostInputs, 0.25);
  Doubles wanted(length);
  for (size_t n = 0; n < length; ++n) wanted[n] = 0.25 * kMostInputs * many[0][n];
  check_operation("combine, most inputs", many, wanted,
                  [&](MatrixOperations& on, const std::vector<Operand>& x, Operand out) {
                    on.combine(out, length, factors, x);
                  });
  // In place, and not aligned.
  for (const size_t from : {0, 1}) {
    Floats x = random_floats(random, length + 1), kept = x;
    const auto operations = make_cuda_matrix_operations(0);
    const Operand part{x.data() + from, true};
    const Operand inputs[] = {part, part};
    operations->combine(part, length, std::vector{1.0, 2.0}, inputs);
    cuda::synchronize(0);
    for (size_t n = 0; n < length; ++n) kept[n + from] *= 3;
    expect(x == kept, "combine in place");
  }
  check_operation("fill", {}, Doubles(1027, 1.5), [](MatrixOperations& on, const std::vector<Operand>&, Operand out) {
    on.fill(out, 1027, 1.5f);
  });
}

void test_rows() {
  Random random(63);
  for (const size_t dim : {1, 3, 4, 33, 64, 130}) {
    const std::string end = ", " + std::to_string(dim) + " columns";
    const size_t rows = 300, segments = 7;
    const Floats x = random_floats(random, rows * dim);
    std::vector<int32_t> of, start(segments + 1), order;
    for (size_t n = 0; n < 413; ++n) of.push_back(random.integer(0, static_cast<int>(rows) - 1));
    Doubles gathered, sums(segments * dim), all(dim), narrow, wide(rows * (dim + 5)), repeated;
    for (const int32_t row : of) gathered.insert(gathered.end(), &x[row * dim], &x[row * dim] + dim);
    for (size_t s = 0; s < segments; ++s) {
      const int count = s == 2 ? 0 : random.integer(1, 90);
      for (int n = 0; n < count; ++n) order.push_back(random.integer(0, static_cast<int>(rows) - 1));
      start[s + 1] = static_cast<int32_t>(order.size());
      for (int32_t n = start[s]; n < start[s + 1]; ++n) {
        for (size_t k = 0; k < dim; ++k) sums[s * dim + k] += x[order[n] * dim + k];
      }
    }
    for (size_t n = 0; n < x.size(); ++n) all[n % dim] += x[n];
    const size_t from = dim / 2, count = dim - from;
    for (size_t r = 0; r < rows; ++r) {
      narrow.insert(narrow.end(), &x[r * dim + from], &x[r * dim] + dim);
      for (size_t k = 0; k < dim; ++k) wide[r * (dim + 5) + 2 + k] = x[r * dim + k];
      repeated.insert(repeated.end(), x.begin(), x.begin() + static_cast<ptrdiff_t>(dim));
    }
    using Operations = MatrixOperations;
    using Inputs = std::vector<Operand>;
    check_operation("gather" + end, {x}, gathered,
                    [&](Operations& on, const Inputs& x, Operand out) { on.gather(out, x[0], rows, dim, of); });
    check_operation("scatter" + end, {x}, sums, [&](Operations& on, const Inputs& x, Operand out) {
      on.scatter(out, x[0], rows, dim, {start, order});
    });
    check_operation("sum of rows" + end, {x}, all,
                    [&](Operations& on, const Inputs& x, Operand out) { on.sum_rows(out, x[0], rows, dim); });
    check_operation("columns" + end, {x}, narrow, [&](Operations& on, const Inputs& x, Operand out) {
      on.columns(out, x[0], {rows, dim, count, from});
    });
    check_operation("pad" + end, {x}, wide, [&](Operations& on, const Inputs& x, Operand out) {
      on.pad(out, x[0], {rows, dim + 5, dim, 2});
    });
    check_operation("broadcast" + end, {x}, repeated,
                    [&](Operations& on, const Inputs& x, Operand out) { on.broadcast_rows(out, x[0], rows, dim); });
  }
  const auto operations = make_cuda_matrix_operations(0);
  float nothing[2] = {1, 1};
  operations->sum_rows({nothing, true}, {nullptr, true}, 0, 2);
  cuda::synchronize(0);
  expect(nothing[0] == 0 && nothing[1] == 0, "sum of no rows");
}

void test_training() {
  Random random(64);
  // More pieces than one launch takes, with gaps and an empty one.
  std::vector<Floats> pieces;
  std::vector<Piece> places;
  Doubles whole(3);
  for (int n = 0; n < 200; ++n) {
    pieces.push_back(random_floats(random, n == 5 ? 0 : random.integer(1, 20)));
    places.push_back({static_cast<int32_t>(whole.size()), static_cast<int32_t>(pieces.back().size())});
    whole.insert(whole.end(), pieces.back().begin(), pieces.back().end());
    whole.resize(whole.size() + n % 3);
  }
  check_operation("concatenate", pieces, whole,
                  [&](MatrixOperations& on, const std::vector<Operand>& x, Operand out) {
                    on.concatenate(out, whole.size(), places, x);
                  });
  const size_t length = 1031;
  const AdamStep step{0.9, 0.999, 0.02, 0.5, 1e-8, 0.7};
  for (const bool amsgrad : {true, false}) {
    const Floats gradient = random_floats(random, length), decay(length, 0.01f), start = random_floats(random, length);
    Doubles wanted;
    for (size_t n = 0; n < length; ++n) {
      const double g = 0.7 * gradient[n] + 0.01 * start[n], square = 0.999 * 0.25 + 0.001 * g * g;
      const double largest = amsgrad ? std::max(square, n % 2 == 0 ? 0.0 : 0.5) : square;
      wanted.push_back(start[n] - 0.02 * (0.9 * 0.125 + 0.1 * g) / (std::sqrt(largest / 0.5) + 1e-8));
    }
    for (const bool on_device : {false, true}) {
      Floats values = start, mean(length, 0.125f), square(length, 0.25f), largest(length), g = gradient, d = decay;
      for (size_t n = 0; n < length; ++n) largest[n] = n % 2 == 0 ? 0 : 0.5f;
      const auto in = [&](Floats& array) { return Operand{array.data(), on_device}; };
      AdamArrays<Operand> arrays{in(values), in(g), in(d), in(mean), in(square), {}};
      if (amsgrad) arrays.largest = in(largest);
      make_cuda_matrix_operations(0)->adam(arrays, length, step);
      if (on_device) cuda::synchronize(0);
      const double error = relative_error(values, wanted);
      expect(error < kTolerance, "Adam: error " + std::to_string(error));
    }
  }
}

void test_matrices() {
  // Their tiles have one size, which the least of GPUs has room for.
  emulated::machine.shared_per_block = emulated::machine.shared_per_multiprocessor = 64 << 10;
  test_matmul();
  test_elementwise();
  test_rows();
  test_training();
}

}  // namespace
}  // namespace gauntlet::test
