// The plain reading of core/plan.h, in float64: every form's value at two fibers, with nothing factored, folded or skipped.
#pragma once

#include <complex>
#include <cstdlib>
#include <vector>

#include "core/plan.h"

namespace gauntlet::test {

using Fiber = std::vector<double>;

inline Fiber value_of(const SparseForm& form, const Group& group, int t, int a, int b, const Fiber& x, const Fiber& y) {
  Fiber out(group.sides[t].fiber, 0);
  for (size_t n = 0; n < form.coefficient.size(); ++n) {
    out[form.index[t][n]] += form.coefficient[n] * x[form.index[a][n]] * y[form.index[b][n]];
  }
  return out;
}

inline Fiber value_of(const DenseForm& form, const Group& group, int t, int a, int b, const Fiber& x, const Fiber& y) {
  Fiber out(group.sides[t].fiber, 0);
  for (const DenseForm::Path& path : form.paths) {
    int i[3];
    int at = path.first;
    for (i[0] = 0; i[0] < path.size[0]; ++i[0]) {
      for (i[1] = 0; i[1] < path.size[1]; ++i[1]) {
        for (i[2] = 0; i[2] < path.size[2]; ++i[2]) {
          out[path.row[t] + i[t]] += form.coefficient[at++] * x[path.row[a] + i[a]] * y[path.row[b] + i[b]];
        }
      }
    }
  }
  return out;
}

/// What becomes of a function before it is multiplied: nothing, or its derivative by beta over sin beta, or by azimuth.
enum class Derivative { none, polar, azimuthal };

/// [part 2 e + t][ring][point][row]: what each row of a band contributes to each part of a function.
inline std::vector<double> parts_of(const GridForm& form, const GridForm::Band& band, int fiber, Derivative derivative) {
  std::vector<double> parts(size_t{4} * form.rings * form.points * fiber, 0);
  int row = band.first;
  size_t legendre = 0;
  for (int m = 0; m <= band.order; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      const int count = band.components(m, parity);
      for (int trig = 0; trig < (m ? 2 : 1); ++trig) {
        for (int n = 0; n < count; ++n, ++row) {
          for (int r = 0; r < form.rings; ++r) {
            for (int j = 0; j < form.points; ++j) {
              const double cosine = form.cosines[m * form.points + j], sine = form.sines[m * form.points + j];
              double value = band.legendre[legendre + n * form.rings + r] * (trig ? sine : cosine);
              int e = parity, t = trig;
              if (derivative == Derivative::polar) {
                value = band.slopes[legendre + n * form.rings + r] * (trig ? sine : cosine);
                e = 1 - parity;
              } else if (derivative == Derivative::azimuthal) {
                value = band.legendre[legendre + n * form.rings + r] * (trig ? m * cosine : -m * sine);
                t = 1 - trig;
              }
              parts[(((2 * e + t) * form.rings + r) * form.points + j) * size_t(fiber) + row] = value;
            }
          }
        }
      }
      legendre += size_t(count) * form.rings;
    }
  }
  return parts;
}

inline Fiber value_of(const GridForm& form, const Group& group, int t, int a, int b, const Fiber& x, const Fiber& y) {
  Fiber out(group.sides[t].fiber, 0);
  const size_t points = size_t(form.rings) * form.points;
  const auto signal = [&](const GridForm::Band& band, const Fiber& values, Derivative derivative) {
    const std::vector<double> parts = parts_of(form, band, values.size(), derivative);
    Fiber at(4 * points, 0);
    for (size_t n = 0; n < at.size(); ++n) {
      for (size_t row = 0; row < values.size(); ++row) at[n] += parts[n * values.size() + row] * values[row];
    }
    return at;
  };
  for (size_t number = 0; number < form.terms.size(); ++number) {
    const Term& term = form.terms[number];
    const std::vector<double> parts =
        parts_of(form, form.sectors[t][term.sector[t]], out.size(), Derivative::none);
    const auto add = [&](double sign, Derivative of_a, Derivative of_b) {
      const Fiber f = signal(form.sectors[a][term.sector[a]], x, of_a);
      const Fiber g = signal(form.sectors[b][term.sector[b]], y, of_b);
      for (int p = 0; p < 4; ++p) {
        for (int q = 0; q < 4; ++q) {
          for (size_t n = 0; n < points; ++n) {
            const double weight = form.ring_weights[n / form.points] * form.point_weights[n % form.points];
            const double product = sign * f[p * points + n] * g[q * points + n] * weight;
            for (size_t row = 0; row < out.size(); ++row)
              out[row] += product * parts[((p ^ q) * points + n) * out.size() + row];
          }
        }
      }
    };
    if (form.brackets[number]) {
      // Of the two operands after the target; the reverse order changes the sign.
      const double sign = a == (t + 1) % 3 ? 1 : -1;
      add(sign, Derivative::polar, Derivative::azimuthal);
      add(-sign, Derivative::azimuthal, Derivative::polar);
    } else {
      add(1, Derivative::none, Derivative::none);
    }
  }
  return out;
}

inline Fiber mapped(const LinearMap& map, const Fiber& x) {
  Fiber out(map.rows, 0);
  for (size_t n = 0; n < map.value.size(); ++n) out[map.row[n]] += map.value[n] * x[map.column[n]];
  return out;
}

inline Fiber value_of(const FourierForm& form, const Group& group, int t, int a, int b, const Fiber& x,
                      const Fiber& y) {
  using Complex = std::complex<double>;
  // Both halves, [v + degree][u + degree].
  const auto whole = [](const Fiber& half, int degree) {
    const int width = 2 * degree + 1;
    std::vector<Complex> all(width * width);
    for (int v = -degree; v <= degree; ++v) {
      for (int u = -degree; u <= degree; ++u) {
        const int at = 2 * (std::abs(v) * width + (v < 0 ? -u : u) + degree);
        all[(v + degree) * width + u + degree] = Complex(half[at], v < 0 ? -half[at + 1] : half[at + 1]);
      }
    }
    return all;
  };
  Fiber out(group.sides[t].fiber, 0);
  const int da = form.degree[a], db = form.degree[b], d = form.degree_of_product(t);
  for (const Term& term : form.terms) {
    const std::vector<Complex> f = whole(mapped(form.into[a][term.sector[a]], x), da);
    const std::vector<Complex> g = whole(mapped(form.into[b][term.sector[b]], y), db);
    const LinearMap& from = form.from[t][term.sector[t]];
    Fiber product(from.columns, 0);
    for (int v1 = -da; v1 <= da; ++v1) {
      for (int u1 = -da; u1 <= da; ++u1) {
        for (int v2 = -db; v2 <= db; ++v2) {
          for (int u2 = -db; u2 <= db; ++u2) {
            const int at = 2 * ((v1 + v2) * (2 * d + 1) + u1 + u2 + d);
            if (v1 + v2 < 0 || at + 1 >= from.columns) continue;
            const Complex value = f[(v1 + da) * (2 * da + 1) + u1 + da] * g[(v2 + db) * (2 * db + 1) + u2 + db];
            product[at] += value.real();
            product[at + 1] += value.imag();
          }
        }
      }
    }
    const Fiber y3 = mapped(from, product);
    for (size_t row = 0; row < out.size(); ++row) out[row] += y3[row];
  }
  return out;
}

inline Fiber value_of(const MatrixForm& form, const Group& group, int t, int a, int b, const Fiber& x, const Fiber& y) {
  Fiber out(group.sides[t].fiber, 0);
  const int n = form.size;
  for (size_t number = 0; number < form.terms.size(); ++number) {
    const Term& term = form.terms[number];
    // F = 1/2 sum over i, j, k of (X1[i, j] X2[j, k] + sign X2[i, j] X1[j, k]) X3[i, k]; the target's matrix gets its factors.
    Fiber matrices[3];
    matrices[a] = mapped(form.maps[a][term.sector[a]], x);
    matrices[b] = mapped(form.maps[b][term.sector[b]], y);
    matrices[t].assign(n * n, 0);
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        for (int k = 0; k < n; ++k) {
          const int at[3] = {i * n + j, j * n + k, i * n + k}, reversed[3] = {j * n + k, i * n + j, i * n + k};
          matrices[t][at[t]] += matrices[a][at[a]] * matrices[b][at[b]] / 2;
          matrices[t][reversed[t]] += form.signs[number] * matrices[a][reversed[a]] * matrices[b][reversed[b]] / 2;
        }
      }
    }
    const LinearMap& map = form.maps[t][term.sector[t]];
    for (size_t e = 0; e < map.value.size(); ++e) out[map.column[e]] += map.value[e] * matrices[t][map.row[e]];
  }
  return out;
}

/// Takes weights besides: see mixed.h.
inline Fiber value_of(const MixedForm&, const Group&, int, int, int, const Fiber&, const Fiber&) { std::abort(); }

/// Calls f(float of the operand, fiber row) for everything that a lane sees of it.
template <class F>
void for_components(const Side& side, int lane_channel, const F& f) {
  const int channel = lane_channel / side.divide % side.modulo;
  size_t component = 0;
  for (const Block& block : side.blocks) {
    for (int k = 0; k < block.size; ++k, ++component) {
      if (channel < block.channels) f(block.offset + channel * block.size + k, side.rows[component]);
    }
  }
}

/// `batch` rows of the target, from `batch` rows of the two others.
inline std::vector<double> evaluate(const Plan& plan, int target, const std::vector<float> (&x)[3], size_t batch) {
  const int a = target == 0 ? 1 : 0, b = target == 2 ? 1 : 2;
  std::vector<double> out(batch * plan.dim[target], 0);
  for (const Group& group : plan.groups) {
    for (size_t sample = 0; sample < batch; ++sample) {
      for (int channel = 0; channel < group.channels; ++channel) {
        const auto gather = [&](int o) {
          Fiber fiber(group.sides[o].fiber, 0);
          for_components(group.sides[o], channel,
                         [&](int at, int row) { fiber[row] += x[o][sample * plan.dim[o] + at]; });
          return fiber;
        };
        const Fiber left = gather(a), right = gather(b);
        const Fiber y =
            std::visit([&](const auto& form) { return value_of(form, group, target, a, b, left, right); }, group.form);
        for_components(group.sides[target], channel,
                       [&](int at, int row) { out[sample * plan.dim[target] + at] += y[row]; });
      }
    }
  }
  return out;
}

}  // namespace gauntlet::test
