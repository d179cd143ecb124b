// Two ways to multiply matrices, by which of their sizes may be that of a batch. In both, panels are columns of b.
//
//     by rows    rows of a are shared out among threads; b, which is small, is packed once for all
//     over rows  (a transposed) the sum is cut into chunks that are shared out, each with a result of its own; these are added up
#include "cpu/matmul.h"

#include <algorithm>

#include "cpu/kernels.h"
#include "cpu/pool.h"
#include "cpu/scratch.h"

namespace gauntlet {
namespace {

constexpr const char* kWhat = "product of matrices";

/// Rows of a tile: it and a panel of b together stay in the first cache.
constexpr size_t kTileRows = 48;
/// Terms that are added up before the next panel is taken, for the same reason.
constexpr size_t kRowSums = 512, kBatchSums = 64;
/// Chunks of a sum over rows, whatever the number of threads, so that they come out the same: not more, nor shorter.
constexpr size_t kChunks = 32, kChunkSums = 512;
/// Tasks that are enough for any number of threads, and floats of tiles that one should not exceed.
constexpr size_t kTasks = 32, kTaskFloats = 1 << 16;
/// Floats that the results of all chunks may take, as far as they can be had with fewer.
constexpr size_t kChunkFloats = 1 << 24;

/// Columns in panels, the last of which may be narrower, and rounded up to vectors.
struct Panels {
  size_t columns;
  size_t count() const { return (columns + kPanelColumns - 1) / kPanelColumns; }
  size_t first(size_t panel) const { return panel * kPanelColumns; }
  int width(size_t panel) const { return static_cast<int>(std::min<size_t>(kPanelColumns, columns - first(panel))); }
  int vecs(size_t panel) const { return panel_vecs(width(panel)); }
  /// Floats of a row of all of them.
  size_t line() const { return (columns + kLanes - 1) / kLanes * kLanes; }
};

/// Where b[k, c] is: data[k * row + c * column].
struct Right {
  const float* data;
  ptrdiff_t row, column;
  void pack(const Panels& panels, size_t panel, size_t first, size_t sums, float* to) const {
    const float* from = data + first * row + panels.first(panel) * column;
    kernels().pack_panel({from, row, column, static_cast<int>(sums), panels.width(panel)}, to);
  }
};

void multiply_by_rows(const MatrixProduct& p, const float* a, const Right& b, float* out) {
  const Panels panels{p.columns};
  thread_local Scratch packed_scratch;
  float* const packed = packed_scratch.reserve(panels.line() * p.sums);
  parallel_for(panels.count(), grain_of(panels.count(), p.sums * kPanelColumns), kWhat, [&](size_t begin, size_t end) {
    for (size_t n = begin; n < end; ++n) b.pack(panels, n, 0, p.sums, packed + panels.first(n) * p.sums);
  });

  const size_t tiles = (p.rows + kTileRows - 1) / kTileRows;
  const double work = static_cast<double>(kTileRows) * p.sums * p.columns;
  parallel_for(tiles, grain_of(tiles, work), kWhat, [&](size_t begin, size_t end) {
    alignas(64) float tile[kTileRows * kPanelColumns];
    for (size_t row = begin * kTileRows; row < std::min(end * kTileRows, p.rows); row += kTileRows) {
      const int rows = static_cast<int>(std::min(kTileRows, p.rows - row));
      for (size_t n = 0; n < panels.count(); ++n) {
        const int vecs = panels.vecs(n);
        const float* panel = packed + panels.first(n) * p.sums;
        for (size_t k = 0; k < p.sums; k += kRowSums) {
          const int sums = static_cast<int>(std::min(kRowSums, p.sums - k));
          kernels().multiply_panel({a + row * p.sums + k, static_cast<ptrdiff_t>(p.sums), false, rows, sums, vecs,
                                    panel + k * vecs * kLanes, tile, k > 0});
        }
        kernels().sum_tiles({tile, 0, 1, rows, panels.width(n), static_cast<float>(p.scale),
                             out + row * p.columns + panels.first(n), static_cast<ptrdiff_t>(p.columns)});
      }
    }
  });
}

/// Whole chunks of a sum, of one length but for the last.
struct Chunks {
  size_t length, count;
  /// For sums that give `size` floats.
  Chunks(size_t sums, size_t size) {
    const size_t most = std::clamp<size_t>(kChunkFloats / size, 1, kChunks);
    length = (sums + most - 1) / most;
    length = std::max(length, std::min(sums, kChunkSums));
    count = (sums + length - 1) / length;
  }
};

void multiply_over_rows(const MatrixProduct& p, const float* a, const float* b, float* out) {
  const Panels panels{p.columns};
  const Right right{b, static_cast<ptrdiff_t>(p.columns), 1};
  const size_t size = panels.line() * p.rows;
  const Chunks chunks(p.sums, size);
  thread_local Scratch results_scratch;
  float* const results = results_scratch.reserve(size * chunks.count);

  // A task is a chunk of some panels, whose tiles stay in the second cache while rows of b, as they follow one another, are gone
  // through once.
  const size_t room = std::clamp<size_t>(kTaskFloats / (p.rows * kPanelColumns), 1, panels.count());
  const size_t group = std::min(room, (panels.count() * chunks.count + kTasks - 1) / kTasks);
  const size_t groups = (panels.count() + group - 1) / group, tasks = chunks.count * groups;
  const double work = static_cast<double>(chunks.length) * p.rows * group * kPanelColumns;
  parallel_for(tasks, grain_of(tasks, work), kWhat, [&](size_t begin, size_t end) {
    alignas(64) float panel[kBatchSums * kPanelColumns];
    for (size_t task = begin; task < end; ++task) {
      const size_t chunk = task / groups, first_panel = task % groups * group;
      const size_t first = chunk * chunks.length, last = std::min(first + chunks.length, p.sums);
      for (size_t k = first; k < last; k += kBatchSums) {
        const size_t sums = std::min(kBatchSums, last - k);
        for (size_t n = first_panel; n < std::min(first_panel + group, panels.count()); ++n) {
          right.pack(panels, n, k, sums, panel);
          kernels().multiply_panel({a + k * p.rows, static_cast<ptrdiff_t>(p.rows), true, static_cast<int>(p.rows),
                                    static_cast<int>(sums), panels.vecs(n), panel,
                                    results + chunk * size + panels.first(n) * p.rows, k > first});
        }
      }
    }
  });

  parallel_for(p.rows, grain_of(p.rows, chunks.count * p.columns), kWhat, [&](size_t begin, size_t end) {
    for (size_t n = 0; n < panels.count(); ++n) {
      const float* tiles = results + panels.first(n) * p.rows + begin * panels.vecs(n) * kLanes;
      kernels().sum_tiles({tiles, static_cast<ptrdiff_t>(size), static_cast<int>(chunks.count),
                           static_cast<int>(end - begin), panels.width(n), static_cast<float>(p.scale),
                           out + begin * p.columns + panels.first(n), static_cast<ptrdiff_t>(p.columns)});
    }
  });
}

/// out[r] = scale * sum over k of  a[r, k] * b[k]
void multiply_vector(size_t rows, size_t sums, double scale, const float* a, const float* b, float* out) {
  parallel_for(rows, grain_of(rows, static_cast<double>(sums)), kWhat, [&](size_t begin, size_t end) {
    kernels().multiply_rows({a + begin * sums, b, static_cast<ptrdiff_t>(end - begin), static_cast<ptrdiff_t>(sums),
                             static_cast<float>(scale), out + begin});
  });
}

}  // namespace

void cpu_matmul(const MatrixProduct& product, const float* a, const float* b, float* out) {
  MatrixProduct p = product;
  if (p.sums == 0) std::fill_n(out, p.rows * p.columns, 0.0f);
  if (p.rows == 0 || p.columns == 0 || p.sums == 0) return;
  // A single row or column lies in memory as the other does, so that what would be one lane of a vector can be a whole one.
  const bool by_rows = p.transposed != Transposed::first;
  if (by_rows && p.columns == 1) return multiply_vector(p.rows, p.sums, p.scale, a, b, out);
  if (p.transposed == Transposed::second && p.rows == 1) return multiply_vector(p.columns, p.sums, p.scale, b, a, out);
  if (p.transposed == Transposed::none && p.rows == 1) return multiply_over_rows(p, a, b, out);
  if (!by_rows && p.columns == 1) {
    std::swap(a, b);
    std::swap(p.rows, p.columns);
  }
  if (!by_rows) return multiply_over_rows(p, a, b, out);
  const auto [columns, sums] = std::pair(static_cast<ptrdiff_t>(p.columns), static_cast<ptrdiff_t>(p.sums));
  multiply_by_rows(p, a, p.transposed == Transposed::none ? Right{b, columns, 1} : Right{b, 1, sums}, out);
}

}  // namespace gauntlet
