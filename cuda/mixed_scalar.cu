// Mixed forms that couple with scalars: linear layers, where x2 is the constant 1, and layers with weights of their own for every
// element, where x2 has a scalar for each. Then couplings are products of matrices whose rows are components k of samples s,
//
//     y [s, k, w]  =  sum over u, v  of  c x1[s, k, u] x2[s, v]  W[u, v, w]
//     x1[s, k, u]  =  sum over v, w  of  c y [s, k, w] x2[s, v]  W[u, v, w]
//     W [u, v, w]  =  sum over s, k  of  c x1[s, k, u] x2[s, v]  y[s, k, w]
//
// One launch makes all blocks of the target: a thread block a tile of one of them. Sums over samples are cut into chunks, which the last
// block of a tile adds up. See tile_sums.h for the inner loop, and mixed.cu for couplings of any kind.
#include <algorithm>

#include "cuda/mixed_scalar.h"
#include "cuda/program.h"
#include "cuda/tile_sums.h"

namespace gauntlet::cuda {
namespace {

/// Memory of the first sample, and floats from sample to sample.
struct RowsOf {
  const float* data;
  int32_t dim;
};

struct ScalarCall {
  const ScalarJob* jobs;
  const ScalarTerm* terms;
  RowsOf from, factor;
  const float* weights;
  float* out;
  int32_t out_dim;
  int64_t samples;
  bool accumulate;
};

template <class Job>
__host__ __device__ int64_t count_tiles(const Job& job, int64_t samples, int rows, int columns) {
  return ceil_divide(job.rows(samples), rows) * ceil_divide(job.columns, columns);
}

/// The job of tile `tile` of all; `tile` becomes its number within the job.
template <int Rows, int Columns, class Job>
__device__ inline const Job* find_job(const Job* job, int64_t samples, int32_t& tile) {
  for (int64_t tiles; tile >= (tiles = count_tiles(*job, samples, Rows, Columns)); ++job)
    tile -= static_cast<int32_t>(tiles);
  return job;
}

/// A thread's term of kEach rows, [term][row]: an operand's channel times a scalar of x2.
template <int Rows>
struct RowStrip {
  static constexpr int kPace = kThreads / kTerms, kEach = Rows / kPace;
  int32_t from[kEach], factor[kEach];  // of each row, from the tile's first sample on; from < 0 past the last
  float value[kEach];

  __device__ static int term() { return static_cast<int>(threadIdx.x) % kTerms; }
  __device__ static int row(int i) { return static_cast<int>(threadIdx.x) / kTerms + i * kPace; }

  __device__ void fetch(const ScalarTerm& path, int32_t first, const float* operand, const float* scalars) {
    const int32_t n = first + term(), q = n / path.inner, r = n - q * path.inner;
    const bool inside = n < path.count;
    const int32_t at = path.from + q * path.from_q + r * path.from_r;
    const int32_t factor_at = path.factor + q * path.factor_q + r * path.factor_r;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const bool exists = inside && from[i] >= 0;
      value[i] = exists ? __ldg(operand + from[i] + at) : 0.0f;
      if (exists && path.factor >= 0) value[i] *= __ldg(scalars + factor[i] + factor_at);
    }
  }
  __device__ void put(float* room) const {
#pragma unroll
    for (int i = 0; i < kEach; ++i) room[term() * term_stride(Rows) + row(i)] = value[i];
  }
};

/// A thread's share of [term][column]: weights, which follow one another along terms or along columns.
template <int Columns, bool AlongTerms>
struct WeightStrip {
  static constexpr int kWidth = AlongTerms ? kTerms : Columns, kPace = kThreads / kWidth;
  static constexpr int kEach = Columns * kTerms / kThreads;
  float value[kEach];

  __device__ void fetch(const ScalarTerm& path, int32_t first, const float* weights, int32_t first_column,
                        int32_t columns) {
    const int fast = static_cast<int>(threadIdx.x) % kWidth, slow = static_cast<int>(threadIdx.x) / kWidth;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      const int32_t n = first + (AlongTerms ? fast : slow + i * kPace);
      const int32_t column = first_column + (AlongTerms ? slow + i * kPace : fast);
      const bool exists = n < path.count && column < columns;
      const int64_t at = path.weight + int64_t{n} * path.weight_n + int64_t{column} * path.weight_column;
      value[i] = exists ? path.scale * __ldg(weights + at) : 0.0f;
    }
  }
  __device__ void put(float* room) const {
    const int fast = static_cast<int>(threadIdx.x) % kWidth, slow = static_cast<int>(threadIdx.x) / kWidth;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      room[AlongTerms ? fast * term_stride(Columns) + slow + i * kPace
                      : (slow + i * kPace) * term_stride(Columns) + fast] = value[i];
    }
  }
};

template <int Rows, int Columns, bool AlongTerms>
__global__ void __launch_bounds__(kThreads, 2) mix_channels(const __grid_constant__ ScalarCall call) {
  float* const row_room = reinterpret_cast<float*>(dynamic_shared);
  float* const weight_room = row_room + kTerms * term_stride(Rows);
  auto tile = static_cast<int32_t>(blockIdx.x);
  const ScalarJob job = *find_job<Rows, Columns>(call.jobs, call.samples, tile);
  const auto across = static_cast<int32_t>(ceil_divide(job.columns, Columns));
  const int32_t first_column = tile % across * Columns;
  const int64_t first_row = int64_t{tile / across} * Rows;
  const int64_t sample = first_row / job.size;
  const auto component = static_cast<int32_t>(first_row - sample * job.size);
  const int64_t rows = job.rows(call.samples) - first_row;
  const float* const operand = call.from.data + sample * call.from.dim;
  const float* const scalars = call.factor.data + sample * call.factor.dim;

  RowStrip<Rows> strip;
#pragma unroll
  for (int i = 0; i < strip.kEach; ++i) {
    const int32_t at = component + strip.row(i), s = at / job.size;
    strip.from[i] = strip.row(i) < rows ? s * call.from.dim + at - s * job.size : -1;
    strip.factor[i] = s * call.factor.dim;
  }
  WeightStrip<Columns, AlongTerms> weights;
  TileSums<Rows, Columns> sums;
  const ScalarTerm* path = call.terms + job.first_term;
  const ScalarTerm* const end = path + job.terms;
  int32_t term = 0;
  const auto fetch = [&] {
    strip.fetch(*path, term, operand, scalars);
    weights.fetch(*path, term, call.weights, first_column, job.columns);
  };
  fetch();
  while (path < end) {
    strip.put(row_room);
    weights.put(weight_room);
    __syncthreads();
    term += kTerms;
    if (term >= path->count) ++path, term = 0;
    if (path < end) fetch();
    sums.add(row_room, weight_room);
    __syncthreads();
  }

  float* const out = call.out + sample * call.out_dim + job.to;
#pragma unroll
  for (int n = 0; n < sums.kEach; ++n) {
    if (sums.row(n) >= rows) continue;
    const int32_t at = component + sums.row(n), s = at / job.size;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const int32_t column = first_column + sums.column() + c;
      if (column >= job.columns) continue;
      float& to = out[int64_t{s} * call.out_dim + column * job.size + at - s * job.size];
      to = call.accumulate ? to + sums.value[n][c] : sums.value[n][c];
    }
  }
}

/// Of a term of the sums over samples.
struct Component {
  int64_t sample;
  int32_t k;
};

struct WeightsCall {
  const ScalarWeights* jobs;
  RowsOf x1, x2, y;
  int64_t samples, chunk;  // samples of a chunk
  int32_t chunks;
  float* out;
  float* partials;    // of each chunk, where there are several: [chunk, partial_count]
  uint32_t* arrived;  // by tile
  int64_t partial_count;
  bool accumulate;
};

template <int Rows, int Columns>
__global__ void __launch_bounds__(kThreads, 2) correlate_channels(const __grid_constant__ WeightsCall call) {
  constexpr int kRowPace = kThreads / Rows, kColumnPace = kThreads / Columns;
  constexpr int kRowEach = kTerms / kRowPace, kColumnEach = kTerms / kColumnPace;
  float* const row_room = reinterpret_cast<float*>(dynamic_shared);
  float* const column_room = row_room + kTerms * term_stride(Rows);
  const int32_t chunk = static_cast<int32_t>(blockIdx.x % call.chunks);
  auto tile = static_cast<int32_t>(blockIdx.x / call.chunks);
  uint32_t* const arrived = call.arrived + tile;
  const ScalarWeights job = *find_job<Rows, Columns>(call.jobs, call.samples, tile);
  const auto across = static_cast<int32_t>(ceil_divide(job.columns, Columns));
  const int32_t first_row = tile / across * Rows, first_column = tile % across * Columns;
  const int64_t sample = chunk * call.chunk;
  const auto last = static_cast<int32_t>(min(call.chunk, call.samples - sample)) * job.size;

  const int x_row = static_cast<int>(threadIdx.x) % Rows, x_term = static_cast<int>(threadIdx.x) / Rows;
  const int y_column = static_cast<int>(threadIdx.x) % Columns, y_term = static_cast<int>(threadIdx.x) / Columns;
  const int32_t n = first_row + x_row, u = n / job.term.inner, v = n - u * job.term.inner;
  const int32_t column = first_column + y_column;
  const float* const x1 = call.x1.data + sample * call.x1.dim + job.term.from + u * job.term.from_q;
  const float* const x2 = job.term.factor < 0 ? nullptr : call.x2.data + sample * call.x2.dim + job.term.factor + v;
  const float* const y = call.y.data + sample * call.y.dim + job.y + column * job.size;
  const auto split = [&](int32_t term) {
    const int32_t s = quotient(term, job.reciprocal);
    return Component{s, term - s * job.size};
  };
  float of_x[kRowEach], of_y[kColumnEach];
  const auto fetch = [&](int32_t first) {
#pragma unroll
    for (int i = 0; i < kRowEach; ++i) {
      const int32_t term = first + x_term + i * kRowPace;
      const auto [s, k] = split(term);
      const bool exists = term < last && n < job.term.count;
      of_x[i] = exists ? job.term.scale * __ldg(x1 + s * call.x1.dim + k) : 0.0f;
      if (exists && x2) of_x[i] *= __ldg(x2 + s * call.x2.dim);
    }
#pragma unroll
    for (int i = 0; i < kColumnEach; ++i) {
      const int32_t term = first + y_term + i * kColumnPace;
      const auto [s, k] = split(term);
      of_y[i] = term < last && column < job.columns ? __ldg(y + s * call.y.dim + k) : 0.0f;
    }
  };
  TileSums<Rows, Columns> sums;
  fetch(0);
  for (int32_t term = 0; term < last; term += kTerms) {
#pragma unroll
    for (int i = 0; i < kRowEach; ++i) row_room[(x_term + i * kRowPace) * term_stride(Rows) + x_row] = of_x[i];
#pragma unroll
    for (int i = 0; i < kColumnEach; ++i)
      column_room[(y_term + i * kColumnPace) * term_stride(Columns) + y_column] = of_y[i];
    __syncthreads();
    fetch(term + kTerms);
    sums.add(row_room, column_room);
    __syncthreads();
  }

  const int32_t to_column = first_column + sums.column();
  const Quad quad{to_column, min(job.columns - to_column, 4), false};
  const auto for_rows = [&](const auto& f) {
#pragma unroll
    for (int i = 0; i < sums.kEach; ++i) {
      const int32_t row = first_row + sums.row(i);
      if (row < job.term.count) f(i, int64_t{row} * job.columns);
    }
  };
  float* const out = call.out + job.term.weight;
  const auto finish = [&](int64_t row, float (&sum)[4]) {
    float before[4] = {};
    if (call.accumulate) quad.load(out + row, before);
#pragma unroll
    for (int c = 0; c < 4; ++c) sum[c] += before[c];
    quad.store(out + row, sum);
  };
  if (call.chunks == 1) return for_rows([&](int i, int64_t row) { finish(row, sums.value[i]); });
  float* const partials = call.partials + job.first_partial;
  for_rows([&](int i, int64_t row) { quad.store(partials + chunk * call.partial_count + row, sums.value[i]); });
  if (!is_last_block(arrived, call.chunks)) return;
  for_rows([&](int, int64_t row) {
    float sum[4];
    add_chunks(quad, partials + row, call.partial_count, call.chunks, 1, sum);
    finish(row, sum);
  });
}

constexpr int kMostChunks = 64;
constexpr int64_t kChunkSamples = 16;               // at least
constexpr int64_t kPassSamples = int64_t{1} << 16;  // whose components' quotients by the size of any irrep are exact

class ScalarProgram final : public Program {
 public:
  ScalarProgram(const ScalarLists& lists, const int32_t (&dim)[kOperands], int target, const Device& device)
      : target_(target),
        multiprocessors_(device.multiprocessors),
        lists_(lists),
        jobs_(lists.jobs),
        terms_(lists.terms),
        weights_(lists.weights) {
    std::copy_n(dim, kOperands, dim_);
    for (const ScalarWeights& job : lists_.weights) wide_ = wide_ || (job.columns > 32 && job.term.count > 32);
    const int64_t tiles = weight_tiles();
    arrived_ = Table(std::vector<uint32_t>(tiles));
    if (tiles > 0) chunks_ = std::clamp<int64_t>(ceil_divide(4 * multiprocessors_, tiles), 1, kMostChunks);
  }

  size_t workspace_bytes() const override { return chunks_ > 1 ? sizeof(float) * chunks_ * lists_.partials : 0; }

  void launch(const Call& call, cudaStream_t stream) const override {
    if (target_ != kWeights) return mix(call, stream);
    for (int64_t first = 0; first < call.samples; first += kPassSamples)
      correlate(call, first, std::min(kPassSamples, call.samples - first), stream);
  }

 private:
  RowsOf rows_of(const Call& call, int o, int64_t first = 0) const { return {call.data[o] + first * dim_[o], dim_[o]}; }

  void mix(const Call& call, cudaStream_t stream) const {
    const ScalarCall mine{.jobs = jobs_.data(),
                          .terms = terms_.data(),
                          .from = rows_of(call, target_ == 0 ? 2 : 0),
                          .factor = rows_of(call, 1),
                          .weights = call.data[kWeights],
                          .out = call.data[target_],
                          .out_dim = dim_[target_],
                          .samples = call.samples,
                          .accumulate = call.accumulate};
    const auto blocks = [&](int rows, int columns) { return count_all(lists_.jobs, call.samples, rows, columns); };
    const auto run = [&]<int Rows, int Columns>() {
      launch_kernel(target_ == 0 ? mix_channels<Rows, Columns, true> : mix_channels<Rows, Columns, false>,
                    blocks(Rows, Columns), TileSums<Rows, Columns>::kRoomBytes, stream, mine);
    };
    if (blocks(128, 64) >= 2 * multiprocessors_) {
      run.template operator()<128, 64>();
    } else {
      run.template operator()<32, 32>();
    }
  }

  void correlate(const Call& call, int64_t first, int64_t samples, cudaStream_t stream) const {
    const int64_t chunk = std::max(ceil_divide(samples, chunks_), kChunkSamples);
    const WeightsCall mine{.jobs = weights_.data(),
                           .x1 = rows_of(call, 0, first),
                           .x2 = rows_of(call, 1, first),
                           .y = rows_of(call, 2, first),
                           .samples = samples,
                           .chunk = chunk,
                           .chunks = static_cast<int32_t>(ceil_divide(samples, chunk)),
                           .out = call.data[kWeights],
                           .partials = call.workspace,
                           .arrived = arrived_.data(),
                           .partial_count = lists_.partials,
                           .accumulate = call.accumulate || first > 0};
    const int64_t blocks = weight_tiles() * mine.chunks;
    if (wide_) {
      launch_kernel(correlate_channels<64, 64>, blocks, TileSums<64, 64>::kRoomBytes, stream, mine);
    } else {
      launch_kernel(correlate_channels<32, 32>, blocks, TileSums<32, 32>::kRoomBytes, stream, mine);
    }
  }

  int64_t weight_tiles() const { return count_all(lists_.weights, 0, wide_ ? 64 : 32, wide_ ? 64 : 32); }

  template <class Job>
  static int64_t count_all(const std::vector<Job>& jobs, int64_t samples, int rows, int columns) {
    int64_t count = 0;
    for (const Job& job : jobs) count += count_tiles(job, samples, rows, columns);
    return count;
  }

  int target_;
  int64_t multiprocessors_;
  ScalarLists lists_;
  Table<ScalarJob> jobs_;
  Table<ScalarTerm> terms_;
  Table<ScalarWeights> weights_;
  mutable Table<uint32_t> arrived_;
  int32_t dim_[kOperands];
  bool wide_ = false;  // tiles of weights
  int64_t chunks_ = 1;
};

}  // namespace

std::unique_ptr<Program> make_scalar_mixed_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                                   const Device& device) {
  constexpr int64_t kMostRows = 128;  // of a tile, whose offsets are of 32 bits
  for (int o = 0; o < 3; ++o) {
    if (dim[o] * (kMostRows + 1) > INT32_MAX) return nullptr;
  }
  ScalarLists lists;
  if (!list_scalar_jobs(group, target, lists)) return nullptr;
  return std::make_unique<ScalarProgram>(lists, dim, target, device);
}

}  // namespace gauntlet::cuda
