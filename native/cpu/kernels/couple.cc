// Table-driven coupling of two fibers:
//
//     p[i, j] = left[i] * right[j],   y[k] (+)= sum over i, j of  C[i, j, k] * p[i, j]
//
// Every product is made once for all the outputs that need it. In the real basis (m1, m2) and (-m1, -m2) have the same
// coefficients up to signs, so their sum and difference take half as many multiply-adds as they would; and where all coefficients
// of (i, j) and (j, i) agree, as in a product that commutes, so does their sum. Products and outputs come in portions that fit
// in L1, one or a few (l1, l2) each.
//
// Gradients go the same way back, with as many multiply-adds:
//
//     h[i, j] = sum over k of  C[i, j, k] * gradient[k],   y[i] += sum over j of  h[i, j] * x[j]
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

template <int Products>
GAUNTLET_INLINE Vec value(const Line& line, const float* left, const float* right) {
  const auto load_row = [](const float* tile, int32_t row)
                            GAUNTLET_INLINE_LAMBDA { return load(tile + ptrdiff_t{row} * kTileLanes); };
  Vec sum = load_row(left, line.i[0]) * load_row(right, line.j[0]);
  if (Products == 2) add_product(sum, splat(line.sign) * load_row(left, line.i[1]), load_row(right, line.j[1]));
  return sum;
}

/// Makes `count` twins or lone lines of as many products each and returns where the next ones go.
template <bool Twins, int Products, int Vecs>
GAUNTLET_INLINE float* make_lines(int32_t count, const Line*& lines, const float* left, const float* right, float* p,
                                  Ahead& ahead) {
  for (int32_t n = 0; n < count; ++n, lines += Twins ? 2 : 1) {
    if (n % 4 == 0) fetch(ahead, 4 * (Twins ? 2 : 1) * Products * Vecs);
#pragma GCC unroll 4
    for (int i = 0; i < Vecs * kLanes; i += kLanes) {
      const Vec first = value<Products>(lines[0], left + i, right + i);
      if constexpr (Twins) {
        const Vec second = value<Products>(lines[1], left + i, right + i);
        store(p + i, first + second);
        store(p + kTileLanes + i, first - second);
      } else {
        store(p + i, first);
      }
    }
    p += (Twins ? 2 : 1) * kTileLanes;
  }
  return p;
}

}  // namespace

void couple(const Coupling& coupling, int vecs, const float* left, const float* right, float* y, float* scratch,
            Ahead& ahead) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const float *a = left + v * kLanes, *b = right + v * kLanes;
    const Line* lines = coupling.lines;
    float* p = scratch + v * kLanes;
    p = make_lines<true, 1, Vecs>(coupling.twins[0], lines, a, b, p, ahead);
    p = make_lines<true, 2, Vecs>(coupling.twins[1], lines, a, b, p, ahead);
    p = make_lines<false, 1, Vecs>(coupling.lone[0], lines, a, b, p, ahead);
    make_lines<false, 2, Vecs>(coupling.lone[1], lines, a, b, p, ahead);
  });
  linear<false, kTileLanes, kTileLanes>(coupling.set, vecs, {scratch, kLanes}, {y, kLanes}, ahead);
  linear<true, kTileLanes, kTileLanes>(coupling.add, vecs, {scratch, kLanes}, {y, kLanes}, ahead);
}

void unmap(const TwinTable& table, int vecs, const float* gradient, float* h, Ahead& ahead) {
  twins<kTileLanes, kTileLanes>(table, vecs, {const_cast<float*>(gradient), kLanes}, {h, kLanes}, ahead);
}

namespace {

/// Rows that are summed at once, of as many as are taken together: half of the registers.
template <int Count>
inline constexpr int kRowsAtOnce = Count * kParts <= kRegisters / 2 ? Count : kRegisters / 2 / kParts;

/// Rows [first, first + Rows) of a group, for Vecs vectors.
template <int Rows, int Vecs>
GAUNTLET_INLINE void add_rows(const DecouplingRows& group, int first, const int32_t* terms, const float* x,
                              const float* h, float* y) {
  Vec sum[Rows][Vecs];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) sum[r][n] = load(y + ptrdiff_t{group.row[first + r]} * kTileLanes + n * kLanes);
  }
  const auto add_terms = [&](int32_t count, const auto& add) GAUNTLET_INLINE_LAMBDA {
    for (; count > 0; --count, terms += 1 + group.count) {
      Vec other[Vecs];
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) other[n] = load(x + ptrdiff_t{terms[0]} * kTileLanes + n * kLanes);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        const float* const line = h + ptrdiff_t{terms[1 + first + r]} * kTileLanes;
#pragma GCC unroll 4
        for (int n = 0; n < Vecs; ++n) add(sum[r][n], load(line + n * kLanes), other[n]);
      }
    }
  };
  add_terms(group.plus, add_product);
  add_terms(group.minus, subtract_product);
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) store(y + ptrdiff_t{group.row[first + r]} * kTileLanes + n * kLanes, sum[r][n]);
  }
}

template <int Count>
GAUNTLET_INLINE void add_group(const DecouplingRows& group, const int32_t* terms, int vecs, const float* x,
                               const float* h, float* y) {
  constexpr int rows = kRowsAtOnce<Count>, most = kRegisters / 2 / kParts / rows, at_once = most < kVecs ? most : kVecs;
  for (int first = 0; first < Count; first += rows) {
    int v = 0;
    for (; v + at_once <= vecs; v += at_once)
      add_rows<rows, at_once>(group, first, terms, x + v * kLanes, h + v * kLanes, y + v * kLanes);
    for (; v < vecs; ++v) add_rows<rows, 1>(group, first, terms, x + v * kLanes, h + v * kLanes, y + v * kLanes);
  }
}

/// Rows of a group and their others, whose sums change places, at once, for Count registers: h is read a single time.
template <int Rows, int Count>
GAUNTLET_INLINE void add_rows_and_others(const DecouplingRows& group, const int32_t* terms, const float* const (&x)[2],
                                         const float* h, float* const (&y)[2]) {
  typedef Register Registers[Count];
  const auto get = [](const float* from, Registers& to) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 2
    for (int n = 0; n < Count; ++n) to[n] = load_register(from + n * kWidth);
  };
  const auto put = [](float* to, const Registers& from) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 2
    for (int n = 0; n < Count; ++n) store_register(to + n * kWidth, from[n]);
  };
  Registers sum[Rows], factor[Rows];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) {
    get(y[0] + ptrdiff_t{group.row[r]} * kTileLanes, sum[r]);
    get(x[0] + ptrdiff_t{group.row[r]} * kTileLanes, factor[r]);
  }
  const auto add_terms = [&](int32_t count, const auto& add) GAUNTLET_INLINE_LAMBDA {
    for (; count > 0; --count, terms += 1 + Rows) {
      const ptrdiff_t row = ptrdiff_t{terms[0]} * kTileLanes;
      Registers other, other_sum;
      get(x[1] + row, other);
      get(y[1] + row, other_sum);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        Registers line;
        get(h + ptrdiff_t{terms[1 + r]} * kTileLanes, line);
#pragma GCC unroll 2
        for (int n = 0; n < Count; ++n) {
          add(sum[r][n], line[n], other[n]);
          add(other_sum[n], line[n], factor[r][n]);
        }
      }
      put(y[1] + row, other_sum);
    }
  };
  add_terms(group.plus, [](Register& to, Register a, Register b) GAUNTLET_INLINE_LAMBDA { to += a * b; });
  add_terms(group.minus, [](Register& to, Register a, Register b) GAUNTLET_INLINE_LAMBDA { to -= a * b; });
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r) put(y[0] + ptrdiff_t{group.row[r]} * kTileLanes, sum[r]);
}

template <int Rows>
GAUNTLET_INLINE void add_group_and_others(const DecouplingRows& group, const int32_t* terms, int vecs,
                                          const float* const (&x)[2], const float* h, float* const (&y)[2],
                                          Ahead& ahead) {
  const auto add = [&]<int Count>(int lane) GAUNTLET_INLINE_LAMBDA {
    fetch(ahead, 2 * Rows * Count * (group.plus + group.minus) / kParts);
    add_rows_and_others<Rows, Count>(group, terms, {x[0] + lane, x[1] + lane}, h + lane, {y[0] + lane, y[1] + lane});
  };
  constexpr int at_once = kRegisters == 32 ? 2 : 1, step = at_once * kWidth;
  int lane = 0;
  for (; lane + step <= vecs * kLanes; lane += step) add.template operator()<at_once>(lane);
  for (; lane < vecs * kLanes; lane += kWidth) add.template operator()<1>(lane);
}

}  // namespace

void decouple(const Decoupling& decoupling, int vecs, const float* x, const float* h, float* y, Ahead& ahead) {
  const int32_t* terms = decoupling.terms;
  for (const DecouplingRows* group = decoupling.group; group != decoupling.group + decoupling.groups; ++group) {
    fetch(ahead, int64_t{group->count} * (group->plus + group->minus) * vecs);
    switch (group->count) {
      case 1: add_group<1>(*group, terms, vecs, x, h, y); break;
      case 2: add_group<2>(*group, terms, vecs, x, h, y); break;
      case 4: add_group<4>(*group, terms, vecs, x, h, y); break;
    }
    terms += ptrdiff_t{1 + group->count} * (group->plus + group->minus);
  }
}

void decouple_both(const Decoupling& decoupling, int vecs, const float* const (&x)[2], const float* h,
                   float* const (&y)[2], Ahead& ahead) {
  const int32_t* terms = decoupling.terms;
  for (const DecouplingRows* group = decoupling.group; group != decoupling.group + decoupling.groups; ++group) {
    switch (group->count) {
      case 1: add_group_and_others<1>(*group, terms, vecs, x, h, y, ahead); break;
      case 2: add_group_and_others<2>(*group, terms, vecs, x, h, y, ahead); break;
      case 4: add_group_and_others<4>(*group, terms, vecs, x, h, y, ahead); break;
    }
    terms += ptrdiff_t{1 + group->count} * (group->plus + group->minus);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
