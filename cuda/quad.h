// Four neighbouring numbers of arrays of one length to a thread: one load each where all arrays begin at a multiple of 16 bytes, as
// memory of the device does unless it is part of another.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "cuda/tile.h"

namespace gauntlet::cuda {

struct QuadCall {
  float* out;
  int64_t length;
  bool aligned;  // all arrays
};

struct Quad {
  int64_t at;
  int32_t count;  // of the four that exist
  bool whole;     // and can be moved together

  /// What does not exist is zero.
  __device__ void load(const float* from, float (&value)[4]) const {
    if (whole) {
      const float4 four = *reinterpret_cast<const float4*>(from + at);
      value[0] = four.x, value[1] = four.y, value[2] = four.z, value[3] = four.w;
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) value[k] = k < count ? from[at + k] : 0.0f;
    }
  }
  __device__ void store(float* to, const float (&value)[4]) const {
    if (whole) {
      *reinterpret_cast<float4*>(to + at) = {value[0], value[1], value[2], value[3]};
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        if (k < count) to[at + k] = value[k];
      }
    }
  }
};

/// The thread's, of none where count <= 0.
__device__ inline Quad find_quad(const QuadCall& call) {
  const int64_t at = 4 * (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x);
  const int64_t left = call.length - at;
  return {at, static_cast<int32_t>(left < 4 ? left : 4), left >= 4 && call.aligned};
}

inline bool is_aligned(const float* array) { return reinterpret_cast<uintptr_t>(array) % sizeof(float4) == 0; }

inline QuadCall quad_call(float* out, int64_t length, std::span<float* const> inputs) {
  return {out, length, is_aligned(out) && std::all_of(inputs.begin(), inputs.end(), is_aligned)};
}

inline int64_t quad_blocks(int64_t length) { return (length + 4 * kThreads - 1) / (4 * kThreads); }

}  // namespace gauntlet::cuda
