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

/// The sums of a group's rows and, with Both, of the others that they meet: h is then read a single time.
template <bool Both, int Rows, int Count>
GAUNTLET_INLINE void add_group(const DecouplingRows& group, const int32_t* terms, const float* const (&x)[2],
                               const float* h, float* const (&y)[2]) {
  Registers<Count> sum[Rows], factor[Rows];
#pragma GCC unroll 5
  for (int r = 0; r < Rows; ++r) {
    const ptrdiff_t row = ptrdiff_t{group.row[r]} * kTileLanes;
    sum[r] = load<Count>(y[0] + row);
    if constexpr (Both) factor[r] = load<Count>(x[0] + row);
  }
  const auto add_terms = [&](int32_t count, const auto& add) GAUNTLET_INLINE_LAMBDA {
    for (; count > 0; --count, terms += 1 + Rows) {
      const ptrdiff_t row = ptrdiff_t{terms[0]} * kTileLanes;
      const Registers<Count> other = load<Count>(x[1] + row);
      Registers<Count> other_sum;
      if constexpr (Both) other_sum = load<Count>(y[1] + row);
#pragma GCC unroll 5
      for (int r = 0; r < Rows; ++r) {
        const Registers<Count> line = load<Count>(h + ptrdiff_t{terms[1 + r]} * kTileLanes);
        add(sum[r], line, other);
        if constexpr (Both) add(other_sum, line, factor[r]);
      }
      if constexpr (Both) store(y[1] + row, other_sum);
    }
  };
  add_terms(group.plus, add_product<Count>);
  add_terms(group.minus, subtract_product<Count>);
#pragma GCC unroll 5
  for (int r = 0; r < Rows; ++r) store(y[0] + ptrdiff_t{group.row[r]} * kTileLanes, sum[r]);
}

template <bool Both>
GAUNTLET_INLINE void add_groups(const Decoupling& decoupling, int vecs, const float* const (&x)[2], const float* h,
                                float* const (&y)[2], Ahead& ahead) {
  constexpr int at_once = kRegisters / 16 * (Both ? 1 : 2), step = at_once * kWidth;
  const int32_t* terms = decoupling.terms;
  for (const DecouplingRows* group = decoupling.group; group != decoupling.group + decoupling.groups; ++group) {
    const int32_t count = group->plus + group->minus;
    const auto add_rows = [&]<int Rows>() GAUNTLET_INLINE_LAMBDA {
      const auto add = [&]<int Count>(int lane) GAUNTLET_INLINE_LAMBDA {
        fetch(ahead, (Both ? 2 : 1) * Rows * Count * count / kParts);
        add_group<Both, Rows, Count>(*group, terms, {x[0] + lane, x[1] + lane}, h + lane, {y[0] + lane, y[1] + lane});
      };
      int lane = 0;
      for (; lane + step <= vecs * kLanes; lane += step) add.template operator()<at_once>(lane);
      for (; lane < vecs * kLanes; lane += kWidth) add.template operator()<1>(lane);
    };
    switch (group->count) {
      case 1: add_rows.template operator()<1>(); break;
      case 2: add_rows.template operator()<2>(); break;
      case 3: add_rows.template operator()<3>(); break;
      case 4: add_rows.template operator()<4>(); break;
      case 5: add_rows.template operator()<5>(); break;
    }
    terms += ptrdiff_t{1 + group->count} * count;
  }
}

}  // namespace

void decouple(const Decoupling& decoupling, int vecs, const float* const (&x)[2], const float* h, float* const (&y)[2],
              Ahead& ahead) {
  if (y[1]) {
    add_groups<true>(decoupling, vecs, x, h, y, ahead);
  } else {
    add_groups<false>(decoupling, vecs, x, h, y, ahead);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
