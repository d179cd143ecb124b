#include "core/matrix_operations.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/matmul.h"
#include "cpu/pool.h"

namespace gauntlet {
namespace {

constexpr const char* kWhat = "operation on matrices";
/// Copying or adding a float takes about as long as so many multiply-adds.
constexpr double kFloatWork = 4;
/// Chunks of a sum over rows, whatever the number of threads, so that they come out the same: not more, nor shorter.
constexpr size_t kChunks = 32, kChunkFloats = 1 << 14;
/// Floats that rows of few are gathered to.
constexpr size_t kWideRow = 64;

void for_floats(size_t length, double work, const std::function<void(size_t, size_t)>& body) {
  parallel_for(length, grain_of(length, work), kWhat, body);
}

/// Calls body(row) for rows of `dim` floats.
template <class Body>
void for_rows(size_t rows, size_t dim, const Body& body) {
  parallel_for(rows, grain_of(rows, kFloatWork * (dim + 1)), kWhat, [&](size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) body(row);
  });
}

void copy(float* to, const float* from, size_t count) {
  if (count >= 8) {
    std::memcpy(to, from, count * sizeof(float));
  } else {
    for (size_t n = 0; n < count; ++n) to[n] = from[n];
  }
}

std::vector<const float*> data_of(std::span<const Operand> operands) {
  std::vector<const float*> data;
  for (const Operand& operand : operands) data.push_back(operand.data);
  return data;
}

class CpuMatrixOperations final : public MatrixOperations {
 public:
  void fill(Operand out, size_t length, float value) override {
    for_floats(length, kFloatWork,
               [&](size_t begin, size_t end) { std::fill(out.data + begin, out.data + end, value); });
  }

  void elementwise(Operand out, size_t length, double scale, const ScalarFunction& f,
                   std::span<const Operand> inputs) override {
    const std::vector<const float*> x = data_of(inputs);
    const Elementwise elementwise{scale, f, static_cast<int>(x.size()), x.data()};
    const double work =
        kFloatWork * (static_cast<double>(x.size()) + (f.family == ScalarFunction::Family::none ? 0 : 4));
    for_floats(length, work, [&](size_t begin, size_t end) {
      kernels().elementwise(elementwise, static_cast<ptrdiff_t>(begin), static_cast<ptrdiff_t>(end), out.data);
    });
  }

  void combine(Operand out, size_t length, std::span<const double> factors, std::span<const Operand> inputs) override {
    const std::vector<const float*> x = data_of(inputs);
    const Combination combination{static_cast<int>(x.size()), factors.data(), x.data()};
    for_floats(length, kFloatWork * static_cast<double>(x.size()), [&](size_t begin, size_t end) {
      kernels().combine(combination, static_cast<ptrdiff_t>(begin), static_cast<ptrdiff_t>(end), out.data);
    });
  }

  void concatenate(Operand out, size_t length, std::span<const Piece> pieces,
                   std::span<const Operand> inputs) override {
    std::fill_n(out.data, pieces.empty() ? length : pieces.front().start, 0.0f);
    parallel_for(pieces.size(), grain_of(pieces.size(), kFloatWork * length / std::max<size_t>(1, pieces.size())),
                 kWhat, [&](size_t begin, size_t end) {
                   for (size_t n = begin; n < end; ++n) {
                     const size_t next = n + 1 < pieces.size() ? pieces[n + 1].start : length;
                     copy(out.data + pieces[n].start, inputs[n].data, pieces[n].length);
                     std::fill(out.data + pieces[n].start + pieces[n].length, out.data + next, 0.0f);
                   }
                 });
  }

  void adam(const AdamArrays<Operand>& arrays, size_t length, const AdamStep& step) override {
    const auto& [values, gradient, decay, mean, square, largest] = arrays;
    for_floats(length, 4 * kFloatWork, [&](size_t begin, size_t end) {
      for (size_t n = begin; n < end; ++n) {
        step.apply(values.data[n], gradient.data[n], decay.data[n], mean.data[n], square.data[n],
                   largest.data ? largest.data + n : nullptr);
      }
    });
  }

  void matmul(Operand out, Operand a, Operand b, const MatrixProduct& product) override {
    cpu_matmul(product, a.data, b.data, out.data);
  }

  void gather(Operand out, Operand x, size_t, size_t dim, std::span<const int32_t> of) override {
    for_rows(of.size(), dim, [&](size_t row) { copy(out.data + row * dim, x.data + of[row] * dim, dim); });
  }

  void scatter(Operand out, Operand x, size_t, size_t dim, const SegmentLists& segments) override {
    const size_t count = segments.start.size() - 1;
    const double rows =
        static_cast<double>(segments.order.size() + count) / static_cast<double>(std::max<size_t>(1, count));
    parallel_for(
        count, grain_of(count, kFloatWork * rows * static_cast<double>(dim)), kWhat, [&](size_t begin, size_t end) {
          for (size_t s = begin; s < end; ++s) {
            const int32_t first = segments.start[s];
            kernels().sum_rows(
                {x.data, static_cast<ptrdiff_t>(dim), segments.order.data() + first, segments.start[s + 1] - first},
                out.data + s * dim);
          }
        });
  }

  void broadcast_rows(Operand out, Operand x, size_t rows, size_t dim) override {
    for_rows(rows, dim, [&](size_t row) { copy(out.data + row * dim, x.data, dim); });
  }

  void sum_rows(Operand out, Operand x, size_t rows, size_t dim) override {
    // Several short rows make a long one, whose columns are added up at last.
    const size_t group = std::max<size_t>(1, kWideRow / dim), wide = group * dim, wide_rows = rows / group;
    const size_t chunks = std::clamp<size_t>(wide_rows * wide / kChunkFloats, 1, kChunks);
    const size_t length = (wide_rows + chunks - 1) / chunks;
    std::vector<float> sums(chunks * wide);
    parallel_for(chunks, 1, kWhat, [&](size_t begin, size_t end) {
      for (size_t chunk = begin; chunk < end; ++chunk) {
        const size_t first = std::min(chunk * length, wide_rows), last = std::min(first + length, wide_rows);
        kernels().sum_rows(
            {x.data + first * wide, static_cast<ptrdiff_t>(wide), nullptr, static_cast<ptrdiff_t>(last - first)},
            sums.data() + chunk * wide);
      }
    });
    for (size_t k = 0; k < dim; ++k) {
      double sum = 0;
      for (size_t n = k; n < sums.size(); n += dim) sum += sums[n];
      for (size_t row = wide_rows * group; row < rows; ++row) sum += x.data[row * dim + k];
      out.data[k] = static_cast<float>(sum);
    }
  }

  void columns(Operand out, Operand x, const ColumnRange& range) override {
    for_rows(range.rows, range.narrow, [&](size_t row) {
      copy(out.data + row * range.narrow, x.data + row * range.wide + range.from, range.narrow);
    });
  }

  void pad(Operand out, Operand x, const ColumnRange& range) override {
    const size_t after = range.from + range.narrow;
    for_rows(range.rows, range.wide, [&](size_t row) {
      float* to = out.data + row * range.wide;
      std::fill(to, to + range.from, 0.0f);
      copy(to + range.from, x.data + row * range.narrow, range.narrow);
      std::fill(to + after, to + range.wide, 0.0f);
    });
  }
};

}  // namespace

std::unique_ptr<MatrixOperations> make_cpu_matrix_operations() { return std::make_unique<CpuMatrixOperations>(); }

}  // namespace gauntlet
