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
// A, B, D and E are small matrix products (gemm.h); B to D run ring by ring, so that grid values stay in L1.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// One operand's spectra G and H, per sector [p, s, m, ring], in lines of a tile.
struct Spectra {
  float* data;
  ptrdiff_t orders, rings;
  float* at(int sector, int ps, ptrdiff_t m = 0) const {
    return data + (((sector * 4 + ps) * orders + m) * rings) * kTileLanes;
  }
  ptrdiff_t size(int sectors) const { return sectors * 4 * orders * rings * kTileLanes; }
};

/// Calls product(coefficients, count, fiber rows, spectra) for every (m, parity) and sign of a band.
GAUNTLET_INLINE void for_orders(const GridBand& band, Spectra spectra, int sector, float* fiber, const auto& product) {
  const float* coefficients = band.legendre;
  float* rows = fiber + ptrdiff_t{band.first} * kTileLanes;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.counts[2 * m + parity];
      for (int sign = 0; sign < (m ? 2 : 1); ++sign) {
        product(coefficients, count, Lines{rows, kTileLanes, kLanes},
                Lines{spectra.at(sector, 2 * parity + sign, m), kTileLanes, kLanes});
        rows += ptrdiff_t{count} * kTileLanes;
      }
      coefficients += count * spectra.rings;
    }
  }
}

/// Stage C: the graded product over the points of one ring, values [p, s, j].
template <bool Add>
void multiply(int points, int vecs, const float* left, const float* right, float* w) {
  const ptrdiff_t part = ptrdiff_t{points} * kTileLanes;
  for (ptrdiff_t line = 0; line < part; line += kTileLanes) {
    for (ptrdiff_t i = line; i < line + vecs * kLanes; i += kLanes) {
      Vec sum[4];
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) sum[q] = Add ? load(w + q * part + i) : Vec{};
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) {
        const Vec a = load(left + q * part + i);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) add_product(sum[q ^ r], a, load(right + r * part + i));
      }
#pragma GCC unroll 4
      for (int q = 0; q < 4; ++q) store(w + q * part + i, sum[q]);
    }
  }
}

}  // namespace

void grid(const GridTable& table, int vecs, const float* left, const float* right, float* y, float* scratch) {
  const ptrdiff_t rings = table.rings, points = table.points, sector_values = 4 * points * kTileLanes;
  const float* operands[2] = {left, right};
  Spectra spectra[3];
  float* values[3];
  for (int o = 0; o < 3; ++o) {
    spectra[o] = {scratch, table.order[o] + 1, rings};
    scratch += spectra[o].size(table.sectors[o]);
    values[o] = scratch;
    scratch += table.sectors[o] * sector_values;
  }

  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) {
      const auto stage_a = [&](const float* legendre, int count, Lines fiber, Lines spectrum) {
        gemm({legendre, rings}, table.rings, count, fiber, spectrum, vecs);
      };
      for_orders(table.bands[o][s], spectra[o], s, const_cast<float*>(operands[o]), stage_a);
    }
  }

  const ptrdiff_t ring_line = rings * kTileLanes;  // from one m to the next
  for (int ring = 0; ring < rings; ++ring) {
    for (int o = 0; o < 2; ++o) {
      for (int s = 0; s < table.sectors[o]; ++s) {
        const int order = table.bands[o][s].order;
        for (int ps = 0; ps < 4; ++ps) {
          const int first = ps & 1;  // sines begin at m = 1
          const float* trig = (first ? table.sines : table.cosines) + first * points;
          gemm({trig, points}, table.points, order + 1 - first,
               {spectra[o].at(s, ps, first) + ring * kTileLanes, ring_line, kLanes},
               {values[o] + s * sector_values + ps * points * kTileLanes, kTileLanes, kLanes}, vecs);
        }
      }
    }

    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      (written[term[2]] ? multiply<true> : multiply<false>)(table.points, vecs, values[0] + term[0] * sector_values,
                                                            values[1] + term[1] * sector_values,
                                                            values[2] + term[2] * sector_values);
      written[term[2]] = true;
    }

    for (int s = 0; s < table.sectors[2]; ++s) {
      const int order = table.bands[2][s].order;
      for (int ps = 0; ps < 4; ++ps) {
        const int first = ps & 1;
        const float* trig = (first ? table.target_sines : table.target_cosines) + first;
        gemm({trig, table.order[2] + 1}, order + 1 - first, table.points,
             {values[2] + s * sector_values + ps * points * kTileLanes, kTileLanes, kLanes},
             {spectra[2].at(s, ps, first) + ring * kTileLanes, ring_line, kLanes}, vecs);
      }
    }
  }

  for (int s = 0; s < table.sectors[2]; ++s) {
    const auto stage_e = [&](const float* legendre, int count, Lines fiber, Lines spectrum) {
      gemm({legendre, count}, count, table.rings, spectrum, fiber, vecs);
    };
    for_orders(table.bands[2][s], spectra[2], s, y, stage_e);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
