#include "cpu/machine.h"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include "core/huge_pages.h"
#include "cpu/kernels.h"

namespace gauntlet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kCopyBytes = size_t{256} << 20;  // read; beyond any cache together with what is written
constexpr size_t kFmaIterations = 100'000;        // some 0.1 ms: long beside a barrier, short beside a time slice

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// The best rate of several passes. In each, all threads start together and `pass(thread)` returns what that thread has done:
/// the best pass is the one that nothing else on the machine disturbed.
double best_rate(int threads, double milliseconds, const std::function<double(int thread)>& pass) {
  std::vector<double> done(threads);
  double best = 0;
  bool over = false;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double, std::milli>(milliseconds));
  Clock::time_point start;
  const auto on_start = [&]() noexcept { start = Clock::now(); };
  const auto on_finish = [&]() noexcept {
    const Clock::time_point now = Clock::now();
    double total = 0;
    for (double amount : done) total += amount;
    best = std::max(best, total / seconds(now - start));
    over = now >= end;
  };
  std::optional<std::barrier<decltype(on_start)>> starting;
  std::optional<std::barrier<decltype(on_finish)>> finishing;
  const auto work = [&](int thread) {
    do {
      starting->arrive_and_wait();
      done[thread] = pass(thread);
      finishing->arrive_and_wait();
    } while (!over);
  };
  std::atomic<bool> ready{false};
  std::vector<std::thread> others;
  others.reserve(threads);
  try {
    for (int thread = 1; thread < threads; ++thread) {
      others.emplace_back([&, thread] {
        ready.wait(false);
        work(thread);
      });
    }
  } catch (const std::system_error&) {  // the system gives no more
  }
  const auto count = static_cast<std::ptrdiff_t>(others.size() + 1);
  starting.emplace(count, on_start);
  finishing.emplace(count, on_finish);
  ready = true;
  ready.notify_all();
  work(0);
  for (std::thread& other : others) other.join();
  return best;
}

}  // namespace

MachineRates measure_machine(int threads, double milliseconds) {
  threads = std::max(1, threads);
  MachineRates rates;
  rates.flops = best_rate(threads, milliseconds, [](int) { return kernels().fma_loop(kFmaIterations); });

  const size_t share = kCopyBytes / threads;
  const std::unique_ptr<char[]> from(new char[share * threads]), to(new char[share * threads]);
  prefer_huge_pages(from.get(), share * threads);
  prefer_huge_pages(to.get(), share * threads);
  std::memset(from.get(), 1, share * threads);
  std::memset(to.get(), 0, share * threads);  // claims the pages
  rates.bandwidth = best_rate(threads, milliseconds, [&](int thread) {
    std::memcpy(to.get() + thread * share, from.get() + thread * share, share);
    return 2.0 * share;
  });
  return rates;
}

}  // namespace gauntlet
