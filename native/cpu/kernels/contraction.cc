// Sums of products over a file of rows, of 16 lanes at a time: see core/contraction.h.
#include "cpu/kernels/isa.h"
#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

void circuit(const CircuitTable& table, float* file) {
  const int32_t* target = table.target;
  const int32_t* factor = table.factors;
  const TableEntry* multiple = table.multiples;
  for (int n = 0; n < table.runs; ++n) {
    const CircuitRun run = table.run[n];
    if (run.products == 1 && run.multiples == 0) {  // most of the monomials
      for (int row = 0; row < run.rows; ++row, ++target, factor += 2) {
        store(file + *target, load(file + factor[0]) * load(file + factor[1]));
      }
      continue;
    }
    for (int row = 0; row < run.rows; ++row, ++target) {
      Vec sum = {};
      for (int i = 0; i < run.products; ++i, factor += 2) {
        add_product(sum, load(file + factor[0]), load(file + factor[1]));
      }
      for (int i = 0; i < run.multiples; ++i, ++multiple) {
        add_product(sum, splat(multiple->coefficient), load(file + multiple->index));
      }
      store(file + *target, sum);
    }
  }
}

}  // namespace gauntlet::GAUNTLET_ISA
