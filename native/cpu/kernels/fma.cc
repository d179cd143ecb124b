// What the floating-point units can do at best: multiply-adds that wait for nothing but their own chain.
//
//     y[i] <- y[i] * scale + shift        for kChains independent registers y[i]

#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

// Two units times a latency of four to five cycles must be covered; sixteen registers are all that some sets have.
static constexpr int kChains = kRegisters == 32 ? 20 : 12;

double fma_loop(size_t iterations) {
  // Every chain runs towards shift / (1 - scale) = 1: always a finite, normal number.
  volatile float half = 0.5f;
  const Register scale = half - Register{}, shift = scale;
  Register y[kChains];  // in registers only while every loop over it is unrolled
#pragma GCC unroll 20
  for (int i = 0; i < kChains; ++i) y[i] = shift * static_cast<float>(i);
  for (size_t n = 0; n < iterations; ++n) {
#pragma GCC unroll 20
    for (int i = 0; i < kChains; ++i) {
      y[i] = y[i] * scale + shift;
      // Pins each chain to a register, so that none of the work can be moved or merged.
#if defined(__x86_64__)
      asm volatile("" : "+v"(y[i]));
#elif defined(__aarch64__)
      asm volatile("" : "+w"(y[i]));
#endif
    }
  }
  Register sum = y[0];
#pragma GCC unroll 20
  for (int i = 1; i < kChains; ++i) sum += y[i];
  half = sum[0];
  return 2.0 * kChains * kWidth * static_cast<double>(iterations);
}

}  // namespace gauntlet::GAUNTLET_ISA
