// The CPU kernels' interface. The files in kernels/ are compiled once per instruction set, in the namespace GAUNTLET_ISA; what
// crosses this header is plain data, because an inline function of the standard library compiled there could be the copy that
// the linker keeps for everybody, and fault on an older machine.
//
// A tile holds one fiber row per line of `lanes` floats: tile[row * lanes + lane].
#pragma once

#include <cstddef>
#include <cstdint>

namespace gauntlet {

/// Lanes of the forms that transform their operands: one AVX-512 register, two AVX2 registers.
inline constexpr int kLanes = 16;
/// Lanes of the table-driven forms: several registers share one table entry.
inline constexpr int kWideLanes = 64;

/// `lanes` consecutive lanes of one block, `stride` floats apart (0: all the same).
struct Strip {
  int64_t stride;
  int lanes;
};

/// One row of a sparse table is a list of runs, y = sum over runs of a[index] * (sum over entries of coefficient * b[index]).
struct SparseRun {
  int32_t index;
  int32_t begin, end;  // into entries
};
struct SparseEntry {
  int32_t index;
  float coefficient;
};
struct SparseTable {
  const int32_t* row_begin;  // into runs; row r ends where row r + 1 begins
  const SparseRun* runs;
  const SparseEntry* entries;
};

/// y[row] = sum over entries of coefficient * x[index].
struct LinearTable {
  int32_t rows;
  const int32_t* row_begin;
  const SparseEntry* entries;
};

/// Matrix product of coefficients [k][m] (m fastest) with lines of lanes: see kernels/gemm.h.
struct GridBand {
  int32_t first;  // first fiber row
  int32_t order;
  const int32_t* counts;    // [order + 1, 2]
  const float* legendre;    // inputs: for each (m, parity) [count][rings]; target: [rings][count], ring weights included
};
struct GridTable {
  int32_t rings, points, ring_block;
  int32_t sectors[3];        // of a, b and the target
  const GridBand* bands[3];
  int32_t order[3];          // largest m of any of its sectors
  const float* cosines;      // [order + 1][points]
  const float* sines;
  const float* target_cosines;  // [points][order[2] + 1], point weights included
  const float* target_sines;
  int32_t terms;
  const int32_t* term;       // [terms][3]: sectors of a, b, target
  size_t scratch;            // floats needed
};

struct FourierTable {
  int32_t degree[2];         // of a and b
  int32_t orders;            // v = 0..orders-1 of the product are wanted
  int32_t sectors[3];
  const LinearTable* into[2];  // to coefficients at all u, v (negative v too), u padded: see kernels/fourier.cc
  const LinearTable* from;
  int32_t terms;
  const int32_t* term;
  size_t scratch;
};

struct MatrixTable {
  int32_t size;
  int32_t sectors[3];
  const LinearTable* into[2];
  const LinearTable* from;
  int32_t terms;
  const int32_t* term;
  size_t scratch;
};

struct Kernels {
  const char* name;

  /// Copies `size` components of every lane of a strip from memory to the tile rows `rows[0..size)`, lanes from `tile` on.
  /// Memory up to `end` may be read. With `add`, adds to what the rows hold.
  void (*pack)(const float* memory, const float* end, Strip strip, int size, const int32_t* rows, float* tile, int lanes,
               bool add);
  /// The way back.
  void (*unpack)(float* memory, Strip strip, int size, const int32_t* rows, const float* tile, int lanes);

  /// y[r] for the table's rows `rows[0..n)`, tiles of kWideLanes lanes.
  void (*sparse)(const SparseTable& table, const int32_t* rows, int n, const float* a, const float* b, float* y);

  /// Tiles of kLanes lanes; `scratch` is 64-byte aligned.
  void (*grid)(const GridTable& table, const float* a, const float* b, float* y, float* scratch);
  void (*fourier)(const FourierTable& table, const float* a, const float* b, float* y, float* scratch);
  void (*matrix)(const MatrixTable& table, const float* a, const float* b, float* y, float* scratch);

  /// Runs independent fused multiply-adds from registers and returns how many floating-point operations those were.
  double (*fma_loop)(size_t iterations);
};

/// The best set this processor runs, chosen once.
const Kernels& kernels();

}  // namespace gauntlet
