// What the launches of a convolution consist of: lists made from its paths for one operand to leave out; see convolution.cu.
//
// With x2 and the coefficients of a path made one matrix for each edge, what is left of a path are small products of
//
//     matrix[i, k] * weight[u] * from[u, i] * to[u, k]
//
// where `from` is x1 and `to` is y, or the other way round where x1 is left out.
#pragma once

#include <cstdint>
#include <vector>

#include "core/convolution.h"

namespace gauntlet::cuda {

constexpr int kWidest = 8;    // components of `to` that share the loads of `from`
constexpr int kTogether = 2;  // channels of a thread, a warp's width apart
constexpr int32_t kMatrixFloats =
    8 << 10;                        // of all edges that a block works on at a time, where a path does not need more
constexpr int32_t kMostEdges = 16;  // of them

/// A path, for up to kWidest components of `to`. Lines of a node are one component of all channels each.
struct MessageTerm {
  int32_t from, rows;    // its first line, counted in floats, and how many there are
  int32_t to, width;     // the same of the other side
  int32_t weight;        // of its first channel, -1 without weights
  int32_t matrix, step;  // row i of its matrix is at matrix + i * step
};

/// What a warp sums up, for up to kTogether channels of a thread. The value of channel u and component k is at + u * stride + k of
/// the operand left out.
struct MessageTask {
  int32_t first_term, terms;
  int32_t first_channel, channels;  // all channels of its paths
  int32_t at, stride, width;
};

struct MapEntry {
  int32_t from;
  float value;
};

/// As many paths as have their matrices in shared memory together.
struct ConvolutionJobs {
  int32_t matrix_floats = 0;  // of an edge
  std::vector<MessageTerm> terms;
  std::vector<MessageTask> tasks;
  /// A sparse map: floats of matrices from x2, or components of x2 from matrices where x2 is left out. Entries of result n are
  /// [starts[n], starts[n + 1]).
  std::vector<int32_t> starts;
  std::vector<MapEntry> entries;
};

/// The blocks of a node's row that paths read, component by component. Line float n is float sources[n] of the row.
class NodeLines {
 public:
  /// Where the lines of a block begin; they are added when first asked for.
  int32_t find(int32_t block, int32_t channels, int32_t size);
  const std::vector<int32_t>& sources() const { return sources_; }

 private:
  struct Known {
    int32_t block, channels, size, first;
  };
  std::vector<Known> known_;
  std::vector<int32_t> sources_;
};

/// The jobs to compute `target`; lines of x1 and y are found in, or added to, lines[0] and lines[1].
std::vector<ConvolutionJobs> list_convolution_jobs(const ConvolutionTable& table, int target, NodeLines (&lines)[2]);

}  // namespace gauntlet::cuda
