// Functions and sums number by number,
//
//     out[n] = scale * f(x_0[n]) * x_1[n] * ...       out[n] = sum over i of  factor_i * x_i[n]
//
// four neighbouring numbers to a thread, which reads all of them before it writes: `out` may be one of the inputs. Pointers and
// coefficients are the kernel's argument: every thread of a warp needs the same at once, which is what constant memory is for.
#include <algorithm>

#include "core/scalar_math.h"
#include "cuda/matrix_kernels.h"
#include "cuda/quad.h"

namespace gauntlet::cuda {
namespace {

// Families of core/scalar_function.h, with coefficients of their own.

struct Identity {
  __device__ float at(float x) const { return x; }
};

struct Powers {
  int32_t terms;
  double end;
  double coefficients[2 * ScalarFunction::kMostTerms];
  __device__ float at(float x) const { return static_cast<float>(math::powers<double>(terms, coefficients, end, x)); }
};

struct Sine {
  int32_t turns;
  __device__ float at(float x) const { return static_cast<float>(math::sine<double>(turns, x)); }
};

struct Exponential {
  __device__ float at(float x) const { return expf(x); }
};

struct Sigmoid {
  float rate;
  int32_t terms[2];
  float coefficients[ScalarFunction::kMostTerms];

  __device__ float polynomial(int32_t first, int32_t count, float s) const {
    float sum = 0;
    for (int32_t n = count - 1; n >= 0; --n) sum = fmaf(sum, s, coefficients[first + n]);
    return sum;
  }
  __device__ float at(float x) const {
    const float s = 1.0f / (1.0f + expf(-rate * x));
    const float value = polynomial(0, terms[0], s);
    return terms[1] > 0 ? fmaf(x, polynomial(terms[0], terms[1], s), value) : value;
  }
};

template <class Function>
struct ElementwiseCall {
  QuadCall quads;
  Function f;
  float scale;
  int32_t inputs;
  const float* x[kMostInputs];
};

template <class Function>
__global__ void __launch_bounds__(kThreads) elementwise_quads(const __grid_constant__ ElementwiseCall<Function> call) {
  const Quad quad = find_quad(call.quads);
  if (quad.count <= 0) return;
  float value[4];
  quad.load(call.x[0], value);
#pragma unroll
  for (int k = 0; k < 4; ++k) value[k] = call.scale * call.f.at(value[k]);
  for (int32_t n = 1; n < call.inputs; ++n) {
    float factor[4];
    quad.load(call.x[n], factor);
#pragma unroll
    for (int k = 0; k < 4; ++k) value[k] *= factor[k];
  }
  quad.store(call.quads.out, value);
}

struct CombineCall {
  QuadCall quads;
  int32_t inputs;
  float factors[kMostInputs];
  const float* x[kMostInputs];
};

__global__ void __launch_bounds__(kThreads) combine_quads(const __grid_constant__ CombineCall call) {
  const Quad quad = find_quad(call.quads);
  if (quad.count <= 0) return;
  float sum[4] = {};
  for (int32_t n = 0; n < call.inputs; ++n) {
    float value[4];
    quad.load(call.x[n], value);
#pragma unroll
    for (int k = 0; k < 4; ++k) sum[k] = fmaf(call.factors[n], value[k], sum[k]);
  }
  quad.store(call.quads.out, sum);
}

struct FillCall {
  QuadCall quads;
  float value;
};

__global__ void __launch_bounds__(kThreads) fill_quads(const __grid_constant__ FillCall call) {
  const Quad quad = find_quad(call.quads);
  const float value[4] = {call.value, call.value, call.value, call.value};
  if (quad.count > 0) quad.store(call.quads.out, value);
}

template <class Function>
void launch(float* out, int64_t length, double scale, std::span<float* const> inputs, const Function& f,
            cudaStream_t stream) {
  ElementwiseCall<Function> call{quad_call(out, length, inputs), f, static_cast<float>(scale),
                                 static_cast<int32_t>(inputs.size())};
  std::copy(inputs.begin(), inputs.end(), call.x);
  launch_kernel(elementwise_quads<Function>, quad_blocks(length), 0, stream, call);
}

}  // namespace

void fill(float* out, int64_t length, float value, cudaStream_t stream) {
  launch_kernel(fill_quads, quad_blocks(length), 0, stream, FillCall{quad_call(out, length, {}), value});
}

void elementwise(float* out, int64_t length, double scale, const ScalarFunction& f, std::span<float* const> inputs,
                 cudaStream_t stream) {
  switch (f.family) {
    case ScalarFunction::Family::none: return launch(out, length, scale, inputs, Identity{}, stream);
    case ScalarFunction::Family::powers: {
      Powers powers{f.terms[0], f.end};
      std::copy_n(f.first, 2 * f.terms[0], powers.coefficients);
      return launch(out, length, scale, inputs, powers, stream);
    }
    case ScalarFunction::Family::sine: return launch(out, length, scale, inputs, Sine{f.turns}, stream);
    case ScalarFunction::Family::exponential: return launch(out, length, scale, inputs, Exponential{}, stream);
    case ScalarFunction::Family::sigmoid: {
      Sigmoid sigmoid{static_cast<float>(f.rate), {f.terms[0], f.terms[1]}};
      std::copy_n(f.first, f.terms[0] + f.terms[1], sigmoid.coefficients);
      return launch(out, length, scale, inputs, sigmoid, stream);
    }
  }
}

void combine(float* out, int64_t length, std::span<const double> factors, std::span<float* const> inputs,
             cudaStream_t stream) {
  CombineCall call{quad_call(out, length, inputs), static_cast<int32_t>(inputs.size())};
  std::transform(factors.begin(), factors.end(), call.factors, [](double f) { return static_cast<float>(f); });
  std::copy(inputs.begin(), inputs.end(), call.x);
  launch_kernel(combine_quads, quad_blocks(length), 0, stream, call);
}

}  // namespace gauntlet::cuda
