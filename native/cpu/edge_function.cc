#include "core/edge_function.h"

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "cpu/scratch.h"
#include "cpu/tiles.h"

namespace gauntlet {
namespace {

/// Values below which a call is not worth a second thread's wake-up.
constexpr size_t kGrainValues = 1 << 15;

/// Rows of `size` floats as lanes of one channel, all of whose components are fiber rows in order.
Side rows_of(int size) {
  Side side{size, 1, 1, {{0, 1, size}}, {}};
  for (int row = 0; row < size; ++row) side.rows.push_back(row);
  return side;
}

class CpuEdgeFunction final : public EdgeFunction {
 public:
  explicit CpuEdgeFunction(const EdgeTable& table)
      : table_(table),
        x_(rows_of(edge_inputs(table)), edge_inputs(table), 1),
        values_(rows_of(edge_values(table)), edge_values(table), 1) {}

  void run(Pass pass, const EdgeOperands& operands, size_t rows) override {
    const size_t tiles = (rows + kTileLanes - 1) / kTileLanes;
    const size_t grain = std::max(kGrainValues / (kTileLanes * values_.dim()) + 1, tiles / (8 * num_threads()));
    parallel_for(tiles, grain, "function", [&](size_t begin, size_t end) {
      for (size_t tile = begin; tile < end; ++tile) run_tile(pass, operands, rows, tile * kTileLanes);
    });
  }

 private:
  void run_tile(Pass pass, const EdgeOperands& operands, size_t rows, size_t first) const {
    thread_local Scratch scratch;
    const size_t size = x_.dim() * kTileLanes;
    float* const x = scratch.reserve(3 * size + values_.dim() * kTileLanes);
    float *const v = x + size, *const grad = v + size, *const values = grad + size;
    const int count = static_cast<int>(std::min<size_t>(kTileLanes, rows - first));
    const SideTiles::Segments segments = x_.cut(first, count), value_segments = values_.cut(first, count);
    x_.pack(operands.x.data, rows, segments, x);
    if (pass != Pass::forward) values_.pack(operands.grad_out.data, rows, value_segments, values);
    if (pass == Pass::double_backward) x_.pack(operands.v.data, rows, segments, v);

    const int vecs = (count + kLanes - 1) / kLanes;
    const EdgeTiles tiles{v, x, values, grad};
    if (const auto* harmonics = std::get_if<HarmonicsTable>(&table_)) {
      kernels().harmonics(*harmonics, pass, vecs, tiles);
    } else {
      kernels().radial(std::get<RadialTable>(table_), pass, vecs, tiles);
    }

    if (pass != Pass::backward) write(values_, operands.values.data, value_segments, values);
    if (pass != Pass::forward) write(x_, operands.grad.data, segments, grad);
  }

  static void write(const SideTiles& side, float* memory, const SideTiles::Segments& segments, const float* tile) {
    for (const SideTiles::Piece& piece : side.pieces()) side.unpack(memory, segments, piece, piece.rows, tile, false);
  }

  const EdgeTable table_;
  const SideTiles x_, values_;
};

}  // namespace

std::unique_ptr<EdgeFunction> make_cpu_edge_function(const EdgeTable& table) {
  return std::make_unique<CpuEdgeFunction>(table);
}

}  // namespace gauntlet
