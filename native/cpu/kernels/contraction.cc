// Sums of products over a file of rows, of 16 lanes at a time: see core/contraction.h.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {
namespace {

/// Where the walk through a circuit stands.
struct Cursor {
  const int32_t* target;
  const int32_t* factor;
  const TableEntry* multiple;
};

/// The next row of a run.
GAUNTLET_INLINE void sum_row(const CircuitRun& run, Cursor& at, float* file) {
  Vec sum = {};
  for (int i = 0; i < run.products; ++i, at.factor += 2) {
    add_product(sum, load(file + at.factor[0]), load(file + at.factor[1]));
  }
  for (int i = 0; i < run.multiples; ++i, ++at.multiple) {
    add_product(sum, splat(at.multiple->coefficient), load(file + at.multiple->index));
  }
  store(file + *at.target++, sum);
}

/// The next rows of a run whose sums are all of the same parts, each of which is read once for all of them.
template <int Rows>
GAUNTLET_INLINE void sum_alike(const CircuitRun& run, Cursor& at, float* file) {
  Vec sum[Rows] = {};
  for (int i = 0; i < run.multiples; ++i) {
    const TableEntry* entry = at.multiple + i;
    const Vec part = load(file + entry->index);
    for (int row = 0; row < Rows; ++row, entry += run.multiples) add_product(sum[row], splat(entry->coefficient), part);
  }
  for (int row = 0; row < Rows; ++row) store(file + at.target[row], sum[row]);
  at.target += Rows;
  at.multiple += Rows * run.multiples;
}

}  // namespace

void circuit(const CircuitTable& table, float* file) {
  Cursor at{table.target, table.factors, table.multiples};
  for (int n = 0; n < table.runs; ++n) {
    const CircuitRun run = table.run[n];
    int row = 0;
    if (run.products == 1 && run.multiples == 0) {  // most of the monomials
      for (; row < run.rows; ++row, ++at.target, at.factor += 2) {
        store(file + *at.target, load(file + at.factor[0]) * load(file + at.factor[1]));
      }
    }
    if (run.alike) {
      for (; row + 8 <= run.rows; row += 8) sum_alike<8>(run, at, file);
      if (row + 4 <= run.rows) sum_alike<4>(run, at, file), row += 4;
      if (row + 2 <= run.rows) sum_alike<2>(run, at, file), row += 2;
    }
    for (; row < run.rows; ++row) sum_row(run, at, file);
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
