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
// A, D and E are small matrix products (gemm.h), B and C one loop that keeps the values of both operands in registers. B to D run
// ring by ring, so that grid values stay in L1. On the equator, if it is a ring, the parts with p = 1 are zero and left out.
//
// Points in the same distance from azimuth pi / 2 are taken together. With V' = sum over even m and V'' = sum over odd m in B the one has
// V' + V'', the other V' - V'' (times -1 for s = 1); D takes the sum of both W for even m and their difference for odd m (s = 1: the
// other way round). So there are half as many terms in both.
//
// A bracket is two such products, a_beta b_alpha / sin beta - a_alpha b_beta / sin beta. Slopes of Legendre functions make a second
// spectrum in stage A, whose even and odd parts change places; the derivative by azimuth is the first spectrum with other
// trigonometric functions, whose cosines and sines change places.
#include "cpu/kernels/gemm.h"
#include "cpu/kernels/isa.h"
#include "cpu/kernels/quarter.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// One operand's spectra G and H, per sector [p, s, m, ring], in lines of a tile. Slopes follow on more rings.
struct Spectra {
  float* data;
  ptrdiff_t orders, lines;
  float* at(int sector, int ps, ptrdiff_t m = 0) const {
    return data + (((sector * 4 + ps) * orders + m) * lines) * kTileLanes;
  }
  ptrdiff_t size(int sectors) const { return sectors * 4 * orders * lines * kTileLanes; }
};

/// Calls product(coefficients, count, parity, fiber rows, spectra) for every (m, parity) and sign of a band.
GAUNTLET_INLINE void for_orders(const GridBand& band, Spectra spectra, int sector, float* fiber, const auto& product) {
  const float* coefficients = band.legendre;
  float* rows = fiber + ptrdiff_t{band.first} * kTileLanes;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.counts[2 * m + parity];
      for (int sign = 0; sign < (m ? 2 : 1); ++sign) {
        product(coefficients, count, parity, Lines{rows, kTileLanes, kLanes},
                Lines{spectra.at(sector, 2 * parity + sign, m), kTileLanes, kLanes});
        rows += ptrdiff_t{count} * kTileLanes;
      }
      coefficients += ptrdiff_t{count} * band.lines;
    }
  }
}

/// One operand in stages B and C: the spectra on one ring that make part (0, 0) of a signal and from there on the others, and the
/// largest order.
struct Wave {
  const float* spectrum;
  ptrdiff_t odd, sine, step;  // from p = 0 to p = 1, from s = 0 to s = 1, from one m to the next
  int order;
  GAUNTLET_INLINE const float* part(int ps) const { return spectrum + (ps >> 1) * odd + (ps & 1) * sine; }
};

/// Of one sector on one ring: the function itself, and its derivatives by beta, over sin beta, and by azimuth.
struct Waves {
  Wave value, polar, azimuthal;
  Waves(const GridTable& table, const Spectra& spectra, int operand, int sector, int ring) {
    const ptrdiff_t step = spectra.lines * kTileLanes, part = spectra.orders * step;
    const float* even = spectra.at(sector, 0) + ptrdiff_t{ring} * kTileLanes;
    const int order = table.bands[operand][sector].order;
    value = {even, 2 * part, part, step, order};
    polar = {even + 2 * part + ptrdiff_t{table.rings} * kTileLanes, -2 * part, part, step, order};
    azimuthal = {even + part, 2 * part, -part, step, order};
  }
};

/// Stages B and C at `Points` meridians from j on, for one vector: values of both operands stay in registers. In a bracket b is the
/// azimuthal one, of operand `side`.
template <int Points, int Parts, bool Add, bool Bracket>
GAUNTLET_INLINE void multiply(const GridTable& table, const Wave& a, const Wave& b, int side, int j, int v, float* w) {
  const Wave* waves[2] = {&a, &b};
  Vec value[2][Points][4];
#pragma GCC unroll 2
  for (int o = 0; o < 2; ++o) {
    const bool derived = Bracket && o == 1;
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps) {
      const float* line = waves[o]->part(ps) + v * kLanes;
#pragma GCC unroll 3
      for (int n = 0; n < Points; ++n) value[o][n][ps] = ps & 1 || derived ? Vec{} : load(line);  // cos 0, sin 0
    }
  }
  const int order = a.order > b.order ? a.order : b.order;
  for (int m = 1; m <= order; ++m) {
    const ptrdiff_t at = ptrdiff_t{m} * table.points + j;
#pragma GCC unroll 2
    for (int o = 0; o < 2; ++o) {
      if (m > waves[o]->order) continue;
      const bool derived = Bracket && o == 1;
      const float* even = (derived ? table.even_slopes[side] : table.cosines) + at;
      const float* odd = (derived ? table.odd_slopes[side] : table.sines) + at;
#pragma GCC unroll 4
      for (int ps = 0; ps < Parts; ++ps) {
        const Vec x = load(waves[o]->part(ps) + m * waves[o]->step + v * kLanes);
#pragma GCC unroll 3
        for (int n = 0; n < Points; ++n) add_product(value[o][n][ps], splat(ps & 1 ? odd[n] : even[n]), x);
      }
    }
  }
  multiply_values<Points, Parts, Add>(value[0], value[1], w + ptrdiff_t{j} * kTileLanes + v * kLanes, table.points);
}

/// A wave at point j and at its mirror image.
template <int Parts, bool Derived>
GAUNTLET_INLINE void evaluate_pair(const GridTable& table, const Wave& wave, int side, int j, int v, Vec (&here)[4],
                                   Vec (&there)[4]) {
  Vec sum[2][4];  // over even and odd orders
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps) {
    sum[0][ps] = ps & 1 || Derived ? Vec{} : load(wave.part(ps) + v * kLanes);
    sum[1][ps] = Vec{};
  }
  const auto add = [&](Vec(&to)[4], int m) GAUNTLET_INLINE_LAMBDA {
    const ptrdiff_t at = ptrdiff_t{m} * table.points + j;
    const float even = (Derived ? table.even_slopes[side] : table.cosines)[at];
    const float odd = (Derived ? table.odd_slopes[side] : table.sines)[at];
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps)
      add_product(to[ps], splat(ps & 1 ? odd : even), load(wave.part(ps) + m * wave.step + v * kLanes));
  };
  int m = 1;
  for (; m < wave.order; m += 2) add(sum[1], m), add(sum[0], m + 1);
  if (m == wave.order) add(sum[1], m);
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps) {
    here[ps] = sum[0][ps] + sum[1][ps];
    there[ps] = sum[ps & 1][ps] - sum[1 - (ps & 1)][ps];
  }
}

/// Stages B and C at point j and its mirror image: W there + W here in the place of the one, W there - W here in that of the other.
template <int Parts, bool Add, bool Bracket>
GAUNTLET_INLINE void multiply_pair(const GridTable& table, const Wave& a, const Wave& b, int side, int j, int v,
                                   float* w) {
  Vec left[2][4], right[2][4], product[2][Parts];
  evaluate_pair<Parts, false>(table, a, side, j, v, left[0], left[1]);
  evaluate_pair<Parts, Bracket>(table, b, side, j, v, right[0], right[1]);
  multiply_parts<Parts>(left[0], right[0], product[0]);
  multiply_parts<Parts>(left[1], right[1], product[1]);
  w += v * kLanes;
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps, w += table.points * kTileLanes) {
    put<Add>(w + j * kTileLanes, product[1][ps] + product[0][ps]);
    put<Add>(w + (table.points - 1 - j) * kTileLanes, product[1][ps] - product[0][ps]);
  }
}

template <int Parts, bool Add, bool Bracket>
void multiply_ring(const GridTable& table, const Wave& a, const Wave& b, int side, int vecs, float* w) {
  for (int v = 0; v < vecs; ++v) {
    int j = 0;
    for (; j < table.pairs; ++j) multiply_pair<Parts, Add, Bracket>(table, a, b, side, j, v, w);
    const int end = table.points - table.pairs;
    for (; j + kPoints <= end; j += kPoints) multiply<kPoints, Parts, Add, Bracket>(table, a, b, side, j, v, w);
    switch (end - j) {
      case 1: multiply<1, Parts, Add, Bracket>(table, a, b, side, j, v, w); break;
      case 2: multiply<2, Parts, Add, Bracket>(table, a, b, side, j, v, w); break;
    }
  }
}

/// W of one ring: the product of two waves, or half of a bracket.
template <bool Bracket>
void multiply_waves(const GridTable& table, const Wave& a, const Wave& b, int side, bool equator, bool add, int vecs,
                    float* w) {
  (equator ? add ? multiply_ring<2, true, Bracket> : multiply_ring<2, false, Bracket>
   : add   ? multiply_ring<4, true, Bracket>
           : multiply_ring<4, false, Bracket>)(table, a, b, side, vecs, w);
}

/// Stage D of part `ps` on one ring: H of every order, `step` floats apart. Where there are pairs, even and odd orders apart.
GAUNTLET_INLINE void add_points(const GridTable& table, int ps, int largest, float* w, float* h, ptrdiff_t step,
                                int vecs) {
  const int sine = ps & 1, apart = table.pairs ? 2 : 1;
  const float* trig = sine ? table.target_sines : table.target_cosines;  // of the orders parity, parity + apart, ...
  for (int parity = 0; parity < apart; ++parity) {
    const int order = parity < sine ? parity + apart : parity;  // the first that there is
    const bool differences = apart == 2 && parity != sine;
    const int from = differences ? table.points - table.pairs : 0;
    const int points = differences ? table.pairs : table.points - table.pairs;
    const ptrdiff_t stride = table.order[2] + 1;
    if (order <= largest) {
      gemm({trig + from * stride + order / apart, stride}, (largest - order) / apart + 1, points,
           {w + ptrdiff_t{from} * kTileLanes, kTileLanes, kLanes}, {h + order * step, apart * step, kLanes}, vecs);
    }
    trig += table.order[2] / 2 + 1;
  }
}

/// Largest m that a band has with a parity of l - m; -1 where it has none.
GAUNTLET_INLINE int largest_order(const GridBand& band, int parity) {
  int m = band.order;
  while (m >= 0 && band.counts[2 * m + parity] == 0) --m;
  return m;
}

}  // namespace

void grid(const GridTable& table, int vecs, const float* left, const float* right, float* y, float* scratch) {
  const ptrdiff_t rings = table.rings, points = table.points;
  const float* operands[2] = {left, right};
  Spectra spectra[3];
  for (int o = 0; o < 3; ++o) {
    spectra[o] = {scratch, table.order[o] + 1, table.lines[o]};
    scratch += spectra[o].size(table.sectors[o]);
  }
  float* const values = scratch;  // W of every sector on one ring
  const ptrdiff_t sector_values = 4 * points * kTileLanes;

  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) {
      const GridBand& band = table.bands[o][s];
      // Nothing odd on the equator where that is the last line; slopes are odd where functions are even.
      const int even_lines = band.lines > rings ? table.rings + table.odd_rings : table.rings;
      const int odd_lines = band.lines > rings ? band.lines : table.odd_rings;
      const auto stage_a = [&](const float* legendre, int count, int parity, Lines fiber, Lines spectrum) {
        gemm({legendre, band.lines}, parity ? odd_lines : even_lines, count, fiber, spectrum, vecs);
      };
      for_orders(band, spectra[o], s, const_cast<float*>(operands[o]), stage_a);
    }
  }

  for (int ring = 0; ring < rings; ++ring) {
    const bool equator = ring >= table.odd_rings;
    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      const Waves left_waves(table, spectra[0], 0, term[0], ring), right_waves(table, spectra[1], 1, term[1], ring);
      float* to = values + term[2] * sector_values;
      const bool add = written[term[2]];
      if (table.brackets[t]) {
        multiply_waves<true>(table, left_waves.polar, right_waves.azimuthal, 1, equator, add, vecs, to);
        multiply_waves<true>(table, right_waves.polar, left_waves.azimuthal, 0, equator, true, vecs, to);
      } else {
        multiply_waves<false>(table, left_waves.value, right_waves.value, 0, equator, add, vecs, to);
      }
      written[term[2]] = true;
    }

    for (int s = 0; s < table.sectors[2]; ++s) {
      for (int ps = 0; ps < (equator ? 2 : 4); ++ps) {
        add_points(table, ps, largest_order(table.bands[2][s], ps >> 1),
                   values + s * sector_values + ps * points * kTileLanes, spectra[2].at(s, ps) + ring * kTileLanes,
                   spectra[2].lines * kTileLanes, vecs);
      }
    }
  }

  for (int s = 0; s < table.sectors[2]; ++s) {
    const auto stage_e = [&](const float* legendre, int count, int parity, Lines fiber, Lines spectrum) {
      gemm({legendre, count}, count, parity ? table.odd_rings : table.rings, spectrum, fiber, vecs);
    };
    for_orders(table.bands[2][s], spectra[2], s, y, stage_e);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
