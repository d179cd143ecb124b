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
// The gradients of both inputs share A and B of the product's gradient.
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

/// Spectra G or H of one sector: [vector, p, s, m, ring], so that what one vector needs lies together. Slopes follow on more rings.
GAUNTLET_INLINE float* spectrum(const GridBand& band, float* scratch, int ps, ptrdiff_t m = 0) {
  return scratch + band.spectrum + (ps * ptrdiff_t{band.order + 1} + m) * band.step;
}

/// Calls product(coefficients, count, parity, fiber rows, spectra) for every (m, parity) and sign of a band.
GAUNTLET_INLINE void for_orders(const GridBand& band, float* scratch, float* fiber, const auto& product) {
  const float* coefficients = band.legendre;
  float* rows = fiber + ptrdiff_t{band.first} * kTileLanes;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.counts[2 * m + parity];
      for (int sign = 0; sign < (m ? 2 : 1); ++sign) {
        product(coefficients, count, parity, Lines{rows, kTileLanes, kLanes},
                Lines{spectrum(band, scratch, 2 * parity + sign, m), kLanes, band.vec});
        rows += ptrdiff_t{count} * kTileLanes;
      }
      coefficients += ptrdiff_t{count} * band.lines;
    }
  }
}

/// One operand in stages B and C: the spectra on one ring that make part (0, 0) of a signal and from there on the others.
struct Wave {
  const float* spectrum;
  ptrdiff_t odd, sine;  // from p = 0 to p = 1, from s = 0 to s = 1
  ptrdiff_t step, vec;  // from one m to the next, from one vector to the next
  int order;
  const float *even_waves, *odd_waves;  // functions of azimuth: [order + 1][points]
  bool constant;                        // has an order 0
  GAUNTLET_INLINE const float* part(int ps, int v) const {
    return spectrum + (ps >> 1) * odd + (ps & 1) * sine + v * vec;
  }
};

/// Of one sector on one ring: the function itself, and its derivatives by beta, over sin beta, and by azimuth.
struct Waves {
  Wave value, polar, azimuthal;
  Waves(const GridTable& table, const GridBand& band, float* scratch, int ring) {
    const ptrdiff_t step = band.step, part = ptrdiff_t{band.order + 1} * step;
    const float* even = spectrum(band, scratch, 0) + ptrdiff_t{ring} * kLanes;
    value = {even, 2 * part, part, step, band.vec, band.order, table.cosines, table.sines, true};
    polar = value;
    polar.spectrum += 2 * part + ptrdiff_t{table.rings} * kLanes;
    polar.odd = -2 * part;
    azimuthal = {even + part, 2 * part, -part, step, band.vec, band.order, band.even_slopes, band.odd_slopes, false};
  }
};

/// A wave at `Points` meridians from j on, for one vector.
template <int Points, int Parts>
GAUNTLET_INLINE void evaluate(const Wave& wave, int points, int j, int v, Vec (&value)[Points][4]) {
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps) {
    const Vec constant = ps & 1 || !wave.constant ? Vec{} : load(wave.part(ps, v));  // cos 0, sin 0
#pragma GCC unroll 3
    for (int n = 0; n < Points; ++n) value[n][ps] = constant;
  }
  for (int m = 1; m <= wave.order; ++m) {
    const ptrdiff_t at = ptrdiff_t{m} * points + j;
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps) {
      const Vec x = load(wave.part(ps, v) + m * wave.step);
#pragma GCC unroll 3
      for (int n = 0; n < Points; ++n)
        add_product(value[n][ps], splat((ps & 1 ? wave.odd_waves : wave.even_waves)[at + n]), x);
    }
  }
}

/// A wave at point j and at its mirror image.
template <int Parts>
GAUNTLET_INLINE void evaluate_pair(const Wave& wave, int points, int j, int v, Vec (&here)[4], Vec (&there)[4]) {
  Vec sum[2][4];  // over even and odd orders
#pragma GCC unroll 4
  for (int ps = 0; ps < Parts; ++ps) {
    sum[0][ps] = ps & 1 || !wave.constant ? Vec{} : load(wave.part(ps, v));
    sum[1][ps] = Vec{};
  }
  const auto add = [&](Vec(&to)[4], int m) GAUNTLET_INLINE_LAMBDA {
    const ptrdiff_t at = ptrdiff_t{m} * points + j;
    const float even = wave.even_waves[at], odd = wave.odd_waves[at];
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps)
      add_product(to[ps], splat(ps & 1 ? odd : even), load(wave.part(ps, v) + m * wave.step));
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

/// A term, or half of a bracket: the waves that are multiplied and where their products go.
struct Factors {
  Wave common, partner[2];
  float* w[2];
};

/// Stages B and C at `Points` meridians from j on, for one vector: values of both operands stay in registers.
template <int Results, int Points, int Parts, bool Add>
GAUNTLET_INLINE void multiply(const Factors& factors, int points, int j, int v) {
  Vec common[Points][4];
  evaluate<Points, Parts>(factors.common, points, j, v, common);
#pragma GCC unroll 2
  for (int n = 0; n < Results; ++n) {
    Vec partner[Points][4];
    evaluate<Points, Parts>(factors.partner[n], points, j, v, partner);
    multiply_values<Points, Parts, Add>(partner, common, values_of(factors.w[n], points, v) + j * kLanes, points);
  }
}

/// Stages B and C at point j and its mirror image: W there + W here in the place of the one, W there - W here in that of the other.
template <int Results, int Parts, bool Add>
GAUNTLET_INLINE void multiply_pair(const Factors& factors, int points, int j, int v) {
  Vec common[2][4];
  evaluate_pair<Parts>(factors.common, points, j, v, common[0], common[1]);
#pragma GCC unroll 2
  for (int n = 0; n < Results; ++n) {
    Vec partner[2][4], product[2][Parts];
    evaluate_pair<Parts>(factors.partner[n], points, j, v, partner[0], partner[1]);
    multiply_parts<Parts>(partner[0], common[0], product[0]);
    multiply_parts<Parts>(partner[1], common[1], product[1]);
    float* w = values_of(factors.w[n], points, v);
#pragma GCC unroll 4
    for (int ps = 0; ps < Parts; ++ps, w += points * kLanes) {
      put<Add>(w + j * kLanes, product[1][ps] + product[0][ps]);
      put<Add>(w + (points - 1 - j) * kLanes, product[1][ps] - product[0][ps]);
    }
  }
}

/// W of one ring.
template <int Results, int Parts, bool Add>
void multiply_ring(const GridTable& table, const Factors& factors, int vecs, Ahead& ahead) {
  const int points = table.points, end = points - table.pairs;
  int each = factors.common.order + 2 * Results;  // vectors multiplied for a part of a point
  for (int n = 0; n < Results; ++n) each += factors.partner[n].order;
  for (int v = 0; v < vecs; ++v) {
    int j = 0;
    for (; j < table.pairs; ++j) {
      fetch(ahead, Parts * each);
      multiply_pair<Results, Parts, Add>(factors, points, j, v);
    }
    for (; j + kPoints <= end; j += kPoints) {
      fetch(ahead, kPoints * Parts * each);
      multiply<Results, kPoints, Parts, Add>(factors, points, j, v);
    }
    for (; j < end; ++j) multiply<Results, 1, Parts, Add>(factors, points, j, v);
  }
}

template <int Results>
void multiply_waves(const GridTable& table, const Factors& factors, bool equator, bool add, int vecs, Ahead& ahead) {
  (equator ? add ? multiply_ring<Results, 2, true> : multiply_ring<Results, 2, false>
   : add   ? multiply_ring<Results, 4, true>
           : multiply_ring<Results, 4, false>)(table, factors, vecs, ahead);
}

/// W of every target sector on one ring.
template <int Results>
void multiply_terms(const GridTable& table, int ring, float* scratch, int vecs, Ahead& ahead) {
  const bool equator = ring >= table.odd_rings;
  const ptrdiff_t sector = 4 * ptrdiff_t{table.points} * kTileLanes;
  Begun begun;
  for (const GridTerm* term = table.term; term != table.term + table.terms; ++term) {
    Factors factors;
    for (int n = 0; n < Results; ++n) factors.w[n] = scratch + table.values + term->target[n] * sector;
    const bool add = begun.add<Results>(*term, factors.w, sector);
    const auto multiply = [&](Wave Waves::* common, Wave Waves::* partner, bool to_sum) {
      factors.common = Waves(table, table.input[term->common], scratch, ring).*common;
      for (int n = 0; n < Results; ++n)
        factors.partner[n] = Waves(table, table.input[term->partner[n]], scratch, ring).*partner;
      multiply_waves<Results>(table, factors, equator, to_sum, vecs, ahead);
    };
    if (term->bracket) {
      multiply(&Waves::azimuthal, &Waves::polar, add);
      multiply(&Waves::polar, &Waves::azimuthal, true);
    } else {
      multiply(&Waves::value, &Waves::value, add);
    }
  }
}

/// Largest m that a band has with a parity of l - m; -1 where it has none.
GAUNTLET_INLINE int largest_order(const GridBand& band, int parity) {
  int m = band.order;
  while (m >= 0 && band.counts[2 * m + parity] == 0) --m;
  return m;
}

/// Stage D of part `ps` on one ring: H of every order. Where there are pairs, even and odd orders apart.
GAUNTLET_INLINE void add_points(const GridTable& table, const GridBand& band, int ps, float* w, float* h, int vecs,
                                Ahead& ahead) {
  const int largest = largest_order(band, ps >> 1);
  const int sine = ps & 1, apart = table.pairs ? 2 : 1;
  const float* trig = sine ? table.target_sines : table.target_cosines;  // of the orders parity, parity + apart, ...
  for (int parity = 0; parity < apart; ++parity) {
    const int order = parity < sine ? parity + apart : parity;  // the first that there is
    const bool differences = apart == 2 && parity != sine;
    const int from = differences ? table.points - table.pairs : 0;
    const int points = differences ? table.pairs : table.points - table.pairs;
    const ptrdiff_t stride = table.target_order + 1;
    if (order <= largest) {
      gemm({trig + from * stride + order / apart, stride}, (largest - order) / apart + 1, points,
           {w + ptrdiff_t{from} * kLanes, kLanes, 4 * ptrdiff_t{table.points} * kLanes},
           {h + order * band.step, apart * band.step, band.vec}, vecs, ahead);
    }
    trig += table.target_order / 2 + 1;
  }
}

}  // namespace

void grid(const GridTable& table, int vecs, const float* const* x, float* y, float* scratch, Ahead& ahead) {
  const int rings = table.rings;
  for (const GridBand* band = table.input; band != table.input + table.inputs; ++band) {
    // Nothing odd on the equator where that is the last line; slopes are odd where functions are even.
    const int even_lines = band->lines > rings ? rings + table.odd_rings : rings;
    const int odd_lines = band->lines > rings ? band->lines : table.odd_rings;
    const auto stage_a = [&](const float* legendre, int count, int parity, Lines fiber, Lines spectra) {
      gemm({legendre, band->lines}, parity ? odd_lines : even_lines, count, fiber, spectra, vecs, ahead);
    };
    for_orders(*band, scratch, const_cast<float*>(x[band->operand]), stage_a);
  }

  const ptrdiff_t part = ptrdiff_t{table.points} * kLanes;
  for (int ring = 0; ring < rings; ++ring) {
    (table.results == 2 ? multiply_terms<2> : multiply_terms<1>)(table, ring, scratch, vecs, ahead);
    float* w = scratch + table.values;
    for (const GridBand* band = table.target; band != table.target + table.targets; ++band, w += 4 * kVecs * part) {
      for (int ps = 0; ps < (ring < table.odd_rings ? 4 : 2); ++ps) {
        add_points(table, *band, ps, w + ps * part, spectrum(*band, scratch, ps) + ptrdiff_t{ring} * kLanes, vecs,
                   ahead);
      }
    }
  }

  for (const GridBand* band = table.target; band != table.target + table.targets; ++band) {
    const auto stage_e = [&](const float* legendre, int count, int parity, Lines fiber, Lines spectra) {
      gemm({legendre, count}, count, parity ? table.odd_rings : rings, spectra, fiber, vecs, ahead);
    };
    for_orders(*band, scratch, y, stage_e);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
