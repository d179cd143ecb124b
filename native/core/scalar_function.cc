#include "core/scalar_function.h"

#include "core/error.h"

namespace gauntlet {
namespace {

/// The whole number that a coefficient is, from 0 to `most`.
int whole(double value, size_t most) {
  if (!(value >= 0 && value <= static_cast<double>(most)) || value != static_cast<int>(value)) {
    throw Error("ERR_ARGUMENT", "The coefficients of a function are malformed");
  }
  return static_cast<int>(value);
}

}  // namespace

ScalarFunction decode_scalar_function(int32_t family, std::span<const double> coefficients) {
  ScalarFunction f;
  const size_t count = coefficients.size();
  const auto require = [](bool good) {
    if (!good) throw Error("ERR_ARGUMENT", "The coefficients of a function are malformed");
  };
  require(family >= -1 && family <= static_cast<int32_t>(ScalarFunction::Family::sigmoid));
  f.family = static_cast<ScalarFunction::Family>(family);
  switch (f.family) {
    case ScalarFunction::Family::powers:
      require(count % 2 == 1 && count / 2 <= ScalarFunction::kMostTerms);
      f.end = coefficients[0];
      f.terms[0] = static_cast<int>(count / 2);
      f.first = coefficients.data() + 1;
      break;
    case ScalarFunction::Family::sine:
      require(count == 1);
      f.turns = whole(coefficients[0], 3);
      break;
    case ScalarFunction::Family::sigmoid:
      require(count >= 2 && count - 2 <= ScalarFunction::kMostTerms);
      f.rate = coefficients[0];
      f.terms[0] = whole(coefficients[1], count - 2);
      f.terms[1] = static_cast<int>(count - 2) - f.terms[0];
      f.first = coefficients.data() + 2;
      f.second = f.first + f.terms[0];
      break;
    default: require(count == 0);
  }
  return f;
}

}  // namespace gauntlet
