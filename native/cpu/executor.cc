#include "core/executor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include "core/error.h"
#include "cpu/pool.h"
#include "cpu/program.h"
#include "cpu/scratch.h"
#include "cpu/tiles.h"

namespace gauntlet {
namespace {

/// Pieces of a call below this many multiply-adds are not worth a second thread's wake-up.
constexpr double kGrainWork = 1 << 18;

template <class... Makers>
struct Overloaded : Makers... {
  using Makers::operator()...;
};

class CpuGroup {
 public:
  CpuGroup(const Group& group, const int32_t dim[3])
      : group_(group),
        tiles_{SideTiles(group.sides[0], dim[0], group.channels), SideTiles(group.sides[1], dim[1], group.channels),
               SideTiles(group.sides[2], dim[2], group.channels)} {}

  void evaluate(int target, const Operand (&operands)[3], size_t batch) {
    const Program& program = program_for(target);
    const size_t lanes = batch * group_.channels, tiles = (lanes + kTileLanes - 1) / kTileLanes;
    const double tile_work = kTileLanes * (program.work + 4 * tiles_[target].fiber());
    const size_t grain = std::max<size_t>(static_cast<size_t>(kGrainWork / tile_work) + 1, tiles / (8 * num_threads()));
    std::atomic<bool> out_of_memory{false};
    parallel_for(tiles, grain, [&](size_t begin, size_t end) {
      try {
        for (size_t tile = begin; tile < end; ++tile)
          evaluate_tile(program, target, operands, batch, tile * kTileLanes);
      } catch (const std::bad_alloc&) {
        out_of_memory = true;
      }
    });
    if (out_of_memory) throw Error("ERR_MEMORY", "Not enough memory for the scratch space of this product");
  }

 private:
  void evaluate_tile(const Program& program, int target, const Operand (&operands)[3], size_t batch,
                     size_t first) const {
    thread_local Scratch scratch;
    const SideTiles &left = tiles_[program.left], &right = tiles_[program.right], &out = tiles_[target];
    const size_t left_size = size_t(left.fiber()) * kTileLanes, right_size = size_t(right.fiber()) * kTileLanes;
    float* const a = scratch.reserve(left_size + right_size + program.room);
    float* const b = a + left_size;
    float* const room = b + right_size;
    const int count = static_cast<int>(std::min<size_t>(kTileLanes, batch * group_.channels - first));
    const int vecs = (count + kLanes - 1) / kLanes;
    left.pack(operands[program.left].data, batch, left.cut(first, count), a);
    right.pack(operands[program.right].data, batch, right.cut(first, count), b);
    const SideTiles::Segments segments = out.cut(first, count);
    for (int step = 0; step < program.steps(); ++step) {
      program.run(step, vecs, a, b, room);
      for (const Program::Ready& ready : program.ready(step)) {
        out.unpack(operands[target].data, segments, *ready.piece, ready.rows, room);
      }
    }
  }

  /// Tables are made when a target is first asked for.
  const Program& program_for(int target) {
    std::lock_guard lock(mutex_);
    std::unique_ptr<Program>& program = programs_[target];
    if (!program) {
      const Side& side = group_.sides[target];
      if (side.divide != 1 || (side.modulo != group_.channels && group_.channels != 1)) {
        throw Error("ERR_ARGUMENT", "This operand of an outer product can't be left out");
      }
      program = std::visit(
          Overloaded{
              [&](const SparseForm& form) { return make_sparse_program(form, group_.sides, tiles_[target], target); },
              [&](const DenseForm& form) { return make_dense_program(form, group_.sides, tiles_[target], target); },
              [&](const GridForm& form) { return make_grid_program(form, group_.sides, tiles_[target], target); },
              [&](const FourierForm& form) { return make_fourier_program(form, group_.sides, tiles_[target], target); },
              [&](const MatrixForm& form) { return make_matrix_program(form, group_.sides, tiles_[target], target); },
          },
          group_.form);
    }
    return *program;
  }

  const Group group_;
  const std::array<SideTiles, 3> tiles_;
  std::mutex mutex_;
  std::array<std::unique_ptr<Program>, 3> programs_;
};

class CpuExecutor : public Executor {
 public:
  explicit CpuExecutor(const Plan& plan) {
    for (int o = 0; o < 3; ++o) {
      dim_[o] = plan.dim[o];
      coverage_[o] = coverage_of(plan, o);
    }
    for (const Group& group : plan.groups) groups_.push_back(std::make_unique<CpuGroup>(group, plan.dim));
  }

  void evaluate(int target, const Operand (&operands)[3], size_t batch) override {
    if (!coverage_[target].single) throw Error("ERR_ARGUMENT", "This operand of an outer product can't be left out");
    // What belongs to no group takes no part in the product.
    if (!coverage_[target].complete) std::fill_n(operands[target].data, batch * dim_[target], 0.0f);
    for (const auto& group : groups_) group->evaluate(target, operands, batch);
  }

 private:
  size_t dim_[3];
  Coverage coverage_[3];
  std::vector<std::unique_ptr<CpuGroup>> groups_;
};

}  // namespace

std::unique_ptr<Executor> make_cpu_executor(const Plan& plan) { return std::make_unique<CpuExecutor>(plan); }

}  // namespace gauntlet
