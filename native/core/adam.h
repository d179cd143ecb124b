// Adam (Kingma and Ba, 2015), with AMSGrad (Reddi et al., 2018) where it keeps the largest squares, as lib/nn/optimizer.ts describes
// it: in float64, kept in float32.
#pragma once

#include "core/portable.h"

#ifdef __CUDACC__
#include <cmath>
#endif

namespace gauntlet {

/// Arrays of one length, each of type A. `largest` may be none.
template <class A>
struct AdamArrays {
  A values, gradient, decay, mean, square, largest;
};

struct AdamStep {
  double beta1, beta2;
  double rate;        // over what the mean's beginning at zero takes from it
  double correction;  // what that of the squares takes
  double epsilon;
  double factor;  // of the gradient

  /// One number.
  GAUNTLET_MATH void apply(float& value, float gradient, float decay, float& mean, float& square,
                           float* largest) const {
    const double g = gradient * factor + static_cast<double>(decay) * value;
    mean = static_cast<float>(beta1 * mean + (1 - beta1) * g);
    square = static_cast<float>(beta2 * square + (1 - beta2) * g * g);
    float most = square;
    if (largest) {
      if (!(square > *largest)) most = *largest;
      *largest = most;
    }
    value = static_cast<float>(value - rate * mean / (__builtin_sqrt(most / correction) + epsilon));
  }
};

}  // namespace gauntlet
