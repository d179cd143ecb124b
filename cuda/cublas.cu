#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/library.h"
#include "cuda/check.h"
#include "cuda/cublas.h"

namespace gauntlet::cuda {
namespace {

using Handle = void*;
enum Operation { kAsItIs = 0, kTransposed = 1 };  // CUBLAS_OP_N, CUBLAS_OP_T

/// Of its interface, the same in every version since 2010, what is called here.
struct Cublas {
  int (*create)(Handle*);
  int (*set_stream)(Handle, cudaStream_t);
  int (*sgemm)(Handle, int, int, int, int, int, const float*, const float*, int, const float*, int, const float*,
               float*, int);
  bool found = false;

  Cublas() {
    const char* const named = std::getenv("GAUNTLET_CUBLAS");
    const std::string name = named ? named : "";
    if (name == "off") return;
    const Library library(name.empty() ? std::vector<std::string>{"libcublas.so.13", "libcublas.so.12"}
                                       : std::vector<std::string>{name});
    if (!library.loaded() && !name.empty()) {
      throw Error("ERR_CUDA", "cuBLAS could not be loaded from where GAUNTLET_CUBLAS says:" + library.reasons());
    }
    found = library.find("cublasCreate_v2", create) && library.find("cublasSetStream_v2", set_stream) &&
            library.find("cublasSgemm_v2", sgemm);
  }
};

void check_status(int status, const char* doing) {
  if (status != 0) {
    throw Error("ERR_CUDA", std::string("cuBLAS failed to ") + doing + ": status " + std::to_string(status));
  }
}

/// Columns that follow one another in memory, as cuBLAS has matrices: of a row-major one, the transposed.
struct Columns {
  const float* data;
  Operation operation;
  size_t stride;
};

}  // namespace

bool multiply_by_cublas(const MatrixProduct& p, const float* a, const float* b, float* out, cudaStream_t stream) {
  static std::mutex mutex;  // a handle serves one thread at a time
  static auto* handles =
      new std::map<cudaStream_t, Handle>;  // leaked: the driver may be gone before static objects are
  const std::lock_guard lock(mutex);
  static const Cublas cublas;
  constexpr size_t kMost = std::numeric_limits<int>::max();
  if (!cublas.found || p.rows > kMost || p.columns > kMost || p.sums > kMost) return false;
  Handle& handle = (*handles)[stream];
  if (!handle) {
    Handle made;
    check_status(cublas.create(&made), "start");
    check_status(cublas.set_stream(made, stream), "use a stream");
    handle = made;
  }
  // The transposed of out is the transposed of b times that of a.
  const Columns right =
      p.transposed == Transposed::second ? Columns{b, kTransposed, p.sums} : Columns{b, kAsItIs, p.columns};
  const Columns left =
      p.transposed == Transposed::first ? Columns{a, kTransposed, p.rows} : Columns{a, kAsItIs, p.sums};
  const auto scale = static_cast<float>(p.scale), keep = 0.0f;
  const auto number = [](size_t n) { return static_cast<int>(n); };
  check_status(
      cublas.sgemm(handle, right.operation, left.operation, number(p.columns), number(p.rows), number(p.sums), &scale,
                   right.data, number(right.stride), left.data, number(left.stride), &keep, out, number(p.columns)),
      "multiply matrices");
  return true;
}

}  // namespace gauntlet::cuda
