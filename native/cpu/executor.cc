#include "core/executor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include "core/error.h"
#include "cpu/group.h"
#include "cpu/pool.h"
#include "cpu/program.h"
#include "cpu/scratch.h"
#include "cpu/tiles.h"

namespace gauntlet {
namespace {

template <class... Makers>
struct Overloaded : Makers... {
  using Makers::operator()...;
};

/// A result of more bytes than a core's share of the caches is written past them: they would be filled with it twice, once to be
/// overwritten, and it would have left them before anybody reads it.
constexpr size_t kCacheBytes = size_t{8} << 20;

/// The group of any form without weights.
class ProgramGroup final : public CpuGroup {
 public:
  ProgramGroup(const Group& group, const int32_t dim[3])
      : group_(group),
        tiles_{SideTiles(group.sides[0], dim[0], group.channels), SideTiles(group.sides[1], dim[1], group.channels),
               SideTiles(group.sides[2], dim[2], group.channels)} {}

  void evaluate(int target, const Operand (&operands)[kOperands], size_t batch, bool add) override {
    const Program& program = program_for(target);
    const bool large = sizeof(float) * batch * tiles_[target].dim() > kCacheBytes;
    const Work work{program, target, operands, batch, add, large};
    const size_t run = run_lanes(target), runs = (batch * group_.channels + run - 1) / run;
    const double run_work = static_cast<double>(run) * (program.work + 4 * tiles_[target].fiber());
    parallel_for(runs, grain_of(runs, run_work), "product", [&](size_t begin, size_t end) {
      for (size_t n = begin; n < end; ++n) evaluate_run(work, n * run, run);
      if (large) std::atomic_thread_fence(std::memory_order_seq_cst);  // other threads see what went past the caches
    });
  }

 private:
  struct Work {
    const Program& program;
    int target;
    const Operand (&operands)[kOperands];
    size_t batch;
    bool add;
    bool large;
  };

  /// Lanes that one thread goes through in order: a tile, or whole samples where lanes of a sample share a channel of the target.
  /// However many threads there are, lanes meet in the same tiles, so that sums over them come out the same.
  size_t run_lanes(int target) const {
    if (!group_.sides[target].shared_by_lanes(group_.channels)) return kTileLanes;
    return size_t(group_.channels) * std::max(1, kTileLanes / group_.channels);
  }

  void evaluate_run(const Work& work, size_t first, size_t lanes) const {
    const size_t end = std::min(first + lanes, work.batch * group_.channels);
    Work tile_work = work;
    if (!work.add && group_.sides[work.target].shared_by_lanes(group_.channels)) {
      tiles_[work.target].clear(work.operands[work.target].data, first / group_.channels, end / group_.channels);
      tile_work.add = true;
    }
    for (; first < end; first += kTileLanes) {
      evaluate_tile(tile_work, first, static_cast<int>(std::min<size_t>(kTileLanes, end - first)));
    }
  }

  void evaluate_tile(const Work& work, size_t first, int count) const {
    thread_local Scratch scratch;
    const auto& [program, target, operands, batch, add, large] = work;
    const SideTiles &left = tiles_[program.left], &right = tiles_[program.right], &out = tiles_[target];
    const size_t left_size = size_t(left.fiber()) * kTileLanes, right_size = size_t(right.fiber()) * kTileLanes;
    float* const a = scratch.reserve(left_size + right_size + program.room);
    float* const b = a + left_size;
    float* const room = b + right_size;
    const int vecs = (count + kLanes - 1) / kLanes;
    left.pack(operands[program.left].data, batch, left.cut(first, count), a);
    right.pack(operands[program.right].data, batch, right.cut(first, count), b);
    const SideTiles::Segments segments = out.cut(first, count);
    for (int step = 0; step < program.steps(); ++step) {
      program.run(step, vecs, a, b, room);
      for (const Program::Ready& ready : program.ready(step)) {
        out.unpack(operands[target].data, segments, *ready.piece, ready.rows, room, add, large);
      }
    }
  }

  /// Tables are made when a target is first asked for.
  const Program& program_for(int target) {
    std::lock_guard lock(mutex_);
    std::unique_ptr<Program>& program = programs_[target];
    if (!program) {
      program = std::visit(
          Overloaded{
              [&](const SparseForm& form) { return make_sparse_program(form, group_.sides, tiles_[target], target); },
              [&](const DenseForm& form) { return make_dense_program(form, group_.sides, tiles_[target], target); },
              [&](const GridForm& form) { return make_grid_program(form, group_.sides, tiles_[target], target); },
              [&](const FourierForm& form) { return make_fourier_program(form, group_.sides, tiles_[target], target); },
              [&](const MatrixForm& form) { return make_matrix_program(form, group_.sides, tiles_[target], target); },
              [](const MixedForm&) -> std::unique_ptr<Program> {
                throw Error("ERR_ARGUMENT", "A mixed form has weights");
              },
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
  explicit CpuExecutor(const Plan& plan) : shared_weights_(plan.shared_weights) {
    for (int o = 0; o < kOperands; ++o) {
      dim_[o] = plan.dim[o];
      coverage_[o] = coverage_of(plan, o);
    }
    for (const Group& group : plan.groups) {
      if (std::holds_alternative<MixedForm>(group.form)) {
        groups_.push_back(make_mixed_group(group, plan.dim, plan.shared_weights));
      } else {
        groups_.push_back(std::make_unique<ProgramGroup>(group, plan.dim));
      }
    }
  }

  void evaluate(int target, const Operand (&operands)[kOperands], size_t batch, bool accumulate) override {
    const Coverage& coverage = coverage_[target];
    // What belongs to no group takes no part in the product; what belongs to several is their sum, as shared weights are that over
    // samples, of which there may be none.
    if (!accumulate && !(coverage.complete && coverage.single && batch > 0)) {
      const size_t rows = target == kWeights && shared_weights_ ? 1 : batch;
      std::fill_n(operands[target].data, rows * dim_[target], 0.0f);
    }
    if (batch == 0 || dim_[target] == 0) return;
    for (const auto& group : groups_) group->evaluate(target, operands, batch, accumulate || !coverage.single);
  }

 private:
  size_t dim_[kOperands];
  bool shared_weights_;
  Coverage coverage_[kOperands];
  std::vector<std::unique_ptr<CpuGroup>> groups_;
};

}  // namespace

std::unique_ptr<Executor> make_cpu_executor(const Plan& plan) { return std::make_unique<CpuExecutor>(plan); }

}  // namespace gauntlet
