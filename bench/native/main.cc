// gauntlet_bench: times one plan's kernel without Node, so that a profiler sees nothing else and the cost of the JavaScript call
// is a measured difference.
//
//     gauntlet bench --dump-plan plans --lmax 4 --settings mimo      (writes plans/*.plan and prints commands like the next)
//     gauntlet_bench plans/grid-mimo-l4-c64.plan --batch 1000 --threads 1 --seconds 2
//
// Prints one line of JSON. `--target` leaves out another operand than the output: 0 is the first input, 1 the second, and 01
// each of them, for both gradients.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/executor.h"
#include "core/huge_pages.h"
#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "plan_file.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLine = 64;                        // bytes that operands are aligned to, as allocate() aligns them
constexpr size_t kBeyondCaches = size_t{64} << 20;  // bytes of all sets of operands together
constexpr size_t kMostSets = 64;
constexpr size_t kFewestRuns = 5;

struct Arguments {
  std::string plan;
  size_t batch = 1000;
  int threads = 0;  // 0: as many as the pool starts with
  std::vector<int> targets = {2};
  double seconds = 1;
};

template <class Number>
Number number(std::string_view text, std::string_view name, Number least, Number most) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most)) {
    throw std::invalid_argument("bad value for " + std::string(name) + ": " + std::string(text));
  }
  return value;
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      if (!arguments.plan.empty()) throw std::invalid_argument("one plan at a time");
      arguments.plan = name;
      continue;
    }
    if (++i == argc) throw std::invalid_argument("missing value for " + std::string(name));
    const std::string_view value = argv[i];
    if (name == "--batch") {
      arguments.batch = number<size_t>(value, name, 1, size_t{1} << 31);
    } else if (name == "--threads") {
      arguments.threads = number<int>(value, name, 1, 1024);
    } else if (name == "--target") {
      if (value != "0" && value != "1" && value != "2" && value != "01") throw std::invalid_argument("bad target");
      arguments.targets.clear();
      for (const char target : value) arguments.targets.push_back(target - '0');
    } else if (name == "--seconds") {
      arguments.seconds = number<double>(value, name, 0.001, 3600.0);
    } else {
      throw std::invalid_argument("unknown option " + std::string(name));
    }
  }
  if (arguments.plan.empty()) throw std::invalid_argument("missing the plan's file");
  return arguments;
}

/// Floats on a cache line's boundary, on huge pages where allocate() takes such.
class AlignedFloats {
 public:
  explicit AlignedFloats(size_t count) : data_(static_cast<float*>(operator new(count * sizeof(float), kAlignment))) {
    if (count * sizeof(float) >= 2 * gauntlet::kHugePage) gauntlet::prefer_huge_pages(data_, count * sizeof(float));
  }
  ~AlignedFloats() { operator delete(data_, kAlignment); }
  AlignedFloats(AlignedFloats&& other) noexcept : data_(std::exchange(other.data_, nullptr)) {}
  AlignedFloats& operator=(AlignedFloats&&) = delete;
  float* data() const { return data_; }

 private:
  static constexpr std::align_val_t kAlignment{kLine};
  float* data_;
};

/// Something in [-1, 1) that differs from place to place (a linear congruence).
void fill(float* values, size_t count, uint32_t& state) {
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    values[i] = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
}

double quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const size_t below = static_cast<size_t>(at), above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

void run(const Arguments& arguments) {
  if (arguments.threads > 0) gauntlet::set_num_threads(arguments.threads);
  const gauntlet::Plan plan = gauntlet::bench::read_plan(arguments.plan);
  const std::unique_ptr<gauntlet::Executor> executor = gauntlet::make_cpu_executor(plan);

  // Operands, then results.
  std::vector<int32_t> dims(std::begin(plan.dim), std::end(plan.dim));
  for (const int target : arguments.targets) dims.push_back(plan.dim[target]);
  size_t bytes = 0;
  for (const int32_t dim : dims) bytes += arguments.batch * static_cast<size_t>(dim) * sizeof(float);
  const size_t sets = std::clamp(kBeyondCaches / std::max<size_t>(bytes, 1) + 1, size_t{2}, kMostSets);
  std::vector<AlignedFloats> memory;
  uint32_t state = 1;
  for (size_t set = 0; set < sets; ++set) {
    for (const int32_t dim : dims) {
      const size_t count = arguments.batch * static_cast<size_t>(dim);
      memory.emplace_back(std::max<size_t>(count, 1));
      fill(memory.back().data(), count, state);
    }
  }
  const auto once = [&](size_t repetition) {
    const AlignedFloats* const set = &memory[repetition % sets * dims.size()];
    std::vector<gauntlet::Evaluation> evaluations;
    for (const int target : arguments.targets) {
      gauntlet::Evaluation& evaluation = evaluations.emplace_back(gauntlet::Evaluation{target, {}});
      for (size_t o = 0; o < gauntlet::kOperands; ++o) evaluation.operands[o].data = set[o].data();
      evaluation.operands[target].data = set[gauntlet::kOperands + evaluations.size() - 1].data();
    }
    executor->evaluate(evaluations, arguments.batch);
  };

  once(0);  // starts threads, touches pages
  once(1);
  std::vector<double> seconds;
  const Clock::time_point start = Clock::now();
  const auto since = [](Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); };
  while (seconds.size() < kFewestRuns || since(start) < arguments.seconds) {
    const Clock::time_point before = Clock::now();
    once(seconds.size());
    seconds.push_back(since(before));
  }
  std::sort(seconds.begin(), seconds.end());
  std::string targets;
  for (const int target : arguments.targets) targets += std::to_string(target);
  std::printf(
      "{\"plan\": \"%s\", \"isa\": \"%s\", \"threads\": %d, \"batch\": %zu, \"target\": \"%s\", \"dims\": [%d, %d, "
      "%d], "
      "\"median\": %.4g, \"p10\": %.4g, \"p90\": %.4g, \"repetitions\": %zu}\n",
      arguments.plan.c_str(), gauntlet::kernels().name, gauntlet::num_threads(), arguments.batch, targets.c_str(),
      plan.dim[0], plan.dim[1], plan.dim[2], quantile(seconds, 0.5), quantile(seconds, 0.1), quantile(seconds, 0.9),
      seconds.size());
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  try {
    arguments = parse(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\nUsage: gauntlet_bench PLAN [--batch N] [--threads N] [--seconds S] [--target 0|1|2|01]\n",
                 error.what());
    return 2;
  }
  try {
    run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gauntlet_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
