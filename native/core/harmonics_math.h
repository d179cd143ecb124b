// Real spherical harmonics as homogeneous polynomials in (x, y, z), with their derivatives. For every order m >= 0, with
// c_lm = Y_l,m and s_lm = Y_l,-m (s_l0 = 0):
//
//     (c, s)_mm = sector_m (z + i x) (c, s)_m-1,m-1                      as the complex number c + i s
//     (c, s)_lm = along_lm y (c, s)_l-1,m - back_lm |r|^2 (c, s)_l-2,m
//
// A partial derivative of a harmonic polynomial is harmonic again, of one degree less. With the coefficients of (l, m), and
// functions of degree l - 1 on the right:
//
//     d/dy (c, s)_lm = polar (c, s)_m
//     d/dz (c, s)_lm = inner (c, s)_m-1 - outer (c, s)_m+1
//     d/dx (c, s)_lm = inner (-s, c)_m-1 + outer (-s, c)_m+1             inner = 0 where m = 0, whose s stays 0
//
// So gradients and second derivatives are sums over harmonics: no angles, no division, nothing special at the poles.
//
// T is a number: a float, or a register of them for as many vectors. A Tile holds one T for every (l, m), in row l^2 + l + m:
// get(row), set(row, T).
#pragma once

#include "core/edge_table.h"
#include "core/portable.h"

namespace gauntlet::math {

GAUNTLET_MATH const HarmonicsTable::Pair& pair_of(const HarmonicsTable& table, int l, int m) {
  return table.pair[l * (l + 1) / 2 + m];
}

/// A float as a number like the second.
GAUNTLET_MATH float splat_like(float value, float) { return value; }

template <class T>
GAUNTLET_MATH T dot(const T (&a)[3], const T (&b)[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// Calls visit(l, m, c_lm, s_lm) for all degrees up to `lmax` and orders m >= 0.
template <class T, class Visit>
GAUNTLET_MATH void for_harmonics(const HarmonicsTable& table, int lmax, const T (&r)[3], const Visit& visit) {
  const T square = dot(r, r);
  T sector_c = splat_like(table.constant, square), sector_s = T{};
  for (int m = 0; m <= lmax; ++m) {
    T c = sector_c, s = sector_s, below_c = T{}, below_s = T{};
    visit(m, m, c, s);
    for (int l = m + 1; l <= lmax; ++l) {
      const HarmonicsTable::Pair& pair = pair_of(table, l, m);
      const T along = pair.along * r[1], back = pair.back * square;
      const T next_c = along * c - back * below_c, next_s = along * s - back * below_s;
      below_c = c, below_s = s;
      c = next_c, s = next_s;
      visit(l, m, c, s);
    }
    if (m == lmax) break;
    const T real = r[2] * sector_c - r[0] * sector_s, imaginary = r[2] * sector_s + r[0] * sector_c;
    sector_c = table.sector[m + 1] * real, sector_s = table.sector[m + 1] * imaginary;
  }
}

/// tile_lm = Y_lm(r)
template <class T, class Tile>
GAUNTLET_MATH void fill(const HarmonicsTable& table, int lmax, const T (&r)[3], const Tile& tile) {
  for_harmonics(table, lmax, r, [&](int l, int m, const T& c, const T& s) GAUNTLET_MATH_LAMBDA {
    const int row = l * l + l;
    tile.set(row + m, c);
    if (m > 0) tile.set(row - m, s);
  });
}

/// The transpose of a gradient: c[j] and s[j] are what (d/dr_j)^T of degree l + 1 of the tile has at (l, m) and (l, -m).
template <class T>
struct Lowered {
  T c[3], s[3];
};
template <class T, class Tile>
GAUNTLET_MATH Lowered<T> lowered(const HarmonicsTable& table, int l, int m, const Tile& tile) {
  const int row = (l + 1) * (l + 1) + (l + 1);
  const float polar = pair_of(table, l + 1, m).polar, inner = pair_of(table, l + 1, m + 1).inner;
  const T c_above = inner * tile.get(row + m + 1), s_above = inner * tile.get(row - m - 1);
  if (m == 0) return {{s_above, polar * tile.get(row), c_above}, {T{}, T{}, T{}}};
  const float outer = pair_of(table, l + 1, m - 1).outer;
  const T c_below = outer * tile.get(row + m - 1), s_below = m > 1 ? outer * tile.get(row - m + 1) : T{};
  return {{s_above + s_below, polar * tile.get(row + m), c_above - c_below},
          {T{} - (c_above + c_below), polar * tile.get(row - m), s_above - s_below}};
}

/// sum_j = sum over (l, m) of tile_lm dY_lm/dr_j (r)
template <class T, class Tile>
GAUNTLET_MATH void contract(const HarmonicsTable& table, int lmax, const T (&r)[3], const Tile& tile, T (&sum)[3]) {
  sum[0] = sum[1] = sum[2] = T{};
  for_harmonics(table, lmax - 1, r, [&](int l, int m, const T& c, const T& s) GAUNTLET_MATH_LAMBDA {
    const Lowered<T> below = lowered<T>(table, l, m, tile);
    for (int j = 0; j < 3; ++j) sum[j] = sum[j] + (c * below.c[j] + s * below.s[j]);
  });
}

/// Replaces the tile by (v . grad)^T of it, of degree 0..lmax - 1: sum_lm tile_lm (v . grad Y_lm) before is sum_lm tile_lm Y_lm after.
template <class T, class Tile>
GAUNTLET_MATH void lower(const HarmonicsTable& table, int lmax, const T (&v)[3], const Tile& tile) {
  for (int l = 0; l < lmax; ++l) {  // upwards: degree l is needed no more once l - 1 is made
    const int row = l * l + l;
    for (int m = 0; m <= l; ++m) {
      const Lowered<T> below = lowered<T>(table, l, m, tile);
      tile.set(row + m, dot(v, below.c));
      if (m > 0) tile.set(row - m, dot(v, below.s));
    }
  }
}

/// Replaces Y_lm of degree 0..lmax - 1 by v . grad Y_lm of degree 0..lmax.
template <class T, class Tile>
GAUNTLET_MATH void raise(const HarmonicsTable& table, int lmax, const T (&v)[3], const Tile& tile) {
  for (int l = lmax; l > 0; --l) {  // downwards, as degree l is made of degree l - 1
    const int row = l * l + l, below = (l - 1) * (l - 1) + (l - 1);
    for (int m = 0; m <= l; ++m) {
      const HarmonicsTable::Pair& pair = pair_of(table, l, m);
      const T x_inner = pair.inner * v[0], z_inner = pair.inner * v[2];
      T c = T{}, s = T{};
      if (m < l) {
        const T y_polar = pair.polar * v[1];
        c = y_polar * tile.get(below + m);
        if (m > 0) s = y_polar * tile.get(below - m);
      }
      if (m > 0) {
        const T inner_c = tile.get(below + m - 1);
        c = c + z_inner * inner_c;
        s = s + x_inner * inner_c;
      }
      if (m > 1) {
        const T inner_s = tile.get(below - m + 1);
        c = c - x_inner * inner_s;
        s = s + z_inner * inner_s;
      }
      if (m < l - 1) {
        const T x_outer = pair.outer * v[0], z_outer = pair.outer * v[2];
        const T outer_c = tile.get(below + m + 1), outer_s = tile.get(below - m - 1);
        c = c - (z_outer * outer_c + x_outer * outer_s);
        s = s + (x_outer * outer_c - z_outer * outer_s);
      }
      tile.set(row + m, c);
      if (m > 0) tile.set(row - m, s);
    }
  }
  tile.set(0, T{});
}

/// One pass of core/edge_function.h at one T. `tile` holds g where the pass needs it, and values where it makes them. Where
/// table.normalize, r is a unit vector n and `inverse` is 1 / |r|; with P = 1 - n n^T then
///
///     grad of Y(n)   = P u / |r|,                                        u = sum g grad Y (n)
///     v . grad Y(n)  = t . grad Y (n) / |r|,                             t = P v
///     d/dr (v P u / |r|) = (P H t - (n.u) t - (n.v) P u - (t.u) n) / |r|^2,   H = sum g hessian of Y (n)
template <Pass pass, class T, class Tile>
GAUNTLET_MATH void harmonics_pass(const HarmonicsTable& table, const T (&v)[3], const T (&r)[3], T inverse,
                                  const Tile& tile, T (&grad)[3]) {
  const int lmax = table.lmax;
  if constexpr (pass == Pass::forward) {
    fill(table, lmax, r, tile);
  }
  if constexpr (pass == Pass::backward) {
    contract(table, lmax, r, tile, grad);
    if (!table.normalize) return;
    const T radial = dot(r, grad);
    for (int j = 0; j < 3; ++j) grad[j] = inverse * (grad[j] - radial * r[j]);
  }
  if constexpr (pass == Pass::double_backward) {
    if (!table.normalize) {
      lower(table, lmax, v, tile);
      contract(table, lmax - 1, r, tile, grad);
      fill(table, lmax - 1, r, tile);
      raise(table, lmax, v, tile);
      return;
    }
    T u[3], t[3], bent[3];
    contract(table, lmax, r, tile, u);
    const T v_radial = dot(r, v), u_radial = dot(r, u);
    for (int j = 0; j < 3; ++j) t[j] = v[j] - v_radial * r[j];
    lower(table, lmax, t, tile);
    contract(table, lmax - 1, r, tile, bent);
    const T radial = dot(r, bent) + dot(t, u) - v_radial * u_radial;
    for (int j = 0; j < 3; ++j) {
      grad[j] = inverse * (inverse * (bent[j] - u_radial * t[j] - v_radial * u[j] - radial * r[j]));
      t[j] = inverse * t[j];
    }
    fill(table, lmax - 1, r, tile);
    raise(table, lmax, t, tile);
  }
}

template <class R>
GAUNTLET_MATH R square_root(R x) {
  if constexpr (sizeof(R) == sizeof(float)) {
    return __builtin_sqrtf(x);
  } else {
    constexpr int kNumbers = sizeof(R) / sizeof(float);
    for (int i = 0; i < kNumbers; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
  }
}

/// Divides (x, y, z) by its length and returns 1 / length; the zero vector stays, and returns 0. R is a float or a vector type.
template <class R>
GAUNTLET_MATH R make_unit(R& x, R& y, R& z) {
  const R zero{}, one = zero + 1.0f;
  // Squares neither overflow nor vanish, whatever the length.
  const R a = x < 0 ? -x : x, b = y < 0 ? -y : y, c = z < 0 ? -z : z;
  const R ab = a > b ? a : b, largest = ab > c ? ab : c;
  const R scale = largest < zero + 0x1p-50f ? zero + 0x1p100f : largest > zero + 0x1p50f ? zero + 0x1p-80f : one;
  x *= scale, y *= scale, z *= scale;
  const R length = square_root<R>(x * x + y * y + z * z);
  const R divisor = length == zero ? one : length;
  x /= divisor, y /= divisor, z /= divisor;
  return length == zero ? zero : scale / length;
}

}  // namespace gauntlet::math
