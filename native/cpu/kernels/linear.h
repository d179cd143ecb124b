// Sparse linear maps of lines: y[row] = sum over the row's entries of coefficient * x[index].
#pragma once

#include "cpu/kernels/vector.h"

namespace gauntlet::GAUNTLET_ISA {

/// The first vector of a matrix of vectors, and how far it is to the next in its row, in floats.
struct Vectors {
  float* data;
  ptrdiff_t vec;
};

/// Rows with Entries entries each, any number where that is negative. Rows lie XRow and YRow floats apart.
template <int Entries, int Vecs, bool Add, ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void linear_run(TableRun run, const int32_t* row, const TableEntry* entries, Vectors x, Vectors y,
                                auto&& ahead) {
  const int count = Entries < 0 ? run.entries : Entries;
  for (int32_t i = 0; i < run.rows; ++i, entries += count) {
    if (i % 4 == 0) fetch(ahead, 4 * count * Vecs);
    float* to = y.data + row[i] * YRow;
    Vec sum[Vecs];
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) sum[n] = Add ? load(to + n * y.vec) : Vec{};
#pragma GCC unroll 4
    for (int e = 0; e < count; ++e) {
      const Vec coefficient = splat(entries[e].coefficient);
      const float* from = x.data + entries[e].index * XRow;
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) add_product(sum[n], coefficient, load(from + n * x.vec));
    }
#pragma GCC unroll 4
    for (int n = 0; n < Vecs; ++n) store(to + n * y.vec, sum[n]);
  }
}

/// Vectors lie x.vec and y.vec floats apart.
template <bool Add, ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void linear(const LinearTable& table, int vecs, Vectors x, Vectors y, auto&& ahead) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const Vectors from{x.data + v * x.vec, x.vec}, to{y.data + v * y.vec, y.vec};
    const int32_t* row = table.row;
    const TableEntry* entries = table.entries;
    for (const TableRun* run = table.run; run != table.run + table.runs; ++run) {
      switch (run->entries) {
        case 1: linear_run<1, Vecs, Add, XRow, YRow>(*run, row, entries, from, to, ahead); break;
        case 2: linear_run<2, Vecs, Add, XRow, YRow>(*run, row, entries, from, to, ahead); break;
        case 3: linear_run<3, Vecs, Add, XRow, YRow>(*run, row, entries, from, to, ahead); break;
        case 4: linear_run<4, Vecs, Add, XRow, YRow>(*run, row, entries, from, to, ahead); break;
        default: linear_run<-1, Vecs, Add, XRow, YRow>(*run, row, entries, from, to, ahead); break;
      }
      row += run->rows;
      entries += ptrdiff_t{run->rows} * run->entries;
    }
  });
}

/// The same for rows of which most are twins.
template <ptrdiff_t XRow, ptrdiff_t YRow>
GAUNTLET_INLINE void twins(const TwinTable& table, int vecs, Vectors x, Vectors y, Ahead& ahead) {
  for_groups(vecs, [&]<int Vecs>(int v) GAUNTLET_INLINE_LAMBDA {
    const TableEntry* entry = table.entries;
    const auto sum_entries = [&](int32_t count, Vec(&sum)[Vecs]) GAUNTLET_INLINE_LAMBDA {
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) sum[n] = Vec{};
#pragma GCC unroll 4
      for (const TableEntry* const end = entry + count; entry != end; ++entry) {
        const Vec coefficient = splat(entry->coefficient);
        const float* const from = x.data + entry->index * XRow + v * x.vec;
#pragma GCC unroll 4
        for (int n = 0; n < Vecs; ++n) add_product(sum[n], coefficient, load(from + n * x.vec));
      }
    };
    for (const Twins* twin = table.twin; twin != table.twin + table.twins; ++twin) {
      fetch(ahead, (twin->sums + twin->differences) * Vecs);
      Vec sum[Vecs], difference[Vecs];
      sum_entries(twin->sums, sum);
      sum_entries(twin->differences, difference);
      float *const first = y.data + twin->row[0] * YRow + v * y.vec, *const second =
                                                                         y.data + twin->row[1] * YRow + v * y.vec;
#pragma GCC unroll 4
      for (int n = 0; n < Vecs; ++n) {
        store(first + n * y.vec, sum[n] + difference[n]);
        store(second + n * y.vec, sum[n] - difference[n]);
      }
    }
  });
  linear<false, XRow, YRow>(table.lone, vecs, x, y, ahead);
}

}  // namespace gauntlet::GAUNTLET_ISA
