// Spherical harmonics of a vector in each thread, with their derivatives; the mathematics is that of core/harmonics_math.h.
// Coefficients are the kernel's argument: every thread of a warp needs the same at once, which is what constant memory is for.
#include "core/harmonics_math.h"
#include "cuda/edge.h"

namespace gauntlet::cuda {
namespace {

struct Row {
  float* first;
  __device__ float get(int row) const { return first[row]; }
  __device__ void set(int row, float value) const { first[row] = value; }
};

struct Harmonics {
  static constexpr int kInputs = 3;
  HarmonicsTable table;

  template <Pass pass>
  __device__ void run(const float (&v)[3], float (&x)[3], float* values, float (&grad)[3]) const {
    const float inverse = table.normalize ? math::make_unit(x[0], x[1], x[2]) : 0.0f;
    math::harmonics_pass<pass, float>(table, v, x, inverse, Row{values}, grad);
  }
};

}  // namespace

std::unique_ptr<EdgeProgram> make_edge_program(const HarmonicsTable& table, int multiprocessors) {
  return std::make_unique<EdgeProgramOf<Harmonics>>(Harmonics{table}, edge_values(table), multiprocessors);
}

}  // namespace gauntlet::cuda
