// Radial functions of a length in each thread, in float64 as core/radial_math.h says why.
#include "core/radial_math.h"
#include "cuda/edge.h"

namespace gauntlet::cuda {
namespace {

struct Row {
  float* first;
  __device__ double get(int row) const { return first[row]; }
  __device__ void set(int row, double value) const { first[row] = static_cast<float>(value); }
};

struct Radial {
  static constexpr int kInputs = 1;
  RadialTable table;

  template <Pass pass>
  __device__ void run(const float (&v)[1], const float (&x)[1], float* values, float (&grad)[1]) const {
    double sum = 0;
    math::radial_pass<pass, double>(table, v[0], x[0], Row{values}, sum);
    grad[0] = static_cast<float>(sum);
  }
};

}  // namespace

std::unique_ptr<EdgeProgram> make_edge_program(const RadialTable& table, int multiprocessors) {
  return std::make_unique<EdgeProgramOf<Radial>>(Radial{table}, edge_values(table), multiprocessors);
}

}  // namespace gauntlet::cuda
