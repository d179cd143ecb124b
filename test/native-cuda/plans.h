// Small random plans of every form. Their numbers have no meaning: an executor must compute what core/plan.h says of any.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "core/plan.h"

namespace gauntlet::test {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  double real() { return std::normal_distribution<double>()(engine_); }
  int integer(int from, int to) { return std::uniform_int_distribution<int>(from, to)(engine_); }
  std::vector<double> reals(size_t n) {
    std::vector<double> values(n);
    for (double& value : values) value = real();
    return values;
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    std::shuffle(values.begin(), values.end(), engine_);
  }

 private:
  std::mt19937 engine_;
};

struct SideOptions {
  bool uneven = false;     // blocks with fewer channels than the group
  bool shared = false;     // some rows get a second component
  bool scattered = false;  // rows in no order, and gaps between blocks
  int least_block = 1, most_block = 7;
};

/// Blocks that cover the fiber rows, appended to an operand that has `dim` floats so far.
inline Side random_side(Random& random, int fiber, int channels, const SideOptions& options, int32_t& dim) {
  Side side{.fiber = fiber, .divide = 1, .modulo = channels};
  std::vector<int32_t> rows(fiber);
  for (int n = 0; n < fiber; ++n) rows[n] = n;
  if (options.scattered) random.shuffle(rows);
  if (options.shared) {
    for (int n = 0; n < fiber; n += 3) rows.push_back(n);
    for (int n = 0; n < fiber; n += 6) rows.push_back(n);
  }
  for (size_t first = 0; first < rows.size();) {
    const int size = std::min<int>(random.integer(options.least_block, options.most_block), rows.size() - first);
    const int has = options.uneven && random.integer(0, 1) ? random.integer(1, channels) : channels;
    if (options.scattered && random.integer(0, 3) == 0) dim += random.integer(1, 5);
    side.blocks.push_back({dim, has, size});
    dim += has * size;
    first += size;
  }
  side.rows = rows;
  return side;
}

inline SparseForm random_sparse(Random& random, const Side (&sides)[3], int entries) {
  SparseForm form;
  for (int n = 0; n < entries; ++n) {
    for (int o = 0; o < 3; ++o) form.index[o].push_back(random.integer(0, sides[o].fiber - 1));
    form.coefficient.push_back(random.real());
  }
  return form;
}

inline DenseForm random_dense(Random& random, const Side (&sides)[3], int paths, int most) {
  DenseForm form;
  for (int n = 0; n < paths; ++n) {
    DenseForm::Path path;
    int entries = 1;
    for (int o = 0; o < 3; ++o) {
      path.size[o] = random.integer(1, std::min(most, sides[o].fiber));
      path.row[o] = random.integer(0, sides[o].fiber - path.size[o]);
      entries *= path.size[o];
    }
    path.first = static_cast<int32_t>(form.coefficient.size());
    for (double value : random.reals(entries)) form.coefficient.push_back(value);
    form.paths.push_back(path);
  }
  return form;
}

inline std::vector<Term> all_terms(int s1, int s2, int s3) {
  std::vector<Term> terms;
  for (int a = 0; a < s1; ++a) {
    for (int b = 0; b < s2; ++b) terms.push_back({{a, b, (a + b) % s3}});
  }
  return terms;
}

/// A band of degree `degree`: every l, or only those of one parity.
inline GridForm::Band random_band(Random& random, int first, int degree, int rings, int parity_of_l) {
  GridForm::Band band{.first = first, .order = degree};
  for (int m = 0; m <= degree; ++m) {
    for (int parity = 0; parity < 2; ++parity) {
      int count = 0;
      for (int l = m; l <= degree; ++l) count += (l - m) % 2 == parity && (parity_of_l < 0 || l % 2 == parity_of_l);
      band.counts.push_back(count);
      for (double value : random.reals(count * rings)) band.legendre.push_back(value);
      for (double value : random.reals(count * rings)) band.slopes.push_back(value);
    }
  }
  return band;
}

inline int rows_of(const GridForm::Band& band) {
  int rows = 0;
  for (int m = 0; m <= band.order; ++m) rows += (band.components(m, 0) + band.components(m, 1)) * (m ? 2 : 1);
  return rows;
}

/// `sectors` bands per operand, the second one of odd l only. The fibers' lengths are returned in `fiber`. With `brackets`, every
/// second term is one, and only bands in such terms have slopes.
inline GridForm random_grid(Random& random, const int (&degree)[3], const int (&sectors)[3], int rings, int points,
                            int (&fiber)[3], bool brackets = false) {
  GridForm form{.rings = rings, .points = points, .order = std::max({degree[0], degree[1], degree[2]})};
  form.ring_weights = random.reals(rings);
  form.point_weights = random.reals(points);
  form.cosines = random.reals((form.order + 1) * points);
  form.sines = random.reals((form.order + 1) * points);
  for (int o = 0; o < 3; ++o) {
    fiber[o] = 0;
    for (int s = 0; s < sectors[o]; ++s) {
      form.sectors[o].push_back(random_band(random, fiber[o], degree[o], rings, s == 0 ? -1 : 1));
      fiber[o] += rows_of(form.sectors[o].back());
    }
  }
  form.terms = all_terms(sectors[0], sectors[1], sectors[2]);
  bool needed[3][4] = {};
  for (size_t t = 0; t < form.terms.size(); ++t) {
    form.brackets.push_back(brackets && t % 2 == 0);
    for (int o = 0; o < 3; ++o) needed[o][form.terms[t].sector[o]] |= form.brackets[t];
  }
  for (int o = 0; o < 3; ++o) {
    for (int s = 0; s < sectors[o]; ++s) {
      if (!needed[o][s]) form.sectors[o][s].slopes.clear();
    }
  }
  return form;
}

inline LinearMap random_map(Random& random, int rows, int columns, double density) {
  LinearMap map{.rows = rows, .columns = columns};
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      if (random.integer(0, 999) >= 1000 * density) continue;
      map.row.push_back(row);
      map.column.push_back(column);
      map.value.push_back(random.real());
    }
  }
  return map;
}

inline FourierForm random_fourier(Random& random, const int (&degree)[3], const int (&sectors)[3],
                                  const int (&fiber)[3]) {
  FourierForm form;
  for (int o = 0; o < 3; ++o) form.degree[o] = degree[o];
  for (int o = 0; o < 3; ++o) {
    const int product = form.degree_of_product(o), rows = std::min(degree[o], product) + 1;
    for (int s = 0; s < sectors[o]; ++s) {
      form.into[o].push_back(random_map(random, 2 * (degree[o] + 1) * (2 * degree[o] + 1), fiber[o], 0.2));
      form.from[o].push_back(random_map(random, fiber[o], 2 * rows * (2 * product + 1), 0.1));
    }
  }
  form.terms = all_terms(sectors[0], sectors[1], sectors[2]);
  return form;
}

inline MatrixForm random_matrix(Random& random, int size, const int (&sectors)[3], const int (&fiber)[3]) {
  MatrixForm form{.size = size};
  for (int o = 0; o < 3; ++o) {
    for (int s = 0; s < sectors[o]; ++s) form.maps[o].push_back(random_map(random, size * size, fiber[o], 0.3));
  }
  form.terms = all_terms(sectors[0], sectors[1], sectors[2]);
  for (size_t t = 0; t < form.terms.size(); ++t) form.signs.push_back(static_cast<int>(t % 3) - 1);
  return form;
}

}  // namespace gauntlet::test
