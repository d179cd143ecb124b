// Pointwise product on the sphere, transformed separably and folded twice.
//
// A function is E + O, even and odd about the equator (l - m even and odd), and C + S, even and odd about azimuth zero (m >= 0
// and m < 0), so a quarter of the grid holds it whole:
//
//     A  G[p, s, m, r] = sum over l of  Legendre[l, m](r) * x[l, +-m]        p = parity of l - m, s = 0 for +m, 1 for -m
//     B  V[p, s, j, r] = sum over m of  trig_s(m phi_j) * G[p, s, m, r]      trig = cos, sin
//     C  W[p, s] = sum over p' ^ p'' = p, s' ^ s'' = s of  V_a[p', s'] * V_b[p'', s'']
//     D  H[p, s, m, r] = sum over j of  w_j trig_s(m phi_j) * W[p, s, j, r]
//     E  y[l, +-m] = sum over r of  w_r Legendre[l, m](r) * H[p, s, m, r]
//
// A, B, D and E are small matrix products (gemm.h); B to D run ring block by ring block, so that grid values stay in L1.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// The layout of one operand's G and H (per sector [p, s, m, ring]) and V and W (per sector [p, s, j, ring of the block]).
struct Layout {
  ptrdiff_t rings, orders, points;
  float* spectrum(float* base, int sector, int ps) const { return base + (sector * 4 + ps) * orders * rings * kLanes; }
  float* values(float* base, int sector, int ps, int block) const {
    return base + (sector * 4 + ps) * points * block * kLanes;
  }
};

/// Stage A for one sector: every (m, parity) for both signs at once.
void legendre_in(const GridBand& band, Layout layout, const float* x, float* spectrum, int sector) {
  const float* coefficients = band.legendre;
  const float* rows = x + ptrdiff_t{band.first} * kLanes;
  const ptrdiff_t ring_line = kLanes, sign = layout.orders * layout.rings * kLanes;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.counts[2 * m + parity], signs = m ? 2 : 1;
      float* to = layout.spectrum(spectrum, sector, 2 * parity) + m * layout.rings * kLanes;
      gemm({coefficients, layout.rings}, layout.rings, count, {const_cast<float*>(rows), kLanes, count * kLanes},
           {to, ring_line, sign}, signs);
      rows += ptrdiff_t{count} * signs * kLanes;
      coefficients += count * layout.rings;
    }
  }
}

/// Stage E, its transpose.
void legendre_out(const GridBand& band, Layout layout, const float* spectrum, int sector, float* y) {
  const float* coefficients = band.legendre;
  float* rows = y + ptrdiff_t{band.first} * kLanes;
  const ptrdiff_t sign = layout.orders * layout.rings * kLanes;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.counts[2 * m + parity], signs = m ? 2 : 1;
      float* from = layout.spectrum(const_cast<float*>(spectrum), sector, 2 * parity) + m * layout.rings * kLanes;
      gemm({coefficients, count}, count, layout.rings, {from, kLanes, sign}, {rows, kLanes, count * kLanes}, signs);
      rows += ptrdiff_t{count} * signs * kLanes;
      coefficients += count * layout.rings;
    }
  }
}

/// Stage C: the graded product, over n vectors of each of the four components.
template <bool Add>
void multiply(const float* a, const float* b, float* w, ptrdiff_t n) {
  const ptrdiff_t stride = n * kLanes;
  for (ptrdiff_t i = 0; i < stride; i += kLanes) {
    Vec sum[4];
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) sum[q] = Add ? load(w + q * stride + i) : Vec{};
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const Vec left = load(a + q * stride + i);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) add_product(sum[q ^ r], left, load(b + r * stride + i));
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) store(w + q * stride + i, sum[q]);
  }
}

}  // namespace

void grid(const GridTable& table, const float* a, const float* b, float* y, float* scratch) {
  const ptrdiff_t rings = table.rings, points = table.points;
  const float* operands[2] = {a, b};
  Layout layout[3];
  float* spectrum[3];
  float* values[3];
  for (int o = 0; o < 3; ++o) {
    layout[o] = {rings, table.order[o] + 1, points};
    spectrum[o] = scratch;
    scratch += table.sectors[o] * 4 * layout[o].orders * rings * kLanes;
  }
  for (int o = 0; o < 3; ++o) {
    values[o] = scratch;
    scratch += ptrdiff_t{table.sectors[o]} * 4 * points * table.ring_block * kLanes;
  }

  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) legendre_in(table.bands[o][s], layout[o], operands[o], spectrum[o], s);
  }

  const ptrdiff_t line = rings * kLanes, target_orders = table.order[2] + 1;
  for (int first = 0; first < rings; first += table.ring_block) {
    const int block = rings - first < table.ring_block ? static_cast<int>(rings - first) : table.ring_block;
    for (int o = 0; o < 2; ++o) {
      for (int s = 0; s < table.sectors[o]; ++s) {
        const int order = table.bands[o][s].order;
        for (int ps = 0; ps < 4; ++ps) {
          // Sines begin at m = 1.
          const int skip = ps & 1;
          const float* trig = (skip ? table.sines : table.cosines) + skip * points;
          float* from = layout[o].spectrum(spectrum[o], s, ps) + (skip * rings + first) * kLanes;
          gemm({trig, points}, points, order + 1 - skip, {from, line, kLanes},
               {layout[o].values(values[o], s, ps, block), block * kLanes, kLanes}, block);
        }
      }
    }

    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      const float* left = layout[0].values(values[0], term[0], 0, block);
      const float* right = layout[1].values(values[1], term[1], 0, block);
      float* to = layout[2].values(values[2], term[2], 0, block);
      if (written[term[2]]) {
        multiply<true>(left, right, to, points * block);
      } else {
        multiply<false>(left, right, to, points * block);
      }
      written[term[2]] = true;
    }

    for (int s = 0; s < table.sectors[2]; ++s) {
      const int order = table.bands[2][s].order;
      for (int ps = 0; ps < 4; ++ps) {
        const int skip = ps & 1;
        const float* trig = (skip ? table.target_sines : table.target_cosines) + skip;
        float* to = layout[2].spectrum(spectrum[2], s, ps) + (skip * rings + first) * kLanes;
        gemm({trig, target_orders}, order + 1 - skip, points,
             {layout[2].values(values[2], s, ps, block), block * kLanes, kLanes}, {to, line, kLanes}, block);
      }
    }
  }

  for (int s = 0; s < table.sectors[2]; ++s) legendre_out(table.bands[2][s], layout[2], spectrum[2], s, y);
}

}  // namespace gauntlet::GAUNTLET_ISA
