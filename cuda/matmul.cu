// Products of matrices, one or both of which are tall and thin, in float32:
//
//     none     out[r, c] = scale * sum over k of  a[r, k] * b[k, c]
//     second   out[r, c] = scale * sum over k of  a[r, k] * b[c, k]
//     first    out[r, c] = scale * sum over k of  a[k, r] * b[k, c]
//
// A block makes a tile of the result, a thread four columns of a few rows of it. Sixteen terms of a sum at a time lie in shared memory
// as [term][row] and [term][column], whichever way they lie outside, while the next sixteen are on their way to registers. Sums over
// the rows of a batch (first) are cut into chunks, a block each, which the last block of a tile adds up.
//
// Large products go to cuBLAS where the process finds it: on an H200 sums over a batch of 200,000 take 1.5 to 1.7 times less there, others
// up to 1.16 times. Small ones wait for its launch: of 2,000 rows, 64 to 128 columns, 15 microseconds and 8 here (bench/results).
#include <algorithm>

#include "cuda/cublas.h"
#include "cuda/matrix_kernels.h"
#include "cuda/tile_sums.h"

namespace gauntlet::cuda {
namespace {

struct MatmulCall {
  const float* a;
  const float* b;
  float* out;
  float* partials;    // of each chunk, where there are several: [chunk, rows, columns]
  uint32_t* arrived;  // by tile
  int64_t rows, columns, sums;
  int64_t chunk;  // terms
  int64_t row_tiles, column_tiles;
  float scale;
  bool aligned;  // whole rows of out begin at multiples of 16 bytes
};

/// A matrix as the kernel walks it: `along` the sum and across it, one of which follows in memory. What a thread takes is a column of
/// it, every kPace-th row: one address and a stride, for addresses of their own would not leave the registers for sums.
template <int Extent, bool AlongSums>
struct Strip {
  static constexpr int kEach = Extent * kTerms / kThreads;
  static constexpr int kStride = term_stride(Extent);
  static constexpr int kWidth = AlongSums ? kTerms : Extent, kPace = kThreads / kWidth;

  const float* from;
  int64_t stride;        // from row to row in memory
  int64_t first, count;  // of what the tile has across, and how many there are
  float value[kEach];

  __device__ static int column() { return static_cast<int>(threadIdx.x) % kWidth; }
  __device__ static int row() { return static_cast<int>(threadIdx.x) / kWidth; }

  /// Terms from `term` on, ahead of `last`; beyond, zeros.
  __device__ void fetch(int64_t term, int64_t last) {
    const int64_t rows = AlongSums ? first : term, columns = AlongSums ? term : first;
    const float* const at = from + (rows + row()) * stride + columns + column();
    const bool inside = columns + column() < (AlongSums ? last : count);
    const int64_t left = inside ? (AlongSums ? count : last) - rows - row() : 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) value[i] = i * kPace < left ? __ldg(at + i * kPace * stride) : 0.0f;
  }
  __device__ void put(float* room) const {
    float* const at = room + (AlongSums ? column() * kStride + row() : row() * kStride + column());
#pragma unroll
    for (int i = 0; i < kEach; ++i) at[i * kPace * (AlongSums ? 1 : kStride)] = value[i];
  }
};

template <int Rows, int Columns, Transposed transposed>
struct Tile {
  using A = Strip<Rows, transposed != Transposed::first>;
  using B = Strip<Columns, transposed == Transposed::second>;
};

template <int Rows, int Columns, Transposed transposed>
__global__ void __launch_bounds__(kThreads, 2) multiply_tiles(const __grid_constant__ MatmulCall call) {
  using T = Tile<Rows, Columns, transposed>;
  using Sums = TileSums<Rows, Columns>;
  constexpr bool kChunks = transposed == Transposed::first;
  float* const a_room = reinterpret_cast<float*>(dynamic_shared);
  float* const b_room = a_room + kTerms * T::A::kStride;
  const int64_t tile = blockIdx.x / call.column_tiles, chunk = tile / call.row_tiles;
  const int64_t first_column = (blockIdx.x - tile * call.column_tiles) * Columns;
  const int64_t first_row = (tile - chunk * call.row_tiles) * Rows;
  const int64_t first = chunk * call.chunk, last = min(first + call.chunk, call.sums);
  typename T::A a{call.a, transposed == Transposed::first ? call.rows : call.sums, first_row, call.rows, {}};
  typename T::B b{call.b, transposed == Transposed::second ? call.sums : call.columns, first_column, call.columns, {}};

  Sums sums;
  a.fetch(first, last);
  b.fetch(first, last);
  for (int64_t term = first; term < last; term += kTerms) {
    a.put(a_room);
    b.put(b_room);
    __syncthreads();
    a.fetch(term + kTerms, last);
    b.fetch(term + kTerms, last);
    sums.add(a_room, b_room);
    __syncthreads();
  }

  const int64_t column = first_column + Sums::column(), left = call.columns - column;
  const Quad quad{column, static_cast<int32_t>(left < 4 ? left : 4), call.aligned && left >= 4};
#pragma unroll
  for (int n = 0; n < Sums::kEach; ++n) {
    const int64_t r = first_row + Sums::row(n);
    if (r >= call.rows) continue;
    const bool partial = kChunks && call.partials;
    if (!partial) {
#pragma unroll
      for (int c = 0; c < 4; ++c) sums.value[n][c] *= call.scale;
    }
    quad.store((partial ? call.partials + chunk * call.rows * call.columns : call.out) + r * call.columns,
               sums.value[n]);
  }
  if constexpr (kChunks) {
    const int64_t tiles = call.row_tiles * call.column_tiles;
    const auto chunks = static_cast<int32_t>(gridDim.x / tiles);
    if (!call.partials || !is_last_block(call.arrived + blockIdx.x % tiles, chunks)) return;
#pragma unroll 1
    for (int n = 0; n < Sums::kEach; ++n) {
      const int64_t r = first_row + Sums::row(n);
      if (r >= call.rows) continue;
      float sum[4];
      add_chunks(quad, call.partials + r * call.columns, call.rows * call.columns, chunks, call.scale, sum);
      quad.store(call.out + r * call.columns, sum);
    }
  }
}

struct DotCall {
  float* out;
  const float* a;  // [rows, sums]
  const float* b;  // [sums]
  int64_t rows, sums;
  int32_t lanes;  // of a warp for each row; a power of two
  float scale;
};

/// A single column: rows are added up by the lanes of a warp, or by some of them.
__global__ void __launch_bounds__(kThreads) multiply_dots(const __grid_constant__ DotCall call) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / call.lanes;
  float sum = 0;
  if (row < call.rows) {
    const float* const a = call.a + row * call.sums;
#pragma unroll 4
    for (int64_t k = threadIdx.x % call.lanes; k < call.sums; k += call.lanes) sum = fmaf(a[k], __ldg(call.b + k), sum);
  }
  for (int mask = 1; mask < call.lanes; mask *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, mask);
  if (row < call.rows && threadIdx.x % call.lanes == 0) call.out[row] = call.scale * sum;
}

void launch_dots(const float* a, const float* b, int64_t rows, int64_t sums, double scale, float* out,
                 cudaStream_t stream) {
  DotCall call{out, a, b, rows, sums, 1, static_cast<float>(scale)};
  while (call.lanes < sums && call.lanes < kLanes) call.lanes *= 2;
  launch_kernel(multiply_dots, (rows * call.lanes + kThreads - 1) / kThreads, 0, stream, call);
}

template <int Rows, int Columns, Transposed transposed>
void launch_tiles(MatmulCall call, int64_t chunks, cudaStream_t stream) {
  call.row_tiles = (call.rows + Rows - 1) / Rows;
  call.column_tiles = (call.columns + Columns - 1) / Columns;
  launch_kernel(multiply_tiles<Rows, Columns, transposed>, call.row_tiles * call.column_tiles * chunks,
                TileSums<Rows, Columns>::kRoomBytes, stream, call);
}

constexpr int64_t kEnoughBlocks = 128;  // one for each multiprocessor of a large GPU

/// Tiles as large as leave `kEnoughBlocks`: larger ones load less, smaller ones keep more of the GPU at work.
template <Transposed transposed>
void launch_by_rows(const MatmulCall& call, cudaStream_t stream) {
  const auto enough = [&](int rows, int columns) {
    return ceil_divide(call.rows, rows) * ceil_divide(call.columns, columns) >= kEnoughBlocks;
  };
  if (call.columns <= 16) {
    if (enough(256, 16)) return launch_tiles<256, 16, transposed>(call, 1, stream);
    return launch_tiles<64, 16, transposed>(call, 1, stream);
  }
  if (enough(128, 64)) return launch_tiles<128, 64, transposed>(call, 1, stream);
  if (enough(64, 64)) return launch_tiles<64, 64, transposed>(call, 1, stream);
  launch_tiles<32, 32, transposed>(call, 1, stream);
}

/// A single row of a is a column of what is summed over.
bool over_rows(const MatrixProduct& p) {
  return p.transposed == Transposed::first || (p.transposed == Transposed::none && p.rows == 1);
}

constexpr int kSide = 64;                      // of the tiles of a sum over rows
constexpr int64_t kMostBlocks = kMatmulTiles;  // which the chunks of all tiles fill
constexpr int64_t kMostChunks = 128;           // of a tile: not more, nor shorter
constexpr int64_t kChunkTerms = 64;
constexpr int64_t kCublasTerms = int64_t{1} << 26;  // products of two numbers, from which on cuBLAS has been the faster

/// Terms of a chunk, so that there are chunks for every multiprocessor, whichever GPU it is.
int64_t chunk_of(const MatrixProduct& p) {
  const int64_t tiles = static_cast<int64_t>((p.rows + kSide - 1) / kSide * ((p.columns + kSide - 1) / kSide));
  const int64_t sums = static_cast<int64_t>(p.sums), most = std::clamp<int64_t>(kMostBlocks / tiles, 1, kMostChunks);
  return std::max((sums + most - 1) / most, kChunkTerms);
}

int64_t chunks_of(const MatrixProduct& p) { return (static_cast<int64_t>(p.sums) + chunk_of(p) - 1) / chunk_of(p); }

}  // namespace

size_t matmul_floats(const MatrixProduct& p) {
  return over_rows(p) && chunks_of(p) > 1 ? static_cast<size_t>(chunks_of(p)) * p.rows * p.columns : 0;
}

void matmul(const MatrixProduct& p, const float* a, const float* b, float* out, float* workspace, uint32_t* arrived,
            cudaStream_t stream) {
  const auto [rows, columns, sums] =
      std::tuple(static_cast<int64_t>(p.rows), static_cast<int64_t>(p.columns), static_cast<int64_t>(p.sums));
  if (!over_rows(p) && columns == 1) return launch_dots(a, b, rows, sums, p.scale, out, stream);
  if (p.transposed == Transposed::second && rows == 1) return launch_dots(b, a, columns, sums, p.scale, out, stream);
  if (rows * columns * sums >= kCublasTerms && multiply_by_cublas(p, a, b, out, stream)) return;
  MatmulCall call{.a = a,
                  .b = b,
                  .out = out,
                  .rows = rows,
                  .columns = columns,
                  .sums = sums,
                  .chunk = sums,
                  .scale = static_cast<float>(p.scale),
                  .aligned = columns % 4 == 0 && is_aligned(out)};
  if (!over_rows(p)) {
    if (p.transposed == Transposed::none) return launch_by_rows<Transposed::none>(call, stream);
    return launch_by_rows<Transposed::second>(call, stream);
  }
  const int64_t chunks = chunks_of(p);
  call.chunk = chunk_of(p);
  if (chunks > 1) call.partials = workspace, call.arrived = arrived;
  launch_tiles<kSide, kSide, Transposed::first>(call, chunks, stream);
}

}  // namespace gauntlet::cuda
