#include "cpu/pool.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <thread>

#include "core/error.h"
#include "cpu/cores.h"

namespace gauntlet {
namespace {

/// How long an idle thread looks out for work, and a caller for the others to be done, before it goes to sleep: waking it takes
/// about as long, and calls come in rows.
constexpr std::chrono::microseconds kLookout{100};

/// Lets another thread of the same core have it for a moment.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");
#endif
}

template <class Condition>
void look_out(Condition come) {
  const auto end = std::chrono::steady_clock::now() + kLookout;
  while (!come() && std::chrono::steady_clock::now() < end) pause();
}

constexpr int kMostThreads = 1024;

struct Job {
  const std::function<void(size_t, size_t)>* body;
  size_t count, grain, pieces;
  int helpers_wanted;  // guarded by the pool's mutex
  std::atomic<size_t> next{0};
  std::atomic<size_t> finished{0};

  /// Works until no piece is left to begin.
  void work() {
    for (size_t piece; (piece = next.fetch_add(1, std::memory_order_relaxed)) < pieces;) {
      (*body)(piece* grain, std::min(count, (piece + 1) * grain));
      if (finished.fetch_add(1, std::memory_order_acq_rel) + 1 == pieces) finished.notify_all();
    }
  }
};

class Pool {
 public:
  /// Leaked on purpose: its threads may still be waiting when the process exits.
  static Pool& instance() {
    static Pool* pool = new Pool;
    return *pool;
  }

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  void set_threads(int n) { threads_.store(std::clamp(n, 1, kMostThreads), std::memory_order_relaxed); }

  void run(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
    const size_t pieces = (count + grain - 1) / grain;
    const int helpers = static_cast<int>(std::min<size_t>(threads(), pieces)) - 1;
    if (helpers < 1) {
      if (count > 0) body(0, count);
      return;
    }
    auto job = std::make_shared<Job>();
    job->body = &body;
    job->count = count;
    job->grain = grain;
    job->pieces = pieces;
    {
      std::lock_guard lock(mutex_);
      job->helpers_wanted = std::min(helpers, hire(helpers));
      if (job->helpers_wanted > 0) jobs_.push_back(job);
      open_jobs_ = jobs_.size();
    }
    wake_.notify_all();
    job->work();
    look_out([&] { return job->finished.load(std::memory_order_acquire) == pieces; });
    for (size_t done; (done = job->finished.load(std::memory_order_acquire)) < pieces;) job->finished.wait(done);
    std::lock_guard lock(mutex_);
    std::erase(jobs_, job);
    open_jobs_ = jobs_.size();
  }

 private:
  Pool() : threads_(physical_cores()) {}

  /// How many workers there are then: fewer than `wanted` where the system gives no more threads.
  int hire(int wanted) {
    try {
      while (static_cast<int>(workers_.size()) < wanted) workers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
    }
    return static_cast<int>(workers_.size());
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (jobs_.empty()) {
        lock.unlock();
        look_out([this] { return open_jobs_ > 0; });
        lock.lock();
      }
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      std::shared_ptr<Job> job = jobs_.front();
      if (--job->helpers_wanted == 0) jobs_.pop_front();
      open_jobs_ = jobs_.size();
      lock.unlock();
      job->work();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> jobs_;  // those that still want helpers
  std::atomic<size_t> open_jobs_{0};       // their number, to be read without the mutex
  std::deque<std::thread> workers_;
  std::atomic<int> threads_;
};

}  // namespace

int num_threads() { return Pool::instance().threads(); }
void set_num_threads(int n) { Pool::instance().set_threads(n); }

void parallel_for(size_t count, size_t grain, const char* what, const std::function<void(size_t, size_t)>& body) {
  std::atomic<bool> out_of_memory{false};
  Pool::instance().run(count, std::max<size_t>(1, grain), [&](size_t begin, size_t end) {
    try {
      body(begin, end);
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  });
  if (out_of_memory) {
    throw Error("ERR_MEMORY", "Not enough memory for the scratch space of this " + std::string(what));
  }
}

size_t grain_of(size_t count, double work) {
  constexpr double kWork = 1 << 18;  // below this, a piece is not worth a second thread's wake-up
  return std::max(static_cast<size_t>(kWork / std::max(work, 1.0)) + 1, count / (8 * num_threads()));
}

}  // namespace gauntlet
