// Random contractions, and their plain reading in float64.
#pragma once

#include <vector>

#include "core/contraction.h"
#include "plans.h"

namespace gauntlet::test {

/// Inputs are features of two blocks, mixtures of weights, and more features; results the same once more. Rows are written again
/// and again, by sums that may read what they overwrite.
inline ContractionTable random_contraction(Random& random, int channels, int elements, int rows, int sums) {
  ContractionTable table{.channels = channels, .elements = elements, .rows = rows};
  int32_t row = 0;
  const auto add = [&](bool result, bool weights) {
    ContractionTable::Operand operand{.result = result, .weights = weights};
    int32_t count = 0;
    if (weights) {
      ContractionTable::Weights& own = operand.mixtures;
      for (const int paths : {3, 2}) {
        own.parts.push_back({own.numel + 1, paths});
        own.numel += 1 + elements * paths * channels;  // one float before each that belongs to none
      }
      count = 4;
      for (int n = 0; n < 9; ++n) {
        const int part = random.integer(0, 1);
        own.mixing.push_back({part, random.integer(0, part == 0 ? 2 : 1), random.integer(0, count - 1), random.real()});
      }
    } else {
      for (const int size : {3, 1}) {
        operand.features.blocks.push_back({operand.features.dim, channels, size});
        operand.features.dim += channels * size;
        count += size;
      }
    }
    for (int32_t n = 0; n < count; ++n) operand.rows.push_back(result ? random.integer(0, row - 1) : row++);
    table.operands.push_back(operand);
  };
  for (const bool weights : {false, true, false}) add(false, weights);
  const int32_t inputs = row;
  for (int n = 0; n < sums; ++n) {
    // One factor is an input, so that values neither grow nor vanish.
    const int products = random.integer(0, 3), multiples = random.integer(0, 2);
    table.runs.push_back({1, products, multiples});
    for (int i = 0; i < products; ++i)
      table.factors.insert(table.factors.end(), {random.integer(0, row - 1), random.integer(0, inputs - 1)});
    for (int i = 0; i < multiples; ++i) {
      table.multiples.push_back(random.integer(0, row - 1));
      table.multiple_factors.push_back(0.5 * random.real());
    }
    table.targets.push_back(row < rows ? row++ : random.integer(inputs, rows - 1));
  }
  for (const bool weights : {false, true, false}) add(true, weights);
  return table;
}

/// Results in the order of the operands, empty for inputs; elements are of each node.
inline std::vector<std::vector<double>> evaluate_contraction(const ContractionTable& table,
                                                             const std::vector<std::vector<float>>& x,
                                                             const std::vector<int32_t>& elements) {
  std::vector<std::vector<double>> results(x.size());
  for (size_t n = 0; n < x.size(); ++n) {
    if (table.operands[n].result) results[n].assign(table.length(n, elements.size()), 0.0);
  }
  /// f(index, row, factor) for all floats of operand n that a lane sees.
  const auto for_floats = [&](size_t n, size_t node, int32_t channel, const auto& f) {
    const ContractionTable::Operand& operand = table.operands[n];
    size_t component = 0;
    for (const Block& block : operand.features.blocks) {
      for (int32_t k = 0; k < block.size; ++k)
        f(node * operand.features.dim + block.offset + channel * block.size + k, operand.rows[component++], 1.0);
    }
    for (const auto& [part, path, mixture, value] : operand.mixtures.mixing) {
      const auto& [offset, paths] = operand.mixtures.parts[part];
      f(size_t(offset) + (size_t(elements[node]) * paths + path) * table.channels + channel, operand.rows[mixture], value);
    }
  };
  for (size_t node = 0; node < elements.size(); ++node) {
    for (int32_t channel = 0; channel < table.channels; ++channel) {
      std::vector<double> row(table.rows, 0.0);
      for (size_t n = 0; n < x.size(); ++n) {
        if (table.operands[n].result) continue;
        for_floats(n, node, channel, [&](size_t at, int32_t r, double factor) { row[r] += factor * x[n][at]; });
      }
      size_t sum = 0, product = 0, multiple = 0;
      for (const ContractionTable::Run& run : table.runs) {
        for (int32_t r = 0; r < run.rows; ++r, ++sum) {
          double total = 0;
          for (int32_t i = 0; i < run.products; ++i, ++product)
            total += row[table.factors[2 * product]] * row[table.factors[2 * product + 1]];
          for (int32_t i = 0; i < run.multiples; ++i, ++multiple)
            total += table.multiple_factors[multiple] * row[table.multiples[multiple]];
          row[table.targets[sum]] = total;
        }
      }
      for (size_t n = 0; n < x.size(); ++n) {
        if (!table.operands[n].result) continue;
        for_floats(n, node, channel, [&](size_t at, int32_t r, double factor) { results[n][at] += factor * row[r]; });
      }
    }
  }
  return results;
}

}  // namespace gauntlet::test
