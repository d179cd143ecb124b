#include "core/executor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/error.h"
#include "cpu/flat_matrix.h"
#include "cpu/group.h"
#include "cpu/pool.h"
#include "cpu/program.h"
#include "cpu/scratch.h"
#include "cpu/streams.h"
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

/// Some forms are evaluated faster as others.
Group with_fewest_operations(Group group) {
  if (const auto* matrix = std::get_if<MatrixForm>(&group.form)) {
    if (std::optional<SparseForm> sparse = flatten(*matrix)) group.form = std::move(*sparse);
  }
  return group;
}

/// The group of any form without weights.
class ProgramGroup final : public CpuGroup {
 public:
  ProgramGroup(const Group& group, const int32_t dim[3])
      : group_(with_fewest_operations(group)),
        tiles_{SideTiles(group.sides[0], dim[0], group.channels), SideTiles(group.sides[1], dim[1], group.channels),
               SideTiles(group.sides[2], dim[2], group.channels)} {}

  void evaluate(std::span<const Evaluation> evaluations, size_t batch) override {
    const Work work = plan_work(evaluations, batch);
    const size_t run = run_lanes(evaluations), runs = (batch * group_.channels + run - 1) / run;
    parallel_for(runs, grain_of(runs, static_cast<double>(run) * work.work), "product", [&](size_t begin, size_t end) {
      int64_t counted = 0;
      for (size_t n = begin; n < end; ++n) evaluate_run(work, n * run, run, counted);
      if (work.past_caches) std::atomic_thread_fence(std::memory_order_seq_cst);  // other threads see what went there
    });
  }

 private:
  /// Where an evaluation's result goes.
  struct Result {
    float* data;
    bool clear;  // before lanes are added up
    bool add;
    bool large;  // for any cache, not added to later, and lines of cache are written whole
  };
  /// A tile of an operand that evaluations read, at so many floats of a thread's scratch.
  struct Packed {
    int operand;
    const float* data;
    size_t at;
  };
  /// One evaluation, or two: its operands among the packed ones, its results by target.
  struct Job {
    const Program* program;
    size_t packed[3];
    const float* piecewise;  // the memory of the operand that is packed piece by piece
    Result results[3];
  };
  struct Work {
    size_t batch;
    std::vector<Packed> packed;
    std::vector<Job> jobs;
    Streams streams;
    size_t packed_size = 0, room = 0;  // floats of all packed tiles, and of any job's room
    double work = 0;                   // multiply-adds per lane, about
    bool past_caches = false;
  };

  Work plan_work(std::span<const Evaluation> evaluations, size_t batch) {
    Work work{batch, {}, {}, {}};
    for (size_t n = 0; n < evaluations.size(); ++n) {
      const bool pair = n + 1 < evaluations.size() && are_pair(evaluations[n], evaluations[n + 1]);
      const std::span<const Evaluation> together = evaluations.subspan(n, pair ? 2 : 1);
      const Program& program = program_for(together);
      Job& job = work.jobs.emplace_back(Job{&program, {}, nullptr, {}});
      for (const Evaluation& evaluation : together) {
        const int target = evaluation.target;
        for (int o = 0; o < 3; ++o) {
          if (o == target) continue;
          const float* const data = evaluation.operands[o].data;
          if (o != program.piecewise) {
            job.packed[o] = find_packed(work, o, data);
          } else if (!std::exchange(job.piecewise, data)) {
            add_stream(work, o, data);
          }
        }
        job.results[target] = result_of(evaluation, evaluations.subspan(n), batch);
        work.past_caches |= job.results[target].large;
        if (!job.results[target].large) add_stream(work, target, job.results[target].data);
        work.work += 4 * tiles_[target].fiber();
      }
      work.work += program.work;
      work.room = std::max(work.room, program.room);
      n += together.size() - 1;
    }
    return work;
  }

  /// Whether two evaluations are the gradients of x1 and x2 at one gradient, which some programs compute at once.
  bool are_pair(const Evaluation& first, const Evaluation& second) const {
    return first.target == 0 && second.target == 1 && first.operands[2].data == second.operands[2].data &&
           (std::holds_alternative<SparseForm>(group_.form) || std::holds_alternative<DenseForm>(group_.form) ||
            std::holds_alternative<GridForm>(group_.form));
  }

  size_t find_packed(Work& work, int operand, const float* data) const {
    const auto same = [&](const Packed& packed) { return packed.operand == operand && packed.data == data; };
    const auto found = std::find_if(work.packed.begin(), work.packed.end(), same);
    if (found != work.packed.end()) return found - work.packed.begin();
    work.packed.push_back({operand, data, work.packed_size});
    add_stream(work, operand, data);
    work.packed_size += size_t(tiles_[operand].fiber()) * kTileLanes;
    return work.packed.size() - 1;
  }

  void add_stream(Work& work, int operand, const float* data) const {
    work.streams.add(data, work.batch, tiles_[operand].dim(), group_.channels);
  }

  Result result_of(const Evaluation& evaluation, std::span<const Evaluation> rest, size_t batch) const {
    const int target = evaluation.target;
    float* const data = evaluation.operands[target].data;
    const auto adds = [&](const Evaluation& later) { return later.operands[later.target].data == data; };
    const bool shared = group_.sides[target].shared_by_lanes(group_.channels);
    // Lanes of one channel have other blocks' floats between them.
    return {data, shared && !evaluation.accumulate, shared || evaluation.accumulate,
            group_.channels > 1 && sizeof(float) * batch * tiles_[target].dim() > kCacheBytes &&
                std::count_if(rest.begin(), rest.end(), adds) == 1};
  }

  /// Lanes that one thread goes through in order: a tile, or whole samples where lanes of a sample share a channel of a target.
  /// However many threads there are, lanes meet in the same tiles, so that sums over them come out the same.
  size_t run_lanes(std::span<const Evaluation> evaluations) const {
    const auto shared = [&](const Evaluation& evaluation) {
      return group_.sides[evaluation.target].shared_by_lanes(group_.channels);
    };
    if (std::none_of(evaluations.begin(), evaluations.end(), shared)) return kTileLanes;
    return size_t(group_.channels) * std::max(1, kTileLanes / group_.channels);
  }

  void evaluate_run(const Work& work, size_t first, size_t lanes, int64_t& counted) const {
    const size_t end = std::min(first + lanes, work.batch * group_.channels);
    for (const Job& job : work.jobs) {
      for (int target = 0; target < 3; ++target) {
        const Result& result = job.results[target];
        if (result.clear) tiles_[target].clear(result.data, first / group_.channels, end / group_.channels);
      }
    }
    for (; first < end; first += kTileLanes) {
      evaluate_tile(work, first, static_cast<int>(std::min<size_t>(kTileLanes, end - first)), counted);
    }
  }

  void evaluate_tile(const Work& work, size_t first, int count, int64_t& counted) const {
    thread_local Scratch scratch;
    float* const floats = scratch.reserve(work.packed_size + work.room);
    float* const room = floats + work.packed_size;
    const SideTiles::Segments segments[3] = {tiles_[0].cut(first, count), tiles_[1].cut(first, count),
                                             tiles_[2].cut(first, count)};
    Ahead ahead = work.streams.ahead_of(first, count, counted);
    for (const auto& [operand, data, at] : work.packed)
      tiles_[operand].pack(data, work.batch, segments[operand], floats + at, ahead);
    for (const Job& job : work.jobs) {
      const float* tiles[3];
      for (int o = 0; o < 3; ++o) tiles[o] = floats + work.packed[job.packed[o]].at;
      for (int step = 0; step < job.program->steps(); ++step) {
        for (const auto& [operand, piece, rows] : job.program->needed(step))
          tiles_[operand].pack(job.piecewise, work.batch, segments[operand], *piece, rows, room, ahead);
        job.program->run(step, (count + kLanes - 1) / kLanes, tiles, room, ahead);
        for (const auto& [target, piece, rows] : job.program->ready(step)) {
          const Result& result = job.results[target];
          tiles_[target].unpack(result.data, segments[target], *piece, rows, room, result.add, result.large, ahead);
        }
      }
    }
    counted = ahead.work;
  }

  /// Tables are made when targets are first asked for.
  const Program& program_for(std::span<const Evaluation> evaluations) {
    std::lock_guard lock(mutex_);
    std::vector<int> targets;
    for (const Evaluation& evaluation : evaluations) targets.push_back(evaluation.target);
    std::unique_ptr<Program>& program = programs_[targets];
    const int target = targets[0];
    if (!program) {
      program = std::visit(
          Overloaded{
              [&](const SparseForm& form) { return make_sparse_program(form, group_.sides, tiles_, targets); },
              [&](const DenseForm& form) { return make_dense_program(form, group_.sides, tiles_, targets); },
              [&](const GridForm& form) { return make_grid_program(form, group_.sides, tiles_, targets); },
              [&](const FourierForm& form) { return make_fourier_program(form, group_.sides, tiles_, target); },
              [&](const MatrixForm& form) { return make_matrix_program(form, group_.sides, tiles_, target); },
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
  std::map<std::vector<int>, std::unique_ptr<Program>> programs_;  // by targets
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

  void evaluate(std::span<const Evaluation> evaluations, size_t batch) override {
    std::vector<Evaluation> reaching;
    for (const Evaluation& evaluation : evaluations) {
      const int target = evaluation.target;
      const Coverage& coverage = coverage_[target];
      // What belongs to no group takes no part in the product; what belongs to several is their sum, as shared weights are that
      // over samples, of which there may be none.
      if (!evaluation.accumulate && !(coverage.complete && coverage.single && batch > 0)) {
        const size_t rows = target == kWeights && shared_weights_ ? 1 : batch;
        std::fill_n(evaluation.operands[target].data, rows * dim_[target], 0.0f);
      }
      if (dim_[target] == 0) continue;
      reaching.push_back(evaluation);
      reaching.back().accumulate |= !coverage.single;
    }
    if (batch == 0 || reaching.empty()) return;
    for (const auto& group : groups_) group->evaluate(reaching, batch);
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
