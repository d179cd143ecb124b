// Fourier form: products of functions on the torus, by convolution of their coefficients.
//
//     coefficients   A = into_a x1,  B = into_b x2                              sparse maps, complex, v >= 0
//     convolve       P[u, v] = sum over terms and over u1 + u2 = u, v1 + v2 = v of  A[u1, v1] B[u2, v2]
//     project        y[row] = sum over (u, v)  from[row, (u, v)] P[u, v]        sparse map
//
// Coefficients at v < 0 are the conjugates of those at (-u, -v). All of A and B lies in shared memory, P a few rows v at a time.
// A warp takes a run of neighbouring u of one row of P and holds their sums in registers, with four coefficients of A and the
// window of B that they meet: a value from shared memory serves several products.
#include <algorithm>
#include <variant>
#include <vector>

#include "cuda/linear.h"
#include "cuda/room.h"

namespace gauntlet::cuda {
namespace {

constexpr int kReach = 4;     // coefficients of A that a warp holds
constexpr int kMostRun = 8;   // sums of P
constexpr int kMostRows = 4;  // rows of P at a time: more would only take room

/// Complex coefficients of one signal: rows v = 0..degree of u = -degree..degree.
struct Signal {
  int32_t first;  // of its floats, counted in kLanes
  int32_t degree;
};

struct Pair {
  Signal left, right;
};

struct FourierArguments : RoomArguments {
  BundleView left_map, right_map;  // one step each
  BundleView out_map;              // one step for every chunk of rows v
  const Pair* pairs;               // by sector of the target
  const int32_t* pair_starts;
  int32_t sectors;
  int32_t degree, rows, chunk;  // of P: |u| up to degree, rows v = 0..rows - 1, rows at a time
  int32_t run, runs;            // of u
  int32_t fiber;                // rows of y
  int32_t left_coefficients_at, right_coefficients_at, product_at;  // in a tile's room
};

/// Run neighbouring sums of one row v of P, from u on, for one term.
template <int Run>
__device__ inline void convolve(const Pair& pair, const float* left, const float* right, int32_t u, int32_t v,
                                float (&re)[Run], float (&im)[Run]) {
  const int32_t a_degree = pair.left.degree, b_degree = pair.right.degree;
  const int32_t a_width = 2 * a_degree + 1, b_width = 2 * b_degree + 1;
  for (int32_t v1 = max(-a_degree, v - b_degree); v1 <= min(a_degree, v + b_degree); ++v1) {
    const int32_t v2 = v - v1;
    // Where a row is stored as its conjugate, u counts backwards and the imaginary part changes sign.
    const int32_t a_step = v1 < 0 ? -1 : 1, b_step = v2 < 0 ? -1 : 1;
    const float a_sign = static_cast<float>(a_step), b_sign = static_cast<float>(b_step);
    const float* a_row = left + 2 * (pair.left.first / 2 + a_step * v1 * a_width + a_degree) * kLanes;
    const float* b_row = right + 2 * (pair.right.first / 2 + b_step * v2 * b_width + b_degree) * kLanes;
    const int32_t end = min(a_degree, u + Run - 1 + b_degree);
#pragma unroll 1
    for (int32_t u1 = max(-a_degree, u - b_degree); u1 <= end; u1 += kReach) {
      float a_re[kReach], a_im[kReach];
#pragma unroll
      for (int n = 0; n < kReach; ++n) {
        const bool inside = u1 + n <= a_degree;
        const float* from = a_row + 2 * a_step * (u1 + n) * kLanes;
        a_re[n] = inside ? from[0] : 0.f;
        a_im[n] = inside ? a_sign * from[kLanes] : 0.f;
      }
      // Window n holds u2 = u - u1 - (kReach - 1) + n: the sum at u + r meets coefficient u1 + k at n = r - k + kReach - 1.
#pragma unroll
      for (int n = 0; n < Run + kReach - 1; ++n) {
        const int32_t u2 = u - u1 - (kReach - 1) + n;
        const bool inside = -b_degree <= u2 && u2 <= b_degree;
        const float* from = b_row + 2 * b_step * u2 * kLanes;
        const float b_re = inside ? from[0] : 0.f;
        const float b_im = inside ? b_sign * from[kLanes] : 0.f;
#pragma unroll
        for (int k = 0; k < kReach; ++k) {
          const int r = n + k - (kReach - 1);
          if (r < 0 || r >= Run) continue;
          re[r] = fmaf(a_re[k], b_re, re[r]);
          re[r] = fmaf(-a_im[k], b_im, re[r]);
          im[r] = fmaf(a_re[k], b_im, im[r]);
          im[r] = fmaf(a_im[k], b_re, im[r]);
        }
      }
    }
  }
}

/// product[sector][row v of the chunk][u][re | im], a run of u for each warp in turn.
template <int Run>
__device__ inline void convolve_all(const FourierArguments& arguments, int32_t first_row, int32_t rows,
                                    const float* left, const float* right, float* product, int warp, int warps) {
  const int32_t width = 2 * arguments.degree + 1;
  for (int32_t n = warp; n < arguments.sectors * rows * arguments.runs; n += warps) {
    const int32_t run = n % arguments.runs, row = n / arguments.runs % rows, sector = n / arguments.runs / rows;
    const int32_t u = run * Run;  // counted from -degree
    float re[Run] = {}, im[Run] = {};
    for (int32_t p = arguments.pair_starts[sector]; p < arguments.pair_starts[sector + 1]; ++p) {
      convolve<Run>(arguments.pairs[p], left, right, u - arguments.degree, first_row + row, re, im);
    }
    float* to = product + 2 * ((sector * arguments.chunk + row) * width + u) * kLanes;
#pragma unroll
    for (int r = 0; r < Run; ++r) {
      if (u + r >= width) break;
      to[2 * r * kLanes] = re[r];
      to[(2 * r + 1) * kLanes] = im[r];
    }
  }
}

template <bool Workspace>
__global__ void __launch_bounds__(kThreads, 2) fourier_product(const __grid_constant__ FourierArguments arguments) {
  const auto [room, mine, warp, warps] = find_place<Workspace>(arguments);
  float* left = mine + arguments.left_coefficients_at;
  float* right = mine + arguments.right_coefficients_at;
  float* product = mine + arguments.product_at;
  float* out = mine + arguments.out_at;

  for (int64_t block = blockIdx.x; block < arguments.tiling.blocks; block += gridDim.x) {
    const Lanes lanes = number_lanes(arguments, block);
    __syncthreads();
    load_operands(arguments, lanes, room);
    __syncthreads();
    apply_map<kLanes>(arguments.left_map, 0, warp, warps, mine, left, false);
    apply_map<kLanes>(arguments.right_map, 0, warp, warps, mine + arguments.right_at, right, false);
    __syncthreads();
    for (int32_t row = warp; row < arguments.fiber; row += warps) out[row * kFiberStride] = 0;
    for (int32_t chunk = 0; chunk * arguments.chunk < arguments.rows; ++chunk) {
      const int32_t first = chunk * arguments.chunk, rows = min(arguments.chunk, arguments.rows - first);
      switch (arguments.run) {
        case 5: convolve_all<5>(arguments, first, rows, left, right, product, warp, warps); break;
        case 6: convolve_all<6>(arguments, first, rows, left, right, product, warp, warps); break;
        case 7: convolve_all<7>(arguments, first, rows, left, right, product, warp, warps); break;
        default: convolve_all<kMostRun>(arguments, first, rows, left, right, product, warp, warps);
      }
      __syncthreads();
      apply_map<kFiberStride>(arguments.out_map, chunk, warp, warps, product, out, true);
      __syncthreads();
    }
    store_result(arguments, lanes, room);
    __syncthreads();
  }
}

int coefficients_of(int degree) { return 2 * (degree + 1) * (2 * degree + 1); }

/// Runs of 5 to 8 neighbouring u, so that the last one is as full as can be; the longer the better.
int choose_run(int width) {
  int best = kMostRun;
  double least = 1e30;
  for (int run = kMostRun; run >= 5; --run) {
    const double cost = (width + run - 1) / run * std::max<double>(run * kReach, 2 * (run + 2 * kReach - 1));
    if (cost < least) least = cost, best = run;
  }
  return best;
}

class FourierProgram final : public RoomProgram<FourierArguments> {
 public:
  FourierProgram(const Group& group, const int32_t (&dim)[kOperands], int target, const Device& device)
      : RoomProgram(group, dim, target, device, fourier_product<false>, fourier_product<true>) {
    const FourierForm& form = std::get<FourierForm>(group.form);
    const int l = left_of(target), r = right_of(target);
    arguments_.fiber = group.sides[target].fiber;
    arguments_.sectors = static_cast<int32_t>(form.from[target].size());
    arguments_.degree = form.degree_of_product(target);
    arguments_.rows = std::min(form.degree[target], arguments_.degree) + 1;
    arguments_.run = choose_run(2 * arguments_.degree + 1);
    arguments_.runs = (2 * arguments_.degree + arguments_.run) / arguments_.run;

    const int inputs = group.sides[l].fiber + group.sides[r].fiber;
    const int left = coefficients_of(form.degree[l]) * static_cast<int>(form.into[l].size());
    const int right = coefficients_of(form.degree[r]) * static_cast<int>(form.into[r].size());
    arguments_.right_at = group.sides[l].fiber * kFiberStride;
    arguments_.out_at = 0;  // once the coefficients are there, the operands make way for the result and the product
    arguments_.product_at = arguments_.fiber * kFiberStride;
    const auto lay_out = [&](int chunk) {
      const int product = 2 * arguments_.sectors * chunk * (2 * arguments_.degree + 1) * kLanes;
      arguments_.left_coefficients_at = std::max(inputs * kFiberStride, arguments_.product_at + product);
      arguments_.right_coefficients_at = arguments_.left_coefficients_at + left * kLanes;
      return arguments_.right_coefficients_at + right * kLanes;
    };
    arguments_.chunk = fit(std::min(kMostRows, arguments_.rows), lay_out, [&](int chunk, int warps) {
      return evenness(arguments_.sectors * chunk * arguments_.runs, warps);
    });

    arguments_.left_map = map(into_table(form.into[l]));
    arguments_.right_map = map(into_table(form.into[r]));
    arguments_.out_map = map(from_table(form.from[target]));
    make_pairs(form, l, r, target);
  }

 private:
  /// All sectors' maps to coefficients, one below the other.
  static BundleTable into_table(const std::vector<LinearMap>& maps) {
    std::vector<Entry> entries;
    int32_t first = 0;
    for (const LinearMap& map : maps) {
      for (size_t n = 0; n < map.value.size(); ++n) {
        entries.push_back({first + map.row[n], static_cast<uint32_t>(map.column[n] * kFiberStride), map.value[n]});
      }
      first += map.rows;
    }
    BundleTable table;
    table.add_step(all_rows(first), std::move(entries));
    return table;
  }

  /// All sectors' projections side by side, cut by rows v.
  BundleTable from_table(const std::vector<LinearMap>& maps) const {
    const int32_t floats = 2 * (2 * arguments_.degree + 1);  // of a row v
    const int32_t chunks = (arguments_.rows + arguments_.chunk - 1) / arguments_.chunk;
    std::vector<std::vector<Entry>> entries(chunks);
    for (size_t s = 0; s < maps.size(); ++s) {
      for (size_t n = 0; n < maps[s].value.size(); ++n) {
        const int32_t v = maps[s].column[n] / floats, chunk = v / arguments_.chunk;
        const int32_t row = static_cast<int32_t>(s) * arguments_.chunk + v % arguments_.chunk;
        const int32_t column = row * floats + maps[s].column[n] % floats;
        entries[chunk].push_back({maps[s].row[n], static_cast<uint32_t>(column * kLanes), maps[s].value[n]});
      }
    }
    BundleTable table;
    for (std::vector<Entry>& of_chunk : entries) {
      std::vector<int32_t> rows;
      for (const Entry& entry : of_chunk) rows.push_back(entry.row);
      std::sort(rows.begin(), rows.end());
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      table.add_step(rows, std::move(of_chunk));
    }
    return table;
  }

  BundleView map(const BundleTable& table) { return maps_.emplace_back(table).view(); }

  void make_pairs(const FourierForm& form, int l, int r, int target) {
    const auto signal = [&](int o, int sector) {
      return Signal{sector * coefficients_of(form.degree[o]), form.degree[o]};
    };
    std::vector<Pair> pairs;
    std::vector<int32_t> starts{0};
    for (int32_t s = 0; s < arguments_.sectors; ++s) {
      for (const Term& term : form.terms) {
        if (term.sector[target] == s) pairs.push_back({signal(l, term.sector[l]), signal(r, term.sector[r])});
      }
      starts.push_back(static_cast<int32_t>(pairs.size()));
    }
    arguments_.pairs = (pairs_ = Table(pairs)).data();
    arguments_.pair_starts = (starts_ = Table(starts)).data();
  }

  std::vector<DeviceBundles> maps_;
  Table<Pair> pairs_;
  Table<int32_t> starts_;
};

}  // namespace

std::unique_ptr<Program> make_fourier_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                              const Device& device) {
  return std::make_unique<FourierProgram>(group, dim, target, device);
}

}  // namespace gauntlet::cuda
