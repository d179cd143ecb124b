// Matrix form: irreps as size x size matrices. F = sum over terms of trace((X1 X2 + s X2 X1) X3^T) / 2, so that the one left
// out is (A B + s B A) / 2 with
//
//     target X3:  A, B = X1, X2        target X1:  X3, X2^T        target X2:  X1^T, X3
//
//     matrices   X = map x            for both operands, sparse maps
//     multiply   Y = sum over terms   of A B + s B A
//     project    y = map^T Y / 2
//
// A warp takes a square of Y and holds it in registers, for one lane in each thread; transposes and orders are strides.
#include <algorithm>
#include <variant>
#include <vector>

#include "cuda/linear.h"
#include "cuda/room.h"

namespace gauntlet::cuda {
namespace {

constexpr int kLeastSquare = 3, kMostSquare = 6;

/// One product, scale * sum over k of A[p, k] B[k, q]: where the two begin in a tile's room, and their strides in lines.
struct Factors {
  int32_t a, a_row, a_inner;
  int32_t b, b_inner, b_column;
  float scale;
};

struct MatrixArguments : RoomArguments {
  BundleView left_map, right_map, out_map;
  const Factors* factors;  // by sector of the target
  const int32_t* starts;
  int32_t sectors, size;
  int32_t square, squares;                                  // of Y that a warp takes; squares in a row of them
  int32_t left_matrices_at, right_matrices_at, product_at;  // in a tile's room
};

/// Square x Square entries of one sector's Y, from row p and column q on; beyond the matrix nothing is read or written.
template <int Square>
__device__ inline void multiply(const MatrixArguments& arguments, int32_t sector, int32_t p, int32_t q,
                                const float* room, float* product) {
  const int32_t size = arguments.size;
  float sum[Square][Square] = {};
  for (int32_t n = arguments.starts[sector]; n < arguments.starts[sector + 1]; ++n) {
    const Factors factors = arguments.factors[n];
    const float* a = room + factors.a + p * factors.a_row * kLanes;
    const float* b = room + factors.b + q * factors.b_column * kLanes;
#pragma unroll 1
    for (int32_t k = 0; k < size; ++k, a += factors.a_inner * kLanes, b += factors.b_inner * kLanes) {
      float x[Square], y[Square];
#pragma unroll
      for (int i = 0; i < Square; ++i) {
        x[i] = p + i < size ? factors.scale * a[i * factors.a_row * kLanes] : 0.f;
        y[i] = q + i < size ? b[i * factors.b_column * kLanes] : 0.f;
      }
#pragma unroll
      for (int i = 0; i < Square; ++i) {
#pragma unroll
        for (int j = 0; j < Square; ++j) sum[i][j] = fmaf(x[i], y[j], sum[i][j]);
      }
    }
  }
  float* to = product + (sector * size * size + p * size + q) * kLanes;
#pragma unroll
  for (int i = 0; i < Square; ++i) {
#pragma unroll
    for (int j = 0; j < Square; ++j) {
      if (p + i < size && q + j < size) to[(i * size + j) * kLanes] = sum[i][j];
    }
  }
}

template <int Square>
__device__ inline void multiply_all(const MatrixArguments& arguments, const float* room, float* product, int warp,
                                    int warps) {
  const int32_t squares = arguments.squares;
  for (int32_t n = warp; n < arguments.sectors * squares * squares; n += warps) {
    const int32_t sector = n / (squares * squares), at = n % (squares * squares);
    multiply<Square>(arguments, sector, at / squares * Square, at % squares * Square, room, product);
  }
}

template <bool Workspace>
__global__ void __launch_bounds__(kThreads, 2) matrix_product(const __grid_constant__ MatrixArguments arguments) {
  const auto [room, mine, warp, warps] = find_place<Workspace>(arguments);
  float* left = mine + arguments.left_matrices_at;
  float* right = mine + arguments.right_matrices_at;
  float* product = mine + arguments.product_at;

  for (int64_t block = blockIdx.x; block < arguments.tiling.blocks; block += gridDim.x) {
    const Lanes lanes = number_lanes(arguments, block);
    __syncthreads();
    load_operands(arguments, lanes, room);
    __syncthreads();
    apply_map<kLanes>(arguments.left_map, 0, warp, warps, mine, left, false);
    apply_map<kLanes>(arguments.right_map, 0, warp, warps, mine + arguments.right_at, right, false);
    __syncthreads();
    switch (arguments.square) {
      case 3: multiply_all<kLeastSquare>(arguments, mine, product, warp, warps); break;
      case 4: multiply_all<4>(arguments, mine, product, warp, warps); break;
      case 5: multiply_all<5>(arguments, mine, product, warp, warps); break;
      default: multiply_all<kMostSquare>(arguments, mine, product, warp, warps);
    }
    __syncthreads();
    apply_map<kFiberStride>(arguments.out_map, 0, warp, warps, product, mine + arguments.out_at, false);
    __syncthreads();
    store_result(arguments, lanes, room);
    __syncthreads();
  }
}

class MatrixProgram final : public RoomProgram<MatrixArguments> {
 public:
  MatrixProgram(const Group& group, const int32_t (&dim)[kOperands], int target, const Device& device)
      : RoomProgram(group, dim, target, device, matrix_product<false>, matrix_product<true>) {
    const MatrixForm& form = std::get<MatrixForm>(group.form);
    const int l = left_of(target), r = right_of(target);
    const int32_t size = form.size, entries = size * size;
    arguments_.size = size;
    arguments_.sectors = static_cast<int32_t>(form.maps[target].size());

    // The products take the place of the operands, the result that of the matrices.
    const int32_t left_fiber = group.sides[l].fiber, right_fiber = group.sides[r].fiber;
    const int32_t lefts = entries * static_cast<int32_t>(form.maps[l].size());
    const int32_t rights = entries * static_cast<int32_t>(form.maps[r].size());
    arguments_.right_at = left_fiber * kFiberStride;
    arguments_.product_at = 0;
    arguments_.left_matrices_at =
        std::max((left_fiber + right_fiber) * kFiberStride, arguments_.sectors * entries * kLanes);
    arguments_.right_matrices_at = arguments_.left_matrices_at + lefts * kLanes;
    arguments_.out_at = arguments_.left_matrices_at;
    const int floats =
        arguments_.left_matrices_at + std::max((lefts + rights) * kLanes, group.sides[target].fiber * kFiberStride);
    fit(1, [&](int) { return floats; }, [&](int, int warps) { return choose_square(warps).evenness; });
    arguments_.square = choose_square(kWarps / tiles()).side;
    arguments_.squares = (size + arguments_.square - 1) / arguments_.square;

    arguments_.left_map = map(stack(form.maps[l], false), lefts);
    arguments_.right_map = map(stack(form.maps[r], false), rights);
    arguments_.out_map = map(stack(form.maps[target], true), group.sides[target].fiber);
    make_factors(form, l, r, target);
  }

 private:
  struct Square {
    int side = kLeastSquare;
    double evenness = 0;
  };
  /// The squares that keep `warps` warps best at work: 1 if that were a multiply-add a clock and lane, and no warp idle.
  Square choose_square(int warps) const {
    Square best;
    for (int side = kLeastSquare; side <= kMostSquare; ++side) {
      const int squares = (arguments_.size + side - 1) / side;
      const double adds = side * side / 4.0, loads = 2.0 * side;
      const double used = arguments_.size * arguments_.size / static_cast<double>(squares * squares * side * side);
      const int items = std::max(1, arguments_.sectors * squares * squares);
      const double value = evenness(items, warps) * used * adds / std::max(adds, loads);
      if (value > best.evenness) best = {side, value};
    }
    return best;
  }

  /// All sectors' maps, one below the other; or half the transpose, which is the way back.
  static std::vector<Entry> stack(const std::vector<LinearMap>& maps, bool transposed) {
    std::vector<Entry> entries;
    int32_t first = 0;
    for (const LinearMap& map : maps) {
      for (size_t n = 0; n < map.value.size(); ++n) {
        const int32_t entry = first + map.row[n], component = map.column[n];
        if (transposed) {
          entries.push_back({component, static_cast<uint32_t>(entry * kLanes), map.value[n] / 2});
        } else {
          entries.push_back({entry, static_cast<uint32_t>(component * kFiberStride), map.value[n]});
        }
      }
      first += map.rows;
    }
    return entries;
  }

  BundleView map(std::vector<Entry> entries, int32_t rows) {
    BundleTable table;
    table.add_step(all_rows(rows), std::move(entries));
    return maps_.emplace_back(table).view();
  }

  /// For every sector of the target the products that add up to it: A B and B A of each of its terms.
  void make_factors(const MatrixForm& form, int l, int r, int target) {
    const int32_t size = form.size;
    struct Matrix {
      int32_t at, row, column;
    };
    const auto matrix = [&](int o, const Term& term) {
      const bool transposed = (target == 0 && o == 1) || (target == 1 && o == 0);
      const int32_t at = o == l ? arguments_.left_matrices_at : arguments_.right_matrices_at;
      return Matrix{at + term.sector[o] * size * size * kLanes, transposed ? 1 : size, transposed ? size : 1};
    };
    std::vector<Factors> factors;
    std::vector<int32_t> starts{0};
    for (int32_t s = 0; s < arguments_.sectors; ++s) {
      for (size_t t = 0; t < form.terms.size(); ++t) {
        const Term& term = form.terms[t];
        if (term.sector[target] != s) continue;
        // Operands count on from the target: A is the left one of X1 X2 only.
        const Matrix a = matrix(target == 2 ? l : r, term), b = matrix(target == 2 ? r : l, term);
        factors.push_back({a.at, a.row, a.column, b.at, b.row, b.column, 1.f});
        if (form.signs[t] == 0) continue;
        factors.push_back({b.at, b.row, b.column, a.at, a.row, a.column, static_cast<float>(form.signs[t])});
      }
      starts.push_back(static_cast<int32_t>(factors.size()));
    }
    arguments_.factors = (factors_ = Table(factors)).data();
    arguments_.starts = (starts_ = Table(starts)).data();
  }

  std::vector<DeviceBundles> maps_;
  Table<Factors> factors_;
  Table<int32_t> starts_;
};

}  // namespace

std::unique_ptr<Program> make_matrix_program(const Group& group, const int32_t (&dim)[kOperands], int target,
                                             const Device& device) {
  return std::make_unique<MatrixProgram>(group, dim, target, device);
}

}  // namespace gauntlet::cuda
