// Operations on matrices on one GPU, each a kernel or two. Arrays in host memory are copied as a whole; lists of rows always are.
#include <mutex>
#include <optional>
#include <vector>

#include "cuda/check.h"
#include "cuda/matrix_kernels.h"
#include "cuda/memory.h"
#include "cuda/runtime.h"
#include "cuda/stream.h"

namespace gauntlet {
namespace cuda {
namespace {

class CudaMatrixOperations final : public MatrixOperations {
 public:
  explicit CudaMatrixOperations(int device) : device_(device) {
    const DeviceScope scope(device_);
    own_.emplace();
  }
  ~CudaMatrixOperations() override {
    release_on(device_, [&] { own_.reset(); });
  }

  void fill(Operand out, size_t length, float value) override {
    if (length == 0) return;
    run([&](Run& run) {
      run.result(out, length, [&](float* to) { cuda::fill(to, run.count(length), value, run.stream); });
    });
  }

  void elementwise(Operand out, size_t length, double scale, const ScalarFunction& f,
                   std::span<const Operand> inputs) override {
    if (length == 0) return;
    run([&](Run& run) {
      const std::vector<float*> x = run.inputs(inputs, length);
      run.result(out, length, [&](float* to) { cuda::elementwise(to, run.count(length), scale, f, x, run.stream); });
    });
  }

  void combine(Operand out, size_t length, std::span<const double> factors, std::span<const Operand> inputs) override {
    if (length == 0) return;
    run([&](Run& run) {
      const std::vector<float*> x = run.inputs(inputs, length);
      run.result(out, length, [&](float* to) { cuda::combine(to, run.count(length), factors, x, run.stream); });
    });
  }

  void concatenate(Operand out, size_t length, std::span<const Piece> pieces,
                   std::span<const Operand> inputs) override {
    if (length == 0) return;
    run([&](Run& run) {
      std::vector<float*> x;
      for (size_t n = 0; n < inputs.size(); ++n) x.push_back(run.input(inputs[n], pieces[n].length));
      run.result(out, length, [&](float* to) { cuda::concatenate(to, run.count(length), pieces, x, run.stream); });
    });
  }

  void adam(const AdamArrays<Operand>& arrays, size_t length, const AdamStep& step) override {
    if (length == 0) return;
    run([&](Run& run) {
      const auto in = [&](const Operand& operand) { return operand.data ? run.input(operand, length) : nullptr; };
      cuda::adam({in(arrays.values), in(arrays.gradient), in(arrays.decay), in(arrays.mean), in(arrays.square),
                  in(arrays.largest)},
                 run.count(length), step, run.stream);
      // As they were numbered; the gradient and the decay stay as they are.
      run.call.leave(0, arrays.values, length);
      run.call.leave(3, arrays.mean, length);
      run.call.leave(4, arrays.square, length);
      if (arrays.largest.data) run.call.leave(5, arrays.largest, length);
    });
  }

  void matmul(Operand out, Operand a, Operand b, const MatrixProduct& p) override {
    if (p.rows == 0 || p.columns == 0) return;
    if (p.sums == 0) return fill(out, p.rows * p.columns, 0);
    run([&](Run& run) {
      const float *x = run.input(a, p.rows * p.sums), *y = run.input(b, p.columns * p.sums);
      run.result(out, p.rows * p.columns, [&](float* to) {
        cuda::matmul(p, x, y, to, run.workspace(matmul_floats(p)), run.own.arrived.data(), run.stream);
      });
    });
  }

  void gather(Operand out, Operand x, size_t rows, size_t dim, std::span<const int32_t> of) override {
    if (of.empty()) return;
    run([&](Run& run) {
      const float* const from = run.input(x, rows * dim);
      const int32_t* const list = run.list(0, of);
      run.result(out, of.size() * dim, [&](float* to) {
        cuda::gather(to, from, run.count(of.size()), static_cast<int32_t>(dim), list, run.stream);
      });
    });
  }

  void scatter(Operand out, Operand x, size_t rows, size_t dim, const SegmentLists& segments) override {
    const size_t count = segments.start.size() - 1;
    if (count == 0) return;
    run([&](Run& run) {
      const float* const from = run.input(x, rows * dim);
      const int32_t *start = run.list(0, segments.start), *order = run.list(1, segments.order);
      run.result(out, count * dim, [&](float* to) {
        sum_segments(to, from, run.count(count), static_cast<int32_t>(dim), start, order, run.stream);
      });
    });
  }

  void broadcast_rows(Operand out, Operand x, size_t rows, size_t dim) override {
    if (rows == 0 || dim == 0) return;
    run([&](Run& run) {
      const float* const from = run.input(x, dim);
      run.result(out, rows * dim, [&](float* to) {
        cuda::gather(to, from, run.count(rows), static_cast<int32_t>(dim), nullptr, run.stream);
      });
    });
  }

  void sum_rows(Operand out, Operand x, size_t rows, size_t dim) override {
    if (rows == 0) return fill(out, dim, 0);
    run([&](Run& run) {
      const float* const from = run.input(x, rows * dim);
      const auto columns = static_cast<int32_t>(dim);
      run.result(out, dim, [&](float* to) {
        cuda::sum_rows(to, from, run.count(rows), columns, run.workspace(row_sum_floats(run.count(rows), columns)),
                       run.stream);
      });
    });
  }

  void columns(Operand out, Operand x, const ColumnRange& range) override {
    if (range.rows * range.narrow == 0) return;
    run([&](Run& run) {
      const float* const from = run.input(x, range.rows * range.wide);
      run.result(out, range.rows * range.narrow, [&](float* to) { cuda::columns(to, from, range, run.stream); });
    });
  }

  void pad(Operand out, Operand x, const ColumnRange& range) override {
    if (range.rows * range.wide == 0) return;
    run([&](Run& run) {
      const float* const from = run.input(x, range.rows * range.narrow);
      run.result(out, range.rows * range.wide, [&](float* to) { cuda::pad(to, from, range, run.stream); });
    });
  }

 private:
  struct Resources {
    Staging staging{kMostInputs + 1};
    DeviceBuffer workspace, lists[2];
    Table<uint32_t> arrived{std::vector<uint32_t>(kMatmulTiles)};
  };

  /// One call: where its arrays are on the device.
  struct Run {
    Resources& own;
    Staging::Call& call;
    const cudaStream_t stream = call.stream();
    size_t entered = 0;

    static int64_t count(size_t n) { return static_cast<int64_t>(n); }

    float* input(const Operand& operand, size_t floats) { return call.enter(entered++, operand, floats, true); }
    std::vector<float*> inputs(std::span<const Operand> operands, size_t floats) {
      std::vector<float*> all;
      for (const Operand& operand : operands) all.push_back(input(operand, floats));
      return all;
    }
    /// Calls compute(where the result goes).
    template <class Compute>
    void result(const Operand& out, size_t floats, const Compute& compute) {
      const size_t number = entered++;
      compute(call.enter(number, out, floats, false));
      call.leave(number, out, floats);
    }
    float* workspace(size_t floats) const {
      return floats == 0 ? nullptr : static_cast<float*>(own.workspace.reserve(floats * sizeof(float)));
    }
    const int32_t* list(size_t n, std::span<const int32_t> values) const { return call.upload(own.lists[n], values); }
  };

  template <class Body>
  void run(const Body& body) {
    const std::lock_guard lock(mutex_);
    const DeviceScope scope(device_);
    Staging::Call call(own_->staging, shared_stream());
    Run run{*own_, call};
    body(run);
    call.finish("run an operation on matrices");
  }

  const int device_;
  std::mutex mutex_;  // one call at a time: the memory is this object's
  std::optional<Resources> own_;
};

}  // namespace
}  // namespace cuda

std::unique_ptr<MatrixOperations> make_cuda_matrix_operations(int device) {
  cuda::require_device(device);
  return std::make_unique<cuda::CudaMatrixOperations>(device);
}

}  // namespace gauntlet
