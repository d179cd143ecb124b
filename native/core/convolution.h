// A product on the edges of a graph, summed where they end:
//
//     y[receiver(e)] += sum over paths of  w[pair(e), u] * C[i, j, k] * x1[sender(e)][u, i] * x2[e, j]
//
// with u the channels of x1, y and w. Nothing of the size of edges x channels is ever stored. It is linear in its four operands
// 0 = x1 (a row for each node), 1 = x2 (edge), 2 = y (node), 3 = w (pair), and any one can be left out. A pair is the edges that
// share weights, such as both directions between two atoms; without pairs every edge has its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/executor.h"

namespace gauntlet {

struct ConvolutionTable {
  struct Path {
    int32_t x1, y;  // where its blocks [channels, size] begin in a row
    int32_t channels;
    int32_t size1, size3;
    int32_t weight;  // where its weights [channels] begin in a row of w, -1 without weights
    int32_t matrix;  // its rows [size1, size3] among those of all paths
  };
  /// matrix[row] += value * x2[column]: what x2 makes of the coefficients, path by path.
  struct Entry {
    int32_t row, column;
    double value;
  };
  int32_t dim[kOperands];  // floats of a row
  int32_t matrix_rows;
  std::vector<Path> paths;
  std::vector<Entry> entries;
};

/// Reads what lib/product/convolution.ts writes. Throws Error("ERR_ARGUMENT") where it is malformed.
ConvolutionTable decode_convolution(std::span<const int32_t> integers, std::span<const double> reals);

/// Edges listed by the nodes where they end, or by their pairs: those of group n are order[start[n]..start[n + 1]).
struct Incidence {
  size_t groups;
  const int32_t* start;
  const int32_t* order;
};

/// Where a convolution works: in host memory, or on its CUDA device.
struct GraphView {
  size_t edges;
  const int32_t *senders, *receivers;  // of every edge
  Incidence by_sender, by_receiver;
  /// Of every edge, and the edges of every pair; without lists edge n is pair n.
  const int32_t* pairs;
  Incidence by_pair;

  static Incidence without_pairs(size_t edges) { return {edges, nullptr, nullptr}; }
  size_t rows(int operand) const {
    const size_t rows[kOperands] = {by_sender.groups, edges, by_receiver.groups, by_pair.groups};
    return rows[operand];
  }
};

class Convolution {
 public:
  virtual ~Convolution() = default;

  /// Overwrites operand `target`, or adds to it. Every sum is made by one thread in the order of the graph's lists, so results do
  /// not depend on the number of threads. Blocks as executors do; safe to call from several threads at once.
  virtual void evaluate(int target, const Operand (&operands)[kOperands], const GraphView& graph, bool add) = 0;
};

std::unique_ptr<Convolution> make_cpu_convolution(const ConvolutionTable& table);

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<Convolution> make_cuda_convolution(const ConvolutionTable& table, int device);

/// A copy of a graph's lists on a device, for any number of convolutions there.
std::shared_ptr<const GraphView> copy_graph_to_cuda(const GraphView& graph, int device);
#endif

}  // namespace gauntlet
