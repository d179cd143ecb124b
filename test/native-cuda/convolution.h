// Random convolutions and graphs, and their plain reading in float64.
#pragma once

#include <numeric>
#include <utility>
#include <vector>

#include "core/convolution.h"
#include "plans.h"

namespace gauntlet::test {

/// A graph with its lists, made by sorting.
struct RandomGraph {
  std::vector<int32_t> ends[3], start[3], order[3];  // senders, receivers, pairs

  /// Ends are drawn from [first[side], first[side] + count[side]) of nodes[side] nodes.
  RandomGraph(Random& random, size_t edges, const int (&nodes)[2], const int (&first)[2], const int (&count)[2]) {
    for (int side = 0; side < 2; ++side) {
      for (size_t e = 0; e < edges; ++e) ends[side].push_back(first[side] + random.integer(0, count[side] - 1));
      list(side, nodes[side]);
    }
  }
  /// Gives every edge one of so many pairs: some get none, others more than two.
  void pair(Random& random, int pairs) {
    for (size_t e = 0; e < ends[0].size(); ++e) ends[2].push_back(random.integer(0, pairs - 1));
    list(2, pairs);
  }
  GraphView view() const {
    const auto incidence = [&](int side) {
      return Incidence{start[side].size() - 1, start[side].data(), order[side].data()};
    };
    const size_t edges = ends[0].size();
    const bool paired = !start[2].empty();
    return {edges,
            ends[0].data(),
            ends[1].data(),
            incidence(0),
            incidence(1),
            paired ? ends[2].data() : nullptr,
            paired ? incidence(2) : GraphView::without_pairs(edges)};
  }

 private:
  void list(int side, int groups) {
    order[side].resize(ends[side].size());
    std::iota(order[side].begin(), order[side].end(), 0);
    std::ranges::stable_sort(order[side], {}, [&](int32_t e) { return ends[side][e]; });
    for (int n = 0; n <= groups; ++n)
      start[side].push_back(static_cast<int32_t>(std::ranges::count_if(ends[side], [&](int32_t at) { return at < n; })));
  }
};

struct BlockShape {
  int channels, size;
};

/// Every path between blocks of as many channels; floats between blocks belong to none.
inline ConvolutionTable random_convolution(Random& random, const std::vector<BlockShape>& x1,
                                           const std::vector<BlockShape>& y, int x2, bool weights) {
  ConvolutionTable table{.dim = {1, x2, 2, 0}, .matrix_rows = 0, .paths = {}, .entries = {}};
  const auto place = [](const std::vector<BlockShape>& blocks, int32_t& dim) {
    std::vector<int32_t> at;
    for (const auto& [channels, size] : blocks) at.push_back(std::exchange(dim, dim + channels * size + 1));
    return at;
  };
  const std::vector<int32_t> x1_at = place(x1, table.dim[0]), y_at = place(y, table.dim[2]);
  for (size_t a = 0; a < x1.size(); ++a) {
    for (size_t b = 0; b < y.size(); ++b) {
      const int channels = x1[a].channels;
      if (channels != y[b].channels) continue;
      const int32_t weight = weights ? std::exchange(table.dim[3], table.dim[3] + channels) : -1;
      table.paths.push_back({x1_at[a], y_at[b], channels, x1[a].size, y[b].size, weight, table.matrix_rows});
      for (int32_t row = 0; row < x1[a].size * y[b].size; ++row) {
        for (int n = random.integer(0, 2); n > 0; --n)
          table.entries.push_back({table.matrix_rows + row, random.integer(0, x2 - 1), random.real()});
      }
      table.matrix_rows += x1[a].size * y[b].size;
    }
  }
  return table;
}

/// Edge by edge, path by path, from the operands other than the target.
inline std::vector<double> evaluate_convolution(const ConvolutionTable& table, int target,
                                                const std::vector<float> (&x)[kOperands], const GraphView& graph) {
  std::vector<double> result(x[target].size(), 0);
  for (size_t e = 0; e < graph.edges; ++e) {
    const size_t row[kOperands] = {static_cast<size_t>(graph.senders[e]) * table.dim[0], e * table.dim[1],
                                   static_cast<size_t>(graph.receivers[e]) * table.dim[2],
                                   (graph.pairs ? graph.pairs[e] : e) * table.dim[3]};
    for (const ConvolutionTable::Path& path : table.paths) {
      for (const ConvolutionTable::Entry& entry : table.entries) {
        const int32_t at = entry.row - path.matrix;
        if (at < 0 || at >= path.size1 * path.size3) continue;
        for (int32_t u = 0; u < path.channels; ++u) {
          const size_t index[kOperands] = {row[0] + path.x1 + u * path.size1 + at / path.size3, row[1] + entry.column,
                                           row[2] + path.y + u * path.size3 + at % path.size3, row[3] + path.weight + u};
          double product = entry.value;
          for (int o = 0; o < kOperands; ++o) {
            if (o != target && (o != kWeights || path.weight >= 0)) product *= x[o][index[o]];
          }
          if (target != kWeights || path.weight >= 0) result[index[target]] += product;
        }
      }
    }
  }
  return result;
}

}  // namespace gauntlet::test
