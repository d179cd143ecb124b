#include "cpu/flat_matrix.h"

#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace gauntlet {
namespace {

/// The matrix of every fiber row of one sector, empty where it has none.
using Matrices = std::vector<std::vector<double>>;

Matrices matrices_of(const LinearMap& map) {
  Matrices matrices(map.columns);
  for (size_t e = 0; e < map.value.size(); ++e) {
    std::vector<double>& matrix = matrices[map.column[e]];
    if (matrix.empty()) matrix.assign(map.rows, 0.0);
    matrix[map.row[e]] += map.value[e];
  }
  return matrices;
}

/// (A B + sign B A) / 2
std::vector<double> multiply(const std::vector<double>& a, const std::vector<double>& b, int32_t n, int32_t sign) {
  std::vector<double> product(a.size(), 0.0);
  for (int32_t i = 0; i < n; ++i) {
    for (int32_t j = 0; j < n; ++j) {
      for (int32_t k = 0; k < n; ++k)
        product[i * n + j] += (a[i * n + k] * b[k * n + j] + sign * b[i * n + k] * a[k * n + j]) / 2;
    }
  }
  return product;
}

/// What is zero but for rounding; coefficients are of order 0.1 to 1.
constexpr double kZero = 1e-12;

}  // namespace

std::optional<SparseForm> flatten(const MatrixForm& form) {
  // Of larger matrices there are too many couplings, as a rule; to find that out would take longer than it is worth.
  constexpr int32_t kLargest = 7;
  // Measured: couplings that agree but for signs are shared, yet each is a coefficient to be fetched.
  constexpr double kFewer = 0.75;
  if (form.size > kLargest) return {};
  std::map<std::array<int32_t, 3>, double> couplings;
  double operations = 0;
  for (size_t t = 0; t < form.terms.size(); ++t) {
    Matrices x[3];
    for (int o = 0; o < 3; ++o) {
      const LinearMap& map = form.maps[o][form.terms[t].sector[o]];
      x[o] = matrices_of(map);
      operations += static_cast<double>(map.value.size());
    }
    operations += 2.0 * form.size * form.size * form.size;
    for (size_t i = 0; i < x[0].size(); ++i) {
      for (size_t j = 0; j < x[1].size(); ++j) {
        if (x[0][i].empty() || x[1][j].empty()) continue;
        const std::vector<double> product = multiply(x[0][i], x[1][j], form.size, form.signs[t]);
        for (size_t k = 0; k < x[2].size(); ++k) {
          double sum = 0;
          for (size_t e = 0; e < x[2][k].size(); ++e) sum += product[e] * x[2][k][e];
          const std::array<int32_t, 3> place = {static_cast<int32_t>(i), static_cast<int32_t>(j),
                                                static_cast<int32_t>(k)};
          if (std::abs(sum) > kZero) couplings[place] += sum;
        }
      }
    }
  }
  if (static_cast<double>(couplings.size()) > kFewer * operations) return {};
  SparseForm sparse;
  for (const auto& [place, value] : couplings) {
    for (int o = 0; o < 3; ++o) sparse.index[o].push_back(place[o]);
    sparse.coefficient.push_back(value);
  }
  return sparse;
}

}  // namespace gauntlet
