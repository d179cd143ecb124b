// Checks derivatives of the float64 build of the CPU kernels by central differences of what they are derivatives of.
//
//     gauntlet_float64 plan FILE BATCH              a product
//     gauntlet_float64 convolution FILE
//     gauntlet_float64 edge FILE LEAST MOST         a function of lengths from LEAST to MOST, or of vectors that long
//     gauntlet_float64 contraction VALUES GRADIENT SECOND
//
// Files are as lib/cli/plan-file.ts writes them. Prints a line of JSON: how many comparisons were made, and the worst error, relative
// to the size of gradient times direction.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/native/plan_file.h"
#include "core/contraction.h"
#include "core/convolution.h"
#include "core/edge_function.h"
#include "core/executor.h"
#include "cpu/kernels.h"
#include "differences.h"

#if defined(__x86_64__)
// What the kernels do by the float32 instructions of AVX-512 has no float64 counterpart: such machines run the kernels for AVX2.
namespace gauntlet::avx2 {
extern const Kernels table;
}
namespace gauntlet::avx512 {
extern const Kernels table;
const Kernels table = avx2::table;
}  // namespace gauntlet::avx512
#endif

namespace gauntlet::test {
namespace {

static_assert(sizeof(float) == 8, "this is the float64 build");

/// Of a function that is linear in what it moves along, where any step is exact, and of a polynomial, likewise.
constexpr double kStep = 0.5;
/// Elsewhere errors are the step to the fourth times fifth derivatives, and rounding over the step: both 1e-11 at most.
constexpr double kSmallStep = 5e-5;

/// Operands of a multilinear form, and the form with one of them left out.
using Operands = std::vector<Numbers>;
using Form = std::function<Numbers(int left_out, const Operands& operands)>;

/// F(..., x_o, ...) = <x_o, form without o>: for every operand that is the gradient of F, of which the one without y, the forward
/// pass, gives the values. Then every gradient's own derivative along every other operand.
void check_form(const Form& form, const Operands& at, Comparison& comparison, Random& random) {
  const int operands = static_cast<int>(at.size()), y = 2;
  const auto moved = [&](int o, const Numbers& x) {
    Operands result = at;
    result[o] = x;
    return result;
  };
  for (int o = 0; o < operands; ++o) {
    if (o == y || at[o].empty()) continue;
    const auto value = [&](const Numbers& x) { return dot(at[y], form(y, moved(o, x))); };
    comparison.gradient(value, at[o], form(o, at), kStep, random);
  }
  for (int o = 0; o < operands; ++o) {
    if (at[o].empty()) continue;
    const Numbers u = random.normals(at[o].size());
    for (int p = 0; p < operands; ++p) {
      if (p == o || at[p].empty()) continue;
      // d/dx_p of <u, form without o> is the form with u for x_o and p left out.
      const auto value = [&](const Numbers& x) { return dot(u, form(o, moved(p, x))); };
      comparison.gradient(value, at[p], form(p, moved(o, u)), kStep, random);
    }
  }
}

/// Operands as native code takes them; the target's memory is `out`.
struct OperandList {
  OperandList(const Operands& from, int target, Numbers& out) {
    for (size_t o = 0; o < from.size(); ++o) list[o].data = const_cast<double*>(from[o].data());
    list[target].data = out.data();
  }
  Operand list[kOperands];
};

Evaluation evaluation_of(const Operands& from, int target, Numbers& out) {
  Evaluation evaluation{target, {}};
  const OperandList operands(from, target, out);
  std::copy(std::begin(operands.list), std::end(operands.list), evaluation.operands);
  return evaluation;
}

void check_plan(const std::string& path, size_t batch, Comparison& comparison, Random& random) {
  const Plan plan = bench::read_plan(path);
  const auto executor = make_cpu_executor(plan);
  Operands at;
  for (int o = 0; o < (plan.dim[kWeights] > 0 ? kOperands : 3); ++o)
    at.push_back(random.normals(plan.rows(o, batch) * plan.dim[o]));
  const Form form = [&](int left_out, const Operands& from) {
    Numbers out = poison(from[left_out].size());
    const Evaluation evaluation = evaluation_of(from, left_out, out);
    executor->evaluate({&evaluation, 1}, batch);
    return out;
  };
  check_form(form, at, comparison, random);
}

/// The edges of every group, a node or a pair, in order.
struct EdgeLists {
  EdgeLists(const std::vector<int32_t>& groups, int32_t count) : start(count + 1) {
    for (int32_t group = 0; group < count; ++group) {
      start[group] = static_cast<int32_t>(order.size());
      for (size_t edge = 0; edge < groups.size(); ++edge)
        if (groups[edge] == group) order.push_back(static_cast<int32_t>(edge));
    }
    start[count] = static_cast<int32_t>(order.size());
  }
  Incidence view() const { return {start.size() - 1, start.data(), order.data()}; }
  std::vector<int32_t> start, order;
};

void check_convolution(const std::string& path, Comparison& comparison, Random& random) {
  constexpr int32_t kEdges = 70, kSenders = 9, kReceivers = 7, kPairs = 40;
  const bench::EncodedPlan encoded = bench::read_encoded(path);
  const ConvolutionTable table = decode_convolution(encoded.integers, encoded.reals);
  const auto convolution = make_cpu_convolution(table);
  std::vector<int32_t> senders(kEdges), receivers(kEdges), pairs(kEdges);
  for (int32_t& node : senders) node = random.below(kSenders);
  for (int32_t& node : receivers) node = random.below(kReceivers);
  for (int32_t& pair : pairs) pair = random.below(kPairs);
  const EdgeLists by_sender(senders, kSenders), by_receiver(receivers, kReceivers), by_pair(pairs, kPairs);
  const GraphView graph{kEdges,           senders.data(),     receivers.data(), by_sender.view(),
                        by_receiver.view(), pairs.data(), by_pair.view()};
  Operands at;
  for (int o = 0; o < (table.dim[kWeights] > 0 ? kOperands : 3); ++o)
    at.push_back(random.normals(graph.rows(o) * table.dim[o]));
  const Form form = [&](int left_out, const Operands& from) {
    Numbers out = poison(from[left_out].size());
    convolution->evaluate(left_out, OperandList(from, left_out, out).list, graph, false);
    return out;
  };
  check_form(form, at, comparison, random);
}

void check_edge(const std::string& path, double least, double most, Comparison& comparison, Random& random) {
  constexpr size_t kRows = 70;
  const bench::EncodedPlan encoded = bench::read_encoded(path);
  const EdgeTable table = decode_edge_table(encoded.integers, encoded.reals);
  const auto function = make_cpu_edge_function(table);
  const size_t inputs = kRows * edge_inputs(table), values = kRows * edge_values(table);
  const Numbers x = edge_inputs(table) == 3 ? random.vectors(least, most, kRows) : random.between(least, most, inputs);
  const Numbers g = random.normals(values), v = random.normals(inputs);
  const auto operand = [](const Numbers& numbers) { return Operand{const_cast<double*>(numbers.data())}; };
  const auto run = [&](Pass pass, const Numbers& of_x, const Numbers& of_g) {
    std::array<Numbers, 2> out{poison(values), poison(inputs)};
    function->run(pass, {operand(v), operand(of_g), operand(of_x), operand(out[0]), operand(out[1])}, kRows);
    return out;
  };
  const auto value = [&](const Numbers& at) { return dot(g, run(Pass::forward, at, g)[0]); };
  comparison.gradient(value, x, run(Pass::backward, x, g)[1], kSmallStep, random);
  const auto [second_g, second_x] = run(Pass::double_backward, x, g);
  const auto along_x = [&](const Numbers& at) { return dot(v, run(Pass::backward, at, g)[1]); };
  comparison.gradient(along_x, x, second_x, kSmallStep, random);
  const auto along_g = [&](const Numbers& at) { return dot(v, run(Pass::backward, x, at)[1]); };
  comparison.gradient(along_g, g, second_g, kStep, random);
}

/// A contraction's circuit: some operands in, others out.
struct Circuit {
  explicit Circuit(const std::string& path) {
    const bench::EncodedPlan encoded = bench::read_encoded(path);
    table = decode_contraction(encoded.integers, encoded.reals);
    contraction = make_cpu_contraction(table);
  }
  Operands run(const Operands& inputs, const std::vector<int32_t>& elements) const {
    Operands results;
    std::vector<Operand> operands;
    for (const Numbers& input : inputs) operands.push_back({const_cast<double*>(input.data())});
    for (size_t o = inputs.size(); o < table.operands.size(); ++o)
      results.push_back(poison(table.length(o, elements.size())));
    for (Numbers& result : results) operands.push_back({result.data()});
    contraction->run(operands, elements);
    return results;
  }
  ContractionTable table;
  std::unique_ptr<Contraction> contraction;
};

/// `values`: x, weight to y; `gradient`: x, weight, g to those of x and weight; `second`: x, weight, g, v.x, v.weight to those of x,
/// weight and g.
void check_contraction(const Circuit& values, const Circuit& gradient, const Circuit& second, Comparison& comparison,
                       Random& random) {
  constexpr size_t kNodes = 21;
  std::vector<int32_t> elements(kNodes);
  for (int32_t& element : elements) element = random.below(values.table.elements);
  Operands at;
  for (size_t o = 0; o < second.table.operands.size() && !second.table.operands[o].result; ++o)
    at.push_back(random.normals(second.table.length(o, kNodes)));
  const auto moved = [&](size_t o, const Numbers& x, size_t count) {
    Operands result(at.begin(), at.begin() + count);
    if (o < count) result[o] = x;
    return result;
  };
  const Numbers &g = at[2], &vx = at[3], &vw = at[4];
  const Operands first = gradient.run(moved(3, {}, 3), elements);
  for (size_t o = 0; o < 2; ++o) {
    const auto value = [&](const Numbers& x) { return dot(g, values.run(moved(o, x, 2), elements)[0]); };
    comparison.gradient(value, at[o], first[o], kStep, random);
  }
  const Operands seconds = second.run(at, elements);
  for (size_t o = 0; o < 3; ++o) {
    const auto value = [&](const Numbers& x) {
      const Operands gradients = gradient.run(moved(o, x, 3), elements);
      return dot(vx, gradients[0]) + dot(vw, gradients[1]);
    };
    comparison.gradient(value, at[o], seconds[o], kStep, random);
  }
}

int main_of(const std::vector<std::string>& arguments) {
  Comparison comparison;
  Random random;
  const auto is = [&](const char* kind, size_t count) { return arguments.size() == count && arguments[0] == kind; };
  if (is("plan", 3)) {
    check_plan(arguments[1], std::stoul(arguments[2]), comparison, random);
  } else if (is("convolution", 2)) {
    check_convolution(arguments[1], comparison, random);
  } else if (is("edge", 4)) {
    check_edge(arguments[1], std::stod(arguments[2]), std::stod(arguments[3]), comparison, random);
  } else if (is("contraction", 4)) {
    check_contraction(Circuit(arguments[1]), Circuit(arguments[2]), Circuit(arguments[3]), comparison, random);
  } else {
    throw std::invalid_argument("unknown arguments, see main.cc");
  }
  const double worst = comparison.worst();
  char number[32] = "null";  // JSON has no NaN
  if (!std::isnan(worst)) std::snprintf(number, sizeof number, "%.3e", worst);
  std::printf("{\"isa\":\"%s\",\"comparisons\":%d,\"worst\":%s}\n", kernels().name, comparison.count(), number);
  return 0;
}

}  // namespace
}  // namespace gauntlet::test

int main(int argc, char** argv) {
  try {
    return gauntlet::test::main_of({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gauntlet_float64: %s\n", error.what());
    return 2;
  }
}
