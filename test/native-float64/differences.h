// Derivatives by central differences of float64 functions.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace gauntlet::test {

using Numbers = std::vector<double>;

class Random {
 public:
  Numbers normals(size_t count) {
    Numbers values(count);
    for (double& value : values) value = std::normal_distribution<double>()(engine_);
    return values;
  }
  Numbers between(double least, double most, size_t count) {
    Numbers values(count);
    for (double& value : values) value = std::uniform_real_distribution<double>(least, most)(engine_);
    return values;
  }
  /// Triples of any direction.
  Numbers vectors(double least, double most, size_t count) {
    Numbers values = normals(3 * count);
    for (size_t n = 0; n < values.size(); n += 3) {
      const double scale = between(least, most, 1)[0] / std::hypot(values[n], values[n + 1], values[n + 2]);
      for (size_t i = 0; i < 3; ++i) values[n + i] *= scale;
    }
    return values;
  }
  int32_t below(int32_t end) { return std::uniform_int_distribution<int32_t>(0, end - 1)(engine_); }

 private:
  std::mt19937 engine_{1};
};

/// For results: whatever is not written shows.
inline Numbers poison(size_t count) { return Numbers(count, std::numeric_limits<double>::quiet_NaN()); }

inline double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t n = 0; n < a.size(); ++n) sum += a[n] * b[n];
  return sum;
}

/// d/dt f(x + t v) at t = 0 by the differences of f at +-h and +-2h: exact where f is of degree four at most along v, else to h^4.
inline double slope(const std::function<double(const Numbers&)>& f, const Numbers& x, const Numbers& v, double h) {
  const auto at = [&](double t) {
    Numbers moved = x;
    for (size_t n = 0; n < moved.size(); ++n) moved[n] += t * v[n];
    return f(moved);
  };
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

/// The worst of all comparisons made.
class Comparison {
 public:
  /// A scalar function's gradient at x with its slopes: along whole directions, then along components one by one.
  void gradient(const std::function<double(const Numbers&)>& f, const Numbers& x, const Numbers& gradient, double h,
                Random& random) {
    constexpr int kDirections = 3, kComponents = 6;
    for (int n = 0; n < kDirections + kComponents && !x.empty(); ++n) {
      Numbers v(x.size(), 0.0);
      if (n < kDirections) {
        v = random.normals(x.size());
      } else {
        v[random.below(static_cast<int32_t>(x.size()))] = 1;
      }
      const double size = std::sqrt(dot(gradient, gradient) * dot(v, v));
      const double error = std::abs(slope(f, x, v, h) - dot(gradient, v));
      add(size > 0 ? error / size : error);
    }
  }
  void add(double error) {
    ++count_;
    worst_ =
        std::isnan(error) || std::isnan(worst_) ? std::numeric_limits<double>::quiet_NaN() : std::max(worst_, error);
  }
  int count() const { return count_; }
  double worst() const { return worst_; }

 private:
  int count_ = 0;
  double worst_ = 0;
};

}  // namespace gauntlet::test
