// Mathematics that is written once for every device: templates over the type of a number, which is one value on a GPU and a
// register of them on a CPU, and must vanish into the kernel that uses them.
#pragma once

#if defined(__CUDACC__)
#define GAUNTLET_MATH __device__ __forceinline__
#define GAUNTLET_MATH_LAMBDA
#else
#define GAUNTLET_MATH inline __attribute__((always_inline))
#define GAUNTLET_MATH_LAMBDA __attribute__((always_inline))
#endif
