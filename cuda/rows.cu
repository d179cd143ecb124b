// Rows of matrices: moved,
//
//     out[r, c] = x[of[r], c + shift], zero where x has no such column
//
// a float, or where all columns come in fours four of them, to a thread; and added up, each column of each segment by the lanes of a
// warp that stand for rows, which add up their own and then one another's.
#include <algorithm>

#include "cuda/matrix_kernels.h"
#include "cuda/quad.h"

namespace gauntlet::cuda {
namespace {

struct MoveCall {
  float* out;
  const float* x;
  const int32_t* of;  // row of x for each row of out; null for the same
  bool first_row;     // x has one row, which is every row's
  int64_t length;     // of out
  int32_t dim, x_dim;
  int32_t begin, count;  // columns of out that x has
  int32_t x_begin;       // and where they begin in x
};

/// n = row * dim + column
__device__ inline void split(int64_t n, int32_t dim, int64_t& row, int32_t& column) {
  // Dividing 32 bits takes a fraction of the time.
  row = n <= UINT32_MAX ? static_cast<uint32_t>(n) / static_cast<uint32_t>(dim) : n / dim;
  column = static_cast<int32_t>(n - row * dim);
}

template <int Width>
__global__ void __launch_bounds__(kThreads) move_rows(const __grid_constant__ MoveCall call) {
  const int64_t n = Width * (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x);
  if (n >= call.length) return;
  int64_t row;
  int32_t column;
  split(n, call.dim, row, column);
  if (call.of) row = __ldg(call.of + row);
  if (call.first_row) row = 0;
  const int32_t from = column - call.begin;
  float value[Width] = {};
  if (from >= 0 && from < call.count) {
    load_vector<Width>(call.x + row * call.x_dim + call.x_begin + from, [](const auto* at) { return *at; }, value);
  }
  if constexpr (Width == 4) {
    *reinterpret_cast<float4*>(call.out + n) = {value[0], value[1], value[2], value[3]};
  } else {
    call.out[n] = value[0];
  }
}

void launch(const MoveCall& call, cudaStream_t stream) {
  const int32_t sizes = call.dim | call.x_dim | call.begin | call.count | call.x_begin;
  const bool fours = sizes % 4 == 0 && is_aligned(call.out) && is_aligned(call.x);
  if (fours) {
    launch_kernel(move_rows<4>, quad_blocks(call.length), 0, stream, call);
  } else {
    launch_kernel(move_rows<1>, (call.length + kThreads - 1) / kThreads, 0, stream, call);
  }
}

struct SegmentSum {
  float* out;
  const float* x;
  const int32_t* start;  // null for segments of `length` rows, but for the last
  const int32_t* order;  // null for rows that follow one another
  int64_t segments, rows, length;
  int32_t dim;
  int32_t lanes;  // of a warp that stand for columns; a power of two
  int32_t tiles;  // of so many columns
};

__global__ void __launch_bounds__(kThreads) sum_segment_rows(const __grid_constant__ SegmentSum call) {
  const int64_t warp = static_cast<int64_t>(blockIdx.x) * kWarps + threadIdx.x / kLanes;
  const int64_t segment = warp / call.tiles;
  if (segment >= call.segments) return;
  const int32_t lane = threadIdx.x % kLanes, step = kLanes / call.lanes;
  const int32_t column = static_cast<int32_t>(warp - segment * call.tiles) * call.lanes + lane % call.lanes;
  const int64_t first = call.start ? call.start[segment] : segment * call.length;
  const int64_t last = call.start ? call.start[segment + 1] : min(first + call.length, call.rows);
  float sum = 0;
  if (column < call.dim) {
#pragma unroll 4
    for (int64_t n = first + lane / call.lanes; n < last; n += step) {
      const int64_t row = call.order ? call.order[n] : n;
      sum += call.x[row * call.dim + column];
    }
  }
  for (int mask = call.lanes; mask < kLanes; mask *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  if (lane < call.lanes && column < call.dim) call.out[segment * call.dim + column] = sum;
}

void launch(SegmentSum call, cudaStream_t stream) {
  call.lanes = 1;
  while (call.lanes < call.dim && call.lanes < kLanes) call.lanes *= 2;
  call.tiles = (call.dim + call.lanes - 1) / call.lanes;
  launch_kernel(sum_segment_rows, (call.segments * call.tiles + kWarps - 1) / kWarps, 0, stream, call);
}

__global__ void __launch_bounds__(kThreads) add_chunks(float* out, const float* chunks, int32_t count, int32_t dim) {
  const int32_t n = static_cast<int32_t>(blockIdx.x) * kThreads + static_cast<int32_t>(threadIdx.x);
  if (n >= dim) return;
  double sum = 0;
#pragma unroll 8
  for (int32_t chunk = 0; chunk < count; ++chunk) sum += chunks[int64_t{chunk} * dim + n];
  out[n] = static_cast<float>(sum);
}

/// Chunks of a sum over rows: not more, nor shorter.
constexpr int64_t kMostChunks = 128, kChunkRows = 256;

int64_t chunk_rows(int64_t rows) { return std::max((rows + kMostChunks - 1) / kMostChunks, kChunkRows); }
int32_t chunks_of(int64_t rows) { return static_cast<int32_t>((rows + chunk_rows(rows) - 1) / chunk_rows(rows)); }

}  // namespace

void gather(float* out, const float* x, int64_t rows, int32_t dim, const int32_t* of, cudaStream_t stream) {
  launch({out, x, of, of == nullptr, rows * dim, dim, dim, 0, dim, 0}, stream);
}

void columns(float* out, const float* wide, const ColumnRange& range, cudaStream_t stream) {
  const auto [whole, narrow, from] = std::tuple(static_cast<int32_t>(range.wide), static_cast<int32_t>(range.narrow),
                                                static_cast<int32_t>(range.from));
  launch({out, wide, nullptr, false, static_cast<int64_t>(range.rows) * narrow, narrow, whole, 0, narrow, from},
         stream);
}

void pad(float* out, const float* narrow, const ColumnRange& range, cudaStream_t stream) {
  const auto [whole, part, from] = std::tuple(static_cast<int32_t>(range.wide), static_cast<int32_t>(range.narrow),
                                              static_cast<int32_t>(range.from));
  launch({out, narrow, nullptr, false, static_cast<int64_t>(range.rows) * whole, whole, part, from, part, 0}, stream);
}

void sum_segments(float* out, const float* x, int64_t segments, int32_t dim, const int32_t* start, const int32_t* order,
                  cudaStream_t stream) {
  launch(SegmentSum{.out = out, .x = x, .start = start, .order = order, .segments = segments, .dim = dim}, stream);
}

size_t row_sum_floats(int64_t rows, int32_t dim) { return static_cast<size_t>(chunks_of(rows)) * dim; }

void sum_rows(float* out, const float* x, int64_t rows, int32_t dim, float* workspace, cudaStream_t stream) {
  const int32_t chunks = chunks_of(rows);
  launch(SegmentSum{.out = workspace, .x = x, .segments = chunks, .rows = rows, .length = chunk_rows(rows), .dim = dim},
         stream);
  launch_kernel(add_chunks, ceil_divide(dim, kThreads), 0, stream, out, workspace, chunks, dim);
}

}  // namespace gauntlet::cuda
