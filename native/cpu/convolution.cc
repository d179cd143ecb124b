// A convolution on the CPU. Rows of nodes are turned into lines of channels once; then edges are taken sixteen at a time, first as
// lanes (x2 and coefficients make a matrix for each path), then one by one with channels as lanes.
#include "core/convolution.h"

#include <algorithm>
#include <numeric>

#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "cpu/program.h"
#include "cpu/scratch.h"

namespace gauntlet {
namespace {

/// Edges taken together.
constexpr size_t kBlock = kLanes;

int vecs_of(int channels) { return (channels + kLanes - 1) / kLanes; }

/// The blocks of a node's row as lines, [component][vector] for at most kTileLanes channels of a block after another.
class NodeLines {
 public:
  struct Slice {
    int32_t row;   // where its first channel begins in the node's row
    int32_t size;  // components
    int32_t channels;
    ptrdiff_t at;      // its lines among those of the node, in floats
    int32_t tile_row;  // its first row on a tile of the whole node
  };

  /// Slices of a block, added when first asked for.
  std::vector<size_t> slices(int32_t block, int32_t channels, int32_t size) {
    std::vector<size_t> found;
    for (int32_t first = 0; first < channels; first += kTileLanes) {
      const int32_t row = block + first * size, count = std::min(channels - first, kTileLanes);
      const auto known = std::find_if(slices_.begin(), slices_.end(), [&](const Slice& slice) {
        return slice.row == row && slice.size == size && slice.channels == count;
      });
      found.push_back(known - slices_.begin());
      if (known != slices_.end()) continue;
      slices_.push_back({row, size, count, floats_, tile_rows_});
      floats_ += ptrdiff_t{size} * vecs_of(count) * kLanes;
      tile_rows_ += size;
    }
    return found;
  }
  const Slice& slice(size_t n) const { return slices_[n]; }
  size_t floats() const { return floats_; }
  size_t tile_floats() const { return size_t(tile_rows_) * kTileLanes; }

  /// A node's row as lines; `tile` is room. Memory up to `end` may be read.
  void fill(const float* row, const float* end, float* lines, float* tile) const {
    load(row, end, tile);
    for (const Slice& slice : slices_) {
      const size_t length = size_t(vecs_of(slice.channels)) * kLanes;
      for (int32_t m = 0; m < slice.size; ++m)
        std::copy_n(tile + size_t(slice.tile_row + m) * kTileLanes, length, lines + slice.at + m * length);
    }
  }
  /// A node's row as a tile, zero behind the last channel, and back.
  void load(const float* row, const float* end, float* tile) const {
    std::fill_n(tile, tile_floats(), 0.0f);
    for_pieces([&](const Slice& slice, int32_t first, int32_t size, const int32_t* rows) {
      const Strip strip{slice.size, slice.channels};
      kernels().pack(row + slice.row + first, end, strip, size, rows, tile + size_t(slice.tile_row) * kTileLanes,
                     false);
    });
  }
  void store(const float* tile, float* row) const {
    for_pieces([&](const Slice& slice, int32_t first, int32_t size, const int32_t* rows) {
      const Strip strip{slice.size, slice.channels};
      kernels().unpack(row + slice.row + first, strip, size, rows, tile + size_t(slice.tile_row) * kTileLanes);
    });
  }

 private:
  void for_pieces(const auto& f) const {
    int32_t rows[kPieceSize];
    for (const Slice& slice : slices_) {
      for (int32_t first = 0; first < slice.size; first += kPieceSize) {
        const int32_t size = std::min(slice.size - first, kPieceSize);
        std::iota(rows, rows + size, first);
        f(slice, first, size, rows);
      }
    }
  }

  std::vector<Slice> slices_;
  ptrdiff_t floats_ = 0;
  int32_t tile_rows_ = 0;
};

class CpuConvolution final : public Convolution {
 public:
  explicit CpuConvolution(const ConvolutionTable& table) : table_(table) {
    std::vector<LinearRows::Entry> entries, transposed;
    for (const ConvolutionTable::Entry& entry : table.entries) {
      entries.push_back({entry.row, entry.column, entry.value});
      transposed.push_back({entry.column, entry.row, entry.value});
    }
    to_matrix_ = std::make_unique<LinearRows>(table.matrix_rows, std::move(entries));
    to_x2_ = std::make_unique<LinearRows>(table.dim[1], std::move(transposed));
    for (const ConvolutionTable::Path& path : table.paths) {
      const auto x1 = lines_[0].slices(path.x1, path.channels, path.size1);
      const auto y = lines_[1].slices(path.y, path.channels, path.size3);
      for (size_t n = 0; n < x1.size(); ++n) {
        const int32_t weight = path.weight < 0 ? -1 : path.weight + static_cast<int32_t>(n) * kTileLanes;
        parts_.push_back({x1[n], y[n], weight, path.matrix});
        work_ += static_cast<double>(path.size1) * path.size3 * lines_[0].slice(x1[n]).channels;
      }
    }
  }

  void evaluate(int target, const Operand (&operands)[kOperands], const GraphView& graph, bool add) override {
    Scratch lines[2];
    const float* nodes[2] = {nullptr, nullptr};
    if (target != 0) nodes[0] = fill(0, operands[0].data, graph.by_sender.groups, lines[0]);
    if (target != 2) nodes[1] = fill(1, operands[2].data, graph.by_receiver.groups, lines[1]);
    const Call call{target, operands, graph, nodes, add};
    switch (target) {
      case 0: return sum_at_nodes<0>(call, operands[0].data, graph.by_sender, graph.receivers);
      case 2: return sum_at_nodes<1>(call, operands[2].data, graph.by_receiver, graph.senders);
      case 1: return find_x2(call);
      case 3: return find_weights(call);
    }
  }

 private:
  /// A path, or a slice of its channels.
  struct Part {
    size_t x1, y;
    int32_t weight, matrix;
  };
  struct Call {
    int target;
    const Operand (&operands)[kOperands];
    const GraphView& graph;
    const float* const (&nodes)[2];  // lines of x1 and y
    bool add;
  };
  /// What a thread knows of a block of edges.
  struct Edges {
    int32_t id[kBlock];
    const float *from[kBlock], *to[kBlock];  // lines of their nodes
    const float* weight[kBlock];
    float *x2, *matrix;  // lanes are edges
  };

  size_t edge_floats() const { return (size_t(table_.dim[1]) + table_.matrix_rows) * kLanes; }
  Edges make_edges(float* room) const {
    Edges edges{};
    edges.x2 = room;
    edges.matrix = room + size_t(table_.dim[1]) * kLanes;
    return edges;
  }

  static size_t pair_of(const GraphView& graph, size_t edge) { return graph.pairs ? graph.pairs[edge] : edge; }

  const float* fill(int side, const float* rows, size_t nodes, Scratch& scratch) const {
    const NodeLines& node = lines_[side];
    const size_t dim = table_.dim[side == 0 ? 0 : 2];
    float* const lines = scratch.reserve(nodes * node.floats() + kLanes);
    run(nodes, dim, [&](size_t begin, size_t end) {
      thread_local Scratch room;
      float* const tile = room.reserve(node.tile_floats() + kLanes);
      for (size_t n = begin; n < end; ++n)
        node.fill(rows + n * dim, rows + nodes * dim, lines + n * node.floats(), tile);
    });
    return lines;
  }

  /// Edges order[first..first + count), or first, first + 1, ... without an order.
  void load(const Call& call, const int32_t* order, size_t first, size_t count, Edges& edges) const {
    const float* x2 = call.target == 1 ? nullptr : call.operands[1].data;
    for (size_t n = 0; n < count; ++n) {
      const size_t e = order ? order[first + n] : first + n;
      edges.id[n] = static_cast<int32_t>(e);
      edges.weight[n] = call.operands[3].data + pair_of(call.graph, e) * table_.dim[3];
    }
    if (!x2) return;
    for (int32_t j = 0; j < table_.dim[1]; ++j) {
      for (size_t n = 0; n < kBlock; ++n)
        edges.x2[size_t(j) * kLanes + n] = n < count ? x2[size_t(edges.id[n]) * table_.dim[1] + j] : 0.0f;
    }
    kernels().edge_map(to_matrix_->table(), edges.x2, edges.matrix);
  }

  /// A part on edges [first, first + count) of a block, from x1 to y or, transposed, from y to x1.
  Message message_of(const Part& part, const Edges& edges, size_t first, size_t count, bool transposed) const {
    const NodeLines::Slice &x1 = lines_[0].slice(part.x1), &y = lines_[1].slice(part.y);
    const NodeLines::Slice &from = transposed ? y : x1, &to = transposed ? x1 : y;
    const ptrdiff_t i_step = ptrdiff_t{y.size} * kLanes;
    return {from.size,
            to.size,
            x1.channels,
            static_cast<int>(count),
            edges.from + first,
            from.at,
            part.weight < 0 ? nullptr : edges.weight + first,
            std::max(part.weight, 0),
            edges.matrix + size_t(part.matrix) * kLanes + first,
            transposed ? kLanes : i_step,
            transposed ? i_step : kLanes};
  }

  /// The nodes where edges end are those of `Side`: 0 x1, 1 y. All that ends in a node is summed by one thread, edge by edge.
  template <int Side>
  void sum_at_nodes(const Call& call, float* out, const Incidence& incidence, const int32_t* origin) const {
    const NodeLines &to = lines_[Side], &from = lines_[1 - Side];
    const size_t dim = table_.dim[Side == 0 ? 0 : 2];
    const double degree =
        static_cast<double>(call.graph.edges) / static_cast<double>(std::max<size_t>(incidence.groups, 1));
    run(incidence.groups, work_ * degree + dim, [&](size_t begin, size_t end) {
      thread_local Scratch scratch;
      float* const tile = scratch.reserve(to.tile_floats() + edge_floats());
      Edges edges = make_edges(tile + to.tile_floats());
      // Blocks are the same whatever nodes a thread has, so that sums come out the same.
      size_t block = call.graph.edges;  // where the block that was loaded begins
      for (size_t node = begin; node < end; ++node) {
        float* const row = out + node * dim;
        if (call.add) {
          to.load(row, out + incidence.groups * dim, tile);
        } else {
          std::fill_n(row, dim, 0.0f);  // some of it may belong to no path
          std::fill_n(tile, to.tile_floats(), 0.0f);
        }
        for (size_t e = incidence.start[node]; e < static_cast<size_t>(incidence.start[node + 1]);) {
          const size_t here = e / kBlock * kBlock;
          if (here != block) {
            block = here;
            const size_t count = std::min(kBlock, call.graph.edges - block);
            load(call, incidence.order, block, count, edges);
            for (size_t n = 0; n < count; ++n)
              edges.from[n] = call.nodes[1 - Side] + size_t(origin[edges.id[n]]) * from.floats();
          }
          const size_t stop = std::min<size_t>(incidence.start[node + 1], block + kBlock);
          for (const Part& part : parts_) {
            const NodeLines::Slice& slice = to.slice(Side == 0 ? part.x1 : part.y);
            kernels().message(message_of(part, edges, e - block, stop - e, Side == 0),
                              tile + size_t(slice.tile_row) * kTileLanes);
          }
          e = stop;
        }
        to.store(tile, row);
      }
    });
  }

  /// Calls f(edges, count) for blocks of the edges order[begin..end), or begin, begin + 1, ... without an order.
  void for_blocks(const Call& call, const int32_t* order, size_t begin, size_t end, const auto& f) const {
    thread_local Scratch scratch;
    Edges edges = make_edges(scratch.reserve(edge_floats()));
    for (size_t first = begin; first < end; first += kBlock) {
      const size_t count = std::min(kBlock, end - first);
      load(call, order, first, count, edges);
      for (size_t n = 0; n < count; ++n) {
        edges.from[n] = call.nodes[0] + size_t(call.graph.senders[edges.id[n]]) * lines_[0].floats();
        edges.to[n] = call.nodes[1] + size_t(call.graph.receivers[edges.id[n]]) * lines_[1].floats();
      }
      f(edges, count);
    }
  }

  /// All edges of a pair belong to one thread.
  void find_weights(const Call& call) const {
    const auto& [pairs, start, order] = call.graph.by_pair;
    float* const out = call.operands[3].data;
    const size_t dim = table_.dim[3];
    const double edges_each = static_cast<double>(call.graph.edges) / static_cast<double>(std::max<size_t>(pairs, 1));
    run(pairs, work_ * edges_each, [&](size_t begin, size_t end) {
      for (size_t pair = begin; start && !call.add && pair < end; ++pair) {
        if (start[pair] == start[pair + 1]) std::fill_n(out + pair * dim, dim, 0.0f);
      }
      for_blocks(call, order, start ? start[begin] : begin, start ? start[end] : end, [&](Edges& edges, size_t count) {
        float* rows[kBlock];
        bool add[kBlock];
        for (size_t n = 0; n < count; ++n) {
          const size_t pair = pair_of(call.graph, edges.id[n]);
          rows[n] = out + pair * dim;
          add[n] = call.add || (start && order[start[pair]] != edges.id[n]);
        }
        for (const Part& part : parts_) {
          if (part.weight < 0) continue;
          kernels().message_weights(message_of(part, edges, 0, count, false), edges.to, lines_[1].slice(part.y).at,
                                    rows, add);
        }
      });
    });
  }

  void find_x2(const Call& call) const {
    const size_t all = call.graph.edges;
    run((all + kBlock - 1) / kBlock, work_ * kBlock, [&](size_t begin, size_t end) {
      for_blocks(call, nullptr, begin * kBlock, std::min(end * kBlock, all),
                 [&](Edges& edges, size_t count) { matrices(call, edges, count); });
    });
  }

  void matrices(const Call& call, Edges& edges, size_t count) const {
    std::fill_n(edges.matrix, size_t(table_.matrix_rows) * kLanes, 0.0f);
    for (const Part& part : parts_) {
      kernels().message_matrix(message_of(part, edges, 0, count, false), edges.to, lines_[1].slice(part.y).at,
                               edges.matrix + size_t(part.matrix) * kLanes);
    }
    kernels().edge_map(to_x2_->table(), edges.matrix, edges.x2);
    for (size_t n = 0; n < count; ++n) {
      float* row = call.operands[1].data + size_t(edges.id[n]) * table_.dim[1];
      for (int32_t j = 0; j < table_.dim[1]; ++j) {
        const float value = edges.x2[size_t(j) * kLanes + n];
        row[j] = call.add ? row[j] + value : value;
      }
    }
  }

  static void run(size_t count, double work, const std::function<void(size_t, size_t)>& body) {
    parallel_for(count, grain_of(count, work), "convolution", body);
  }

  const ConvolutionTable table_;
  NodeLines lines_[2];  // of x1 and y
  std::vector<Part> parts_;
  std::unique_ptr<LinearRows> to_matrix_, to_x2_;
  double work_ = 0;  // multiply-adds of an edge
};

}  // namespace

std::unique_ptr<Convolution> make_cpu_convolution(const ConvolutionTable& table) {
  return std::make_unique<CpuConvolution>(table);
}

}  // namespace gauntlet
