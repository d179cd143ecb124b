// The original Gaunt product: two signals as Fourier coefficients on the torus, multiplied by direct convolution,
//
//     h(u, v) = sum over u', v' of  f(u', v') * g(u - u', v - v'),   |u| <= reach, 0 <= v <= order
//
// (v < 0 follows by conjugation). f and g are laid out as [v][u][re, im] for all v and u; g's rows carry zeros at either
// end and h's one spare place, because two or four neighbouring u are computed together.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/linear.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

constexpr int kComplex = 2 * kLanes;

/// h at v and u, u + 1, ..., u + Count - 1.
template <int Count, bool Add>
GAUNTLET_INLINE void convolve_at(const FourierTable& table, int v, int u, const float* f, const float* g, float* h,
                                 Ahead& ahead) {
  const auto [f_reach, g_reach, reach] = table.reach;
  const auto [f_order, g_order, order] = table.order;
  const ptrdiff_t f_row = (2 * f_reach + 1) * kComplex, g_row = (2 * (g_reach + kPadding) + 1) * kComplex,
                  h_row = (2 * reach + 2) * kComplex;
  const auto smaller = [](int x, int y) { return x < y ? x : y; };
  Vec real[Count][2] = {}, imaginary[Count][2] = {};
  const int first_v = -smaller(f_order, g_order - v), last_v = smaller(f_order, v + g_order);
  const int first_u = -smaller(f_reach, g_reach - u), last_u = smaller(f_reach, u + Count - 1 + g_reach);
  for (int v1 = first_v; v1 <= last_v; ++v1) {
    fetch(ahead, 4 * Count * (last_u - first_u + 1));
    const float* from_f = f + (v1 + f_order) * f_row + ptrdiff_t{f_reach} * kComplex;
    const float* from_g = g + (v - v1 + g_order) * g_row + ptrdiff_t{g_reach + kPadding} * kComplex;
    for (int u1 = first_u; u1 <= last_u; ++u1) {
      const Vec f_real = load(from_f + u1 * kComplex), f_imaginary = load(from_f + u1 * kComplex + kLanes);
#pragma GCC unroll 4
      for (int i = 0; i < Count; ++i) {
        const float* at = from_g + (u + i - u1) * kComplex;
        const Vec g_real = load(at), g_imaginary = load(at + kLanes);
        add_product(real[i][0], f_real, g_real);
        add_product(real[i][1], f_imaginary, g_imaginary);
        add_product(imaginary[i][0], f_real, g_imaginary);
        add_product(imaginary[i][1], f_imaginary, g_real);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Count; ++i) {
    float* to = h + v * h_row + (u + i + reach) * kComplex;
    const Vec re = real[i][0] - real[i][1], im = imaginary[i][0] + imaginary[i][1];
    store(to, Add ? load(to) + re : re);
    store(to + kLanes, Add ? load(to + kLanes) + im : im);
  }
}

template <bool Add>
void convolve(const FourierTable& table, const float* f, const float* g, float* h, Ahead& ahead) {
  constexpr int at_once = kParts == 1 ? kNeighbours : 2;
  const int reach = table.reach[2];
  for (int v = 0; v <= table.order[2]; ++v) {
    int u = -reach;
    for (; u + at_once <= reach + 2; u += at_once) convolve_at<at_once, Add>(table, v, u, f, g, h, ahead);
    for (; u <= reach; u += 2) convolve_at<2, Add>(table, v, u, f, g, h, ahead);
  }
}

}  // namespace

void fourier(const FourierTable& table, int vecs, const float* left, const float* right, float* y, float* scratch,
             Ahead& ahead) {
  const float* operands[2] = {left, right};
  // Vector by vector, so that one vector's coefficients lie together.
  float* coefficients[3];
  ptrdiff_t sector[3];
  for (int o = 0; o < 3; ++o) {
    coefficients[o] = scratch;
    sector[o] = o == 2 ? ptrdiff_t{table.order[2] + 1} * (2 * table.reach[2] + 2) * kComplex
                       : ptrdiff_t{table.into[o]->rows} * kLanes;
    scratch += kVecs * table.sectors[o] * sector[o];
  }
  const auto at = [&](int o, int s, int v) { return coefficients[o] + (v * table.sectors[o] + s) * sector[o]; };
  for (int o = 0; o < 2; ++o) {
    for (int s = 0; s < table.sectors[o]; ++s) {
      linear<false, kTileLanes, kLanes>(table.into[o][s], vecs, {const_cast<float*>(operands[o]), kLanes},
                                        {at(o, s, 0), table.sectors[o] * sector[o]}, ahead);
    }
  }
  for (int v = 0; v < vecs; ++v) {
    bool written[2] = {false, false};
    for (int t = 0; t < table.terms; ++t) {
      const int32_t* term = table.term + 3 * t;
      (written[term[2]] ? convolve<true> : convolve<false>)(table, at(0, term[0], v), at(1, term[1], v),
                                                            at(2, term[2], v), ahead);
      written[term[2]] = true;
    }
  }
  linear<false, kLanes, kTileLanes>(*table.from, vecs, {coefficients[2], table.sectors[2] * sector[2]}, {y, kLanes},
                                    ahead);
}

}  // namespace gauntlet::GAUNTLET_ISA
