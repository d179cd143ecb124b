// What the tests hold results against, and how many of those checks failed.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "contraction.h"
#include "convolution.h"
#include "core/executor.h"
#include "cuda/runtime.h"
#include "edges.h"
#include "mixed.h"
#include "reference.h"

namespace gauntlet::test {
namespace {

// A sum of n float32 products carries an error of about sqrt(n) 2^-24 of its terms' size; the longest sums here have a few
// thousand terms through three stages. A wrong index is wrong by the size of the result itself.
constexpr double kTolerance = 4e-6;

int failures = 0;
int checks = 0;

void expect(bool truth, const std::string& what) {
  ++checks;
  if (truth) return;
  ++failures;
  std::printf("FAILED %s\n", what.c_str());
}

struct Machine {
  const char* name;
  int shared_per_block, shared_per_multiprocessor;
};
constexpr Machine kMachines[] = {{"sm_90", 227 << 10, 228 << 10},
                                 {"sm_86", 99 << 10, 100 << 10},
                                 {"sm_75", 64 << 10, 64 << 10},
                                 {"tiny", 12 << 10, 12 << 10}};

std::vector<float> random_floats(Random& random, size_t n) {
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random.real());
  return values;
}

double relative_error(const std::vector<float>& got, const std::vector<double>& wanted) {
  double error = 0, norm = 0;
  for (size_t n = 0; n < wanted.size(); ++n) {
    error += (got[n] - wanted[n]) * (got[n] - wanted[n]);
    norm += wanted[n] * wanted[n];
  }
  return norm == 0 ? std::sqrt(error) : std::sqrt(error / norm);
}

void evaluate_one(Executor& executor, int target, const Operand (&operands)[kOperands], size_t batch,
                  bool accumulate) {
  Evaluation evaluation{target, {}, accumulate};
  std::copy_n(operands, kOperands, evaluation.operands);
  executor.evaluate({&evaluation, 1}, batch);
}

/// The target is poisoned first, so that nothing is read of it, or with `accumulate` holds what `x` does.
std::vector<float> run(Executor& executor, const Plan& plan, int target, std::vector<float> (&x)[3], size_t batch,
                       bool on_device, bool accumulate = false) {
  std::vector<float> out(batch * plan.dim[target], std::nanf(""));
  if (accumulate) std::copy_n(x[target].begin(), out.size(), out.begin());
  Operand operands[kOperands];
  for (int o = 0; o < 3; ++o) operands[o] = {o == target ? out.data() : x[o].data(), on_device};
  evaluate_one(executor, target, operands, batch, accumulate);
  if (on_device) cuda::synchronize(0);
  return out;
}

void check_plan(const std::string& name, const Plan& plan, size_t batch, unsigned seed) {
  Random random(seed);
  std::vector<float> x[3];
  for (int o = 0; o < 3; ++o) x[o] = random_floats(random, batch * plan.dim[o]);
  for (const int target : {0, 1, 2}) {
    const std::vector<double> wanted = evaluate(plan, target, x, batch);
    for (const Machine& machine : kMachines) {
      emulated::machine.shared_per_block = machine.shared_per_block;
      emulated::machine.shared_per_multiprocessor = machine.shared_per_multiprocessor;
      const std::string label = name + ", target " + std::to_string(target) + ", " + machine.name;
      const auto executor = make_cuda_executor(plan, 0);
      std::vector<float> first;
      for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
        emulated::machine.order = order;
        const bool on_device = order != Order::forward;
        const std::vector<float> got = run(*executor, plan, target, x, batch, on_device);
        if (order == Order::forward) {
          first = got;
          const double error = relative_error(got, wanted);
          expect(error < kTolerance, label + ": error " + std::to_string(error * 1e6) + "e-6");
        } else {
          expect(std::memcmp(got.data(), first.data(), got.size() * sizeof(float)) == 0,
                 label + ": depends on thread order");
        }
      }
      for (const bool on_device : {false, true}) {
        const std::vector<float> got = run(*executor, plan, target, x, batch, on_device, true);
        std::vector<double> sum(wanted);
        for (size_t n = 0; n < sum.size(); ++n) sum[n] += x[target][n];
        const double error = relative_error(got, sum);
        expect(error < kTolerance, label + ", accumulated: error " + std::to_string(error * 1e6) + "e-6");
      }
    }
  }
}

Plan plan_of(Random& random, int channels, const int (&fiber)[3], const SideOptions& options,
             const std::function<Form(const Side (&)[3])>& make) {
  Plan plan{};
  Group group{.channels = channels};
  for (int o = 0; o < 3; ++o) group.sides[o] = random_side(random, fiber[o], channels, options, plan.dim[o]);
  group.form = make(group.sides);
  plan.groups.push_back(std::move(group));
  return plan;
}

/// One result of a pass; one that the pass does not have was NaN and must stay so.
void check_result(const std::string& label, const std::vector<float>& got, const std::vector<float>& wanted) {
  if (std::isnan(wanted[0])) return expect(std::isnan(got[0]), label + ": not this pass's result, but written");
  const double error = relative_error(got, {wanted.begin(), wanted.end()});
  expect(error < kTolerance, label + ": error " + std::to_string(error * 1e6) + "e-6");
}

void check_edges(const std::string& name, const EdgeTable& table, size_t rows) {
  Random random(20);
  EdgeArrays arrays(random, table, rows);
  const auto function = make_cuda_edge_function(table, 0);
  for (const Pass pass : {Pass::forward, Pass::backward, Pass::double_backward}) {
    arrays.poison(table, rows);
    run_rows(table, pass, arrays, rows);
    const std::vector<float> values = arrays.values, grad = arrays.grad;
    for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
      emulated::machine.order = order;
      arrays.poison(table, rows);
      function->run(pass, arrays.operands(order == Order::backward), rows);
      if (order == Order::backward) cuda::synchronize(0);
      const std::string label = name + ", pass " + std::to_string(static_cast<int>(pass));
      check_result(label + ", values", arrays.values, values);
      check_result(label + ", grad", arrays.grad, grad);
    }
  }
}

void check_mixed(const std::string& name, const Plan& plan, size_t batch, unsigned seed) {
  Random random(seed);
  std::vector<float> x[kOperands];
  for (int o = 0; o < kOperands; ++o) x[o] = random_floats(random, plan.rows(o, batch) * plan.dim[o]);
  for (int target = 0; target < kOperands; ++target) {
    if (plan.dim[target] == 0) continue;
    const std::vector<double> wanted = evaluate_mixed(plan, target, x, batch);
    const std::string label = name + ", target " + std::to_string(target);
    const auto executor = make_cuda_executor(plan, 0);
    const auto run = [&](bool on_device, bool accumulate) {
      std::vector<float> out(x[target].size(), std::nanf(""));
      if (accumulate) out = x[target];
      Operand operands[kOperands];
      for (int o = 0; o < kOperands; ++o) operands[o] = {o == target ? out.data() : x[o].data(), on_device};
      evaluate_one(*executor, target, operands, batch, accumulate);
      if (on_device) cuda::synchronize(0);
      return out;
    };
    emulated::machine.order = Order::forward;
    const std::vector<float> first = run(false, false);
    const double error = relative_error(first, wanted);
    expect(error < kTolerance, label + ": error " + std::to_string(error * 1e6) + "e-6");
    for (const Order order : {Order::backward, Order::shuffled}) {
      emulated::machine.order = order;
      expect(run(true, false) == first, label + ": depends on thread order");
    }
    std::vector<double> sum = wanted;
    for (size_t n = 0; n < sum.size(); ++n) sum[n] += x[target][n];
    expect(relative_error(run(false, true), sum) < kTolerance, label + ", accumulated");
  }
}

void check_convolution(const std::string& name, const ConvolutionTable& table, const RandomGraph& ends) {
  Random random(40);
  const GraphView graph = ends.view();
  std::vector<float> x[kOperands];
  for (int o = 0; o < kOperands; ++o) x[o] = random_floats(random, graph.rows(o) * table.dim[o]);
  const auto convolution = make_cuda_convolution(table, 0);
  const auto on_device = copy_graph_to_cuda(graph, 0);
  for (int target = 0; target < (table.dim[kWeights] > 0 ? kOperands : 3); ++target) {
    const std::vector<double> wanted = evaluate_convolution(table, target, x, graph);
    const std::string label = name + ", target " + std::to_string(target);
    std::vector<float> first;
    for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
      for (const bool accumulate : {false, true}) {
        emulated::machine.order = order;
        std::vector<float> out(x[target].size(), std::nanf(""));
        if (accumulate) out = x[target];
        Operand operands[kOperands];
        for (int o = 0; o < kOperands; ++o)
          operands[o] = {o == target ? out.data() : x[o].data(), order != Order::forward};
        convolution->evaluate(target, operands, *on_device, accumulate);
        if (order != Order::forward) cuda::synchronize(0);
        std::vector<double> sum = wanted;
        for (size_t n = 0; accumulate && n < sum.size(); ++n) sum[n] += x[target][n];
        const double error = relative_error(out, sum);
        expect(error < kTolerance, label + (accumulate ? ", accumulated" : "") + ": error " + std::to_string(error));
        if (accumulate) continue;
        if (order == Order::forward) first = out;
        expect(out == first, label + ": depends on thread order");
      }
    }
  }
}

void check_contraction(const std::string& name, const ContractionTable& table, const std::vector<int32_t>& elements) {
  Random random(50);
  std::vector<std::vector<float>> x;
  for (size_t n = 0; n < table.operands.size(); ++n) {
    x.push_back(random_floats(random, table.length(n, elements.size())));
    for (float& value : x.back()) value *= 0.5f;
  }
  const std::vector<std::vector<double>> wanted = evaluate_contraction(table, x, elements);
  for (const Machine& machine : {kMachines[0], kMachines[3]}) {
    emulated::machine.shared_per_block = machine.shared_per_block;
    emulated::machine.shared_per_multiprocessor = machine.shared_per_multiprocessor;
    const auto contraction = make_cuda_contraction(table, 0);
    std::vector<std::vector<float>> first;
    for (const Order order : {Order::forward, Order::backward, Order::shuffled}) {
      emulated::machine.order = order;
      std::vector<std::vector<float>> arrays = x;
      std::vector<Operand> operands;
      for (size_t n = 0; n < arrays.size(); ++n) {
        if (table.operands[n].result) std::ranges::fill(arrays[n], std::nanf(""));
        operands.push_back({arrays[n].data(), order != Order::forward});
      }
      contraction->run(operands, elements);
      if (order != Order::forward) cuda::synchronize(0);
      if (order == Order::forward) first = arrays;
      expect(arrays == first, name + ", " + machine.name + ": depends on thread order");
      for (size_t n = 0; n < arrays.size(); ++n) {
        if (!table.operands[n].result) continue;
        const double error = relative_error(arrays[n], wanted[n]);
        expect(error < kTolerance, name + ", " + machine.name + ", array " + std::to_string(n) + ": error " + std::to_string(error));
      }
    }
  }
}

}  // namespace
}  // namespace gauntlet::test
