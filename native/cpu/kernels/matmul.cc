// Products of matrices of any size. One of them is packed into panels of whole vectors, which gemm.h multiplies by the rows of the
// other into a tile, and a tile is copied to where it belongs.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// A[k][m] = data[m * row + k].
struct Rows {
  const float* data;
  ptrdiff_t row;
  GAUNTLET_INLINE float at(int k, int m) const { return data[m * row + k]; }
  GAUNTLET_INLINE void skip(int rows) { data += rows * row; }
};

template <class A>
void multiply_lines(const PanelProduct& p, A a) {
  const ptrdiff_t line = ptrdiff_t{p.vecs} * kLanes;
  const Lines panel{const_cast<float*>(p.panel), line, kLanes}, tile{p.tile, line, kLanes};
  if (p.add) {
    gemm<true>(a, p.rows, p.sums, panel, tile, p.vecs, NothingAhead{});
  } else {
    gemm<false>(a, p.rows, p.sums, panel, tile, p.vecs, NothingAhead{});
  }
}

}  // namespace

void pack_panel(const PanelSource& source, float* panel) {
  const ptrdiff_t line = ptrdiff_t{panel_vecs(source.columns)} * kLanes;
  const int whole = source.columns / kLanes * kLanes, rest = source.columns - whole;
  for (int k = 0; k < source.sums; ++k, panel += line) {
    const float* from = source.data + k * source.row;
    if (source.column == 1) {
      for (int c = 0; c < whole; c += kLanes) store(panel + c, load_unaligned(from + c));
      if (rest > 0) store(panel + whole, load_few(from + whole, rest));
    } else {
      for (int c = 0; c < line; ++c) panel[c] = c < source.columns ? from[c * source.column] : 0;
    }
  }
}

void multiply_panel(const PanelProduct& p) {
  if (p.transposed) {
    multiply_lines(p, Coefficients{p.data, p.row});
  } else {
    multiply_lines(p, Rows{p.data, p.row});
  }
}

void sum_tiles(const TileSum& sum) {
  const ptrdiff_t line = ptrdiff_t{panel_vecs(sum.columns)} * kLanes;
  const Vec scale = splat(sum.scale);
  for (int r = 0; r < sum.rows; ++r) {
    const float* tile = sum.tiles + r * line;
    float* y = sum.y + r * sum.row;
    for (int c = 0; c < sum.columns; c += kLanes) {
      Vec value = load(tile + c);
      for (int n = 1; n < sum.count; ++n) value = value + load(tile + n * sum.step + c);
      value = value * scale;
      if (c + kLanes <= sum.columns) {
        store_unaligned(y + c, value);
      } else {
        store_few(y + c, value, sum.columns - c);
      }
    }
  }
}

void multiply_rows(const RowProduct& p) {
  for (ptrdiff_t r = 0; r < p.rows; ++r) {
    const float* a = p.a + r * p.sums;
    Vec sum[4] = {};
    ptrdiff_t k = 0;
    for (; k + 4 * kLanes <= p.sums; k += 4 * kLanes) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        add_product(sum[v], load_unaligned(a + k + v * kLanes), load_unaligned(p.b + k + v * kLanes));
      }
    }
    for (; k + kLanes <= p.sums; k += kLanes) add_product(sum[0], load_unaligned(a + k), load_unaligned(p.b + k));
    const int rest = static_cast<int>(p.sums - k);
    if (rest > 0) add_product(sum[1], load_few(a + k, rest), load_few(p.b + k, rest));
    p.y[r] = p.scale * sum_of_lanes((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
