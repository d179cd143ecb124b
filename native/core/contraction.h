// Products of many factors, as a circuit: a list of sums of products, walked once for every lane (one channel of one node). A
// derivative of a circuit is a circuit too, so this one operation is all there is: some operands in, others out.
//
//     row[t] = sum of  row[a] * row[b]  +  sum of  factor * row[c]
//
// Operands are of two kinds. Features have a row of floats for each node, in blocks of [channels, size]; each component is a row
// of the circuit. Weights have parts of [elements, paths, channels] floats; what the circuit sees of them are mixtures of paths,
//
//     mixture[r] = sum over paths of  value * weight[element of the node, path, channel]
//
// and as a result they are the transpose, summed over the nodes of an element.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/executor.h"

namespace gauntlet {

struct ContractionTable {
  struct Features {
    int32_t dim;  // floats of a node
    std::vector<Block> blocks;
  };
  struct Part {
    int32_t offset, paths;
  };
  struct Mixing {
    int32_t part, path, mixture;
    double value;
  };
  struct Weights {
    int32_t numel;
    std::vector<Part> parts;
    std::vector<Mixing> mixing;
  };
  struct Operand {
    bool result;
    bool weights;  // which of the two it is
    Features features;
    Weights mixtures;
    std::vector<int32_t> rows;  // of each component, or of each mixture
  };
  struct Run {
    int32_t rows, products, multiples;  // terms of each row; no row of a run is a part of another
  };

  int32_t channels;
  int32_t elements;
  std::vector<Operand> operands;
  int32_t rows;
  std::vector<Run> runs;
  std::vector<int32_t> targets;  // a row for each sum
  std::vector<int32_t> factors;  // two rows for each product
  std::vector<int32_t> multiples;
  std::vector<double> multiple_factors;

  /// Floats of an operand for so many nodes.
  size_t length(size_t operand, size_t nodes) const {
    const Operand& o = operands[operand];
    return o.weights ? o.mixtures.numel : nodes * o.features.dim;
  }
};

/// Reads what lib/product/contraction-table.ts writes. Throws Error("ERR_ARGUMENT") where it is malformed.
ContractionTable decode_contraction(std::span<const int32_t> integers, std::span<const double> reals);

class Contraction {
 public:
  virtual ~Contraction() = default;

  /// Overwrites the results among `operands`, which must not overlap anything else; `elements`, in host memory,
  /// are in range, one of each node.
  /// Blocks as executors do. The same operands give the same floats at every call. Safe to call from several threads.
  virtual void run(std::span<const Operand> operands, std::span<const int32_t> elements) = 0;
};

std::unique_ptr<Contraction> make_cpu_contraction(ContractionTable table);

#ifdef GAUNTLET_WITH_CUDA
std::unique_ptr<Contraction> make_cuda_contraction(ContractionTable table, int device);
#endif

}  // namespace gauntlet
