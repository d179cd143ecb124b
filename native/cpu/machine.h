#pragma once

namespace gauntlet {

/// What this machine can do at best: the two lines of a roofline.
struct MachineRates {
  double flops;      // float32 operations per second, a fused multiply-add counting as two
  double bandwidth;  // bytes per second of a copy far larger than the caches, bytes read plus bytes written
};

/// Runs `threads` threads for about `milliseconds` on each of the two. Throws std::bad_alloc.
MachineRates measure_machine(int threads, double milliseconds);

}  // namespace gauntlet
