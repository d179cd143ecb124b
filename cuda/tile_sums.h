// Device code: a tile of a product of matrices, whose sums the threads of a block hold in registers. Factors lie in shared memory, some
// terms of the sums at a time.
#pragma once

#include "cuda/quad.h"

namespace gauntlet::cuda {

constexpr int kTerms = 16;   // of a sum at a time
constexpr int kTermGap = 4;  // floats between the terms of a tile, so that transposing meets few bank conflicts
__host__ __device__ constexpr int term_stride(int extent) { return extent + kTermGap; }

/// A thread makes four columns of kEach rows, which come in runs of up to four.
template <int Rows, int Columns>
struct TileSums {
  static constexpr int kColumnGroups = Columns / 4, kRowGroups = kThreads / kColumnGroups;
  static constexpr int kEach = Rows / kRowGroups, kRun = kEach < 4 ? kEach : 4;
  /// Of factors in shared memory, [term][row] and then [term][column].
  static constexpr int kRoomBytes = kTerms * (term_stride(Rows) + term_stride(Columns)) * kFloatBytes;
  static_assert(kEach * kRowGroups == Rows && kEach % kRun == 0);

  float value[kEach][4] = {};

  __device__ static int column() { return static_cast<int>(threadIdx.x) % kColumnGroups * 4; }
  /// The thread's n-th row.
  __device__ static int row(int n) {
    return n / kRun * kRun * kRowGroups + static_cast<int>(threadIdx.x) / kColumnGroups * kRun + n % kRun;
  }

  /// Adds kTerms products of a [term][row] and b [term][column], with strides of their own.
  __device__ void add(const float* a, const float* b) {
#pragma unroll
    for (int k = 0; k < kTerms; ++k) {
      const float4 y = *reinterpret_cast<const float4*>(b + k * term_stride(Columns) + column());
      const float of_column[4] = {y.x, y.y, y.z, y.w};
#pragma unroll
      for (int first = 0; first < kEach; first += kRun) {
        float of_row[kRun];
        load_vector<kRun>(a + k * term_stride(Rows) + row(first), [](const auto* at) { return *at; }, of_row);
#pragma unroll
        for (int i = 0; i < kRun; ++i) {
#pragma unroll
          for (int c = 0; c < 4; ++c) value[first + i][c] = fmaf(of_row[i], of_column[c], value[first + i][c]);
        }
      }
    }
  }
};

/// Whether this is the last of the `blocks` that make one result to have written its share, all of which it sees then. `arrived` is zero
/// before the launch and after it. Nothing in shared memory survives this.
__device__ inline bool is_last_block(uint32_t* arrived, int32_t blocks) {
  auto* const last = reinterpret_cast<uint32_t*>(dynamic_shared);
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    *last = atomicAdd(arrived, 1u) == static_cast<uint32_t>(blocks) - 1;
    if (*last) *arrived = 0;
  }
  __syncthreads();
  const bool found = *last != 0;
  if (found) __threadfence();
  return found;
}

/// sum = scale * the sum over `count` chunks of what the quad has in each of them, in order. Other blocks wrote them: what the first-level
/// cache has of their neighbourhood may be old.
__device__ inline void add_chunks(const Quad& quad, const float* chunks, int64_t stride, int32_t count, float scale,
                                  float (&sum)[4]) {
  double total[4] = {};
#pragma unroll 4
  for (int32_t chunk = 0; chunk < count; ++chunk) {
    const float* const from = chunks + chunk * stride + quad.at;
    if (quad.whole) {
      const float4 four = __ldcg(reinterpret_cast<const float4*>(from));
      total[0] += four.x, total[1] += four.y, total[2] += four.z, total[3] += four.w;
    } else {
#pragma unroll
      for (int c = 0; c < 4; ++c) total[c] += c < quad.count ? __ldcg(from + c) : 0.0f;
    }
  }
#pragma unroll
  for (int c = 0; c < 4; ++c) sum[c] = scale * static_cast<float>(total[c]);
}

}  // namespace gauntlet::cuda
